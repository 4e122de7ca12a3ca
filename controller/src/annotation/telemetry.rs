//! What is written down about requests.

use super::entry::{Annotation, FALSE, Invalid, Scope, Support};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "enable-access-log",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Full,
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Whether requests are written to the access log. Boolean, default true.",
        apply: |value, draft| {
            draft.policies.access_log = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        harmless: FALSE,
        ..Annotation::ignored(
            "enable-rewrite-log",
            "nginx's log of rewrites has no counterpart; `adit explain` shows what a rewrite does",
            "Rewrites are written to the error log. Boolean.",
        )
    },
    Annotation::planned("enable-opentelemetry", Scope::Path, Risk::Low, "Requests are traced. Boolean.").unless(FALSE),
    Annotation::planned(
        "opentelemetry-trust-incoming-span",
        Scope::Path,
        Risk::Low,
        "Traces continue those of the client. Boolean, default true.",
    ),
    Annotation::planned("opentelemetry-operation-name", Scope::Path, Risk::Medium, "The name of spans."),
];
