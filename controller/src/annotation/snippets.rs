//! nginx's own language, which nothing here interprets, and the firewall that is made of it.

use super::entry::{Annotation, EMPTY, FALSE, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::denied(
        "configuration-snippet",
        Scope::Path,
        Risk::Critical,
        "Adds nginx directives to the paths. Default empty.",
    )
    .unless(EMPTY),
    Annotation::denied(
        "server-snippet",
        Scope::Host,
        Risk::Critical,
        "Adds nginx directives to the hosts. Default empty.",
    )
    .unless(EMPTY),
    Annotation::denied(
        "stream-snippet",
        Scope::Ingress,
        Risk::Critical,
        "Adds nginx directives to TCP and UDP services. Default empty.",
    )
    .unless(EMPTY),
    Annotation::denied("modsecurity-snippet", Scope::Path, Risk::Critical, "Adds rules to ModSecurity. Default empty.")
        .unless(EMPTY),
    Annotation::denied(
        "enable-modsecurity",
        Scope::Path,
        Risk::Low,
        "Turns on ModSecurity, a web application firewall. Boolean, default false.",
    )
    .unless(FALSE),
    Annotation::denied(
        "enable-owasp-core-rules",
        Scope::Path,
        Risk::Low,
        "Makes ModSecurity use the OWASP Core Rule Set. Boolean, default false.",
    )
    .unless(FALSE),
    Annotation::denied(
        "modsecurity-transaction-id",
        Scope::Path,
        Risk::High,
        "Sets the id of a request in ModSecurity's log. Text with nginx variables, such as `$request_id`. Default: \
         not set, ModSecurity chooses it.",
    ),
];
