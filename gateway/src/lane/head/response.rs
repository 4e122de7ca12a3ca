//! The head of a response: an endpoint's, or one of our own, on its way to the client.

use crate::connection::BodyFraming;
use crate::exchange::{
    InvalidHead, MAX_RESPONSE_HEAD, ReceivedHead, RenderedReply, ResponseEdits, has_body, no_headers, parse_head,
    response_framing,
};
use crate::fastcgi::CgiHead;
use crate::grammar;
use crate::headers::{Fields, Headers, Lines, Name};
use crate::request::reason_phrase;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, response};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A response head. Headers keep their order and the case of their names.
#[derive(Clone, Debug)]
pub(in crate::lane) struct ResponseHead {
    /// The version in which the endpoint speaks.
    pub(in crate::lane) version: Version,
    pub(in crate::lane) status: StatusCode,
    /// The reason phrase, which may be empty.
    reason: Bytes,
    pub(in crate::lane) headers: Headers,
}

/// What a head consists of, and where that stands in its text.
struct Parsed {
    version: Version,
    status: StatusCode,
    reason: Range<usize>,
    headers: Lines,
}

impl Parsed {
    fn of(text: &[u8], response: &httparse::Response<'_, '_>) -> Option<Self> {
        let reason = response.reason?;
        // A reason that is not there stands nowhere.
        let start = (reason.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        Some(Self {
            version: if response.version? == 1 { Version::HTTP_11 } else { Version::HTTP_10 },
            status: StatusCode::from_u16(response.code?).ok()?,
            reason: if reason.is_empty() { 0..0 } else { start..start + reason.len() },
            headers: Lines::of(text, response.headers)?,
        })
    }
}

impl ResponseHead {
    /// Parses the head at the start of `buffer`, which has `largest` bytes at most, and removes it from there. `None` if more
    /// bytes are needed.
    pub(in crate::lane) fn take(buffer: &mut BytesMut, largest: usize) -> Result<Option<Self>, InvalidHead> {
        let mut headers = no_headers();
        let Some((response, length)) = parse_head(buffer, largest, &mut headers)? else { return Ok(None) };
        let parsed = Parsed::of(buffer, &response).ok_or(InvalidHead::Malformed)?;
        let text = buffer.split_to(length).freeze();
        Ok(Some(Self {
            version: parsed.version,
            status: parsed.status,
            reason: match parsed.status.canonical_reason() {
                Some(usual) if usual.as_bytes() == &text[parsed.reason.clone()] => Bytes::from_static(usual.as_bytes()),
                _ => text.slice(parsed.reason),
            },
            headers: Headers::received(text, parsed.headers),
        }))
    }

    /// The head of a response over HTTP/2.
    pub(in crate::lane) fn of_stream(head: response::Parts) -> Result<Self, InvalidHead> {
        let headers = Headers::from(head.headers);
        if headers.length() > MAX_RESPONSE_HEAD {
            return Err(InvalidHead::TooLarge);
        }
        let reason = Bytes::from_static(head.status.canonical_reason().unwrap_or_default().as_bytes());
        Ok(Self { version: head.version, status: head.status, reason, headers })
    }

    /// The head of a program's response.
    pub(in crate::lane) fn of_program(head: CgiHead) -> Self {
        let mut headers = Headers::default();
        head.headers.into_iter().for_each(|(name, value)| headers.append(Name::Received(name), value));
        Self { version: Version::HTTP_11, status: head.status, reason: head.reason, headers }
    }

    /// The head of a response of our own.
    pub(in crate::lane) fn of_reply(reply: &RenderedReply) -> Self {
        let mut headers = Headers::default();
        reply.headers.iter().for_each(|(name, value)| headers.append(Name::Static(name), value.clone()));
        let passed = reply.passed.iter().flat_map(|passed| passed.iter());
        passed.for_each(|(name, value)| headers.append(Name::Parsed(name.clone()), value.clone()));
        Self {
            version: Version::HTTP_11,
            status: StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            reason: Bytes::from_static(reply.reason_phrase().as_bytes()),
            headers,
        }
    }

    /// Where the body ends of a response to a request with this method.
    pub(in crate::lane) fn framing(&self, method: &Method) -> Result<BodyFraming, InvalidHead> {
        let (lengths, encodings) = (self.headers.values("content-length"), self.headers.values("transfer-encoding"));
        let framing = response_framing(self.version, lengths, encodings)?;
        Ok(if has_body(method, self.status) { framing } else { BodyFraming::None })
    }

    /// Whether the endpoint keeps the connection after the response.
    pub(in crate::lane) fn keeps_alive(&self) -> bool {
        let has = |option: &str| self.headers.values("connection").any(|value| grammar::lists(value, option));
        if self.version == Version::HTTP_11 { !has("close") } else { has("keep-alive") && !has("close") }
    }

    /// Whether it says how long its body is.
    pub(in crate::lane) fn has_length(&self) -> bool {
        self.headers.has("content-length")
    }

