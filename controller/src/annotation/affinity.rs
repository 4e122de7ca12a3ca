//! Keeping a client at one endpoint by a cookie.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use gateway::config::{AffinityMode, SameSite};

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "affinity",
        Scope::Upstream,
        Risk::Low,
        Invalid::FallsBack,
        "Keeps the requests of one client at one endpoint by a cookie, that of ingress-nginx included. Value: `cookie`. Paths \
         of other Ingresses with the same backend go by the cookie, too, but do not set it. It does not count for \
         `spec.defaultBackend`. Default: not set, no affinity.",
        |value, draft| {
            value.one_of(&["cookie"], "\"cookie\"")?;
            draft.affinity_annotations.by_cookie = true;
            Ok(())
        },
    ),
    Annotation::full(
        "affinity-mode",
        Scope::Upstream,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets whether clients move when endpoints are added or removed. `balanced` moves some of them, so that the load \
         stays even. `persistent` moves a client only when its endpoint is gone. The oldest Ingress that sets it decides \
         for a backend. Default `balanced`.",
        |value, draft| {
            let mode = match value.one_of(&["balanced", "persistent"], "\"balanced\" or \"persistent\"")? {
                "persistent" => AffinityMode::Persistent,
                _ => AffinityMode::Balanced,
            };
            draft.affinity_annotations.mode = Some(mode);
            Ok(())
        },
    ),
    Annotation::full(
        "affinity-canary-behavior",
        Scope::Upstream,
        Risk::Low,
        Invalid::FallsBack,
        "On a canary, sets whether the affinity of the main Ingress includes it. With `sticky` a client stays with the \
         backend that it got, canary or main, whatever `canary-*` say. With `legacy` the canary has no affinity; clients \
         with a cookie of the main backend stay there all the same. Default `sticky`.",
        |value, draft| {
            let behavior = value.one_of(&["sticky", "legacy"], "\"sticky\" or \"legacy\"")?;
            draft.canary_settings.legacy_affinity = Some(behavior == "legacy");
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-name",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the name of the affinity cookie. Of several Ingresses with affinity for one backend, the youngest decides, here \
         and for all `session-cookie-*`. Default `INGRESSCOOKIE`.",
        |value, draft| {
            draft.affinity_annotations.name = Some(value.basic()?.into());
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-path",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the `Path` of the affinity cookie. Needed with `use-regex`, since no path begins with a regular expression. \
         Default: the path of the rule.",
        |value, draft| {
            draft.affinity_annotations.attributes.path = Some(value.url()?.into());
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-domain",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the `Domain` of the affinity cookie. Default: not set, the cookie has no `Domain`.",
        |value, draft| {
            draft.affinity_annotations.attributes.domain = Some(value.basic()?.into());
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-samesite",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets the `SameSite` of the affinity cookie: `None`, `Lax` or `Strict`, in upper or lower case. Default: not set, \
         the cookie has no `SameSite`.",
        |value, draft| {
            draft.affinity_annotations.same_site = Some(same_site(value)?);
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-conditional-samesite-none",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Leaves out `SameSite=None` for browsers that do not understand it, such as Chrome 51 to 66. Boolean, default false.",
        |value, draft| {
            draft.affinity_annotations.unless_unknown = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-secure",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Gives the affinity cookie the attribute `Secure` also over plain HTTP, so that browsers send it over HTTPS only. \
         Over HTTPS it always has it. Boolean, default false.",
        |value, draft| {
            draft.affinity_annotations.attributes.secure = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-expires",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the `Expires` of the affinity cookie. Whole seconds from the time of the response, which may be negative. \
         Default: not set, browsers drop the cookie when they close.",
        |value, draft| {
            draft.affinity_annotations.attributes.expires = Some(seconds(value)?);
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-max-age",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the `Max-Age` of the affinity cookie. Whole seconds, which may be negative. Default: not set, browsers drop \
         the cookie when they close.",
        |value, draft| {
            draft.affinity_annotations.attributes.max_age = Some(seconds(value)?);
            Ok(())
        },
    ),
    Annotation::full(
        "session-cookie-change-on-failure",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether a client whose endpoint cannot be connected gets another endpoint and a new cookie. Boolean, default \
         false: the request is answered with 502, and the client stays with the failed endpoint.",
        |value, draft| {
            draft.affinity_annotations.change_on_failure = value.bool()?;
            Ok(())
        },
    ),
    Annotation::ignored(
        "session-cookie-hash",
        "ingress-nginx dropped it; there is only one hash",
        "Set how the value of the affinity cookie was hashed.",
    ),
];

fn same_site(value: Value<'_>) -> Result<SameSite, ValueError> {
    match &*value.text().to_ascii_lowercase() {
        "none" => Ok(SameSite::None),
        "lax" => Ok(SameSite::Lax),
        "strict" => Ok(SameSite::Strict),
        _ => Err(ValueError::Expected("\"None\", \"Lax\" or \"Strict\"")),
    }
}

fn seconds(value: Value<'_>) -> Result<i32, ValueError> {
    value.number(i32::MIN..=i32::MAX, "a number of seconds from -2147483648 to 2147483647, such as \"172800\"")
}
