//! The framing of a request's body in HTTP/1 (RFC 9112, sections 6 and 7): where it ends, and that every byte of a chunked
//! one says so in the one way that all servers read alike.

use crate::grammar::{is_text, is_token};
use std::io::{Error, ErrorKind};

/// Digits of a chunk's size: more would not fit into 64 bits.
const SIZE_DIGITS: u8 = 16;
/// Bytes of one chunk's extensions.
const EXTENSIONS: usize = 4 << 10;
/// Bytes of all trailers of a body.
const TRAILERS: usize = 8 << 10;

/// How the end of a request's body is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is no body.
    #[default]
    None,
    /// It has so many bytes, at least one.
    Length(u64),
    /// It comes in chunks.
    Chunked,
}

/// A body that violates its framing: nobody can say where the next request begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not what its framing says")]
pub struct MalformedBody;

impl From<MalformedBody> for Error {
    fn from(malformed: MalformedBody) -> Self {
        Self::new(ErrorKind::InvalidData, malformed)
    }
}

/// Follows a request's body as it arrives, in whatever pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyFramer {
    state: State,
    /// Bytes left of the body, or of the chunk.
    left: u64,
    /// Bytes so far of the chunk's extensions, or of the trailers.
    length: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes of a body with a length.
    Body,
    /// The size of a chunk, after so many digits.
    Size(u8),
    Extension(Extension),
    SizeLf,
    /// Bytes of a chunk.
    Data,
    DataCr,
    DataLf,
    /// A trailer, or the empty line that ends the body.
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

/// Where in a chunk's extensions: `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    Semicolon,
    NameStart,
    Name,
    NameEnd,
    ValueStart,
    Token,
    Quoted,
    Escaped,
    QuotedEnd,
}

impl BodyFramer {
    /// At the start of a body. `None` if there is none.
    pub fn new(framing: BodyFraming) -> Option<Self> {
        match framing {
            BodyFraming::None | BodyFraming::Length(0) => None,
            BodyFraming::Length(left) => Some(Self { state: State::Body, left, length: 0 }),
            BodyFraming::Chunked => Some(Self { state: State::Size(0), left: 0, length: 0 }),
        }
    }

    /// Bytes that may be read without one too many. Of a chunked body nobody knows.
    pub fn readable(&self) -> u64 {
        if self.state == State::Body { self.left } else { u64::MAX }
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes the next bytes of the connection. Returns how many belong to the body.
    ///
    /// # Errors
    /// They violate the framing.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, MalformedBody> {
        let mut taken = 0;
        while let Some(byte) = bytes.get(taken)
            && !self.is_done()
        {
            if let State::Body | State::Data = self.state {
                taken += self.take_data(bytes.len() - taken);
            } else {
                self.state = self.next(*byte).ok_or(MalformedBody)?;
                taken += 1;
            }
        }
        Ok(taken)
    }

    /// Takes up to so many bytes of data.
    fn take_data(&mut self, most: usize) -> usize {
        let taken = usize::try_from(self.left).map_or(most, |left| left.min(most));
        self.left -= taken as u64;
        if self.left == 0 {
            self.state = if self.state == State::Body { State::Done } else { State::DataCr };
        }
        taken
    }

    /// The state after a byte that is no data.
    fn next(&mut self, byte: u8) -> Option<State> {
        match (self.state, byte) {
            (State::Size(1..), b'\r') => Some(State::SizeLf),
            (State::Size(1..), b';' | b' ' | b'\t') => self.extension(Extension::Semicolon, byte),
            (State::Size(digits @ ..SIZE_DIGITS), _) => self.size(digits, byte),
            (State::Extension(Extension::Name | Extension::Token | Extension::QuotedEnd), b'\r') => Some(State::SizeLf),
            (State::Extension(part), _) => self.extension(part, byte),
            (State::SizeLf, b'\n') => Some(self.begin_chunk()),
            (State::DataCr, b'\r') => Some(State::DataLf),
            (State::DataLf, b'\n') => Some(State::Size(0)),
            (State::Trailer, b'\r') => Some(State::LastLf),
            (State::LastLf, b'\n') => Some(State::Done),
            (State::Trailer | State::TrailerName | State::TrailerValue | State::TrailerLf, _) => self.trailer(byte),
            _ => None,
        }
    }

