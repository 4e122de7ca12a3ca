//! An endpoint's answer over HTTP/1, followed as it is read: Pingora's reader takes for chunks what others read otherwise, and
//! drops a `Content-Length` beside `Transfer-Encoding` before a hook sees it.

use crate::connection::{BodyFramer, BodyFraming};
use crate::exchange::{InvalidHead, MAX_RESPONSE_HEAD, has_body, no_headers, parse_head, response_framing};
use http::{Method, StatusCode, Version};
use std::io;

/// Where in an answer the endpoint is.
#[derive(Debug)]
pub(super) struct Answer {
    /// The method of the request.
    method: Method,
    state: State,
}

#[derive(Debug)]
enum State {
    /// In its head, or in that of an interim one. What has come of it already, which is nothing where all comes at once.
    Head(Vec<u8>),
    /// In its body, or behind it: Pingora keeps no connection that has bytes there.
    Body(BodyFramer),
}

impl Answer {
    /// At the start of the answer to a request with this method.
    pub(super) fn to(method: Method) -> Self {
        Self { method, state: State::Head(Vec::new()) }
    }

    /// Takes what the endpoint has sent next.
    ///
    /// # Errors
    /// It cannot be told what it is, or where it ends.
    pub(super) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.state {
            State::Body(body) => body.take(bytes).map(|_| ()).map_err(io::Error::from),
            State::Head(begun) if begun.is_empty() => self.take_heads(bytes),
            State::Head(begun) => {
                begun.extend_from_slice(bytes);
                // A head can only become complete, or too long, with a line.
                if memchr::memchr(b'\n', bytes).is_none() && begun.len() < MAX_RESPONSE_HEAD {
                    return Ok(());
                }
                let begun = std::mem::take(begun);
                self.take_heads(&begun)
            }
        }
    }

    /// Takes the head at the start of these bytes, behind those of interim answers, and what follows it.
    fn take_heads(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((body, length)) = self.head(bytes)? {
            bytes = &bytes[length..];
            if let Some(framing) = body {
                let mut body = BodyFramer::of_answer(framing);
                body.take(bytes)?;
                self.state = State::Body(body);
                return Ok(());
            }
        }
        self.state = State::Head(bytes.to_vec());
        Ok(())
    }

    /// The framing that the head at the start of these bytes gives its body, and its length. An interim one gives none.
    fn head(&self, bytes: &[u8]) -> Result<Option<(Option<BodyFraming>, usize)>, InvalidHead> {
        let mut headers = no_headers();
        let Some((response, length)) = parse_head(bytes, &mut headers)? else { return Ok(None) };
        let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(InvalidHead::Malformed)?;
        if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Some((None, length)));
        }
        let version = if response.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
        let values = |name: &'static str| {
            let named = response.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
            named.map(|header| header.value)
        };
        let framing = response_framing(version, values("content-length"), values("transfer-encoding"))?;
        let framing = if has_body(&self.method, status) { framing } else { BodyFraming::None };
        Ok(Some((Some(framing), length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an answer is sound, wherever it is cut.
    fn is_sound(method: &Method, bytes: &[u8]) -> bool {
        let cut = |at| {
            let (first, second) = bytes.split_at(at);
            let mut answer = Answer::to(method.clone());
            answer.take(first).and_then(|()| answer.take(second)).is_ok()
        };
        let whole = cut(0);
        for at in 0..=bytes.len().min(200) {
            assert_eq!(cut(at), whole, "{} cut at {at}", bytes.escape_ascii());
        }
        whole
    }

    #[test]
    fn sound_answers_pass_with_what_is_behind_them() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokX",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.0 200\r\n\r\nuntil \0 the end",
            "HTTP/1.1 200 OK\nTransfer-Encoding : Chunked\n\n2;a=b\r\nok\r\n0\r\nA: b\r\n\r\nX",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
            "HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n\0",
        ] {
            assert!(is_sound(&Method::GET, answer.as_bytes()), "{answer:?}");
        }
        let of_head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(is_sound(&Method::HEAD, of_head));
    }

    #[test]
    fn what_two_readers_read_in_two_ways_is_refused() {
        for answer in [
            "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n+0\r\n\r\n",
            "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n",
        ] {
            assert!(!is_sound(&Method::GET, answer.as_bytes()), "{answer:?}");
        }
    }

    #[test]
    fn a_head_that_comes_line_by_line_is_bounded() {
        let mut answer = Answer::to(Method::GET);
        let line = format!("A: {}\r\n", "x".repeat(1 << 10));
        let mut lines = std::iter::once("HTTP/1.1 200 OK\r\n").chain(std::iter::repeat(&*line));
        let taken = lines.position(|line| answer.take(line.as_bytes()).is_err()).expect("an end");
        assert!((60..=64).contains(&taken), "{taken} lines");
    }
}
