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
        doc: "Requests for `/` are redirected (302) to this path. An absolute path.",
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
        doc: "Every request is redirected (301) to this URL; path and query are not appended. A URL or an absolute path.",
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
        doc: "The status of `permanent-redirect`: 300 to 308, else 301.",
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
        doc: "Every request is redirected (302) to this URL; wins over `permanent-redirect`. A URL with its scheme.",
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
        doc: "The status of `temporal-redirect`: 300 to 307, else 302.",
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
        doc: "A redirect to a path keeps `Location` a path, instead of making it a URL. Boolean.",
        apply: |value, draft| {
            draft.policies.relative_redirects = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "from-to-www-redirect",
        scope: Scope::Host,
        risk: Risk::Low,
        support: Support::Partial("For exact host names only: a wildcard has no twin."),
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "The host's twin, with or without `www.`, is redirected to it with the ConfigMap's `http-redirect-code`, \
              unless a rule or an alias has that name. Boolean.",
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
        doc: "Redirects to HTTPS keep a slash at the end, which else they drop. Boolean.",
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
        doc: "Requests over plain HTTP are redirected (308) to HTTPS where the host has TLS. Boolean, default true.",
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
        doc: "Requests over plain HTTP are redirected (308) to HTTPS, TLS or not: a load balancer may do it. Boolean.",
        apply: |value, draft| {
            draft.https.always = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "use-port-in-redirects",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Partial("Only redirects to HTTPS name it, not those to a path with a slash."),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Redirects name the port: that of `--advertised-https-port`. Boolean.",
        apply: |value, draft| {
            draft.https.name_port = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        support: Support::Partial("Accepted. It has done nothing since nginx 1.25.1, and does nothing here."),
        apply: nothing_but_a_bool,
        ..Annotation::ignored("http2-push-preload", "", "Pushes what `Link` headers of answers name. Boolean.")
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
        return u16::try_from(code).map_err(|_| AnnotationError::Expected("a status"));
    }
    draft.complain(format!("is out of the range {} to {}; {default} is used", range.start(), range.end()));
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
