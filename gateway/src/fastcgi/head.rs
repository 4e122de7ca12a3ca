//! The head of a program's response, as CGI has it: headers, of which `Status` is the status, and an empty line.

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, StatusCode};

/// The largest head in bytes, as for responses of HTTP.
const MAX_HEAD: usize = 64 << 10;
/// Headers that a head may have at most.
const MAX_HEADERS: usize = 256;

/// The head of a response. Headers keep their order and the case of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgiHead {
    /// What `Status` says, from 200; without it 302 with a `Location`, else 200, as in nginx.
    pub status: StatusCode,
    /// The reason phrase behind the status.
    pub reason: Bytes,
    /// All headers but `Status` and `Transfer-Encoding`: the records say where the response ends.
    pub headers: Vec<(Bytes, HeaderValue)>,
}

/// Why the head of a response is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCgiHead {
    /// It violates the grammar of headers, or its `Status` is none of a final response.
    #[error("the response head is malformed")]
    Malformed,
    /// It has too many bytes or headers.
    #[error("the response head is too large")]
    TooLarge,
    /// The response has ended before.
    #[error("the response has ended within its head")]
    Missing,
}

/// Collects the head of a response. The time taken is linear in its length, in whatever pieces it comes.
#[derive(Debug, Default)]
pub struct HeadReader {
    bytes: BytesMut,
    /// Where the line begins whose end has not been found.
    line: usize,
}

impl HeadReader {
    /// Takes the next piece of a response. Returns the head, and what comes behind it, once it is complete.
    ///
    /// # Errors
    /// The head is malformed or too large.
    pub fn push(&mut self, piece: &[u8]) -> Result<Option<(CgiHead, Bytes)>, InvalidCgiHead> {
        let searched = self.bytes.len();
        self.bytes.extend_from_slice(piece);
        match self.end(searched) {
            Some(end) if end <= MAX_HEAD => {
                let mut bytes = std::mem::take(&mut self.bytes).freeze();
                let rest = bytes.split_off(end);
                Ok(Some((CgiHead::parse(&bytes)?, rest)))
            }
            None if self.bytes.len() < MAX_HEAD => Ok(None),
            _ => Err(InvalidCgiHead::TooLarge),
        }
    }

    /// Where the empty line ends that ends the head. Lines end with a line feed, before which may be a carriage return.
    fn end(&mut self, searched: usize) -> Option<usize> {
        for feed in memchr::memchr_iter(b'\n', &self.bytes[searched..]) {
            let end = searched + feed;
            if matches!(&self.bytes[self.line..end], b"" | b"\r") {
                return Some(end + 1);
            }
            self.line = end + 1;
        }
        None
    }
}

impl CgiHead {
    /// The head that these bytes are.
    fn parse(bytes: &Bytes) -> Result<Self, InvalidCgiHead> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let headers = match httparse::parse_headers(bytes, &mut headers) {
            Ok(httparse::Status::Complete((length, headers))) if length == bytes.len() => headers,
            Err(httparse::Error::TooManyHeaders) => return Err(InvalidCgiHead::TooLarge),
            Ok(_) | Err(_) => return Err(InvalidCgiHead::Malformed),
        };
        let find = |name: &str| headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        let (status, reason) = match (find("status"), find("location")) {
            (Some(status), _) => {
                let (status, reason) = status_line(status.value).ok_or(InvalidCgiHead::Malformed)?;
                (status, bytes.slice_ref(reason))
            }
            (None, Some(_)) => (StatusCode::FOUND, Bytes::from_static(b"Moved Temporarily")),
            (None, None) => (StatusCode::OK, Bytes::from_static(b"OK")),
        };
        let kept = headers.iter().filter(|header| {
            !["status", "transfer-encoding"].iter().any(|name| header.name.eq_ignore_ascii_case(name))
        });
        let header = |header: &httparse::Header<'_>| {
            let value = HeaderValue::from_maybe_shared(bytes.slice_ref(header.value)).ok()?;
            Some((bytes.slice_ref(header.name.as_bytes()), value))
        };
        let headers = kept.map(header).collect::<Option<_>>().ok_or(InvalidCgiHead::Malformed)?;
        Ok(Self { status, reason, headers })
    }

    /// The values of all headers of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self.headers.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| value.as_bytes())
    }
}

