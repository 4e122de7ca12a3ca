//! The gateway's own errors in the form of gRPC (gRPC over HTTP/2, "Trailers-Only").

use crate::request::reason_phrase;
use http::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// All but printable ASCII and `%`, as the protocol's `Percent-Encoded`.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// `grpc-status` for an HTTP status: as gRPC clients map responses that are not gRPC (http-grpc-status-mapping), and more
/// precise than UNKNOWN for others. A timeout is DEADLINE_EXCEEDED, not UNAVAILABLE: clients retry a call that was
/// UNAVAILABLE, and the backend may have acted on this one.
pub(super) fn status(http: u16) -> HeaderValue {
    HeaderValue::from_static(match http {
        400 => "13",             // INTERNAL
        401 => "16",             // UNAUTHENTICATED
        403 => "7",              // PERMISSION_DENIED
        404 => "12",             // UNIMPLEMENTED
        408 | 504 => "4",        // DEADLINE_EXCEEDED
        413 => "8",              // RESOURCE_EXHAUSTED
        429 | 502 | 503 => "14", // UNAVAILABLE
        _ => "2",                // UNKNOWN
    })
}

/// `grpc-message`: the HTTP status, its reason phrase, and the reason.
pub(super) fn message(http: u16, reason: &str) -> Option<HeaderValue> {
    let text = format!("{http} {}: {reason}", reason_phrase(http));
    HeaderValue::try_from(utf8_percent_encode(&text, ENCODED).to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(
            message(503, "100%\u{e9}\n").expect("a header"),
            "503 Service Temporarily Unavailable: 100%25%C3%A9%0A"
        );
    }

    #[test]
    fn statuses_are_mapped() {
        let pairs =
            [(400, "13"), (404, "12"), (413, "8"), (502, "14"), (503, "14"), (504, "4"), (500, "2"), (421, "2")];
        for (http, grpc) in pairs {
            assert_eq!(status(http), grpc, "{http}");
        }
    }
}
