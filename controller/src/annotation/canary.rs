//! Canaries, which send a part of another Ingress's requests elsewhere, and mirrors, which send copies.

use super::entry::{Annotation, Invalid, Scope, Support};
use super::error::AnnotationError;
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "canary",
        scope: Scope::Ingress,
        risk: Risk::Low,
        support: Support::Partial("A canary gets no requests yet: all of them stay with the main Ingress."),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "This Ingress makes no routes of its own, but takes a share of the requests of the Ingress with the same host \
              and path. Boolean.",
        apply: |value, draft| {
            draft.canary = value.bool()?;
            if draft.canary {
                return Err(AnnotationError::Unsupported(
                    "is not supported yet: no request goes to this Ingress, all stay with the main one",
                ));
            }
            Ok(())
        },
    },
    Annotation::planned(
        "canary-by-header",
        Scope::Upstream,
        Risk::Medium,
        "A header that chooses: `always` or `never`.",
    ),
    Annotation::planned(
        "canary-by-header-value",
        Scope::Upstream,
        Risk::Medium,
        "The header's value that chooses the canary.",
    ),
    Annotation::planned(
        "canary-by-header-pattern",
        Scope::Upstream,
        Risk::Medium,
        "A regular expression for the header's values that choose the canary.",
    ),
    Annotation::planned(
        "canary-by-cookie",
        Scope::Upstream,
        Risk::Medium,
        "A cookie that chooses: `always` or `never`.",
    ),
    Annotation::planned("canary-weight", Scope::Upstream, Risk::Low, "The canary's share of requests. Default 0."),
    Annotation::planned(
        "canary-weight-total",
        Scope::Upstream,
        Risk::Low,
        "What `canary-weight` is a share of. Default 100.",
    ),
    Annotation::planned("mirror-target", Scope::Path, Risk::High, "A URL to which a copy of each request is sent."),
    Annotation::planned("mirror-host", Scope::Path, Risk::High, "The `Host` header of the copies."),
    Annotation::planned("mirror-request-body", Scope::Path, Risk::Low, "Whether copies have a body: `on` or `off`."),
];
