//! Heads of messages on their way through a lane.

mod response;

pub(super) use response::ResponseHead;
pub use response::{CheckedResponse, check_response};

use bytes::BytesMut;
use http::HeaderMap;

/// Writes the last chunk of a body, with trailers behind it.
pub(super) fn write_trailers(trailers: &HeaderMap, output: &mut BytesMut) {
    output.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        output.extend_from_slice(name.as_str().as_bytes());
        output.extend_from_slice(b": ");
        output.extend_from_slice(value.as_bytes());
        output.extend_from_slice(b"\r\n");
    }
    output.extend_from_slice(b"\r\n");
}
