//! Which fields behind a body are passed on (RFC 9110, section 6.5.1): those that no recipient has to know before the body, and
//! that nobody could take for a word of ours.

use super::client_certificate::is_about_certificate;
use super::connection_headers::{is_hop_by_hop, is_one_of};
use super::edits::RequestEdits;
use super::machine::Exchange;
use super::respond::is_hidden;
use super::subrequest::is_not_the_clients;
use crate::config::FRAMING_HEADERS;
use crate::request::RequestView;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::sync::Arc;

/// Fields that say how a message is to be read, where it goes, or who may see it.
const NEVER: [&str; 28] = [
    "age",
    "authorization",
    "authentication-info",
    "cache-control",
    "clear-site-data",
    "cookie",
    "date",
    "expect",
    "expires",
    "forwarded",
    "host",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authentication-info",
    "proxy-authorization",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "set-cookie",
    "strict-transport-security",
    "traceparent",
    "tracestate",
    "user-agent",
    "vary",
    "www-authenticate",
];
/// The same for all names that begin so.
const NEVER_BEGIN: [&str; 9] =
    ["accept", "access-control-", "content-", "cross-origin-", "if-", "sec-", "x-auth-", "x-forwarded-", "x-original-"];

impl Exchange {
    /// The trailers of a client's request that its backend gets. Those that we would set or remove as headers are ours to
    /// say, so that none can add to them.
    pub(crate) fn request_trailers(&self, request: &RequestView<'_>, trailers: &HeaderMap) -> HeaderMap {
        let mut ours = Touched::default();
        self.forward(request, &mut ours);
        passed(trailers, |name| {
            // Who knows no difference between `X-User` and `X_User` must not take one for the other.
            canonical(name) == *name
                && is_allowed(name)
                && !is_not_the_clients(name)
                && !is_about_certificate(name.as_str().as_bytes())
                && !ours.0.contains(name)
        })
    }

    /// The trailers of a backend's response that its client gets.
    pub(crate) fn response_trailers(&self, trailers: &HeaderMap) -> HeaderMap {
        let settings = &self.decision.settings;
        let effects = self.decision.effects();
        let custom = self.decision.response_policies().map_or(&[][..], |policies| &policies.custom_headers);
        let is_ours = |name: &str| {
            settings.added.iter().map(|(name, _)| name).any(|ours| **ours == *name)
                || custom.iter().any(|(ours, _)| ours.eq_ignore_ascii_case(name))
        };
        passed(trailers, |name| {
            let text = name.as_str();
            is_allowed(name)
                && !is_hidden(text.as_bytes(), false)
                && !effects.is_some_and(|effects| effects.hides(text.as_bytes()))
                && !settings.hide_headers.iter().any(|hidden| text.eq_ignore_ascii_case(hidden))
                && !is_ours(text)
        })
    }
}

fn passed(trailers: &HeaderMap, passes: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let passed = trailers.iter().filter(|(name, _)| passes(name));
    passed.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn is_allowed(name: &HeaderName) -> bool {
    let text = name.as_str();
    !is_hop_by_hop(text.as_bytes())
        && !is_one_of(text.as_bytes(), &FRAMING_HEADERS)
        && !NEVER.contains(&text)
        && !NEVER_BEGIN.iter().any(|start| text.starts_with(start))
}

/// The name with dashes for all that is no letter or digit, as CGI programs and their like take it.
fn canonical(name: &HeaderName) -> HeaderName {
    let dashed: Vec<u8> =
        name.as_str().bytes().map(|byte| if byte.is_ascii_alphanumeric() { byte } else { b'-' }).collect();
    HeaderName::from_bytes(&dashed).unwrap_or_else(|_| name.clone())
}

/// The names of headers that are set or removed.
#[derive(Default)]
struct Touched(Vec<HeaderName>);

impl Touched {
    fn add(&mut self, name: &str) {
        self.0.extend(name.parse::<HeaderName>().as_ref().map(canonical));
    }
}

impl RequestEdits for Touched {
    fn set(&mut self, name: &'static str, _: HeaderValue) {
        self.add(name);
    }

    fn set_named(&mut self, name: &Arc<str>, _: HeaderValue) {
        self.add(name);
    }

    fn remove(&mut self, name: &HeaderName) {
        self.add(name.as_str());
    }

    fn set_method(&mut self, _: &Method) {}

    fn set_target(&mut self, _: &[u8]) {}
}
