use crate::grammar::content_length;
use crate::headers::{Fields, Headers};
use http::{Method, Version};

/// A request as policies see it: borrowed, and unchangeable.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target in origin form, as the client sent it: path and query, not decoded.
    pub target: &'a [u8],
    /// Its headers.
    pub headers: &'a Headers,
    /// Its version.
    pub version: Version,
}

impl<'a> RequestView<'a> {
    /// A view of a request whose head has been checked.
    pub fn new(method: &'a Method, target: &'a [u8], headers: &'a Headers, version: Version) -> Self {
        Self { method, target, headers, version }
    }

    /// The target up to the query.
    pub fn path(&self) -> &'a [u8] {
        self.split().0
    }

    /// The query without its `?`, if there is one.
    pub fn query(&self) -> Option<&'a [u8]> {
        self.split().1
    }

    fn split(&self) -> (&'a [u8], Option<&'a [u8]>) {
        match memchr::memchr(b'?', self.target) {
            Some(at) => (&self.target[..at], Some(&self.target[at + 1..])),
            None => (self.target, None),
        }
    }

    /// The `Host` header, port and all; empty in HTTP/1.0 without one.
    pub fn host(&self) -> &'a str {
        self.headers.first("host").and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default()
    }

    /// `Content-Length`, if there is one.
    pub fn content_length(&self) -> Option<u64> {
        content_length(self.headers.first("content-length")?)
    }

    /// Whether a body follows the head.
    pub fn has_body(&self) -> bool {
        self.headers.has("transfer-encoding") || self.content_length().is_some_and(|length| length > 0)
    }
}
