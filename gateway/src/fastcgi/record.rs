//! The records in which both sides send everything. One connection serves one request.

use bytes::{Buf, BufMut, Bytes, BytesMut};

const VERSION: u8 = 1;
/// The number of the only request of a connection.
const REQUEST: u16 = 1;
/// Bytes in front of a record's content: version, type, request, length, padding, and one that means nothing.
const HEADER: usize = 8;
/// Bytes of content that a record can hold.
const MAX_CONTENT: usize = 0xffff;
/// The length of what `END_REQUEST` says.
const END_LENGTH: u16 = 8;
/// The only way to end for a request that was served (`FCGI_REQUEST_COMPLETE`).
const COMPLETE: u8 = 0;

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

/// The program is to respond (`FCGI_RESPONDER`), and to close the connection then: no `FCGI_KEEP_CONN`.
const RESPONDER: [u8; 8] = [0, 1, 0, 0, 0, 0, 0, 0];

/// Begins a request.
pub fn begin_request(output: &mut BytesMut) {
    record(BEGIN_REQUEST, &RESPONDER, output);
}

/// Adds all params of a request. They fit into one record.
pub fn params(params: &super::Params, output: &mut BytesMut) {
    let bytes = params.bytes();
    if !bytes.is_empty() {
        record(PARAMS, bytes, output);
    }
    record(PARAMS, &[], output);
}

/// Adds a piece of the request's body.
pub fn standard_input(piece: &[u8], output: &mut BytesMut) {
    piece.chunks(MAX_CONTENT).for_each(|content| record(STDIN, content, output));
}

/// Ends the request's body.
pub fn end_input(output: &mut BytesMut) {
    record(STDIN, &[], output);
}

/// Adds a record whose content is not too long for one.
fn record(kind: u8, content: &[u8], output: &mut BytesMut) {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    output.reserve(HEADER + content.len());
    output.put_u8(VERSION);
    output.put_u8(kind);
    output.put_u16(REQUEST);
    output.put_u16(length);
    output.put_u16(0); // no padding
    output.put_slice(&content[..usize::from(length)]);
}

/// What a program sends is no record of FastCGI's, or none that belongs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRecord {
    /// The version is another one, so this is not FastCGI at all.
    #[error("the backend does not speak FastCGI 1.0")]
    Version,
    /// The type is not one that programs send.
    #[error("a record has the type {0}, which no program sends")]
    Type(u8),
    /// It belongs to a request that was not made.
    #[error("a record is for a request that was not made")]
    Request,
    /// The end of the request has another length than it has to have.
    #[error("the end of the request has a wrong length")]
    End,
    /// The program has not served the request, with this `protocolStatus`.
    #[error("the program has refused the request with the protocol status {0}")]
    Refused(u8),
}

/// A part of what a program sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Of its response.
    Output(Bytes),
    /// Of what it writes for a log.
    ErrorOutput(Bytes),
    /// The response has ended.
    End,
}

/// Takes what a program sends apart, in whatever pieces it comes. Holds nothing: a record need not be complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordReader {
    state: State,
    /// Bytes of padding behind the content.
    padding: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    /// So many bytes of content.
    Content(Stream, usize),
    /// What the end of the request says.
    EndRequest,
    Padding,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Output,
    ErrorOutput,
}

impl RecordReader {
    /// Removes the next piece from the start of what has been read. `None` if more has to be read, or the response has
    /// ended.
    ///
    /// # Errors
    /// What has been read is no record that a program may send.
    pub fn next(&mut self, read: &mut BytesMut) -> Result<Option<Piece>, MalformedRecord> {
        loop {
            match self.state {
                State::Header if read.len() >= HEADER => self.header(read)?,
                State::Content(stream, left) if !read.is_empty() => {
                    let bytes = read.split_to(left.min(read.len())).freeze();
                    self.content(stream, left - bytes.len());
                    return Ok(Some(match stream {
                        Stream::Output => Piece::Output(bytes),
                        Stream::ErrorOutput => Piece::ErrorOutput(bytes),
                    }));
                }
                State::EndRequest if read.len() >= usize::from(END_LENGTH) => {
                    let status = read.split_to(usize::from(END_LENGTH))[4];
                    if status != COMPLETE {
                        return Err(MalformedRecord::Refused(status));
                    }
                    self.state = State::Done;
                    return Ok(Some(Piece::End));
                }
                State::Padding if self.padding == 0 => self.state = State::Header,
                State::Padding if !read.is_empty() => {
                    let skipped = self.padding.min(read.len());
                    read.advance(skipped);
                    self.padding -= skipped;
                }
                State::Header | State::Content(..) | State::EndRequest | State::Padding | State::Done => {
                    return Ok(None);
                }
            }
        }
    }

