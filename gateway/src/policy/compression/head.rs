//! What the heads of requests and responses say of compression.

use crate::grammar;
use crate::headers::Fields;
use http::{HeaderMap, HeaderValue, header};

/// Streams of events and calls of gRPC, which are never compressed or changed: their messages are small, are waited for one by one, and
/// are read by programs that may not expect it.
const EVENTS: &[u8] = b"text/event-stream";
const GRPC: &[u8] = b"application/grpc";

/// The media type without its parameters; empty if there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> &[u8] {
    let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    value[..memchr::memchr(b';', value).unwrap_or(value.len())].trim_ascii()
}

/// Whether responses of a type are never compressed or changed.
pub(crate) fn is_never(media_type: &[u8]) -> bool {
    let beginning = &media_type[..media_type.len().min(GRPC.len())];
    media_type.eq_ignore_ascii_case(EVENTS) || beginning.eq_ignore_ascii_case(GRPC)
}

/// `no-transform` (RFC 9111, sections 5.2.1.6 and 5.2.2.6), which nginx does not look at.
pub(super) fn forbids_transformation(headers: &impl Fields) -> bool {
    lists(headers, "cache-control", "no-transform")
}

/// Whether a header, which may be there more than once, lists a token.
pub(super) fn lists(headers: &impl Fields, name: &str, token: &str) -> bool {
    headers.values(name).any(|value| grammar::lists(value, token))
}

/// Whether a response says already that it varies with the codings that a client accepts.
pub(crate) fn is_varied(headers: &HeaderMap) -> bool {
    lists(headers, "vary", "accept-encoding") || lists(headers, "vary", "*")
}

/// The `ETag` of a response once it is compressed: a weak one, as nginx: ngx_http_weak_etag. `None`: it has to go.
pub(crate) fn weak_etag(etag: &HeaderValue) -> Option<HeaderValue> {
    match etag.as_bytes() {
        [b'W', b'/', _, ..] => Some(etag.clone()),
        strong @ [b'"', ..] => HeaderValue::from_bytes(&[b"W/", strong].concat()).ok(),
        _ => None,
    }
}
