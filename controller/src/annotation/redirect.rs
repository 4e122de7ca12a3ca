//! Redirects instead of proxying.

use super::entry::{Annotation, Invalid, Scope, Support, nothing};
use super::error::AnnotationError;
use super::settings::AnnotationSettings;
use super::value::Value;
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "app-root",
        scope: Scope::Host,
        risk: Risk::Medium,
        support: Support::Full,
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Redirects requests for `/` to this path, with status 302. A path that begins with one slash, such as \
              `/shop`. Default: not set. It applies to the whole host; the oldest Ingress of the host that \
              sets it decides.",
        apply: |value, draft| {
            let path = value.path_with_captures()?;
            if !path.starts_with('/') || path.starts_with("//") {
                return Err(AnnotationError::Expected("an absolute path, such as \"/shop\""));
            }
            draft.host.app_root = Some(path.into());
            Ok(())
        },
    },
    Annotation {
        key: "permanent-redirect",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Full,
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "Answers every request with a redirect to this location. A URL or an absolute path of letters, digits \
              and `/-._~,:?&=`. Path and query of the request are not added. Default: not set. The status is \
              `permanent-redirect-code` (301).",
        apply: |value, draft| {
            draft.permanent_redirect = Some(value.url()?.into());
            Ok(())
        },
    },
    Annotation {
        key: "permanent-redirect-code",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Full,
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "Sets the status of `permanent-redirect`. Whole number from 300 to 308; another number is replaced by \
              301. Default 301.",
        apply: |value, draft| {
            draft.permanent_code = code(value, 300..=308, 301, draft)?;
            Ok(())
        },
    },
    Annotation {
        key: "temporal-redirect",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Full,
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "Answers every request with a redirect to this URL. It must begin with `http://` or `https://`. Path \
              and query of the request are not added. Default: not set. The status is `temporal-redirect-code` \
              (302). It takes precedence over `permanent-redirect`.",
        apply: |value, draft| {
            let url = value.url()?;
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(AnnotationError::Expected("a URL that begins with http:// or https://"));
            }
            draft.temporal_redirect = Some(url.into());
            Ok(())
        },
    },
    Annotation {
        key: "temporal-redirect-code",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Full,
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "Sets the status of `temporal-redirect`. Whole number from 300 to 307; another number is replaced by \
              302. Default 302.",
        apply: |value, draft| {
            draft.temporal_code = code(value, 300..=307, 302, draft)?;
            Ok(())
        },
    },
    Annotation {
        key: "relative-redirects",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Full,
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "Sets whether `Location` stays a path when `permanent-redirect` is a path, and when a redirect adds a \
              slash to the path. Boolean. Default: the ConfigMap's `relative-redirects` (false): scheme and host are \
              added.",
        apply: |value, draft| {
            draft.policies.relative_redirects = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "from-to-www-redirect",
        scope: Scope::Host,
        risk: Risk::Low,
        support: Support::Partial("For exact host names only, not for wildcard hosts."),
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "Redirects `www.HOST` to `HOST`, or `HOST` to `www.HOST` if `www.HOST` is the host of the rule. \
              Boolean, default false. The status is the ConfigMap's `http-redirect-code` (308). Nothing is \
              redirected if the other name is the host of a rule, or an alias.",
        apply: |value, draft| {
            draft.from_to_www = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "preserve-trailing-slash",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Full,
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Sets whether redirects to HTTPS keep a slash at the end of path or query. Boolean. Default: the \
              ConfigMap's `preserve-trailing-slash` (false): one slash at the end is removed.",
        apply: |value, draft| {
            draft.https.preserve_trailing_slash = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "ssl-redirect",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Full,
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Redirects requests over plain HTTP to HTTPS, if the host has TLS. Boolean. Default: the ConfigMap's \
              `ssl-redirect` (true). The status is the ConfigMap's `http-redirect-code` (308). Paths of \
              `no-tls-redirect-locations` are exempt.",
        apply: |value, draft| {
            draft.https.with_tls = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "force-ssl-redirect",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Full,
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Redirects requests over plain HTTP to HTTPS, also if the host has no TLS: a load balancer in front may \
              terminate it. Boolean. Default: the ConfigMap's `force-ssl-redirect` (false). The status is the \
              ConfigMap's `http-redirect-code` (308). Paths of `no-tls-redirect-locations` are exempt.",
        apply: |value, draft| {
            draft.https.always = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "use-port-in-redirects",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Partial("Only redirects to HTTPS name the port, not redirects that add a slash to the path."),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Sets whether redirects name the port of HTTPS: `--advertised-https-port`, or else `--https-port`. \
              Boolean. Default: the ConfigMap's `use-port-in-redirects` (false).",
        apply: |value, draft| {
            draft.https.name_port = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        support: Support::Partial("Accepted without effect, as in ingress-nginx since nginx 1.25.1."),
        apply: nothing_but_a_bool,
        ..Annotation::ignored(
            "http2-push-preload",
            "",
            "Turned on HTTP/2 server push for the `Link` headers of responses. Boolean, default false.",
        )
    },
];

/// A redirect's status; one out of range is the default, as in ingress-nginx.
fn code(
    value: Value<'_>,
    range: std::ops::RangeInclusive<i64>,
    default: u16,
    draft: &mut AnnotationSettings,
) -> Result<u16, AnnotationError> {
    let code = value.int()?;
    if range.contains(&code) {
        return u16::try_from(code).map_err(|_| AnnotationError::Expected("a status from 300 to 308"));
    }
    draft.complain(format!(
        "is out of range: expected {} to {}; {default} is used instead",
        range.start(),
        range.end()
    ));
    Ok(default)
}

fn nothing_but_a_bool(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), AnnotationError> {
    value.bool()?;
    nothing(value, draft)
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
            (annotation.apply)(Value(value), &mut draft).expect("a valid value");
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
}
