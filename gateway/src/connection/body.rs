//! The framing of a body in HTTP/1 (RFC 9112, sections 6 and 7), a client's or a backend's: where it ends, and that every
//! byte of a chunked one says so in the one way that all read alike.

#[cfg(test)]
mod tests;

use crate::grammar::{is_text, is_token};
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io::{Error, ErrorKind};

/// Digits of a chunk's size: more would not fit into 64 bits.
const SIZE_DIGITS: u8 = 16;
/// Bytes of one chunk's extensions.
const EXTENSIONS: usize = 4 << 10;
/// Bytes of all trailers of a body.
pub const MAX_TRAILERS: usize = 8 << 10;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is no body.
    #[default]
    None,
    /// It has so many bytes, at least one.
    Length(u64),
    /// It comes in chunks.
    Chunked,
    /// It ends with the connection. No client's does.
    UntilClose,
}

/// A body that violates its framing, or ends too early: nobody can say what comes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not what its framing says")]
pub struct MalformedBody;

impl From<MalformedBody> for Error {
    fn from(malformed: MalformedBody) -> Self {
        Self::new(ErrorKind::InvalidData, malformed)
    }
}

/// Follows a body as it arrives, in whatever pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFramer {
    state: State,
    /// Bytes left of the body, or of the chunk.
    left: u64,
    /// Bytes so far of the chunk's extensions, or of the trailers.
    length: usize,
    /// Blanks may stand behind the size of a chunk, or its extensions.
    padded: bool,
    /// The lines behind the last chunk, as far as they have come.
    trailers: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes of a body with a length.
    Body,
    /// Bytes of a body that ends with the connection.
    UntilClose,
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
    /// At the start of a client's body.
    pub fn new(framing: BodyFraming) -> Self {
        let (state, left) = match framing {
            BodyFraming::None | BodyFraming::Length(0) => (State::Done, 0),
            BodyFraming::Length(left) => (State::Body, left),
            BodyFraming::Chunked => (State::Size(0), 0),
            BodyFraming::UntilClose => (State::UntilClose, 0),
        };
        Self { state, left, length: 0, padded: false, trailers: Vec::new() }
    }

    /// At the start of a backend's body. Some backends write sizes of one width, as nginx reads them.
    pub fn of_answer(framing: BodyFraming) -> Self {
        Self { padded: true, ..Self::new(framing) }
    }

    /// Bytes that may be read without one too many. Only of a body with a length that is known.
    pub fn readable(&self) -> u64 {
        if self.state == State::Body { self.left } else { u64::MAX }
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The fields behind a chunked body, once that has ended; `None` if there are none.
    pub fn trailers(&self) -> Option<HeaderMap> {
        let lines = self.trailers.split(|byte| *byte == b'\n');
        let fields: HeaderMap = lines.filter_map(field).collect();
        Some(fields).filter(|fields| self.is_done() && !fields.is_empty())
    }

    /// Takes the next bytes of the connection. Returns how many belong to the body.
    ///
    /// # Errors
    /// They violate the framing.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, MalformedBody> {
        let mut taken = 0;
        while taken < bytes.len() && !self.is_done() {
            let (framing, data) = self.take_piece(&bytes[taken..])?;
            taken += framing + data;
        }
        Ok(taken)
    }

    /// Removes the next piece of the body's data from the start of what has been read. `None` if the body has ended, or
    /// more bytes are needed.
    ///
    /// # Errors
    /// What has been read violates the framing.
    pub fn decode(&mut self, read: &mut BytesMut) -> Result<Option<Bytes>, MalformedBody> {
        let (framing, data) = self.take_piece(read)?;
        read.advance(framing);
        Ok((data > 0).then(|| read.split_to(data).freeze()))
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// The body has not.
    pub fn close(&mut self) -> Result<(), MalformedBody> {
        if self.state == State::UntilClose {
            self.state = State::Done;
        }
        if self.is_done() { Ok(()) } else { Err(MalformedBody) }
    }

    /// Takes bytes up to the end of the next piece of data: how many come before it, and how many are data.
    fn take_piece(&mut self, bytes: &[u8]) -> Result<(usize, usize), MalformedBody> {
        let mut framing = 0;
        while framing < bytes.len() && !self.is_done() {
            if let State::Body | State::UntilClose | State::Data = self.state {
                return Ok((framing, self.take_data(bytes.len() - framing)));
            }
            self.state = self.next(bytes[framing]).ok_or(MalformedBody)?;
            framing += 1;
        }
        Ok((framing, 0))
    }

    /// Takes up to so many bytes of data.
    fn take_data(&mut self, most: usize) -> usize {
        if self.state == State::UntilClose {
            return most;
        }
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
            (State::Extension(Extension::Semicolon | Extension::NameEnd), b'\r') if self.padded => Some(State::SizeLf),
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
        self.trailers.push(byte);
        match (self.state, byte) {
            _ if self.length > MAX_TRAILERS => None,
            (State::Trailer | State::TrailerName, _) if is_token(byte) => Some(State::TrailerName),
            (State::TrailerName, b':') => Some(State::TrailerValue),
            (State::TrailerValue, b'\r') => Some(State::TrailerLf),
            (State::TrailerValue, _) if is_text(byte) => Some(State::TrailerValue),
            (State::TrailerLf, b'\n') => Some(State::Trailer),
            _ => None,
        }
    }
}

/// A field of its line, without the line feed.
fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
}
