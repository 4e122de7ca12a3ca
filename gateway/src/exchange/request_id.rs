//! `X-Request-ID`.

use crate::headers::Headers;
use crate::variables::joined;
use bytes::Bytes;
use http::HeaderValue;

/// The client's `X-Request-ID`, or a new one of 32 hexadecimal digits.
pub(super) fn request_id(headers: &Headers, generate: bool) -> Option<HeaderValue> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if let Some(given) = joined(headers, "x-request-id").filter(|id| !id.is_empty()) {
        return Some(given);
    }
    if !generate {
        return None;
    }
    let mut random = fastrand::u128(..);
    let digits: [u8; 32] = std::array::from_fn(|_| {
        let digit = DIGITS[(random & 15) as usize];
        random >>= 4;
        digit
    });
    HeaderValue::from_maybe_shared(Bytes::from_owner(digits)).ok()
}
