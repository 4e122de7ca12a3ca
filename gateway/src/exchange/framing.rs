//! Where an endpoint's response ends (RFC 9112 section 6.3).

use http::{Method, StatusCode, Version};

/// The largest head of a response in bytes, status line and empty line included. nginx's default is one page
/// (`proxy_buffer_size`).
pub(crate) const MAX_RESPONSE_HEAD: usize = 64 << 10;

/// Where a response's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes. Zero is a response without a body.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// A head does not say clearly where its body ends: as in nginx, there must be no other `Transfer-Encoding` than `chunked`,
/// none with a `Content-Length` or in HTTP/1.0, and neither twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the framing of the response is invalid")]
pub(crate) struct InvalidFraming;

impl Framing {
    /// What the values of all headers `Content-Length` and `Transfer-Encoding` of a response say together.
    ///
    /// # Errors
    /// If they contradict each other, or one of them is invalid.
    pub(crate) fn of<'a>(
        version: Version,
        lengths: impl Iterator<Item = &'a [u8]>,
        encodings: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, InvalidFraming> {
        let length = only(lengths)?.map(length).transpose()?;
        let is_chunked = |value: &[u8]| value.eq_ignore_ascii_case(b"chunked") && version == Version::HTTP_11;
        match (length, only(encodings)?) {
            (None, None) => Ok(Self::UntilClose),
            (Some(length), None) => Ok(Self::Length(length)),
            (None, Some(encoding)) if is_chunked(encoding) => Ok(Self::Chunked),
            _ => Err(InvalidFraming),
        }
    }
}

/// Whether the response to a request with this method has a body at all, whatever its head says.
pub(crate) fn has_body(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD
        && !status.is_informational()
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The value of a header that may stand once.
fn only<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<Option<&'a [u8]>, InvalidFraming> {
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(InvalidFraming),
        (value, None) => Ok(value),
    }
}

/// A `Content-Length`: digits only, without a sign.
fn length(value: &[u8]) -> Result<u64, InvalidFraming> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|digits| digits.parse().ok()).ok_or(InvalidFraming)
}
