//! Where the head and the body of an endpoint's response end (RFC 9112 section 6.3).

use crate::connection::BodyFraming;
use crate::grammar::content_length;
use http::{Method, StatusCode, Version};
use std::io::{Error, ErrorKind};
use std::mem::MaybeUninit;

/// The largest head of a response in bytes, status line and empty line included, where no setting says more. nginx's default is
/// one page (`proxy_buffer_size`).
pub(crate) const MAX_RESPONSE_HEAD: usize = 64 << 10;
/// The same with any setting.
const LARGEST_HEAD: u64 = 256 << 10;

/// Headers that a response may have at most.
const MAX_HEADERS: usize = 256;

/// Room for the headers of a response, while its head is parsed.
pub(crate) type ParsedHeaders<'b> = [MaybeUninit<httparse::Header<'b>>; MAX_HEADERS];

/// Why the head of a response is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidHead {
    /// It violates the grammar of HTTP, or continues a header line on the next one (obs-fold).
    #[error("the response head is malformed")]
    Malformed,
    /// It has too many bytes or headers.
    #[error("the response head is too large")]
    TooLarge,
    #[error(transparent)]
    Framing(#[from] InvalidFraming),
}

impl From<InvalidHead> for Error {
    fn from(invalid: InvalidHead) -> Self {
        Self::new(ErrorKind::InvalidData, invalid)
    }
}

/// A head does not say clearly where its body ends: as in nginx, there must be no other `Transfer-Encoding` than `chunked`,
/// none with a `Content-Length` or in HTTP/1.0, and neither twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the framing of the response is invalid")]
pub(crate) struct InvalidFraming;

/// The largest head with this `proxy-buffer-size`.
pub(super) fn largest_head(buffer: u64) -> usize {
    usize::try_from(buffer.min(LARGEST_HEAD)).unwrap_or_default().max(MAX_RESPONSE_HEAD)
}

/// Room that nothing has been written to.
pub(crate) const fn no_headers<'b>() -> ParsedHeaders<'b> {
    [const { MaybeUninit::uninit() }; MAX_HEADERS]
}

/// Parses the head at the start of `bytes`, which has `largest` bytes at most, and returns its length. `None` if more bytes are
/// needed.
pub(crate) fn parse_head<'h, 'b>(
    bytes: &'b [u8],
    largest: usize,
    headers: &'h mut ParsedHeaders<'b>,
) -> Result<Option<(httparse::Response<'h, 'b>, usize)>, InvalidHead> {
    let mut response = httparse::Response::new(&mut []);
    let mut parser = httparse::ParserConfig::default();
    // They are removed from responses (RFC 9112 section 5.1).
    parser.allow_spaces_after_header_name_in_responses(true);
    match parser.parse_response_with_uninit_headers(&mut response, bytes, headers) {
        Ok(httparse::Status::Complete(length)) if length <= largest => Ok(Some((response, length))),
        Ok(httparse::Status::Partial) if bytes.len() < largest => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(InvalidHead::TooLarge),
        Err(_) => Err(InvalidHead::Malformed),
    }
}

/// Where the body ends of a response whose head has these values of `Content-Length` and `Transfer-Encoding`.
///
/// # Errors
/// If they contradict each other, or one of them is invalid.
pub(crate) fn response_framing<'a>(
    version: Version,
    lengths: impl Iterator<Item = &'a [u8]>,
    encodings: impl Iterator<Item = &'a [u8]>,
) -> Result<BodyFraming, InvalidFraming> {
    let length = only(lengths)?.map(|value| content_length(value).ok_or(InvalidFraming)).transpose()?;
    let is_chunked = |value: &[u8]| value.eq_ignore_ascii_case(b"chunked") && version == Version::HTTP_11;
    match (length, only(encodings)?) {
        (None, None) => Ok(BodyFraming::UntilClose),
        (Some(0), None) => Ok(BodyFraming::None),
        (Some(length), None) => Ok(BodyFraming::Length(length)),
        (None, Some(encoding)) if is_chunked(encoding) => Ok(BodyFraming::Chunked),
        _ => Err(InvalidFraming),
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
