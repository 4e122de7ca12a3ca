//! How the settings of an auth server are read: the annotations `auth-*`, and the ConfigMap's keys `global-auth-*`.
//!
//! Each reads one value into [`ExternalAuthSettings`]. An error of any of them has to deny the routes: without the setting
//! that protects them they would be open, or ask another server.

use super::error::ValueError;
use super::header::{field_template, settable_field, settable_header};
use super::server_url::{server_url_at_host, template};
use super::value::Value;
use crate::route_defaults::ExternalAuthSettings;
use gateway::config::Template;
use http::Method;
use std::sync::Arc;

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"];
/// The statuses of a duration that names none (nginx: `proxy_cache_valid`).
const CACHED: &[u16] = &[200, 301, 302];

type Read = Result<(), ValueError>;

/// `auth-url`. No user stands in it: it would be shown wherever the setting is.
pub(crate) fn auth_url(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    server.url = Some(server_url_at_host(value.text())?);
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
/// several, the first counts. Empty places do not count.
pub(crate) fn auth_cache_duration(value: Value<'_>, server: &mut ExternalAuthSettings) -> Read {
    const EXPECTED: ValueError = ValueError::Expected("statuses and a time, such as \"200 202 10m, 401 1m\"");
    let mut lifetimes = Vec::new();
    for entry in value.list() {
        let mut words: Vec<_> = entry.split_ascii_whitespace().collect();
        let time = words.pop().ok_or(EXPECTED)?;
        let time = time.ends_with(|c: char| c.is_ascii_alphabetic()).then(|| Value::from(time).time().ok()).flatten();
        let time = time.ok_or(EXPECTED)?;
        let status = |word: &&str| word.parse().ok().filter(|status| (100..=999).contains(status)).ok_or(EXPECTED);
        let statuses: Vec<u16> = words.iter().map(status).collect::<Result<_, _>>()?;
        let statuses = if statuses.is_empty() { CACHED } else { &statuses };
        lifetimes.extend(statuses.iter().map(|status| (*status, time)));
    }
    if !lifetimes.is_empty() {
        server.cache_lifetimes = lifetimes.into();
    }
    Ok(())
}

fn header_names(value: Value<'_>) -> Result<Arc<[Arc<str>]>, ValueError> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let names = value.list().map(|name| {
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
    fn names_of_headers_are_listed() {
        let names = |text| {
            header_names(Value::from(text)).map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(names("X-User, X_Group"), Ok(vec!["X-User".to_owned(), "X_Group".to_owned()]));
        assert_eq!(names(",X-User,,"), Ok(vec!["X-User".to_owned()]));
        for text in ["X User", "X-\u{fc}", "X-User, Transfer-Encoding", "connection"] {
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
        assert_eq!(lifetimes(",200 5m,,401 1m,"), Some(vec![(200, 300), (401, 60)]));
        assert_eq!(lifetimes(","), Some(vec![(200, 300), (202, 300), (401, 300)]));
        for text in ["200", "200 5", "20 5m", "200 5x", "200 5m 401", "any 5m", "200 5m, x"] {
            assert_eq!(lifetimes(text), None, "{text:?}");
        }
    }
}
