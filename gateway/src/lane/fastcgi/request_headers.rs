//! The headers of a request that become params.

use crate::exchange::RequestEdits;
use crate::lane::endpoint::is_connection_header;
use http::{HeaderMap, HeaderName, HeaderValue};
use pingora_http::RequestHeader;
use std::sync::Arc;

/// The headers of a client's request, to be edited. Its target is among the params.
#[derive(Clone, Debug)]
pub(super) struct RequestHeaders(pub(super) HeaderMap);

impl RequestHeaders {
    /// Those that do not apply to the client's connection only.
    pub(super) fn new(request: &RequestHeader) -> Self {
        let forwarded = request.headers.iter().filter(|(name, _)| !is_connection_header(name, &request.headers));
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

    fn set_target(&mut self, _: &[u8]) {}
}
