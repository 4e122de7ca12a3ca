//! Responses that we make ourselves.

use bytes::Bytes;
use http::HeaderValue;

/// A response of our own. Its body is the status page, if the status has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Why: a fixed label for metrics and logs.
    pub reason: &'static str,
    /// `Location`, for redirects.
    pub location: Option<HeaderValue>,
}

impl Reply {
    /// A status page.
    pub const fn new(status: u16, reason: &'static str) -> Self {
        Self { status, reason, location: None }
    }

    /// A redirect. A location that no header can hold is an error of ours: 500.
    pub fn redirect(status: u16, reason: &'static str, location: &[u8]) -> Self {
        match HeaderValue::from_bytes(location) {
            Ok(location) => Self { status, reason, location: Some(location) },
            Err(_) => Self::new(500, "bad-location"),
        }
    }
}

/// The reason phrase of a status, in nginx's words, which people search their logs for.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        408 => "Request Time-out",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        421 => "Misdirected Request",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

/// The HTML page of a status, with a line that explains it, if there is one: nginx's, and like ingress-nginx's without a product's name unless `server-tokens` is on.
pub fn page(status: u16, explanation: Option<&str>, server_tokens: bool) -> Bytes {
    if matches!(status, 200 | 204 | 304) {
        return Bytes::new();
    }
    let title = reason_phrase(status);
    let explanation = explanation.map(|text| format!("<center>{text}</center>\r\n")).unwrap_or_default();
    let server = if server_tokens { "<hr><center>adit</center>\r\n" } else { "" };
    Bytes::from(format!(
        "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n<center><h1>{status} {title}</h1></center>\r\n\
         {explanation}{server}</body>\r\n</html>\r\n"
    ))
}

/// A whole HTTP/1.1 response that closes the connection, for requests that Pingora never sees.
pub(crate) fn raw(status: u16, page: &[u8], server_tokens: bool) -> Vec<u8> {
    let title = reason_phrase(status);
    let server = if server_tokens { "Server: adit\r\n" } else { "" };
    let length = page.len();
    let mut response = format!(
        "HTTP/1.1 {status} {title}\r\n{server}Content-Type: text/html\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )
    .into_bytes();
    response.extend_from_slice(page);
    response
}
