//! What is written down about requests.

use super::entry::{Annotation, FALSE, Invalid, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "enable-access-log",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether requests are written to the access log. Boolean, default true.",
        |value, draft| {
            draft.policies.access_log = value.bool()?;
            Ok(())
        },
    ),
    Annotation::ignored(
        "enable-rewrite-log",
        "there is no log of rewrites; `adit explain` shows what a rewrite does",
        "Writes rewrites to nginx's error log. Boolean, default false.",
    )
    .unless(FALSE),
    Annotation::planned(
        "enable-opentelemetry",
        Scope::Path,
        Risk::Low,
        "Turns on traces of requests. Boolean. Default: the ConfigMap's `enable-opentelemetry` (false).",
    )
    .unless(FALSE),
    Annotation::planned(
        "opentelemetry-trust-incoming-span",
        Scope::Path,
        Risk::Low,
        "Sets whether traces continue those of the client. Boolean. Default: the ConfigMap's \
         `opentelemetry-trust-incoming-span` (true).",
    ),
    Annotation::planned(
        "opentelemetry-operation-name",
        Scope::Path,
        Risk::Medium,
        "Sets the name of the spans. Letters, digits, `-` and `_`. Default: the ConfigMap's \
         `opentelemetry-operation-name`.",
    ),
];
