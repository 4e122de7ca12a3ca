//! The body of an endpoint's response.

use crate::exchange::Framing;
use crate::grammar::is_text;
use bytes::{Bytes, BytesMut};
use http::HeaderName;

/// The longest line of a chunk's size, with its extensions, or of a trailer.
const MAX_LINE: usize = 4 << 10;
/// The most bytes of trailers, which are read and discarded.
const MAX_TRAILERS: usize = 64 << 10;

/// Decodes a body from the bytes that follow a head.
#[derive(Clone, Copy, Debug)]
pub(in crate::lane) struct BodyDecoder {
    state: State,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes, which are the rest of the body.
    Length(u64),
    /// The body, until the connection is closed.
    UntilClose,
    /// The line with the size of a chunk.
    ChunkSize,
    /// The rest of a chunk.
    Chunk(u64),
    /// The line break after a chunk.
    ChunkEnd,
    /// Trailers, of which so many bytes have come.
    Trailers(usize),
    Done,
}

/// A body that does not follow its framing, or ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response body is malformed or incomplete")]
pub(in crate::lane) struct InvalidBody;

impl BodyDecoder {
    pub(in crate::lane) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// Whether the body has ended.
    pub(in crate::lane) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Removes the next piece of the body from the start of `buffer`. `None` if the body has ended, or more bytes are needed.
    pub(in crate::lane) fn take(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, InvalidBody> {
        loop {
            match self.state {
                State::Done => return Ok(None),
                State::Length(_) | State::Chunk(_) | State::UntilClose if buffer.is_empty() => return Ok(None),
                State::Length(left) => return Ok(Some(self.piece(buffer, left, State::Length, State::Done))),
                State::Chunk(left) => return Ok(Some(self.piece(buffer, left, State::Chunk, State::ChunkEnd))),
                State::UntilClose => return Ok(Some(buffer.split().freeze())),
                State::ChunkSize | State::ChunkEnd | State::Trailers(_) => match line(buffer)? {
                    Some(line) => self.state = self.after(&line)?,
                    None => return Ok(None),
                },
            }
        }
    }

    /// The connection was closed.
    pub(in crate::lane) fn closed(&mut self) -> Result<(), InvalidBody> {
        match self.state {
            State::UntilClose | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(InvalidBody),
        }
    }

    /// Removes up to `left` bytes. Then the state is `more` of the rest, or `end`.
    fn piece(&mut self, buffer: &mut BytesMut, left: u64, more: impl Fn(u64) -> State, end: State) -> Bytes {
        let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let left = left - length as u64;
        self.state = if left == 0 { end } else { more(left) };
        buffer.split_to(length).freeze()
    }

    /// The state after a line, given with its line break.
    fn after(self, line: &[u8]) -> Result<State, InvalidBody> {
        let is_empty = line == b"\r\n";
        match self.state {
            State::ChunkSize if is_chunk_head(line) => match httparse::parse_chunk_size(line) {
                Ok(httparse::Status::Complete((_, 0))) => Ok(State::Trailers(0)),
                Ok(httparse::Status::Complete((_, size))) => Ok(State::Chunk(size)),
                _ => Err(InvalidBody),
            },
            State::ChunkEnd if is_empty => Ok(State::ChunkSize),
            State::Trailers(_) if is_empty => Ok(State::Done),
            State::Trailers(before) if before + line.len() <= MAX_TRAILERS && is_field(line) => {
                Ok(State::Trailers(before + line.len()))
            }
            _ => Err(InvalidBody),
        }
    }
}

/// What `httparse` leaves to check: it takes a line without a digit for zero, and any byte in an extension.
fn is_chunk_head(line: &[u8]) -> bool {
    line[0].is_ascii_hexdigit() && text_of(line).is_some_and(|text| text.iter().all(|byte| is_text(*byte)))
}

/// Whether a line is a field: a trailer.
fn is_field(line: &[u8]) -> bool {
    let Some(text) = text_of(line) else { return false };
    let mut parts = text.splitn(2, |byte| *byte == b':');
    let name = parts.next().is_some_and(|name| HeaderName::from_bytes(name).is_ok());
    name && parts.next().is_some_and(|value| value.iter().all(|byte| is_text(*byte)))
}

/// A line without its line break, which is not a bare line feed.
fn text_of(line: &[u8]) -> Option<&[u8]> {
    line.strip_suffix(b"\r\n")
}

/// Removes a line with its line break from the start of `buffer`, if all of it is there.
fn line(buffer: &mut BytesMut) -> Result<Option<BytesMut>, InvalidBody> {
    match memchr::memchr(b'\n', &buffer[..buffer.len().min(MAX_LINE)]) {
        Some(end) => Ok(Some(buffer.split_to(end + 1))),
        None if buffer.len() < MAX_LINE => Ok(None),
        None => Err(InvalidBody),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is decoded of bytes that come in pieces of this length, and what is left of them.
    fn decode(framing: Framing, bytes: &[u8], step: usize) -> Result<(Vec<u8>, Vec<u8>, bool), InvalidBody> {
        let (mut decoder, mut buffer, mut body) = (BodyDecoder::new(framing), BytesMut::new(), Vec::new());
        for piece in bytes.chunks(step) {
            buffer.extend_from_slice(piece);
            while let Some(piece) = decoder.take(&mut buffer)? {
                body.extend_from_slice(&piece);
            }
        }
        Ok((body, buffer.to_vec(), decoder.is_done()))
    }

    fn decoded(body: &str, rest: &str, done: bool) -> Result<(Vec<u8>, Vec<u8>, bool), InvalidBody> {
        Ok((body.into(), rest.into(), done))
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        for step in [1, 2, 100] {
            assert_eq!(decode(Framing::Length(3), b"abcd", step), decoded("abc", "d", true));
            assert_eq!(decode(Framing::Length(3), b"ab", step), decoded("ab", "", false));
            assert_eq!(decode(Framing::Length(0), b"ab", step), decoded("", "ab", true));
            assert_eq!(decode(Framing::UntilClose, b"ab", step), decoded("ab", "", false));
            let chunks = b"2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext";
            assert_eq!(decode(Framing::Chunked, chunks, step), decoded("ab0123456789", "next", true));
            assert_eq!(decode(Framing::Chunked, b"0\r\n", step), decoded("", "", false), "no empty line yet");
        }
    }

    #[test]
    fn invalid_chunks_are_refused() {
        let long = format!("1;{}\r\na\r\n", "x".repeat(MAX_LINE));
        let trailers = format!("0\r\n{}\r\n", format!("a: {}\r\n", "x".repeat(1000)).repeat(70));
        for chunks in [
            "x\r\n",
            "\r\n",
            ";x\r\n",
            "-1\r\n",
            "+1\r\n",
            "1\n",
            "1\r\nab\r\n",
            "10000000000000000\r\n",
            "1;a\nb\r\n",
            "1;a\rb\r\n",
            "1;a\0b\r\n",
            "0\r\nno field\r\n",
            "0\r\n: b\r\n",
            "0\r\na : b\r\n",
            "0\r\na: b\n",
            "0\r\na: \0\r\n",
            &long,
            &trailers,
        ] {
            assert_eq!(decode(Framing::Chunked, chunks.as_bytes(), 7), Err(InvalidBody), "{chunks:.20}");
        }
    }

    #[test]
    fn only_some_bodies_end_with_the_connection() {
        let closed = |framing| BodyDecoder::new(framing).closed();
        assert_eq!((closed(Framing::UntilClose), closed(Framing::Length(0))), (Ok(()), Ok(())));
        assert_eq!((closed(Framing::Length(1)), closed(Framing::Chunked)), (Err(InvalidBody), Err(InvalidBody)));
    }

    proptest! {
        #[test]
        fn chunks_are_put_together(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8), step in 1..50_usize,
        ) {
            let mut bytes = Vec::new();
            for chunk in &chunks {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            prop_assert_eq!(decode(Framing::Chunked, &bytes, step), Ok((chunks.concat(), Vec::new(), true)));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, step in 1..9_usize) {
            let _ = decode(Framing::Chunked, &bytes, step);
        }
    }
}
