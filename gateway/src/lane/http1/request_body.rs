//! The body of a request on its way to an endpoint. Its framing is ours.

use super::RequestHead;
use crate::connection::BodyFraming;
use crate::exchange::RequestEdits;
use crate::lane::head::write_trailers;
use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use std::io::Write;

/// How much of a body has been passed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestBody {
    is_chunked: bool,
    is_done: bool,
    /// The endpoint takes no more of it.
    is_refused: bool,
}

impl RequestBody {
    /// The start of a body, whose framing is put into the request's head.
    pub(super) fn begin(framing: BodyFraming, head: &mut RequestHead) -> Self {
        let is_chunked = framing == BodyFraming::Chunked;
        head.remove(&header::TRANSFER_ENCODING);
        match framing {
            BodyFraming::Length(length) => head.set("Content-Length", length.into()),
            BodyFraming::None if head.has("content-length") => head.set("Content-Length", 0.into()),
            BodyFraming::None | BodyFraming::UntilClose => {}
            BodyFraming::Chunked => {
                head.remove(&header::CONTENT_LENGTH);
                head.set("Transfer-Encoding", HeaderValue::from_static("chunked"));
            }
        }
        Self { is_chunked, is_done: framing == BodyFraming::None, is_refused: false }
    }

    /// Whether it has been passed on to its end, or nobody wants the rest.
    pub(super) fn is_over(&self) -> bool {
        self.is_done || self.is_refused
    }

    /// Whether it has been passed on to its end.
    pub(super) fn is_done(&self) -> bool {
        self.is_done && !self.is_refused
    }

    /// The endpoint takes no more of it.
    pub(super) fn refuse(&mut self) {
        self.is_refused = true;
    }

    /// Passes on a piece.
    pub(super) fn pass_on(&self, piece: &[u8], output: &mut BytesMut) {
        if self.is_chunked && !piece.is_empty() {
            let _ = write!(output.writer(), "{:x}\r\n", piece.len()); // writing to memory cannot fail
        }
        output.extend_from_slice(piece);
        if self.is_chunked && !piece.is_empty() {
            output.extend_from_slice(b"\r\n");
        }
    }

    /// Passes on the end, with trailers where the framing has room for them.
    pub(super) fn end(&mut self, trailers: Option<&HeaderMap>, output: &mut BytesMut) {
        match trailers {
            _ if !self.is_chunked => {}
            Some(trailers) => write_trailers(trailers, output),
            None => output.extend_from_slice(b"0\r\n\r\n"),
        }
        self.is_done = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::client::ClientHead;

    fn request_head(text: String) -> RequestHead {
        let head = ClientHead::parse(text.into(), None).expect("a head");
        RequestHead::new(&head.method, head.target, head.headers)
    }

    fn sent(framing: BodyFraming, lines: &str, pieces: &[(&str, bool)]) -> String {
        let text = format!("POST / HTTP/1.1\r\n{lines}\r\n");
        let mut head = request_head(text);
        let mut body = RequestBody::begin(framing, &mut head);
        let mut output = BytesMut::new();
        head.write(&mut output).expect("a target");
        for (piece, is_last) in pieces {
            assert!(!body.is_done());
            body.pass_on(piece.as_bytes(), &mut output);
            if *is_last {
                body.end(None, &mut output);
            }
        }
        assert!(body.is_done());
        String::from_utf8(output.to_vec()).expect("text")
    }

    #[test]
    fn a_body_has_the_framing_that_was_understood() {
        let length = sent(BodyFraming::Length(3), "content-length: 003\r\na: b\r\n", &[("a", false), ("bc", true)]);
        assert_eq!(length, "POST / HTTP/1.1\r\na: b\r\nContent-Length: 3\r\n\r\nabc");
        let chunks = sent(
            BodyFraming::Chunked,
            "transfer-encoding: Chunked\r\n",
            &[("0123456789abcdef", false), ("", false), ("a", false), ("", true)],
        );
        assert_eq!(
            chunks,
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n1\r\na\r\n0\r\n\r\n"
        );
        assert_eq!(
            sent(BodyFraming::None, "Content-Length: 00\r\n", &[]),
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(sent(BodyFraming::None, "a: b\r\n", &[]), "POST / HTTP/1.1\r\na: b\r\n\r\n");
    }
}
