//! Heads that are only edited.

use crate::exchange::{RequestEdits, ResponseEdits};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// The headers that are edited.
impl RequestEdits for HeaderMap {
    fn set(&mut self, name: &'static str, value: HeaderValue) {
        self.insert(name.parse::<HeaderName>().expect("a name"), value);
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        self.insert(name.parse::<HeaderName>().expect("a name"), value);
    }

    fn remove(&mut self, name: &HeaderName) {
        HeaderMap::remove(self, name);
    }

    fn set_target(&mut self, _: &[u8]) {}
}

/// A response's status and headers.
pub(super) struct Response(pub(super) u16, pub(super) HeaderMap);

impl ResponseEdits for Response {
    fn status(&self) -> u16 {
        self.0
    }

    fn set_status(&mut self, status: u16) {
        self.0 = status;
    }

    fn headers(&self) -> &HeaderMap {
        &self.1
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        RequestEdits::set_named(&mut self.1, name, value);
    }

    fn set(&mut self, name: &'static str, value: HeaderValue) {
        RequestEdits::set(&mut self.1, name, value);
    }

    fn append(&mut self, name: &'static str, value: HeaderValue) {
        self.1.append(name.parse::<HeaderName>().expect("a name"), value);
    }

    fn append_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        self.1.append(name.parse::<HeaderName>().expect("a name"), value);
    }

    fn remove(&mut self, name: &HeaderName) {
        self.1.remove(name);
    }
}
