//! What is changed in the answers of a backend.

use super::entry::{Annotation, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::planned(
        "proxy-cookie-domain",
        Scope::Path,
        Risk::Medium,
        "Replaces the domain of the backend's cookies: `off`, or two domains.",
    )
    .unless(&["off"]),
    Annotation::planned(
        "proxy-cookie-path",
        Scope::Path,
        Risk::Medium,
        "Replaces the path of the backend's cookies: `off`, or two paths.",
    )
    .unless(&["off"]),
    Annotation::planned(
        "proxy-redirect-from",
        Scope::Path,
        Risk::Medium,
        "The beginning of the backend's `Location` headers that is replaced.",
    )
    .unless(&["off"]),
    Annotation::planned("proxy-redirect-to", Scope::Path, Risk::Medium, "What replaces it.").unless(&["off"]),
    Annotation::denied(
        "custom-headers",
        Scope::Path,
        Risk::Medium,
        "Headers set on answers, from a ConfigMap; often those that protect browsers.",
    ),
];
