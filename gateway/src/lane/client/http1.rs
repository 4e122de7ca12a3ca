//! A connection of HTTP/1 while it serves one request.

use super::head::ClientHead;
use super::output::{Output, failure};
use crate::connection::{BodyFramer, BodyFraming, ClientConnection};
use crate::exchange::{Exchange, Failure, has_body};
use crate::lane::head::{ResponseHead, write_trailers};
use crate::relay::read_up_to;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Version};
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::date::get_cached_date;
use std::fmt::Write;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of one read of a request's body.
const READ: usize = 16 << 10;
/// Bytes of a client's next requests that are read while this one is served.
const READ_AHEAD: usize = 4 << 10;
/// How long a small body that is discarded may take to arrive before the connection is closed.
const DRAIN: Duration = Duration::from_secs(5);

/// A connection of HTTP/1 that has brought a request.
#[derive(Debug)]
pub(in crate::lane) struct Http1Session {
    stream: Stream,
    connection: Arc<ClientConnection>,
    /// What has been read and not been taken: of the body, and of the requests behind it.
    input: BytesMut,
    /// The body, as far as it has been taken.
    body: BodyFramer,
    output: Output,
    method: Method,
    version: Version,
    /// The connection may serve another request.
    keeps_alive: bool,
    /// The client waits for a word of ours before it sends the body.
    is_awaiting_invitation: bool,
    /// The client takes trailers.
    takes_trailers: bool,
    response: ResponseBody,
    body_sent: u64,
}

/// How the body of the response is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseBody {
    /// There is none, or none yet.
    None,
    Chunked,
    /// As it is.
    Plain,
}

impl Http1Session {
    /// A session for the request whose head has been read. `input` is what has come behind that.
    pub(in crate::lane) fn new(stream: Stream, head: &ClientHead, input: BytesMut, exchange: &Exchange) -> Self {
        let arrival = exchange.arrival();
        let session = Self {
            stream,
            connection: arrival.connection.clone(),
            input,
            body: BodyFramer::new(arrival.head.body),
            output: Output::new(exchange.settings().client.send_timeout),
            method: head.method.clone(),
            version: head.version,
            keeps_alive: head.keeps_alive(),
            is_awaiting_invitation: head.expects_continue(),
            takes_trailers: head.takes_trailers(),
            response: ResponseBody::None,
            body_sent: 0,
        };
        session.note_read_ahead();
        session
    }

    /// Whether all of the request's body has been taken.
    pub(super) fn is_body_done(&self) -> bool {
        self.body.is_done()
    }

    /// The trailers of the request, once its body has been taken.
    pub(super) fn trailers(&self) -> Option<HeaderMap> {
        self.body.trailers()
    }

    /// Takes the next piece of the request's body. `None` is its end. Nothing is lost if the future is dropped.
    pub(super) async fn read_body(&mut self) -> Result<Option<Bytes>, Failure> {
        while !self.body.is_done() {
            let piece = self.body.decode(&mut self.input).map_err(|_| Failure::ClientMalformed)?;
            self.note_read_ahead();
            if self.input.is_empty() {
                self.input = BytesMut::new(); // nothing is held while more is waited for
            }
            if piece.is_some() {
                return Ok(piece);
            }
            if !self.body.is_done() {
                self.read_some().await?;
            }
        }
        Ok(None)
    }

    /// Reads more of the body, and checks all of it: nothing is passed on of what has come together with something malformed.
    async fn read_some(&mut self) -> Result<(), Failure> {
        let read = read_up_to(&mut self.stream, &mut self.input, READ).await;
        match read.map_err(|error| failure(&error))? {
            0 => Err(Failure::ClientGone),
            _ => self.body.clone().take(&self.input).map(drop).map_err(|_| Failure::ClientMalformed),
        }
    }

    /// Once the body is done, what is left is of the requests behind it. This may be the last one that is served.
    fn note_read_ahead(&self) {
        if self.body.is_done() && !self.input.is_empty() {
            self.connection.mark_input_unread();
        }
    }

    /// Waits until the client closes the connection. What it sends meanwhile is of its next requests: the socket's buffer
    /// holds what is more than a little.
    pub(super) async fn closed(&mut self) -> Failure {
        while self.input.len() < READ_AHEAD {
            match read_up_to(&mut self.stream, &mut self.input, READ_AHEAD).await {
                Ok(1..) => self.connection.mark_input_unread(),
                Ok(0) | Err(_) => {
                    self.keeps_alive = false;
                    return Failure::ClientGone;
                }
            }
        }
        pending().await
    }

    /// Asks the client for the body, if it waits for that. As nginx: many backends would not answer its `Expect`.
    pub(super) async fn invite_body(&mut self) -> Result<(), Failure> {
        if !std::mem::take(&mut self.is_awaiting_invitation) {
            return Ok(());
        }
        self.output.held().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        self.flush().await
    }