    /// Whether the response has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn header(&mut self, read: &mut BytesMut) -> Result<(), MalformedRecord> {
        let mut header = read.split_to(HEADER);
        if header.get_u8() != VERSION {
            return Err(MalformedRecord::Version);
        }
        let kind = header.get_u8();
        if header.get_u16() != REQUEST {
            return Err(MalformedRecord::Request);
        }
        let length = header.get_u16();
        self.padding = usize::from(header.get_u8());
        match kind {
            STDOUT => self.content(Stream::Output, length.into()),
            STDERR => self.content(Stream::ErrorOutput, length.into()),
            END_REQUEST if length == END_LENGTH => self.state = State::EndRequest,
            END_REQUEST => return Err(MalformedRecord::End),
            other => return Err(MalformedRecord::Type(other)),
        }
        Ok(())
    }

    /// So many bytes of content are left. A record without content ends its stream, and the end of the request follows.
    fn content(&mut self, stream: Stream, left: usize) {
        self.state = if left == 0 { State::Padding } else { State::Content(stream, left) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fastcgi::Params;

    fn sent(kind: u8, content: &[u8], padding: u8) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        let head = [VERSION, kind, 0, 1, length[0], length[1], padding, 0];
        [&head[..], content, &vec![0; padding.into()]].concat()
    }

    /// What is read of these bytes in pieces of this size, the pieces of a stream joined.
    fn read(bytes: &[u8], step: usize) -> Result<(Vec<u8>, Vec<u8>, bool), MalformedRecord> {
        let (mut reader, mut input) = (RecordReader::default(), BytesMut::new());
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(step) {
            input.extend_from_slice(piece);
            while let Some(piece) = reader.next(&mut input)? {
                match piece {
                    Piece::Output(bytes) => output.extend_from_slice(&bytes),
                    Piece::ErrorOutput(bytes) => errors.extend_from_slice(&bytes),
                    Piece::End => assert!(reader.is_done()),
                }
            }
        }
        Ok((output, errors, reader.is_done()))
    }

    #[test]
    fn streams_are_taken_apart_however_they_come() {
        let bytes = [
            sent(STDOUT, b"a", 0),
            sent(STDERR, b"oh", 7),
            sent(STDOUT, b"bcd", 255),
            sent(STDOUT, b"", 0),
            sent(END_REQUEST, &[0; 8], 3),
        ]
        .concat();
        for step in [1, 3, 8, 1000] {
            assert_eq!(read(&bytes, step), Ok((b"abcd".to_vec(), b"oh".to_vec(), true)), "by {step}");
        }
    }

    #[test]
    fn what_is_no_record_of_a_program_is_refused() {
        let fault = |bytes: &[u8]| read(bytes, 1000).expect_err("a fault");
        assert_eq!(fault(b"HTTP/1.1 400 Bad Request\r\n"), MalformedRecord::Version);
        assert_eq!(fault(&sent(STDIN, b"a", 0)), MalformedRecord::Type(STDIN));
        assert_eq!(fault(&[VERSION, STDOUT, 0, 2, 0, 0, 0, 0]), MalformedRecord::Request);
        assert_eq!(fault(&sent(END_REQUEST, &[0; 7], 0)), MalformedRecord::End);
        let overloaded = [0, 0, 0, 0, 2, 0, 0, 0];
        assert_eq!(fault(&sent(END_REQUEST, &overloaded, 0)), MalformedRecord::Refused(2));
    }

    #[test]
    fn a_request_is_written_as_records() {
        let mut output = BytesMut::new();
        let mut all = Params::default();
        all.push(b"A", b"b").expect("short");
        begin_request(&mut output);
        params(&all, &mut output);
        standard_input(&[7; MAX_CONTENT + 2], &mut output);
        end_input(&mut output);
        let head = [&[1, 1, 0, 1, 0, 8, 0, 0][..], &RESPONDER, &[1, 4, 0, 1, 0, 4, 0, 0, 1, 1, b'A', b'b']].concat();
        assert_eq!(output[..head.len()], head);
        let rest = &output[head.len()..];
        assert_eq!(rest[..16], [1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1, 0xff, 0xff, 0, 0]);
        assert_eq!(rest[16 + MAX_CONTENT..], [1, 5, 0, 1, 0, 2, 0, 0, 7, 7, 1, 5, 0, 1, 0, 0, 0, 0]);
    }
}