/// The status of a final response that these bytes begin with, and the reason phrase behind it.
fn status_line(line: &[u8]) -> Option<(StatusCode, &[u8])> {
    let (digits, reason) = line.split_at_checked(3)?;
    let status = StatusCode::from_bytes(digits).ok().filter(|status| !status.is_informational())?;
    match reason {
        [] => Some((status, reason)),
        [b' ', reason @ ..] => Some((status, reason)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<(CgiHead, Bytes)>, InvalidCgiHead> {
        HeadReader::default().push(text.as_bytes())
    }

    fn status(text: &str) -> (u16, String) {
        let (head, _) = head(text).expect("a valid head").expect("a complete head");
        (head.status.as_u16(), String::from_utf8_lossy(&head.reason).into_owned())
    }

    #[test]
    fn a_head_is_removed_from_what_follows_it() {
        let (head, rest) =
            head("X-a: 1\r\nSTATUS: 404 Not Found\nTransfer-Encoding: chunked\r\nx-B: 2\r\n\r\nmore\n\n")
                .expect("a valid head")
                .expect("a complete head");
        assert_eq!((head.status.as_u16(), &*head.reason, &*rest), (404, &b"Not Found"[..], &b"more\n\n"[..]));
        let headers: Vec<_> = head.headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect();
        assert_eq!(headers, [(&b"X-a"[..], &b"1"[..]), (b"x-B", b"2")]);
        assert_eq!(head.all("X-b").collect::<Vec<_>>(), [b"2"]);
    }

    #[test]
    fn the_status_is_nginxs() {
        assert_eq!(status("\n"), (200, "OK".into()), "no header at all");
        assert_eq!(status("A: b\n\n"), (200, "OK".into()));
        assert_eq!(status("Location: /a\n\n"), (302, "Moved Temporarily".into()));
        assert_eq!(status("Location: /a\nStatus: 201\n\n"), (201, String::new()));
        assert_eq!(status("Status: 299 My own\nStatus: 500\n\n"), (299, "My own".into()), "the first counts");
    }

    #[test]
    fn what_violates_the_grammar_is_refused() {
        for text in [
            "no header\n\n",
            "Status: 20\n\n",
            "Status: ok\n\n",
            "Status: 2000\n\n",
            "Status: 101 Switching Protocols\n\n",
            "A: b\rC: d\n\n",
            "A: b\0\n\n",
            "A: b\n c\n\n",
            "A b: c\n\n",
            ": b\n\n",
        ] {
            assert_eq!(head(text), Err(InvalidCgiHead::Malformed), "{text:?}");
        }
    }

    #[test]
    fn a_head_is_limited() {
        let is_head = |text: &str| head(text).map(|head| head.is_some());
        assert_eq!(is_head(&("a: b\n".repeat(256) + "\n")), Ok(true));
        assert_eq!(is_head(&("a: b\n".repeat(257) + "\n")), Err(InvalidCgiHead::TooLarge));
        assert_eq!(is_head(&format!("a: {}\n\n", "x".repeat(MAX_HEAD - 5))), Ok(true));
        assert_eq!(is_head(&format!("a: {}\n\n", "x".repeat(MAX_HEAD - 4))), Err(InvalidCgiHead::TooLarge));
        let mut reader = HeadReader::default();
        assert_eq!(reader.push(&[b'x'; MAX_HEAD - 1]), Ok(None));
        assert_eq!(reader.push(b"x"), Err(InvalidCgiHead::TooLarge));
    }

    #[test]
    fn a_head_comes_in_any_pieces() {
        let text = "Status: 201\r\nA: b\r\n\r\nrest";
        for cut in 0..text.len() - "rest".len() {
            let mut reader = HeadReader::default();
            assert_eq!(reader.push(&text.as_bytes()[..cut]), Ok(None), "{cut}");
            let (head, rest) = reader.push(&text.as_bytes()[cut..]).expect("valid").expect("complete");
            assert_eq!((head.status.as_u16(), head.headers.len(), &*rest), (201, 1, &b"rest"[..]), "{cut}");
        }
    }
}
