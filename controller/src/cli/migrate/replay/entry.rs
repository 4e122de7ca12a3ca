//! A line of the log, as a request and what became of it.

use super::parts::{Parts, Unreadable};
use super::{default_format, json_format};
use http::Method;
use std::borrow::Cow;
use std::net::IpAddr;

/// What the upstream is called of requests that no rule took.
const DEFAULT_UPSTREAM: &str = "upstream-default-backend";

/// A request of the log.
#[derive(Debug)]
pub(in crate::cli::migrate) struct Entry<'l> {
    /// `Host`; `None` where the format has none.
    pub(in crate::cli::migrate) host: Option<Cow<'l, str>>,
    /// Whether it came over TLS, where the format says so.
    pub(super) is_tls: Option<bool>,
    /// The address of the client.
    pub(super) client: Option<IpAddr>,
    pub(in crate::cli::migrate) method: Method,
    /// Path and query, as they were sent.
    pub(in crate::cli::migrate) target: Cow<'l, [u8]>,
    /// The status of the response.
    pub(super) status: u16,
    /// `namespace-service-port`, where the format says so.
    pub(super) upstream: Option<Upstream<'l>>,
    /// nginx answered by itself: it had asked no backend.
    pub(super) is_own_answer: bool,
    pub(in crate::cli::migrate) user_agent: Option<Cow<'l, str>>,
    pub(super) referer: Option<Cow<'l, str>>,
}

/// `$proxy_upstream_name`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Upstream<'l> {
    /// That of a rule.
    Named(Cow<'l, str>),
    /// No rule took the request.
    Default,
}

impl<'l> Entry<'l> {
    /// Reads a line in ingress-nginx's default format, or an object in JSON.
    pub(in crate::cli::migrate) fn parse(line: &'l str) -> Result<Self, Unreadable> {
        let parts = if line.starts_with('{') { json_format::parse(line) } else { default_format::parse(line) };
        Self::of(parts?)
    }

    fn of(parts: Parts<'l>) -> Result<Self, Unreadable> {
        let status =
            parts.status.parse().ok().filter(|status| (100..=999).contains(status)).ok_or(Unreadable::Format)?;
        let method = parts.method.parse().map_err(|_| Unreadable::Request)?;
        let (authority, target) = origin_form(parts.target).ok_or(Unreadable::Request)?;
        let upstream = parts.upstream.map(|name| match &*name {
            "" | "-" | DEFAULT_UPSTREAM => Upstream::Default,
            _ => Upstream::Named(name),
        });
        Ok(Self {
            host: present(parts.host).or(authority.map(Cow::Owned)),
            is_tls: match &*parts.scheme {
                "http" => Some(false),
                "https" => Some(true),
                _ => None,
            },
            client: parts.client.parse().ok(),
            method,
            target,
            status,
            upstream,
            is_own_answer: parts.upstream_address == "-",
            user_agent: present(parts.user_agent),
            referer: present(parts.referer),
        })
    }

    /// Whether the response was a redirect.
    pub(super) fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }
}

/// The target as path and query, with the host of an absolute one.
fn origin_form(target: Cow<'_, [u8]>) -> Option<(Option<String>, Cow<'_, [u8]>)> {
    if target.starts_with(b"/") {
        return Some((None, target));
    }
    let text = str::from_utf8(&target).ok()?;
    let rest = text.strip_prefix("http://").or(text.strip_prefix("https://"))?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some((Some(host.to_owned()), format!("{slash}{path}").into_bytes().into()))
}

/// A value that is there: nginx writes `-` for none.
fn present(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    Some(value).filter(|value| !value.is_empty() && *value != "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"192.0.2.7 - ann [30/Nov/2026:05:00:00 +0000] "GET /a\x22b?x=1 HTTP/2.0" 200 10 "-" "curl/8" 90 0.010 [shop-cart-80] [] 10.0.0.1:8080 10 0.009 200 0123"#;

    #[test]
    fn the_default_format_is_read() {
        let entry = Entry::parse(LINE).expect("an entry");
        assert_eq!((&entry.method, &*entry.target), (&Method::GET, &b"/a\"b?x=1"[..]));
        assert_eq!((entry.status, entry.is_own_answer, entry.is_tls), (200, false, None));
        assert_eq!(entry.upstream, Some(Upstream::Named("shop-cart-80".into())));
        assert_eq!(
            (entry.host.as_deref(), entry.user_agent.as_deref(), entry.referer.as_deref()),
            (None, Some("curl/8"), None)
        );
        assert_eq!(entry.client, Some(IpAddr::from([192, 0, 2, 7])));
    }

    #[test]
    fn what_nginx_answered_itself_is_known() {
        let own =
            LINE.replace("10.0.0.1:8080 10 0.009 200", "- - - -").replace("shop-cart-80", "upstream-default-backend");
        let entry = Entry::parse(&own).expect("an entry");
        assert!(entry.is_own_answer && entry.upstream == Some(Upstream::Default));
    }

    #[test]
    fn json_is_read_by_the_names_of_variables_and_others() {
        for (line, host, target, upstream) in [
            (
                r#"{"time":"x","host":"shop.example.com","request_method":"POST","request_uri":"/a?b","status":201,"proxy_upstream_name":"a-b-80","scheme":"https"}"#,
                Some("shop.example.com"),
                "/a?b",
                Some(Upstream::Named("a-b-80".into())),
            ),
            (
                r#"{"vhost":"shop.example.com","method":"POST","path":"/a","request_query":"b","status":"201","nested":{"status":[1]}}"#,
                Some("shop.example.com"),
                "/a?b",
                None,
            ),
            (r#"{"request":"POST /a HTTP/1.1","status":201,"upstream_addr":null}"#, None, "/a", None),
            (r#"{"request":"POST http://h.example/a HTTP/1.1","status":201,"host":""}"#, Some("h.example"), "/a", None),
        ] {
            let entry = Entry::parse(line).unwrap_or_else(|error| panic!("{error:?}: {line}"));
            assert_eq!(entry.method, Method::POST);
            assert_eq!((entry.host.as_deref(), &*entry.target), (host, target.as_bytes()), "{line}");
            assert_eq!(entry.upstream, upstream, "{line}");
        }
    }

    #[test]
    fn the_rest_is_unreadable() {
        for line in [
            "",
            "hello",
            "{",
            "{}",
            "[1]",
            r#"{"status":"x","request":"GET / HTTP/1.1"}"#,
            r#"192.0.2.7 - - [x] "GET / HTTP/1.1" 200 10 "-" "curl""#,
            &LINE.replace("200 10", "ok 10"),
            &LINE.replace("curl/8", "curl\"8"),
        ] {
            assert_eq!(Entry::parse(line).err(), Some(Unreadable::Format), "{line}");
        }
        for request in
            ["", r"\x16\x03\x01", "GET", "GET /", "G\u{e9}T / HTTP/1.1", "GET x HTTP/1.1", "OPTIONS * HTTP/1.1"]
        {
            let line = LINE.replace(r"GET /a\x22b?x=1 HTTP/2.0", request);
            assert_eq!(Entry::parse(&line).err(), Some(Unreadable::Request), "{request}");
        }
    }
}
