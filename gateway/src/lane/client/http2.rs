//! A stream of HTTP/2 while it serves its request, as a session of Pingora's.

use crate::connection::ClientConnection;
use crate::exchange::{Exchange, Failure, RenderedReply};
use crate::lane::head::ResponseHead;
use crate::request::length::head_length;
use bytes::Bytes;
use http::HeaderMap;
use pingora_core::protocols::http::v2::server::HttpSession;
use pingora_core::{Error, ErrorType, Result};
use pingora_http::ResponseHeader;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::time::timeout;

/// How long a client may take to end a body that is discarded, once it is answered.
const DISCARD: Duration = Duration::from_secs(5);

/// A stream that has brought a request.
pub(in crate::lane) struct Http2Session(HttpSession);

impl Http2Session {
    /// A session for the request of a stream.
    pub(in crate::lane) fn new(mut session: HttpSession, exchange: &Exchange) -> Self {
        // For all of a piece: a client that takes one byte again and again does not begin it anew.
        session.set_write_timeout(Some(exchange.settings().client.send_timeout));
        Self(session)
    }

    /// Whether the request has no body.
    pub(super) fn is_body_empty(&self) -> bool {
        self.0.is_body_empty()
    }

    /// Whether all of the request's body has been taken.
    pub(super) fn is_body_done(&self) -> bool {
        self.0.is_body_done()
    }

    /// Takes the next piece of the request's body. `None` is its end. Nothing is lost if the future is dropped.
    pub(super) async fn read_body(&mut self) -> Result<Option<Bytes>, Failure> {
        self.0.read_body_bytes().await.map_err(|error| failure(&error))
    }

    /// Waits until the client resets the stream, or its connection ends.
    pub(super) async fn closed(&mut self) -> Failure {
        let _ = self.0.idle().await;
        Failure::ClientGone
    }

    /// Writes the head of the response. With `is_all` that is all of it.
    pub(super) fn write_head(&mut self, head: &ResponseHead, is_all: bool) -> Result<(), Failure> {
        let written = header(head).and_then(|head| self.0.write_response_header(Box::new(head), is_all));
        written.map_err(|error| failure(&error))
    }

    /// Writes a piece of the response's body.
    pub(super) async fn write_body(&mut self, piece: Bytes, is_last: bool) -> Result<(), Failure> {
        if piece.is_empty() && !is_last {
            return Ok(());
        }
        self.0.write_body(piece, is_last).await.map_err(|error| failure(&error))
    }

    /// Ends the response with these trailers.
    pub(super) fn write_trailers(&mut self, trailers: HeaderMap) -> Result<(), Failure> {
        self.0.write_trailers(trailers).map_err(|error| failure(&error))
    }

    /// Bytes of the response's head, and of its body, that have been written.
    pub(super) fn sent(&self) -> (u64, u64) {
        let head = self.0.response_written().map_or(0, |head| head_length(&head.headers));
        (head, self.0.body_bytes_sent() as u64)
    }

    /// Resets the stream.
    pub(super) fn close(&mut self) {
        self.0.shutdown();
    }

    /// Ends the stream, after what still comes of its request.
    pub(super) async fn finish(mut self, connection: &ClientConnection) {
        discard_body(&mut self.0, connection).await;
        let _ = self.0.finish();
    }

    /// Reads and discards what still comes of the request.
    pub(super) async fn discard_body(&mut self, connection: &ClientConnection) {
        discard_body(&mut self.0, connection).await;
    }
}

/// Writes a response of our own to a stream whose request no lane gets. Returns the length of its head.
pub(crate) async fn write_reply(session: &mut HttpSession, reply: RenderedReply, has_body: bool) -> Result<usize> {
    let head = header(&ResponseHead::of_reply(&reply))?;
    let length = head_length(&head.headers);
    session.write_response_header(Box::new(head), !has_body)?;
    if has_body {
        session.write_body(reply.body, true).await?;
    }
    Ok(length as usize)
}

/// Reads and discards what comes of a body behind its answer: the stream is reset when its session ends, and some clients
/// (curl) lose an answer that they read together with the reset. Most end their request once they have the answer.
pub(crate) async fn discard_body(session: &mut HttpSession, connection: &ClientConnection) {
    if session.is_body_done() {
        return;
    }
    let discard = async {
        while let Ok(Some(piece)) = session.read_body_bytes().await {
            connection.count_requested(piece.len());
        }
    };
    let _ = timeout(DISCARD, discard).await;
}

/// The head as Pingora's session takes it.
fn header(head: &ResponseHead) -> Result<ResponseHeader> {
    let mut header = ResponseHeader::build_no_case(head.status, Some(head.headers.count()))?;
    for (name, value) in head.headers.parsed() {
        header.append_header(name, value)?;
    }
    Ok(header)
}

/// What an error of the client's stream is to the exchange.
fn failure(error: &Error) -> Failure {
    let io = error.root_cause().downcast_ref::<io::Error>();
    match error.etype() {
        ErrorType::ReadTimedout | ErrorType::WriteTimedout => Failure::ClientTimeout,
        _ if io.is_some_and(|error| error.kind() == ErrorKind::TimedOut) => Failure::ClientTimeout,
        ErrorType::ReadError
        | ErrorType::WriteError
        | ErrorType::ConnectionClosed
        | ErrorType::ConnectError
        | ErrorType::H2Error => Failure::ClientGone,
        _ => Failure::ClientMalformed,
    }
}