    fn size(&mut self, digits: u8, byte: u8) -> Option<State> {
        let digit = char::from(byte).to_digit(16)?;
        self.left = self.left << 4 | u64::from(digit);
        Some(State::Size(digits + 1))
    }

    /// The line with the size has ended. The last chunk has none.
    fn begin_chunk(&mut self) -> State {
        self.length = 0;
        if self.left == 0 { State::Trailer } else { State::Data }
    }

    fn extension(&mut self, part: Extension, byte: u8) -> Option<State> {
        self.length += 1;
        if self.length > EXTENSIONS {
            return None;
        }
        let next = match (part, byte) {
            (Extension::Quoted, b'"') => Extension::QuotedEnd,
            (Extension::Quoted, b'\\') => Extension::Escaped,
            (Extension::Quoted | Extension::Escaped, _) if is_text(byte) => Extension::Quoted,
            (
                Extension::Semicolon | Extension::NameStart | Extension::NameEnd | Extension::ValueStart,
                b' ' | b'\t',
            ) => part,
            (Extension::Name, b' ' | b'\t') => Extension::NameEnd,
            (Extension::Token | Extension::QuotedEnd, b' ' | b'\t') => Extension::Semicolon,
            (Extension::NameStart | Extension::Name, _) if is_token(byte) => Extension::Name,
            (Extension::ValueStart, b'"') => Extension::Quoted,
            (Extension::ValueStart | Extension::Token, _) if is_token(byte) => Extension::Token,
            (Extension::Name | Extension::NameEnd, b'=') => Extension::ValueStart,
            (
                Extension::Semicolon | Extension::Name | Extension::NameEnd | Extension::Token | Extension::QuotedEnd,
                b';',
            ) => Extension::NameStart,
            _ => return None,
        };
        Some(State::Extension(next))
    }

