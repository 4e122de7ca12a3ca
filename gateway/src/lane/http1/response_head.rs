//! The head of an endpoint's response.

use crate::connection::BodyFraming;
use crate::exchange::{InvalidHead, has_body, no_headers, parse_head, response_framing};
use crate::grammar;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, StatusCode, Version};

/// A response head. Headers keep their order and the case of their names.
#[derive(Clone, Debug)]
pub(in crate::lane) struct ResponseHead {
    pub(in crate::lane) version: Version,
    pub(in crate::lane) status: StatusCode,
    /// The reason phrase, which may be empty.
    pub(in crate::lane) reason: Bytes,
    pub(in crate::lane) headers: Vec<(Bytes, HeaderValue)>,
}

impl ResponseHead {
    /// Parses the head at the start of `buffer` and removes it from there. `None` if more bytes are needed.
    pub(in crate::lane) fn take(buffer: &mut BytesMut) -> Result<Option<Self>, InvalidHead> {
        let bytes = std::mem::take(buffer).freeze();
        let parsed = Self::parse(&bytes);
        let length = parsed.as_ref().map_or(0, |parsed| parsed.as_ref().map_or(0, |(_, length)| *length));
        let rest = bytes.slice(length..);
        drop(bytes);
        // Without a copy as long as no head refers to the same memory.
        *buffer = rest.try_into_mut().unwrap_or_else(|rest| BytesMut::from(&*rest));
        Ok(parsed?.map(|(head, _)| head))
    }

    /// The head at the start of `bytes`, and its length.
    fn parse(bytes: &Bytes) -> Result<Option<(Self, usize)>, InvalidHead> {
        let mut headers = no_headers();
        let Some((response, length)) = parse_head(bytes, &mut headers)? else { return Ok(None) };
        let head = Self::new(bytes, &response).ok_or(InvalidHead::Malformed)?;
        Ok(Some((head, length)))
    }

    fn new(bytes: &Bytes, response: &httparse::Response<'_, '_>) -> Option<Self> {
        let header = |header: &httparse::Header<'_>| {
            let value = HeaderValue::from_maybe_shared(bytes.slice_ref(header.value)).ok()?;
            Some((bytes.slice_ref(header.name.as_bytes()), value))
        };
        Some(Self {
            version: if response.version? == 1 { Version::HTTP_11 } else { Version::HTTP_10 },
            status: StatusCode::from_u16(response.code?).ok()?,
            reason: bytes.slice_ref(response.reason?.as_bytes()),
            headers: response.headers.iter().map(header).collect::<Option<_>>()?,
        })
    }

    /// Where the body ends of a response to a request with this method.
    pub(in crate::lane) fn framing(&self, method: &Method) -> Result<BodyFraming, InvalidHead> {
        let framing = response_framing(self.version, self.all("content-length"), self.all("transfer-encoding"))?;
        Ok(if has_body(method, self.status) { framing } else { BodyFraming::None })
    }

    /// Whether the endpoint keeps the connection after the response.
    pub(in crate::lane) fn keeps_alive(&self) -> bool {
        let has = |option: &str| self.all("connection").any(|value| grammar::lists(value, option));
        if self.version == Version::HTTP_11 { !has("close") } else { has("keep-alive") && !has("close") }
    }

    /// The values of all headers of this name.
    pub(in crate::lane) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self.headers.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| value.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{InvalidFraming, MAX_RESPONSE_HEAD};
    use proptest::prelude::*;

    fn take(text: &str) -> (Result<Option<ResponseHead>, InvalidHead>, BytesMut) {
        let mut buffer = BytesMut::from(text);
        (ResponseHead::take(&mut buffer), buffer)
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
        let headers: Vec<_> = head.headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect();
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
            prop_assert!(ResponseHead::take(&mut buffer).expect("valid so far").is_none());
            prop_assert_eq!(&buffer, &before);
            buffer = BytesMut::from(&*format!("{text}{rest}"));
            let head = ResponseHead::take(&mut buffer).expect("valid").expect("complete");
            prop_assert_eq!(&*buffer, rest.as_bytes());
            let found: Vec<_> = head.headers.iter().map(|(name, value)| (name.to_vec(), value.as_bytes().to_vec())).collect();
            let sent: Vec<_> = headers.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes())).collect();
            prop_assert_eq!(found, sent);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, start in 0..2_usize) {
            let mut buffer = BytesMut::from(&*[[&b""[..], b"HTTP/1.1 200 OK\r\n"][start], &bytes].concat());
            let whole = buffer.len();
            if let Ok(Some(head)) = ResponseHead::take(&mut buffer) {
                prop_assert!(buffer.len() < whole);
                let _ = head.framing(&Method::GET);
            }
        }
    }
}
