//! Cross-origin requests. Without these headers a browser refuses them, so that nothing opens by their absence.

use super::entry::{Annotation, FALSE, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::planned("enable-cors", Scope::Path, Risk::Low, "Answers carry the headers of CORS. Boolean.")
        .unless(FALSE),
    Annotation::planned("cors-allow-origin", Scope::Path, Risk::Medium, "The origins that may. Default `*`."),
    Annotation::planned("cors-allow-methods", Scope::Path, Risk::Medium, "The methods that they may use."),
    Annotation::planned("cors-allow-headers", Scope::Path, Risk::Medium, "The headers that they may send."),
    Annotation::planned(
        "cors-allow-credentials",
        Scope::Path,
        Risk::Low,
        "They may send cookies. Boolean, default true.",
    ),
    Annotation::planned("cors-expose-headers", Scope::Path, Risk::Medium, "The headers of answers that they may read."),
    Annotation::planned(
        "cors-max-age",
        Scope::Path,
        Risk::Low,
        "Seconds for which browsers remember. Default 1728000.",
    ),
];