    fn trailer(&mut self, byte: u8) -> Option<State> {
        self.length += 1;
        match (self.state, byte) {
            _ if self.length > TRAILERS => None,
            (State::Trailer | State::TrailerName, _) if is_token(byte) => Some(State::TrailerName),
            (State::TrailerName, b':') => Some(State::TrailerValue),
            (State::TrailerValue, b'\r') => Some(State::TrailerLf),
            (State::TrailerValue, _) if is_text(byte) => Some(State::TrailerValue),
            (State::TrailerLf, b'\n') => Some(State::Trailer),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Takes the bytes in two pieces. Returns how many belong to the body, and whether it has ended.
    fn cut(framing: BodyFraming, bytes: &[u8], at: usize) -> Result<(usize, bool), MalformedBody> {
        let mut framer = BodyFramer::new(framing).expect("a body");
        let (first, second) = bytes.split_at(at);
        let mut taken = framer.take(first)?;
        if taken == first.len() {
            taken += framer.take(second)?;
        }
        Ok((taken, framer.is_done()))
    }

    /// The same however the bytes are cut.
    fn chunked(bytes: impl AsRef<[u8]>) -> Result<(usize, bool), MalformedBody> {
        let bytes = bytes.as_ref();
        let whole = cut(BodyFraming::Chunked, bytes, 0);
        for at in 0..bytes.len().min(100) {
            assert_eq!(
                cut(BodyFraming::Chunked, bytes, at),
                whole,
                "{:?} cut at {at}",
                bytes.escape_ascii().to_string()
            );
        }
        whole
    }

    #[test]
    fn a_length_is_kept_to_the_byte() {
        for at in 0..=8 {
            assert_eq!(cut(BodyFraming::Length(5), b"helloGET", at), Ok((5, true)));
            assert_eq!(cut(BodyFraming::Length(9), b"helloGET", at), Ok((8, false)));
        }
        assert_eq!(BodyFramer::new(BodyFraming::None), None);
        assert_eq!(BodyFramer::new(BodyFraming::Length(0)), None);
    }

    #[test]
    fn takes_what_is_sound_and_no_more() {
        let bodies = [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "0000000000000005\r\nhello\r\n000\r\n\r\n",
            "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "5;a\r\nhello\r\n0;b=c;d=\"e;\\\"\"\r\n\r\n",
            "5;a=\"q\\\"; \u{e9}\";b=c\r\nhello\r\n0\r\n\r\n",
            "5 ; a = b\r\nhello\r\n0\r\n\r\n",
            "0\r\nX: y\r\nEmpty:\r\nZ:\u{e9}\t \r\n\r\n",
        ];
        for body in bodies {
            assert_eq!(chunked(format!("{body}GET")), Ok((body.len(), true)), "{body:?}");
            assert_eq!(chunked(&body[..body.len() - 1]), Ok((body.len() - 1, false)), "{body:?}");
        }
    }

    #[test]
    fn refuses_what_two_servers_read_in_two_ways() {
        let sizes = [
            "",
            "0x5",
            "+5",
            "-5",
            "5 ",
            " 5",
            "5_",
            "5.0",
            "g",
            "00000000000000005",
            "5\n",
            "5\r",
            "5\0",
            "5\u{a0}",
            "5;",
            "5;=",
            "5;a=",
            "5; ",
            "5;a ",
            "5;a=b ",
            "5;a[",
            "5;a\nb",
            "5;a\rb",
            "5;a\0",
            "5;a=\"b",
            "5;a=\"b\n\"",
            "5;a=\"b\r\"",
            "5;a=\"b\"c",
            "5,5",
        ];
        for size in sizes {
            assert_eq!(chunked(format!("{size}\r\nhello\r\n0\r\n\r\n")), Err(MalformedBody), "{size:?}");
        }
        let bodies = [
            "5\nhello\r\n0\r\n\r\n",
            "5\rhello\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r0\r\n\r\n",
            "5\r\nhello!!\r\n0\r\n\r\n",
            "0\r\n\n",
            "0\r\n\rx",
            "0\r\nX\r\n\r\n",
            "0\r\n: x\r\n\r\n",
            "0\r\nX : y\r\n\r\n",
            "0\r\nX: y\n\r\n",
            "0\r\nX: \0\r\n\r\n",
            "0\r\n X: y\r\n\r\n",
            "0\r\nX: y\r\n z\r\n\r\n",
            "0\r\nX: y\rz\r\n\r\n",
            "0\r\nGET / HTTP/1.1\r\n\r\n",
        ];
        for body in bodies {
            assert_eq!(chunked(body), Err(MalformedBody), "{body:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let extended = |length| chunked(format!("0;{}\r\n\r\n", "a".repeat(length)));
        assert!(extended(EXTENSIONS - 1).is_ok());
        assert_eq!(extended(EXTENSIONS), Err(MalformedBody));
        let chunk = format!("1;{}\r\nx\r\n", "a".repeat(EXTENSIONS - 1));
        assert!(chunked(format!("{}0\r\n\r\n", chunk.repeat(4))).is_ok(), "each chunk has its own");
        assert!(chunked(format!("0\r\n{}\r\n", "a:b\r\n".repeat(TRAILERS / 5))).is_ok());
        assert_eq!(chunked(format!("0\r\n{}\r\n", "a:b\r\n".repeat(TRAILERS / 5 + 1))), Err(MalformedBody));
    }

    proptest! {
        #[test]
        fn chunks_of_any_data_end_where_they_end(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5), at in 0usize..300,
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
            }
            body.extend(b"0\r\n\r\n");
            let length = body.len();
            body.extend(b"GET / HTTP/1.1");
            let at = at.min(body.len());
            prop_assert_eq!(cut(BodyFraming::Chunked, &body, at), Ok((length, true)));
        }

        #[test]
        fn no_cut_changes_what_arbitrary_bytes_are(bytes in "[0-9a-f;= \"\\\\\r\n:]{0,40}", at in 0usize..40) {
            let at = at.min(bytes.len());
            let (cut, whole) = (cut(BodyFraming::Chunked, bytes.as_bytes(), at), cut(BodyFraming::Chunked, bytes.as_bytes(), 0));
            prop_assert_eq!(cut, whole);
        }
    }
}
