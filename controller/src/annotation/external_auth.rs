//! `auth-url`: a server that authorizes each request, and the annotations that go with it.

use super::entry::{Annotation, AnnotationFacets, EMPTY, FALSE, Invalid, Scope};
use super::settings::AuthUrl;
use crate::address::{OFF_LIMITS, is_off_limits};
use crate::object::Kind;
use crate::registry::{Apply, Value, ValueError, settable_header};
use crate::route_defaults::Risk;
use gateway::config::{HostName, Template};
use http::uri::Authority;
use std::net::IpAddr;
use std::sync::Arc;

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"];
const KEPT: &str = "connections to the auth service are always kept";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    supported(
        "auth-url",
        Risk::High,
        "Sets the URL of an external service that authorizes requests. Each request first causes an auth request to \
         this URL. A 2xx response allows the request; 401 and 403 go to the client; any other result is answered with \
         500. An absolute URL with `http://` or `https://`; path and query may contain nginx variables. Default: not \
         set, no auth request. The timeouts are those of the backend.",
        |value, draft| {
            draft.external_auth.url = Some(url(value.text())?);
            Ok(())
        },
    )
    .but("A host with variables is refused: the routes answer 503."),
    supported(
        "auth-method",
        Risk::Low,
        "Sets the HTTP method of the auth request, such as `POST`. Default `GET`.",
        |value, draft| {
            let method = value.one_of(METHODS, "a method of HTTP, such as \"GET\"")?;
            draft.external_auth.method = method.parse().ok();
            Ok(())
        },
    ),
    Annotation::full(
        "auth-signin",
        Scope::Path,
        Risk::High,
        Invalid::FallsBack, // the client gets the 401
        "Sets the URL of the sign-in page. A request that the auth service answers with 401 is redirected (302) to \
         it. May contain nginx variables. Default: not set, the client gets the 401.",
        |value, draft| {
            let url = value.text();
            template(url)?;
            draft.external_auth.signin = Some(url.into());
            Ok(())
        },
    ),
    supported(
        "auth-signin-redirect-param",
        Risk::Medium,
        "Sets the query parameter that tells the sign-in page the URL to return to. Default `rd`.",
        |value, draft| {
            let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
            let name = value.text();
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(ValueError::Expected("the name of a query parameter, such as \"rd\""));
            }
            draft.external_auth.redirect_param = Some(name.into());
            Ok(())
        },
    ),
    supported(
        "auth-response-headers",
        Risk::Medium,
        "Names the headers that are copied from the auth response to the request for the backend, separated by \
         commas. They replace the client's; one that the auth response does not have is removed. Default: none.",
        |value, draft| {
            draft.external_auth.response_headers = header_names(value)?;
            Ok(())
        },
    ),
    supported(
        "auth-request-redirect",
        Risk::Medium,
        "Sets the header `X-Auth-Request-Redirect` of the auth request. A URL or a path; it may contain nginx \
         variables. Default: path and query of the client's request.",
        |value, draft| {
            draft.external_auth.request_redirect = Some(template(value.text())?);
            Ok(())
        },
    ),
    supported(
        "auth-always-set-cookie",
        Risk::Low,
        "Sets whether the `Set-Cookie` headers of the auth response are added to all responses. Boolean, default \
         false: they are added to successful responses and redirects only.",
        |value, draft| {
            draft.external_auth.always_set_cookie = value.bool()?;
            Ok(())
        },
    ),
    Annotation::denied(
        "auth-proxy-set-headers",
        Scope::Path,
        Risk::Medium,
        "Names a ConfigMap, as `namespace/name`, with more headers for the auth request. Default: none.",
    )
    .refers_to(Kind::ConfigMap),
    Annotation::denied(
        "auth-cache-key",
        Scope::Path,
        Risk::Medium,
        "Sets the key under which auth responses are cached. Text with nginx variables, such as `$remote_user`. \
         Default: not set, nothing is cached.",
    ),
    Annotation::denied(
        "auth-cache-duration",
        Scope::Path,
        Risk::Medium,
        "Sets how long auth responses are cached: statuses, then a time, such as `200 202 10m`. Several entries are \
         separated by commas. Default `200 202 401 5m`.",
    ),
    Annotation::ignored(
        "auth-keepalive",
        KEPT,
        "Sets how many idle connections to the auth service are kept. Whole number.",
    ),
    Annotation::ignored(
        "auth-keepalive-requests",
        KEPT,
        "Sets how many auth requests one kept connection serves. Whole number.",
    ),
    Annotation::ignored(
        "auth-keepalive-timeout",
        "the ConfigMap's `upstream-keepalive-timeout` sets it",
        "Sets how long an idle connection to the auth service is kept. Whole seconds.",
    ),
    Annotation::denied(
        "auth-keepalive-share-vars",
        Scope::Path,
        Risk::Low,
        "Shares nginx variables between the client's request and the auth request. Boolean, default false.",
    )
    .unless(FALSE),
    Annotation::denied(
        "auth-snippet",
        Scope::Path,
        Risk::Critical,
        "Adds nginx directives to the auth request. Default empty.",
    )
    .unless(EMPTY),
    Annotation::denied(
        "enable-global-auth",
        Scope::Path,
        Risk::Low,
        "Sets whether the ConfigMap's `global-auth-url` applies to these paths. Boolean, default true. Both values \
         are accepted here, because `global-auth-url` itself is refused and makes every route answer 503.",
    )
    .unless(&["true", "True", "TRUE", "t", "T", "1", "false", "False", "FALSE", "f", "F", "0"]),
];

