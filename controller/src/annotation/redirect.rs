//! Redirects instead of proxying.

use super::entry::{Annotation, Invalid, Scope};
use super::settings::AnnotationSettings;
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "app-root",
        Scope::Host,
        Risk::Medium,
        Invalid::FallsBack,
        "Redirects requests for `/` to this path, with status 302. A path that begins with one slash, such as \
         `/shop`. Default: not set. It applies to the whole host; the oldest Ingress of the host that sets it \
         decides.",
        |value, draft| {
            let path = value.path_with_captures()?;
            if !path.starts_with('/') || path.starts_with("//") {
                return Err(ValueError::Expected("an absolute path, such as \"/shop\""));
            }
            draft.host.app_root = Some(path.into());
            Ok(())
        },
    ),
    Annotation::full(
        "permanent-redirect",
        Scope::Path,
        Risk::Medium,
        Invalid::RejectsIngress,
        "Answers every request with a redirect to this location. A URL or an absolute path of letters, digits and \
         `/-._~,:?&=`. Path and query of the request are not added. Default: not set. The status is \
         `permanent-redirect-code` (301).",
        |value, draft| {
            draft.permanent_redirect = Some(value.url()?.into());
            Ok(())
        },
    ),
    Annotation::full(
        "permanent-redirect-code",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets the status of `permanent-redirect`. Whole number from 300 to 308; another number is replaced by 301. \
         Default 301.",
        |value, draft| {
            draft.permanent_code = code(value, 300..=308, 301, draft)?;
            Ok(())
        },
    ),
    Annotation::full(
        "temporal-redirect",
        Scope::Path,
        Risk::Medium,
        Invalid::RejectsIngress,
        "Answers every request with a redirect to this URL. It must begin with `http://` or `https://`, or nothing is \
         redirected. Path and query of the request are not added. Default: not set. The status is \
         `temporal-redirect-code` (302). It takes precedence over `permanent-redirect`.",
        temporal,
    ),
    Annotation::full(
        "temporal-redirect-code",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets the status of `temporal-redirect`. Whole number from 300 to 307; another number is replaced by 302. \
         Default 302.",
        |value, draft| {
            draft.temporal_code = code(value, 300..=307, 302, draft)?;
            Ok(())
        },
    ),
    Annotation::full(
        "relative-redirects",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets whether `Location` stays a path when `permanent-redirect` is a path, and when a redirect adds a slash \
         to the path. Boolean. Default: the ConfigMap's `relative-redirects` (false): scheme and host are added.",
        |value, draft| {
            draft.policies.relative_redirects = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "from-to-www-redirect",
        Scope::Host,
        Risk::Low,
        Invalid::RejectsIngress,
        "Redirects `www.HOST` to `HOST`, or `HOST` to `www.HOST` if `www.HOST` is the host of the rule. Boolean, \
         default false. The status is the ConfigMap's `http-redirect-code` (308). Nothing is redirected if the other \
         name is the host of a rule, or an alias.",
        |value, draft| {
            draft.from_to_www = value.bool()?;
            Ok(())
        },
    )
    .but("For exact host names only, not for wildcard hosts."),
    Annotation::full(
        "preserve-trailing-slash",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets whether redirects to HTTPS keep a slash at the end of path or query. Boolean. Default: the ConfigMap's \
         `preserve-trailing-slash` (false): one slash at the end is removed.",
        |value, draft| {
            draft.https.preserve_trailing_slash = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "ssl-redirect",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Redirects requests over plain HTTP to HTTPS, if the host has TLS. Boolean. Default: the ConfigMap's \
         `ssl-redirect` (true). The status is the ConfigMap's `http-redirect-code` (308). Paths of \
         `no-tls-redirect-locations` are exempt.",
        |value, draft| {
            draft.https.with_tls = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "force-ssl-redirect",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Redirects requests over plain HTTP to HTTPS, also if the host has no TLS: a load balancer in front may \
         terminate it. Boolean. Default: the ConfigMap's `force-ssl-redirect` (false). The status is the ConfigMap's \
         `http-redirect-code` (308). Paths of `no-tls-redirect-locations` are exempt.",
        |value, draft| {
            draft.https.always = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "use-port-in-redirects",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether redirects name the port of HTTPS: `--advertised-https-port`, or else `--https-port`. Boolean. \
         Default: the ConfigMap's `use-port-in-redirects` (false).",
        |value, draft| {
            draft.https.name_port = value.bool()?;
            Ok(())
        },
    )
    .but("Only redirects to HTTPS name the port, not redirects that add a slash to the path."),
    Annotation::full(
        "http2-push-preload",
        Scope::Ingress,
        Risk::Low,
        Invalid::FallsBack,
        "Turned on HTTP/2 server push for the `Link` headers of responses. Boolean, default false.",
        |value, _| value.bool().map(drop),
    )
    .but("Accepted without effect, as in ingress-nginx since nginx 1.25.1."),
];

/// `temporal-redirect`. Anything but a URL redirects nothing in ingress-nginx, and `permanent-redirect`, which is read before,
/// does not either.
fn temporal(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    let url = value.url()?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        draft.permanent_redirect = None;
        return Err(ValueError::Unsupported(
            "is not a URL: expected one that begins with http:// or https://; nothing is redirected",
        ));
    }
    draft.temporal_redirect = Some(url.into());
    Ok(())
}

/// A redirect's status; one out of range is the default, as in ingress-nginx.
fn code(
    value: Value<'_>,
    range: std::ops::RangeInclusive<i64>,
    default: u16,
    draft: &mut AnnotationSettings,
) -> Result<u16, ValueError> {
    let code = value.int()?;
    if range.contains(&code) {
        return u16::try_from(code).map_err(|_| ValueError::Expected("a status from 300 to 308"));
    }
    draft.complain(format!(
        "is out of range: expected {} to {}; {default} is used instead",
        range.start(),
        range.end()
    ));
    Ok(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route_defaults::RouteDefaults;
    use gateway::config::Redirect;

    fn redirect(annotations: &[(&str, &str)]) -> Option<Redirect> {
        let defaults = RouteDefaults::default();
        let mut draft = AnnotationSettings::new(&defaults);
        for (key, value) in annotations {
            let annotation = Annotation::named(key).expect("a known annotation");
            let applied = (annotation.apply)(Value::from(*value), &mut draft);
            assert!(matches!(applied, Ok(()) | Err(ValueError::Unsupported(_))), "{key}: {applied:?}");
        }
        draft.finish(&defaults);
        draft.redirect
    }

    #[test]
    fn codes_out_of_range_are_the_default() {
        let code = |kind: &str, code: &str| {
            let name = format!("{kind}-redirect");
            redirect(&[(&name, "https://x/"), (&format!("{name}-code"), code)]).map(|redirect| redirect.code)
        };
        assert_eq!(code("permanent", "308"), Some(308));
        assert_eq!(code("permanent", "200"), Some(301), "D10");
        assert_eq!(code("temporal", "307"), Some(307), "D13");
        assert_eq!(code("temporal", "308"), Some(302), "D14");
    }

    #[test]
    fn temporal_wins() {
        let redirect = redirect(&[("permanent-redirect", "https://p/"), ("temporal-redirect", "https://t/")]);
        assert_eq!(redirect, Some(Redirect { code: 302, location: "https://t/".into() }));
    }

    #[test]
    fn what_is_no_url_redirects_nothing() {
        assert_eq!(redirect(&[("permanent-redirect", "https://p/"), ("temporal-redirect", "/t")]), None);
    }
}
