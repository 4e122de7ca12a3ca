//! URLs of servers that get requests of our own accord: auth servers and mirrors.

use super::error::ValueError;
use crate::address::{OFF_LIMITS, is_off_limits};
use crate::route_defaults::ServerUrl;
use gateway::config::{HostName, Piece, Template, Variable};
use http::uri::Authority;
use std::net::IpAddr;
use std::sync::Arc;

/// Variables that begin with a slash, and so may stand right behind the host.
const PATHS: [Variable; 3] = [Variable::RequestUri, Variable::Uri, Variable::DocumentUri];

/// Reads a URL: what is before its path is fixed, and only path and query may have variables. No user stands in it: it would
/// be shown wherever the setting is.
///
/// # Errors
/// The text is no such URL, or its host is this machine or one that nobody may be sent to.
pub(crate) fn server_url(text: &str) -> Result<ServerUrl, ValueError> {
    const EXPECTED: ValueError = ValueError::Expected("a URL of HTTP, such as \"http://auth.example.com/check\"");
    let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
    let tls = match scheme {
        "http" => false,
        "https" => true,
        _ => return Err(EXPECTED),
    };
    let (authority, target) = rest.split_at(rest.find(['/', '?', '$']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(EXPECTED);
    }
    let target = self::target(target)?;
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
    Ok(ServerUrl { tls, host: host(parsed.host()).ok_or(EXPECTED)??, port, authority: authority.into(), target })
}

/// The same, but the host may be `$host`: that of the client's request, which [`ServerUrl::HOST`] then stands for.
///
/// # Errors
/// As [`server_url`].
pub(super) fn server_url_at_host(text: &str) -> Result<ServerUrl, ValueError> {
    const SOME_HOST: &str = "host.example";
    let Some((scheme, rest)) = around_host(text) else { return server_url(text) };
    let url = server_url(&format!("{scheme}://{SOME_HOST}{rest}"))?;
    let port = url.authority.strip_prefix(SOME_HOST).unwrap_or_default();
    Ok(ServerUrl { host: ServerUrl::HOST.into(), authority: format!("{}{port}", ServerUrl::HOST).into(), ..url })
}

/// What is before and behind the host of a URL, if that is `$host`.
fn around_host(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let rest = [ServerUrl::HOST, "${host}"].iter().find_map(|variable| rest.strip_prefix(variable))?;
    (rest.is_empty() || rest.starts_with(['/', '?', ':'])).then_some((scheme, rest))
}

/// Path and query; `None` where the URL has neither.
fn target(text: &str) -> Result<Option<Template>, ValueError> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.starts_with('$') {
        let slash = if text.starts_with('/') { "" } else { "/" };
        return template(&format!("{slash}{text}")).map(Some);
    }
    let target = template(text)?;
    match &*target.0 {
        [Piece::Variable(variable), ..] if PATHS.contains(variable) => Ok(Some(target)),
        _ => Err(ValueError::Refused("has a variable in its host, which Adit does not support".into())),
    }
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
pub(super) fn template(text: &str) -> Result<Template, ValueError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"#'<>\\^`|;".contains(&byte)) {
        return Err(ValueError::Expected("a URL without spaces, quotes, '#' and ';'"));
    }
    Template::parse(text).map_err(ValueError::Template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split() {
        let parts = |text: &str| {
            let ServerUrl { tls, host, port, authority, target } = server_url(text).expect("a URL");
            (tls, host.to_string(), port, authority.to_string(), target)
        };
        let target = |text| Some(Template::parse(text).expect("a template"));
        assert_eq!(
            parts("http://Auth.ns.svc/check?x=$arg_x"),
            (false, "auth.ns.svc".into(), 80, "Auth.ns.svc".into(), target("/check?x=$arg_x"))
        );
        assert_eq!(
            parts("https://[2001:db8::1]:8443"),
            (true, "2001:db8::1".into(), 8443, "[2001:db8::1]:8443".into(), None)
        );
        assert_eq!(parts("https://a.example?q").4, target("/?q"));
        for path in ["$request_uri", "${request_uri}", "$uri$is_args$args", "/x$request_uri"] {
            assert_eq!(
                parts(&format!("http://m.example:81{path}")),
                (false, "m.example".into(), 81, "m.example:81".into(), target(path))
            );
        }
    }

    #[test]
    fn the_host_of_the_request_may_stand_for_that_of_the_url() {
        let parts = |text: &str| {
            let ServerUrl { tls, host, port, authority, .. } = server_url_at_host(text).expect("a URL");
            (tls, host.to_string(), port, authority.to_string())
        };
        assert_eq!(parts("https://$host/oauth2/auth"), (true, "$host".into(), 443, "$host".into()));
        assert_eq!(parts("http://${host}:8080?q"), (false, "$host".into(), 8080, "$host:8080".into()));
        assert_eq!(parts("http://a.example/"), (false, "a.example".into(), 80, "a.example".into()));
        for text in ["https://$hostname/", "https://$host$request_uri", "https://auth.$host/", "ftp://$host/", "$host"]
        {
            assert!(server_url_at_host(text).is_err(), "{text:?}");
        }
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
            assert!(server_url(text).is_err(), "{text:?}");
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
            "http://mirror-$host/",
            "http://mirror.$namespace.svc$request_uri",
            "http://mirror.svc$arg_x",
            "http://mirror.svc:$server_port/",
        ] {
            assert!(matches!(server_url(text), Err(ValueError::Refused(_))), "{text:?}");
        }
    }
}