    /// The connection is closed after the response.
    pub(super) fn close_after_response(&mut self) {
        self.keeps_alive = false;
    }

    /// Writes an interim response (1xx). A client of HTTP/1.0 would take it for the final one.
    pub(super) async fn write_interim(&mut self, head: &ResponseHead) -> Result<(), Failure> {
        if self.version == Version::HTTP_10 {
            return Ok(());
        }
        let output = self.output.held();
        head.write(output);
        output.extend_from_slice(b"\r\n");
        self.flush().await
    }

    /// Writes the head of a response to an upgrade. What follows is not HTTP.
    pub(super) async fn write_switch(&mut self, head: &ResponseHead) -> Result<(), Failure> {
        self.keeps_alive = false;
        self.write_interim(head).await
    }

    /// Writes the head of the response. `body` says how the client finds the end of its body. It is sent at the latest when
    /// the session is [flushed](Self::flush).
    pub(super) fn write_head(&mut self, head: &ResponseHead, body: BodyFraming) {
        self.is_awaiting_invitation = false;
        let is_chunked = match body {
            BodyFraming::Chunked | BodyFraming::UntilClose => self.version == Version::HTTP_11,
            BodyFraming::None | BodyFraming::Length(_) => false,
        };
        let ends_with_connection = !is_chunked && matches!(body, BodyFraming::Chunked | BodyFraming::UntilClose);
        let has_body = has_body(&self.method, head.status);
        self.keeps_alive &= !(has_body && ends_with_connection);
        self.response = match (has_body, is_chunked) {
            (false, _) => ResponseBody::None,
            (true, true) => ResponseBody::Chunked,
            (true, false) => ResponseBody::Plain,
        };
        let output = self.output.held();
        head.write(output);
        if self.response == ResponseBody::Chunked {
            output.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        output.extend_from_slice(b"Date: ");
        output.extend_from_slice(get_cached_date().as_bytes());
        output.extend_from_slice(match self.keeps_alive {
            true => b"\r\nConnection: keep-alive\r\n\r\n",
            false => b"\r\nConnection: close\r\n\r\n",
        });
    }

    /// Writes a piece of the response's body. The last one is sent with all that is held.
    pub(super) async fn write_body(&mut self, piece: &[u8], is_last: bool) -> Result<(), Failure> {
        if self.response == ResponseBody::None {
            return if is_last { self.flush().await } else { Ok(()) };
        }
        let is_chunk = self.response == ResponseBody::Chunked && !piece.is_empty();
        if is_chunk {
            let _ = write!(self.output.held(), "{:x}\r\n", piece.len()); // writing to memory cannot fail
        }
        let end: &[u8] = match (self.response, is_last) {
            (ResponseBody::Chunked, true) if is_chunk => b"\r\n0\r\n\r\n",
            (ResponseBody::Chunked, true) => b"0\r\n\r\n",
            _ if is_chunk => b"\r\n",
            _ => b"",
        };
        self.output.add(&mut self.stream, piece, end).await?;
        self.body_sent += piece.len() as u64;
        if is_last { self.flush().await } else { Ok(()) }
    }

    /// Ends the body of the response, with these trailers where the client takes some.
    pub(super) async fn write_trailers(&mut self, trailers: &HeaderMap) -> Result<(), Failure> {
        if self.response != ResponseBody::Chunked || !self.takes_trailers {
            return self.write_body(b"", true).await;
        }
        write_trailers(trailers, self.output.held());
        self.flush().await
    }

    /// Sends all that has been written. To be called before anything is waited for.
    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        self.output.flush(&mut self.stream).await
    }

    /// Bytes of the response's body that have been written.
    pub(super) fn body_sent(&self) -> u64 {
        self.body_sent
    }

    /// Closes the connection.
    pub(super) async fn close(&mut self) {
        self.stream.shutdown().await;
    }

    /// Discards what is left of the request's body. Returns the connection, if it may serve another request, and what has
    /// been read from it behind this one.
    pub(super) async fn finish(mut self) -> Option<(Stream, BytesMut)> {
        if !self.keeps_alive {
            self.close().await;
            return None;
        }
        if !self.body.is_done() {
            let discard = async {
                while self.read_body().await?.is_some() {}
                Ok::<_, Failure>(())
            };
            timeout(DRAIN, discard).await.ok()?.ok()?;
        }
        Some((self.stream, self.input))
    }

    /// The connection, and what has been read from it behind the request.
    pub(in crate::lane) fn into_parts(self) -> (Stream, BytesMut) {
        (self.stream, self.input)
    }
}
