//! What comes of a program: its response, and what it writes for a log.

use crate::exchange::UpstreamFault;
use crate::fastcgi::{CgiHead, HeadReader, InvalidCgiHead, MalformedRecord, Piece, RecordReader};
use bytes::{Bytes, BytesMut};
use std::io;
use std::net::SocketAddr;

/// Bytes of a program's error output that are logged for one request.
const LOGGED: usize = 2 << 10;
/// Bytes of it that a program may write for one request.
const MAX_ERROR_OUTPUT: usize = 1 << 20;

/// Why there is no response, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResponseError {
    /// The connection failed, was closed, or timed out.
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Record(#[from] MalformedRecord),
    #[error(transparent)]
    Head(#[from] InvalidCgiHead),
    /// It writes for the log without end.
    #[error("the program writes too much to its error output")]
    TooMuchErrorOutput,
    /// The response is shorter than its `Content-Length`.
    #[error("the response is shorter than its head says")]
    Short,
}

impl ResponseError {
    /// What it says of the endpoint.
    pub(super) fn fault(&self) -> UpstreamFault {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::TimedOut => UpstreamFault::TimedOut,
            Self::Io(_) => UpstreamFault::Closed,
            _ => UpstreamFault::Invalid,
        }
    }
}

/// Takes a response out of a program's records.
#[derive(Debug)]
pub(super) struct Response {
    records: RecordReader,
    head: HeadReader,
    errors: ErrorOutput,
}

impl Response {
    /// That of the program at this address.
    pub(super) fn new(program: SocketAddr) -> Self {
        let errors = ErrorOutput { program, logged: Vec::new(), written: 0 };
        Self { records: RecordReader::default(), head: HeadReader::default(), errors }
    }

    /// Takes the head out of what has been read, with the start of the body. `None` if more has to be read.
    pub(super) fn take_head(&mut self, input: &mut BytesMut) -> Result<Option<(CgiHead, Bytes)>, ResponseError> {
        while let Some(piece) = self.take_output(input)? {
            if let Some(head) = self.head.push(&piece)? {
                return Ok(Some(head));
            }
        }
        if self.is_done() { Err(InvalidCgiHead::Missing.into()) } else { Ok(None) }
    }

    /// Takes the next piece of the response out of what has been read. `None` if more has to be read, or it has ended.
    pub(super) fn take_output(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, ResponseError> {
        loop {
            match self.records.next(input)? {
                Some(Piece::Output(bytes)) => return Ok(Some(bytes)),
                Some(Piece::ErrorOutput(bytes)) => self.errors.write(&bytes)?,
                Some(Piece::End) | None => return Ok(None),
            }
        }
    }

    /// Whether it has ended.
    pub(super) fn is_done(&self) -> bool {
        self.records.is_done()
    }
}

/// What a program writes to its error output. Its start is logged once the request has ended.
#[derive(Debug)]
struct ErrorOutput {
    program: SocketAddr,
    logged: Vec<u8>,
    /// Bytes in all.
    written: usize,
}

impl ErrorOutput {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ResponseError> {
        let room = LOGGED - self.logged.len();
        self.logged.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.written += bytes.len();
        if self.written > MAX_ERROR_OUTPUT { Err(ResponseError::TooMuchErrorOutput) } else { Ok(()) }
    }
}

impl Drop for ErrorOutput {
    fn drop(&mut self) {
        if self.written > 0 {
            // Quoted, so that it makes no lines of its own.
            let text = String::from_utf8_lossy(self.logged.trim_ascii_end());
            tracing::warn!(program = %self.program, bytes = self.written, ?text, "a FastCGI program reports an error");
        }
    }
}
