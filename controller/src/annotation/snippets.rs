//! nginx's own language.

use super::entry::{Annotation, Invalid, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "configuration-snippet",
        Scope::Path,
        Risk::Critical,
        Invalid::FallsBack,
        "Adds nginx directives to the paths. [snippets.md](snippets.md) lists those that work. Default empty. It needs \
         `allow-snippet-annotations: \"true\"` and `annotations-risk-level: Critical` in the ConfigMap. If it is not allowed, or one \
         of its directives cannot be served, the routes answer 503; `adit check` lists which.",
        |_, _| Ok(()), // read with the other snippets
    )
    .but("Some directives only; a snippet with another one denies the routes."),
    Annotation::full(
        "server-snippet",
        Scope::Host,
        Risk::Critical,
        Invalid::FallsBack,
        "Adds nginx directives to the hosts: those of the oldest Ingress that has any. [snippets.md](snippets.md) lists those that \
         work. Default empty. It needs `allow-snippet-annotations: \"true\"` and `annotations-risk-level: Critical` in the \
         ConfigMap; if it is not allowed, the Ingress's routes answer 503. If one of its directives cannot be served, all routes \
         of the hosts do; `adit check` lists which.",
        |_, _| Ok(()),
    )
    .but("Some directives only; a snippet with another one denies the host's routes."),
    Annotation::full(
        "stream-snippet",
        Scope::Ingress,
        Risk::Critical,
        Invalid::FallsBack,
        "Adds nginx directives to the block for TCP and UDP services. Those that tune what Adit does by itself are accepted without \
         effect. Servers are refused: Adit opens only the ports of `--tcp-services-configmap` and `--udp-services-configmap`. Default \
         empty. It needs `allow-snippet-annotations: \"true\"` and `annotations-risk-level: Critical` in the ConfigMap. If it is not \
         allowed, or one of its directives is refused, the routes answer 503; `adit check` lists which.",
        |_, _| Ok(()),
    )
    .but("No directive has an effect; one that asks for something that is not there denies the routes."),
];
