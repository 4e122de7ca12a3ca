//! What may be changed of a head on its way: each lane has its own.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// Changes a request that goes to a backend.
pub trait RequestEdits {
    /// Replaces a header. The name is written as it stands here.
    fn set(&mut self, name: &'static str, value: HeaderValue);
    /// Replaces a header that the user named.
    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Removes a header.
    fn remove(&mut self, name: &HeaderName);
    /// Replaces path and query.
    fn set_target(&mut self, target: &[u8]);
}

/// Changes a response that goes to a client.
pub trait ResponseEdits {
    /// Its status.
    fn status(&self) -> u16;
    /// Replaces its status, by one from 100 to 999.
    fn set_status(&mut self, status: u16);
    /// Its headers.
    fn headers(&self) -> &HeaderMap;
    /// Replaces a header that the user named.
    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Replaces a header.
    fn set(&mut self, name: &'static str, value: HeaderValue);
    /// Adds a header, beside those of the name.
    fn append(&mut self, name: &'static str, value: HeaderValue);
    /// The same for a header that the user named.
    fn append_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Removes a header.
    fn remove(&mut self, name: &HeaderName);
}
