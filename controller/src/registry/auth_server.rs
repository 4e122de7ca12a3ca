//! How the settings of an auth server are read: the annotations `auth-*`, and the ConfigMap's keys `global-auth-*`.
//!
//! Each reads one value into [`ExternalAuthSettings`]. An error of any of them has to deny the routes: without the setting
//! that protects them they would be open, or ask another server.

use super::error::ValueError;
use super::header::{field_template, settable_field, settable_header};
use super::value::Value;
use crate::address::{OFF_LIMITS, is_off_limits};
use crate::route_defaults::{AuthUrl, ExternalAuthSettings};
use gateway::config::{HostName, Template};
use http::Method;
use http::uri::Authority;
use std::net::IpAddr;
use std::sync::Arc;

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"];
/// The statuses of a duration that names none (nginx: `proxy_cache_valid`).
const CACHED: &[u16] = &[200, 301, 302];

type Read = Result<(), ValueError>;

/// `auth-url`. No user stands in it: it would be shown wherever the setting is.
pub(crate) fn auth_url(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    server.url = Some(url(value.text())?);
    Ok(())
}

/// `auth-method`.
pub(crate) fn auth_method(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    server.method = Some(method(value)?);
    Ok(())
}

/// A method of HTTP.
pub(crate) fn method(value: Value<'_>) -> Result<Method, ValueError> {
    const EXPECTED: &str = "a method of HTTP, such as \"GET\"";
    value.one_of(METHODS, EXPECTED)?.parse().map_err(|_| ValueError::Expected(EXPECTED))
}

/// `auth-signin`.
pub(crate) fn auth_signin(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    template(value.text())?;
    server.signin = Some(value.text().into());
    Ok(())
}

/// `auth-signin-redirect-param`.
pub(crate) fn auth_redirect_param(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    let name = value.text();
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(ValueError::Expected("the name of a query parameter, such as \"rd\""));
    }
    server.redirect_param = name.into();
    Ok(())
}

/// `auth-request-redirect`.
pub(crate) fn auth_request_redirect(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    server.request_redirect = Some(template(value.text())?);
    Ok(())
}

/// `auth-response-headers`.
pub(crate) fn auth_response_headers(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    server.response_headers = header_names(value)?;
    Ok(())
}

/// `auth-always-set-cookie`.
pub(crate) fn auth_always_set_cookie(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    server.always_set_cookie = value.bool()?;
    Ok(())
}

/// `auth-proxy-set-headers`: a ConfigMap.
pub(crate) fn auth_request_headers(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    let header = |(name, text): (&String, &String)| Ok((settable_field(name, text)?, field_template(name, text)?));
    server.request_headers =
        value.config_map()?.data.iter().flatten().map(header).collect::<Result<_, ValueError>>()?;
    Ok(())
}

/// `auth-cache-key`.
pub(crate) fn auth_cache_key(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    let text = value.text();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ValueError::Expected("text without spaces, with nginx variables, such as \"$http_authorization\""));
    }
    server.cache_key = Some(Template::parse(text)?);
    Ok(())
}

/// `auth-cache-duration`: lists of statuses, each with a time behind it, separated by commas. Of a status that stands in
/// several, the first counts.
pub(crate) fn auth_cache_duration(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    const EXPECTED: ValueError = ValueError::Expected("statuses and a time, such as \"200 202 10m, 401 1m\"");
    let mut lifetimes = Vec::new();
    for entry in value.text().split(',') {
        let mut words: Vec<_> = entry.split_ascii_whitespace().collect();
        let time = words.pop().ok_or(EXPECTED)?;
        let time = time.ends_with(|c: char| c.is_ascii_alphabetic()).then(|| Value::from(time).time().ok()).flatten();
        let time = time.ok_or(EXPECTED)?;
        let status = |word: &&str| word.parse().ok().filter(|status| (100..=999).contains(status)).ok_or(EXPECTED);
        let statuses: Vec<u16> = words.iter().map(status).collect::<Result<_, _>>()?;
        let statuses = if statuses.is_empty() { CACHED } else { &statuses };
        lifetimes.extend(statuses.iter().map(|status| (*status, time)));
    }
    server.cache_lifetimes = lifetimes.into();
    Ok(())
}

/// The URL of an auth server.
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
        return Err(ValueError::Refused("has a variable in its host, which Adit does not support".into()));
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
        return Some(Err(ValueError::Refused(OFF_LIMITS.into())));
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

    #[test]
    fn times_are_listed_by_status() {
        let lifetimes = |text| {
            let mut server = ExternalAuthSettings::default();
            auth_cache_duration(Value::from(text), &mut server).ok()?;
            Some(server.cache_lifetimes.iter().map(|(status, time)| (*status, time.as_secs())).collect::<Vec<_>>())
        };
        assert_eq!(lifetimes("200 202 10m, 401 1m"), Some(vec![(200, 600), (202, 600), (401, 60)]));
        assert_eq!(lifetimes("5s"), Some(vec![(200, 5), (301, 5), (302, 5)]));
        for text in ["", ",", "200", "200 5", "20 5m", "200 5x", "200 5m 401", "any 5m", "200 5m,"] {
            assert_eq!(lifetimes(text), None, "{text:?}");
        }
    }
}
