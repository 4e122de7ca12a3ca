//! What requests of our own accord have in common, which are made because of a client's: those to auth servers and mirrors.

use super::client_certificate::is_about_certificate;
use super::connection_headers::is_of_the_connection;
use super::edits::RequestEdits;
use super::machine::Exchange;
use crate::config::Template;
use crate::request::RequestView;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use std::sync::Arc;

/// Bytes of a variable's value that a request target cannot hold.
const NOT_IN_TARGET: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'`');
/// Headers that a server gets from us or not at all, so that no client can make it believe something.
const NOT_THE_CLIENTS: [&str; 19] = [
    "host",
    "proxy",
    "x-adit-auth-depth",
    "x-auth-request-redirect",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-original-forwarded-for",
    "x-original-forwarded-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-request-id",
    "x-scheme",
    "x-sent-from",
];

/// A request of our own accord.
#[derive(Debug)]
pub struct Subrequest {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub target: Vec<u8>,
    /// Its headers. Those of HTTP/1.1's framing are left out, unless its body is here.
    pub headers: HeaderMap,
    /// Its body, where all of it is at hand.
    pub body: Bytes,
}

impl RequestEdits for Subrequest {
    fn set(&mut self, name: &'static str, value: HeaderValue) {
        self.headers.set(name, value);
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        self.headers.set_named(name, value);
    }

    fn remove(&mut self, name: &HeaderName) {
        self.headers.remove(name);
    }

    fn set_method(&mut self, method: &Method) {
        self.method = method.clone();
    }

    fn set_target(&mut self, target: &[u8]) {
        self.target = target.to_vec();
    }
}

impl Exchange {
    /// The client's headers, as far as another server than its backend may see and believe them.
    pub(super) fn client_headers(&self, request: &RequestView<'_>) -> HeaderMap {
        let is_forwarded = |name: &HeaderName| {
            let is_of_connection =
                *name == header::CONNECTION || is_of_the_connection(name.as_str().as_bytes(), request.headers);
            let is_of_body = matches!(name.as_str(), "content-length" | "transfer-encoding" | "expect");
            !is_of_connection && !is_of_body && !is_not_the_clients(name)
        };
        let headers = request.headers.map().iter().filter(|(name, _)| is_forwarded(name));
        headers.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// A text with variables.
    pub(super) fn rendered(&self, template: &Template, request: &RequestView<'_>) -> Vec<u8> {
        let arrival = self.arrival();
        self.decision.rendered(template, &arrival.connection, arrival.number, request)
    }

    /// Path and query with variables.
    pub(super) fn rendered_target(&self, template: &Template, request: &RequestView<'_>) -> Vec<u8> {
        percent_encode(&self.rendered(template, request), NOT_IN_TARGET).flat_map(str::bytes).collect()
    }

    /// The value of a header with variables. `None` if no header can have it.
    pub(super) fn header_value(&self, template: &Template, request: &RequestView<'_>) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.rendered(template, request)).ok()
    }
}

/// Whether a header is never the client's own in such a request.
pub(super) fn is_not_the_clients(name: &HeaderName) -> bool {
    NOT_THE_CLIENTS.contains(&name.as_str()) || is_about_certificate(name.as_str().as_bytes())
}
