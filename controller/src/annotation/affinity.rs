//! Keeping a client at one endpoint by a cookie.

use super::entry::{Annotation, FALSE, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::planned("affinity", Scope::Upstream, Risk::Low, "A client stays at one endpoint: `cookie`."),
    Annotation::planned(
        "affinity-mode",
        Scope::Upstream,
        Risk::Medium,
        "Whether sessions move when endpoints come: `balanced` or `persistent`.",
    ),
    Annotation::planned(
        "affinity-canary-behavior",
        Scope::Upstream,
        Risk::Low,
        "Whether a session stays at a canary: `sticky` or `legacy`.",
    ),
    Annotation::planned(
        "session-cookie-name",
        Scope::Path,
        Risk::Medium,
        "The cookie's name. Default `INGRESSCOOKIE`.",
    ),
    Annotation::planned("session-cookie-path", Scope::Path, Risk::Medium, "The cookie's path. Default: the rule's."),
    Annotation::planned("session-cookie-domain", Scope::Path, Risk::Medium, "The cookie's domain. Default none."),
    Annotation::planned("session-cookie-samesite", Scope::Path, Risk::Low, "`none`, `lax` or `strict`."),
    Annotation::planned(
        "session-cookie-conditional-samesite-none",
        Scope::Path,
        Risk::Low,
        "`SameSite=None` is left out for browsers that mistake it. Boolean.",
    )
    .unless(FALSE),
    Annotation::planned(
        "session-cookie-secure",
        Scope::Path,
        Risk::Low,
        "The cookie is sent over HTTPS only. Boolean.",
    ),
    Annotation::planned(
        "session-cookie-expires",
        Scope::Path,
        Risk::Medium,
        "The cookie's `Expires`, in seconds from now.",
    ),
    Annotation::planned("session-cookie-max-age", Scope::Path, Risk::Medium, "The cookie's `Max-Age`, in seconds."),
    Annotation::planned(
        "session-cookie-change-on-failure",
        Scope::Path,
        Risk::Low,
        "After a failure the client gets another endpoint, and keeps that. Boolean.",
    )
    .unless(FALSE),
    Annotation::ignored(
        "session-cookie-hash",
        "ingress-nginx dropped it; there is one way to hash",
        "How the cookie's value was hashed.",
    ),
];
