//! Requests to look up in a table, without a socket.

use gateway::headers::Headers;
use gateway::request::RequestView;
use http::{HeaderValue, Method, Version, header};

/// Calls `look_up` with a GET of `target` on `host`, which is sent as it stands here.
///
/// # Panics
/// If `host` cannot be the value of a header.
pub fn get<T>(host: &str, target: &[u8], look_up: impl FnOnce(&RequestView<'_>) -> T) -> T {
    let host = HeaderValue::from_bytes(host.as_bytes()).expect("a host");
    let headers = Headers::from_iter([(header::HOST, host)]);
    look_up(&RequestView::new(&Method::GET, target, &headers, Version::HTTP_11))
}
