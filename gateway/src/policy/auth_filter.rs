//! The filter `ExternalAuth` of Gateway API: what its auth server gets of a request, and what its response comes to.

use super::Invalid;
use super::auth_header::{AuthHeader, Manner};
use crate::config::{self, AuthProtocol, FRAMING_HEADERS};
use crate::grammar;
use crate::request::{Reason, Reply};
use crate::variables;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// With these statuses, what an auth server of HTTP answers is the client's answer, too.
pub(crate) const PASSED: RangeInclusive<u16> = 300..=499;

/// What a response says of itself, and not of the request: the client gets ours of each.
const OF_RESPONSE: [HeaderName; 2] = [header::DATE, header::SERVER];

/// The filter, compiled.
#[derive(Debug)]
pub(crate) struct AuthFilter {
    /// What the server speaks.
    pub(crate) protocol: AuthProtocol,
    request_headers: Option<Box<[HeaderName]>>,
    copies_all: bool,
    /// Bytes of memory that a client's body may take, if the server gets it.
    pub(crate) body_memory: Option<usize>,
}

impl AuthFilter {
    /// Compiles the setting.
    ///
    /// # Errors
    /// A name that is not one of a header.
    pub(super) fn compile(configured: &config::AuthFilter) -> Result<Self, Invalid> {
        let invalid = |value| Invalid { value, reason: "is not the name of a header".to_owned() };
        let parse = |name: &Arc<str>| name.parse().map_err(|_| invalid(Arc::clone(name)));
        let parse_all = |names: &Arc<[Arc<str>]>| names.iter().map(parse).collect::<Result<_, _>>();
        Ok(Self {
            protocol: configured.protocol,
            request_headers: configured.request_headers.as_ref().map(parse_all).transpose()?,
            copies_all: configured.copies_all,
            body_memory: configured.body_memory,
        })
    }

    /// Whether the server gets a header of this name.
    pub(crate) fn sends(&self, name: &HeaderName) -> bool {
        self.request_headers.as_ref().is_none_or(|names| names.contains(name))
    }

    /// The headers of a response that the backend gets without their being named.
    pub(super) fn copied(&self, headers: &HeaderMap) -> Vec<AuthHeader> {
        let is_copied =
            |name: &&HeaderName| **name != header::HOST && !is_of_body(name) && !is_of_message(name, headers);
        let names = headers.keys().filter(|_| self.copies_all).filter(is_copied);
        let copied = names.filter_map(|name| {
            let value = variables::joined(headers, name.as_str())?;
            Some(AuthHeader { name: name.clone(), value, manner: Manner::Set })
        });
        copied.collect()
    }
}

/// The client's answer where the auth server does not allow its request: the auth server's. `body` is all of its body; without it,
/// the answer has our page.
pub(super) fn denial(status: u16, headers: &HeaderMap, body: Option<Bytes>) -> Reply {
    let mut reply = Reply { text: body, ..Reply::new(status, Reason::AuthDenied) };
    let mut passed = HeaderMap::new();
    for (name, value) in headers {
        if is_of_message(name, headers) || OF_RESPONSE.contains(name) || reply.text.is_none() && is_of_body(name) {
            continue;
        }
        match *name {
            header::LOCATION => reply.headers.push(("Location", value.clone())),
            header::WWW_AUTHENTICATE => reply.headers.push(("WWW-Authenticate", value.clone())),
            _ => drop(passed.append(name.clone(), value.clone())),
        }
    }
    reply.passed = Some(Box::new(passed));
    reply
}

/// Whether a header frames the message that has these, or holds for its connection only.
fn is_of_message(name: &HeaderName, headers: &HeaderMap) -> bool {
    let names = |value: &HeaderValue| grammar::lists(value.as_bytes(), name.as_str());
    is_framing(name) || headers.get_all(header::CONNECTION).iter().any(names)
}

/// Whether a header frames messages: each side sets its own.
pub(super) fn is_framing(name: &HeaderName) -> bool {
    FRAMING_HEADERS.contains(&name.as_str())
}

/// Whether a header says what the body is.
fn is_of_body(name: &HeaderName) -> bool {
    name.as_str().starts_with("content-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    fn filter() -> config::AuthFilter {
        let protocol = AuthProtocol::Http;
        config::AuthFilter { protocol, request_headers: None, copies_all: false, body_memory: None }
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_client_gets_the_answer_of_the_auth_server() {
        let response = headers(&[
            ("location", "http://sign.in/"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("content-type", "text/plain"),
            ("content-length", "3"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("server", "auth"),
        ]);
        let reply = denial(302, &response, Some("why".into()));
        assert_eq!(reply.location().map(HeaderValue::as_bytes), Some(&b"http://sign.in/"[..]));
        let passed = reply.passed.expect("headers");
        assert_eq!(names(&passed), ["content-type", "set-cookie"]);
        assert_eq!(passed.get_all("set-cookie").iter().count(), 2);
        assert_eq!(reply.text.as_deref(), Some(&b"why"[..]));
        let reply =
            denial(401, &headers(&[("content-type", "a/b"), ("x-a", "1"), ("www-authenticate", "Basic")]), None);
        assert_eq!(reply.headers, [("WWW-Authenticate", HeaderValue::from_static("Basic"))]);
        assert_eq!((names(&reply.passed.expect("headers")), reply.text), (vec!["x-a"], None), "our page has a type");
    }

    #[test]
    fn a_backend_gets_what_can_be_a_header_of_its_request() {
        let compiled = |copies_all| {
            let configured = config::AuthFilter { copies_all, ..filter() };
            AuthFilter::compile(&configured).expect("names of headers")
        };
        let response = headers(&[
            ("x-user", "ann"),
            ("x-user", "bob"),
            ("host", "auth"),
            ("content-type", "text/plain"),
            ("content-length", "3"),
            ("transfer-encoding", "chunked"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("date", "now"),
        ]);
        let mut copied = compiled(true).copied(&response);
        copied.sort_unstable_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        let copied: Vec<_> = copied.iter().map(|header| (header.name.as_str(), header.value.as_bytes())).collect();
        assert_eq!(copied, [("date", &b"now"[..]), ("x-user", b"ann, bob")]);
        assert_eq!(compiled(false).copied(&response), []);
    }

    #[test]
    fn a_name_that_is_none_is_named() {
        let configured = config::AuthFilter { request_headers: Some(["a b".into()].into()), ..filter() };
        let fault = AuthFilter::compile(&configured).err().map(|fault| fault.value);
        assert_eq!(fault.as_deref(), Some("a b"));
    }
}