    /// Removes what it says of its body.
    pub(in crate::lane) fn remove_framing(&mut self) {
        self.headers.remove("content-length");
        self.headers.remove("transfer-encoding");
    }

    /// Leaves in it of its framing what every client may see: how long its body is. Chunks are the session's.
    pub(in crate::lane) fn settle_framing(&mut self) {
        match self.status {
            StatusCode::NO_CONTENT => self.remove_framing(),
            _ => self.headers.remove("transfer-encoding"),
        }
    }

    /// Makes it say that it switches protocols.
    pub(in crate::lane) fn set_upgrade(&mut self) {
        self.headers.set(Name::Static("Connection"), HeaderValue::from_static("upgrade"));
    }

    /// Writes it as HTTP/1.1 does, without the empty line at its end.
    pub(in crate::lane) fn write(&self, output: &mut BytesMut) {
        output.reserve("HTTP/1.1 200 \r\n".len() + self.reason.len() + self.headers.length_at_most());
        for part in [b"HTTP/1.1 ", self.status.as_str().as_bytes(), b" ", &self.reason, b"\r\n"] {
            output.extend_from_slice(part);
        }
        self.headers.write(output);
    }
}

/// What the check of the head of a response over HTTP/1 found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedResponse {
    /// Its length in bytes, blank line included.
    pub length: usize,
    /// How the end of its body is found, where the request was a GET.
    pub body: BodyFraming,
    /// What goes on to a client of HTTP/1.1 where nothing changes it, without the blank line.
    pub passed_on: Bytes,
}

/// Checks the head of an endpoint's response at the start of `bytes`, as a lane does. `None` means that it is incomplete and valid
/// so far.
///
/// # Errors
/// The head violates the grammar of HTTP, exceeds the limits, or says two things of where its body ends.
pub fn check_response(bytes: &[u8]) -> io::Result<Option<CheckedResponse>> {
    let mut rest = BytesMut::from(bytes);
    let Some(head) = ResponseHead::take(&mut rest, MAX_RESPONSE_HEAD)? else { return Ok(None) };
    let mut passed_on = BytesMut::new();
    head.write(&mut passed_on);
    let (length, body) = (bytes.len() - rest.len(), head.framing(&Method::GET)?);
    Ok(Some(CheckedResponse { length, body, passed_on: passed_on.freeze() }))
}

impl ReceivedHead for &ResponseHead {
    fn status(&self) -> u16 {
        self.status.as_u16()
    }

    fn challenges(&self) -> impl Iterator<Item = &[u8]> {
        self.headers.values("www-authenticate")
    }
}

impl ReceivedHead for &response::Parts {
    fn status(&self) -> u16 {
        self.status.as_u16()
    }

    fn challenges(&self) -> impl Iterator<Item = &[u8]> {
        Fields::values(&self.headers, "www-authenticate")
    }
}

impl ResponseEdits for ResponseHead {
    fn status(&self) -> u16 {
        self.status.as_u16()
    }

    fn set_status(&mut self, status: u16) {
        if let Ok(status) = StatusCode::from_u16(status) {
            self.status = status;
            self.reason = Bytes::from_static(reason_phrase(status.as_u16()).as_bytes());
        }
    }

    fn header_map(&self) -> &HeaderMap {
        self.headers.map()
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.headers.values(name)
    }

    fn retain(&mut self, is_kept: impl FnMut(&[u8]) -> bool) {
        self.headers.retain(is_kept);
    }

    fn set(&mut self, name: &'static str, value: HeaderValue) {
        self.headers.set(Name::Static(name), value);
    }

    fn append(&mut self, name: &'static str, value: HeaderValue) {
        self.headers.append(Name::Static(name), value);
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        if let Some(name) = Name::configured(name) {
            self.headers.set(name, value);
        }
    }

