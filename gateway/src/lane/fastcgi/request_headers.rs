//! The headers of a request that become params.

use crate::exchange::RequestEdits;
use crate::headers::Headers;
use crate::lane::endpoint::forwarded;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::sync::Arc;

/// The headers of a client's request, to be edited. Its method and its target are among the params.
#[derive(Clone, Debug)]
pub(super) struct RequestHeaders(pub(super) HeaderMap);

impl RequestHeaders {
    /// Those that do not apply to the client's connection only.
    pub(super) fn new(headers: &Headers) -> Self {
        Self(forwarded(headers))
    }
}

impl RequestEdits for RequestHeaders {
    fn set(&mut self, name: &'static str, value: HeaderValue) {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            self.0.insert(name, value);
        }
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            self.0.insert(name, value);
        }
    }

    fn remove(&mut self, name: &HeaderName) {
        self.0.remove(name);
    }

    fn set_method(&mut self, _: &Method) {}

    fn set_target(&mut self, _: &[u8]) {}
}
