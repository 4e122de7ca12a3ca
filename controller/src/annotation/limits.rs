//! How much a client may do, and which clients may do anything.

use super::entry::{Annotation, Scope};
use crate::route_defaults::Risk;

/// What cert-manager sets on the Ingress of its solver: everybody may pass.
const EVERYBODY: &[&str] = &["0.0.0.0/0,::/0", "::/0,0.0.0.0/0"];
const ZERO: &[&str] = &["0"];

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::denied("limit-rps", Scope::Path, Risk::Low, "Requests per second of one client. 0 is no limit.").unless(ZERO),
    Annotation::denied("limit-rpm", Scope::Path, Risk::Low, "Requests per minute of one client. 0 is no limit.").unless(ZERO),
    Annotation::denied("limit-burst-multiplier", Scope::Path, Risk::Low, "How much more at once. Default 5."),
    Annotation::denied("limit-connections", Scope::Path, Risk::Low, "Requests of one client at a time. 0 is no limit.")
        .unless(ZERO),
    Annotation::denied("limit-rate", Scope::Path, Risk::Low, "Kilobytes per second of one answer. 0 is no limit.").unless(ZERO),
    Annotation::denied("limit-rate-after", Scope::Path, Risk::Low, "Kilobytes after which that begins.").unless(ZERO),
    Annotation::denied("limit-allowlist", Scope::Path, Risk::Low, "Addresses without limits."),
    Annotation::denied("limit-whitelist", Scope::Path, Risk::Low, "The former name of `limit-allowlist`."),
    Annotation::denied(
        "allowlist-source-range",
        Scope::Path,
        Risk::Medium,
        "Addresses that may pass. `0.0.0.0/0,::/0` is everybody, and served.",
    )
    .unless(EVERYBODY),
    Annotation::denied(
        "whitelist-source-range",
        Scope::Path,
        Risk::Medium,
        "The former name of `allowlist-source-range`. `0.0.0.0/0,::/0`, which cert-manager sets, is everybody, and served.",
    )
    .unless(EVERYBODY),
    Annotation::denied("denylist-source-range", Scope::Path, Risk::Medium, "Addresses that may not pass."),
];
