//! Heads that are only edited.

use crate::exchange::{RequestEdits, ResponseEdits};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// A response's status and headers.
pub(super) struct Response(pub(super) u16, pub(super) HeaderMap);

impl ResponseEdits for Response {
    fn status(&self) -> u16 {
        self.0
    }

    fn set_status(&mut self, status: u16) {
        self.0 = status;
    }

    fn header_map(&self) -> &HeaderMap {
        &self.1
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.1.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    fn retain(&mut self, mut is_kept: impl FnMut(&[u8]) -> bool) {
        let gone: Vec<_> = self.1.keys().filter(|name| !is_kept(name.as_str().as_bytes())).cloned().collect();
        gone.iter().for_each(|name| drop(self.1.remove(name)));
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