/// A supported entry whose invalid values deny the routes.
const fn supported(name: &'static str, risk: Risk, doc: &'static str, apply: Apply<AnnotationFacets>) -> Annotation {
    Annotation::full(name, Scope::Path, risk, Invalid::Denies, doc, apply)
}

/// The URL of an auth server. No user stands in it: it would be shown wherever the annotation is.
fn url(text: &str) -> Result<AuthUrl, ValueError> {
    const EXPECTED: ValueError = ValueError::Expected("a URL of HTTP, such as \"http://auth.example.com/check\"");
    let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
    let tls = match scheme {
        "http" => false,
        "https" => true,
        _ => return Err(EXPECTED),
    };
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(EXPECTED);
    }
    if authority.contains('$') {
        return Err(ValueError::Refused("has a variable in its host, which Adit does not support"));
    }
    let parsed: Authority = authority.parse().map_err(|_| EXPECTED)?;
    let port = match parsed.port_u16() {
        Some(port) if port > 0 => port,
        None if parsed.host().len() == authority.len() => {
            if tls {
                443
            } else {
                80
            }
        }
        _ => return Err(EXPECTED),
    };
    let slash = if target.starts_with('/') { "" } else { "/" };
    let target = template(&format!("{slash}{target}"))?;
    Ok(AuthUrl { tls, host: host(parsed.host()).ok_or(EXPECTED)??, port, authority: authority.into(), target })
}

/// A host that is not off limits.
fn host(text: &str) -> Option<Result<Arc<str>, ValueError>> {
    let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if is_off_limits(unbracketed) {
        return Some(Err(ValueError::Refused(OFF_LIMITS)));
    }
    if let Ok(address) = unbracketed.parse::<IpAddr>() {
        return Some(Ok(address.to_string().into()));
    }
    match HostName::parse(text) {
        Ok(HostName::Exact(name)) => Some(Ok(name)),
        _ => None,
    }
}

/// A text with nginx variables that may stand in a URL.
fn template(text: &str) -> Result<Template, ValueError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"#'<>\\^`|;".contains(&byte)) {
        return Err(ValueError::Expected("a URL without spaces, quotes, '#' and ';'"));
    }
    Template::parse(text).map_err(ValueError::Template)
}

fn header_names(value: Value<'_>) -> Result<Arc<[Arc<str>]>, ValueError> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let names = value.text().split(',').map(|name| {
        let name = name.trim();
        if !is_name(name) {
            return Err(ValueError::Expected("names of headers, separated by commas"));
        }
        settable_header(name).map(|_| name.into())
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split() {
        let parts = |text: &str| {
            let AuthUrl { tls, host, port, authority, target } = url(text).expect("a URL");
            (tls, host.to_string(), port, authority.to_string(), target)
        };
        let target = |text| Template::parse(text).expect("a template");
        assert_eq!(
            parts("http://Auth.ns.svc/check?x=$arg_x"),
            (false, "auth.ns.svc".into(), 80, "Auth.ns.svc".into(), target("/check?x=$arg_x"))
        );
        assert_eq!(
            parts("https://[2001:db8::1]:8443"),
            (true, "2001:db8::1".into(), 8443, "[2001:db8::1]:8443".into(), target("/"))
        );
        assert_eq!(parts("https://a.example?q").4, target("/?q"));
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for text in [
            "",
            " ",
            "auth.example/check",
            "ftp://a.example/",
            "http:///check",
            "http://a b/",
            "http://user@a.example/",
            "http://user:password@a.example:80/",
            "http://a.example:0/",
            "http://a.example:99999/",
            "http://a.example:/",
            "http://*.example/",
            "http://a..example/",
            "http://a.example/\";}",
            "http://a.example/\nb",
            "http://a.example/$nothing",
        ] {
            assert!(url(text).is_err(), "{text:?}");
        }
        for text in [
            "http://127.0.0.1/",
            "http://localhost/",
            "http://127.0.0.1./",
            "http://LocalHost./",
            "http://169.254.169.254/",
            "http://169.254.169.254./",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://[fd00:ec2::254]/latest/meta-data",
            "http://[::ffff:127.0.0.1]/",
            "https://$host/",
        ] {
            assert!(matches!(url(text), Err(ValueError::Refused(_))), "{text:?}");
        }
    }

    #[test]
    fn names_of_headers_are_listed() {
        let names = |text| {
            header_names(Value::from(text)).map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(names("X-User, X_Group"), Ok(vec!["X-User".to_owned(), "X_Group".to_owned()]));
        for text in ["", "X-User,", "X User", "X-\u{fc}", "X-User, Transfer-Encoding", "connection"] {
            assert!(names(text).is_err(), "{text:?}");
        }
    }
}
