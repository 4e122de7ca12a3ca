//! Keeping a client at one endpoint by a cookie.

use super::entry::{Annotation, FALSE, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::planned(
        "affinity",
        Scope::Upstream,
        Risk::Low,
        "Keeps the requests of one client at one endpoint by a cookie. Value: `cookie`. Default: not set, no \
         affinity.",
    ),
    Annotation::planned(
        "affinity-mode",
        Scope::Upstream,
        Risk::Medium,
        "Sets whether clients move when endpoints are added or removed. `balanced` moves some of them, so that the \
         load stays even. `persistent` moves a client only when its endpoint is gone. Default `balanced`.",
    ),
    Annotation::planned(
        "affinity-canary-behavior",
        Scope::Upstream,
        Risk::Low,
        "Sets whether affinity includes the canary. With `sticky` a client stays with the backend that it got, \
         canary or main. With `legacy` the affinity of the main Ingress does not apply to the canary. Default \
         `sticky`.",
    ),
    Annotation::planned(
        "session-cookie-name",
        Scope::Path,
        Risk::Medium,
        "Sets the name of the affinity cookie. Default `INGRESSCOOKIE`.",
    ),
    Annotation::planned(
        "session-cookie-path",
        Scope::Path,
        Risk::Medium,
        "Sets the `Path` of the affinity cookie. Default: the path of the rule.",
    ),
    Annotation::planned(
        "session-cookie-domain",
        Scope::Path,
        Risk::Medium,
        "Sets the `Domain` of the affinity cookie. Default: not set, the cookie has no `Domain`.",
    ),
    Annotation::planned(
        "session-cookie-samesite",
        Scope::Path,
        Risk::Low,
        "Sets the `SameSite` of the affinity cookie: `none`, `lax` or `strict`. Default: not set, the cookie has no \
         `SameSite`.",
    ),
    Annotation::planned(
        "session-cookie-conditional-samesite-none",
        Scope::Path,
        Risk::Low,
        "Leaves out `SameSite=None` for browsers that do not understand it, such as Chrome 51 to 66. Boolean, \
         default false.",
    )
    .unless(FALSE),
    Annotation::planned(
        "session-cookie-secure",
        Scope::Path,
        Risk::Low,
        "Gives the affinity cookie the attribute `Secure`, so that browsers send it over HTTPS only. Boolean. \
         Default: not set, the cookie has `Secure` if the request came over HTTPS.",
    ),
    Annotation::planned(
        "session-cookie-expires",
        Scope::Path,
        Risk::Medium,
        "Sets the `Expires` of the affinity cookie. Whole seconds from the time of the response. Default: not set, \
         browsers drop the cookie when they close.",
    ),
    Annotation::planned(
        "session-cookie-max-age",
        Scope::Path,
        Risk::Medium,
        "Sets the `Max-Age` of the affinity cookie. Whole seconds. Default: not set, browsers drop the cookie when \
         they close.",
    ),
    Annotation::planned(
        "session-cookie-change-on-failure",
        Scope::Path,
        Risk::Low,
        "Sets whether a client whose endpoint failed gets another endpoint and a new cookie. Boolean, default false: \
         the client stays with the failed endpoint.",
    )
    .unless(FALSE),
    Annotation::ignored(
        "session-cookie-hash",
        "ingress-nginx dropped it; there is only one hash",
        "Set how the value of the affinity cookie was hashed.",
    ),
];
