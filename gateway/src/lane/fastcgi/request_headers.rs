//! The headers of a request that become params.

use crate::exchange::RequestEdits;
use crate::lane::endpoint::is_connection_header;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::sync::Arc;

/// The headers of a client's request, to be edited. Its method and its target are among the params.
#[derive(Clone, Debug)]
pub(super) struct RequestHeaders(pub(super) HeaderMap);

impl RequestHeaders {
    /// Those that do not apply to the client's connection only.
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let is_forwarded = |name: &HeaderName| !is_connection_header(name.as_str().as_bytes(), headers);
        let forwarded = headers.iter().filter(|(name, _)| is_forwarded(name));
        Self(forwarded.map(|(name, value)| (name.clone(), value.clone())).collect())
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