    fn append_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        if let Some(name) = Name::configured(name) {
            self.headers.append(name, value);
        }
    }

    fn remove(&mut self, name: &HeaderName) {
        self.headers.remove(name.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{InvalidFraming, MAX_RESPONSE_HEAD};
    use proptest::prelude::*;

    fn take(text: &str) -> (Result<Option<ResponseHead>, InvalidHead>, BytesMut) {
        let mut buffer = BytesMut::from(text);
        (ResponseHead::take(&mut buffer, MAX_RESPONSE_HEAD), buffer)
    }

    fn head(text: &str) -> ResponseHead {
        take(text).0.expect("a valid head").expect("a complete head")
    }

    fn framing(lines: &str) -> Result<BodyFraming, InvalidHead> {
        head(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n")).framing(&Method::GET)
    }

    #[test]
    fn a_head_is_removed_from_what_follows_it() {
        let (taken, rest) = take("HTTP/1.1 101 Switching Protocols\r\nUPGRADE: x\r\nx-a : 1 \r\n\r\nmore");
        let head = taken.expect("a valid head").expect("a complete head");
        assert_eq!(
            (head.status.as_u16(), head.version, &*head.reason),
            (101, Version::HTTP_11, &b"Switching Protocols"[..])
        );
        let headers: Vec<_> = head.headers.iter().collect();
        assert_eq!(headers, [(&b"UPGRADE"[..], &b"x"[..]), (b"x-a", b"1")]);
        assert_eq!(&*rest, b"more");
        assert_eq!(&*take("HTTP/1.0 200\r\n\r\nmore").1, b"more", "without a header or reason");
    }

    #[test]
    fn what_violates_http_is_refused() {
        for text in [
            "nonsense\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 99 x\r\n\r\n",
            "HTTP/1.1 099 x\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: 1\r\n 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\na\0: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: \x7f\r\n\r\n",
        ] {
            assert_eq!(take(text).0.expect_err(text), InvalidHead::Malformed, "{text}");
        }
    }

    #[test]
    fn a_head_is_limited() {
        let lines = |count: usize, value: usize| format!("a: {}\r\n", "x".repeat(value)).repeat(count);
        let head = |lines: String| take(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n")).0.map(|head| head.is_some());
        assert_eq!(head(lines(256, 1)), Ok(true));
        assert_eq!(head(lines(257, 1)), Err(InvalidHead::TooLarge));
        assert_eq!(head(lines(1, MAX_RESPONSE_HEAD - 30)), Ok(true));
        assert_eq!(head(lines(1, MAX_RESPONSE_HEAD)), Err(InvalidHead::TooLarge));
        let endless = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(MAX_RESPONSE_HEAD));
        assert_eq!(take(&endless).0.expect_err("no end"), InvalidHead::TooLarge);
    }

    #[test]
    fn the_framing_is_unambiguous() {
        assert_eq!(framing(""), Ok(BodyFraming::UntilClose));
        assert_eq!(framing("content-length: 007\r\n"), Ok(BodyFraming::Length(7)));
        assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), Ok(BodyFraming::Chunked));
        for lines in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: \r\n",
            "Content-Length: 18446744073709551616\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ] {
            assert_eq!(framing(lines), Err(InvalidHead::Framing(InvalidFraming)), "{lines}");
        }
        let http_10 = head("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(http_10.framing(&Method::GET), Err(InvalidHead::Framing(InvalidFraming)));
    }

    #[test]
    fn a_connection_is_kept_unless_its_end_is_announced() {
        let keeps = |version: &str, lines: &str| head(&format!("HTTP/{version} 200 OK\r\n{lines}\r\n")).keeps_alive();
        assert!(keeps("1.1", "") && keeps("1.1", "Connection: keep-alive\r\n"));
        assert!(!keeps("1.1", "connection: x, Close\r\n") && !keeps("1.0", ""));
        assert!(keeps("1.0", "Connection: Keep-Alive\r\n"));
    }

    #[test]
    fn some_responses_have_no_body() {
        let of =
            |status: u16, method| head(&format!("HTTP/1.1 {status} x\r\nContent-Length: 5\r\n\r\n")).framing(&method);
        assert_eq!(of(200, Method::GET), Ok(BodyFraming::Length(5)));
        for (status, method) in [(200, Method::HEAD), (101, Method::GET), (204, Method::GET), (304, Method::GET)] {
            assert_eq!(of(status, method), Ok(BodyFraming::None), "{status}");
        }
    }

    proptest! {
        #[test]
        fn a_head_is_taken_once_all_of_it_is_there(
            headers in prop::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,12}", "([!-~]([ -~]{0,20}[!-~])?)?"), 0..8),
            rest in "[ -~]{0,20}",
            cut in any::<prop::sample::Index>(),
        ) {
            let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let text = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
            let mut buffer = BytesMut::from(&text[..cut.index(text.len())]);
            let before = buffer.clone();
            prop_assert!(ResponseHead::take(&mut buffer, MAX_RESPONSE_HEAD).expect("valid so far").is_none());
            prop_assert_eq!(&buffer, &before);
            buffer = BytesMut::from(&*format!("{text}{rest}"));
            let head = ResponseHead::take(&mut buffer, MAX_RESPONSE_HEAD).expect("valid").expect("complete");
            prop_assert_eq!(&*buffer, rest.as_bytes());
            let found: Vec<_> = head.headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            let sent: Vec<_> = headers.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes())).collect();
            prop_assert_eq!(found, sent);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, start in 0..2_usize) {
            let mut buffer = BytesMut::from(&*[[&b""[..], b"HTTP/1.1 200 OK\r\n"][start], &bytes].concat());
            let whole = buffer.len();
            if let Ok(Some(head)) = ResponseHead::take(&mut buffer, MAX_RESPONSE_HEAD) {
                prop_assert!(buffer.len() < whole);
                let _ = head.framing(&Method::GET);
            }
        }
    }
}
