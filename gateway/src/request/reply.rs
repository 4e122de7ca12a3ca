//! The gateway's own responses.

use super::Reason;
use crate::config::Origin;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use std::sync::Arc;

const LOCATION: &str = "Location";
const CONTENT_TYPE: &str = "Content-Type";
/// The status that nginx has for closing a connection without a response.
const CLOSES: u16 = 444;

/// A response of our own. Its body is a text, or else the status page, if the status has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Why it is ours.
    pub reason: Reason,
    /// The headers that belong to its status, such as `Location`; names as they are written here.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// Headers of another server's answer that it passes on.
    pub passed: Option<Box<HeaderMap>>,
    /// Its body, where that is not the status page.
    pub text: Option<Bytes>,
    /// The statement of a snippet that it comes from.
    pub origin: Option<Arc<Origin>>,
}

impl Reply {
    /// A status page.
    pub const fn new(status: u16, reason: Reason) -> Self {
        Self { status, reason, headers: Vec::new(), passed: None, text: None, origin: None }
    }

    /// A text of this media type, where its status may have one.
    pub fn text(status: u16, reason: Reason, media_type: HeaderValue, text: Vec<u8>) -> Self {
        if matches!(status, 204 | 304) {
            return Self { text: Some(Bytes::new()), ..Self::new(status, reason) };
        }
        Self { headers: vec![(CONTENT_TYPE, media_type)], text: Some(text.into()), ..Self::new(status, reason) }
    }

    /// A redirect. A location that no header can hold is an error of ours: 500.
    pub fn redirect(status: u16, reason: Reason, location: &[u8]) -> Self {
        match HeaderValue::from_bytes(location) {
            Ok(location) => Self { headers: vec![(LOCATION, location)], ..Self::new(status, reason) },
            Err(_) => Self::new(500, Reason::BadLocation),
        }
    }

    /// Whether it is none at all: the connection is closed, or the stream reset.
    pub fn closes(&self) -> bool {
        self.status == CLOSES
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<&HeaderValue> {
        self.headers.iter().find(|(name, _)| *name == LOCATION).map(|(_, value)| value)
    }
}

/// The reason phrase of a status, in nginx's words, which people search their logs for.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Time-out",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "Unknown",
    }
}
