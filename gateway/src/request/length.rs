//! The length of a head of HTTP/2, for limits, logs and metrics.

use http::{HeaderMap, HeaderValue};

/// Bytes of a head as HTTP/1 would write it: h2 does not report how long it was on the wire, compressed.
pub(crate) fn length(start_line: usize, headers: &HeaderMap) -> usize {
    let lines = headers.iter().map(|(name, value)| line(name.as_str(), value));
    start_line + lines.sum::<usize>() + "\r\n".len()
}

/// Bytes of a header line, its end included.
pub(crate) fn line(name: &str, value: &HeaderValue) -> usize {
    name.len() + ": ".len() + value.len() + "\r\n".len()
}

/// Bytes of an answer's head as HTTP/1 would write it.
pub(crate) fn head_length(headers: &HeaderMap) -> u64 {
    length("HTTP/2.0 200\r\n".len(), headers) as u64
}
