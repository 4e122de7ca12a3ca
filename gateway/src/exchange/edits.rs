//! What may be changed of a head on its way: each lane has its own.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::sync::Arc;

/// What is known of an endpoint's response when its head has come.
pub trait ReceivedHead: Copy {
    /// Its status.
    fn status(&self) -> u16;
    /// The values of `WWW-Authenticate`.
    fn challenges(&self) -> impl Iterator<Item = &[u8]>;
}

/// A status alone.
impl ReceivedHead for u16 {
    fn status(&self) -> u16 {
        *self
    }

    fn challenges(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::empty()
    }
}

/// Changes a request that goes to a backend.
pub trait RequestEdits {
    /// Replaces a header. The name is written as it stands here.
    fn set(&mut self, name: &'static str, value: HeaderValue);
    /// Replaces a header that the user named.
    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Removes a header.
    fn remove(&mut self, name: &HeaderName);
    /// Replaces the method.
    fn set_method(&mut self, method: &Method);
    /// Replaces path and query.
    fn set_target(&mut self, target: &[u8]);
}

/// Headers alone, by their names in lower case.
impl RequestEdits for HeaderMap {
    fn set(&mut self, name: &'static str, value: HeaderValue) {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            self.insert(name, value);
        }
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            self.insert(name, value);
        }
    }

    fn remove(&mut self, name: &HeaderName) {
        Self::remove(self, name);
    }

    fn set_method(&mut self, _: &Method) {}

    fn set_target(&mut self, _: &[u8]) {}
}

/// Changes a response that goes to a client.
pub trait ResponseEdits {
    /// Its status.
    fn status(&self) -> u16;
    /// Replaces its status, by one from 100 to 999.
    fn set_status(&mut self, status: u16);
    /// Its headers, for who needs them all.
    fn header_map(&self) -> &HeaderMap;
    /// The values of its headers of this name, which is in lower case.
    fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]>;
    /// Keeps the headers for whose name this holds. Names have the case that they were written in.
    fn retain(&mut self, is_kept: impl FnMut(&[u8]) -> bool);
    /// Replaces a header that the user named.
    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Replaces a header.
    fn set(&mut self, name: &'static str, value: HeaderValue);
    /// Adds a header, beside those of the name.
    fn append(&mut self, name: &'static str, value: HeaderValue);
    /// Puts these headers in the place of those of their names. Of one name there may be several.
    fn set_all(&mut self, headers: &[(&'static str, HeaderValue)]) {
        for (at, (name, value)) in headers.iter().enumerate() {
            match headers[..at].iter().any(|(before, _)| before == name) {
                true => self.append(name, value.clone()),
                false => self.set(name, value.clone()),
            }
        }
    }
    /// The same for a header that the user named.
    fn append_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Removes a header.
    fn remove(&mut self, name: &HeaderName);
}
