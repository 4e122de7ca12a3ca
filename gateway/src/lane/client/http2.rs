//! A stream of HTTP/2 while it serves its request, on h2's server side.

use super::output::within;
use crate::connection::{ClientConnection, MAX_TRAILERS};
use crate::exchange::{Failure, RenderedReply};
use crate::lane::head::ResponseHead;
use crate::request::length::{head_length, length};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Response, header};
use pingora_core::protocols::http::date::get_cached_date;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::timeout;

/// How long a client may take to end a body that is discarded, once it is answered.
const DISCARD: Duration = Duration::from_secs(5);

/// A stream that has brought a request, whose head is elsewhere. If it is dropped before its end, it is reset.
pub(crate) struct Http2Session {
    body: RecvStream,
    /// The request's head says that there is no body.
    says_empty: bool,
    /// Something of the body has been taken.
    has_body: bool,
    trailers: Option<HeaderMap>,
    respond: SendResponse<Bytes>,
    /// Once the head of the response is written.
    response: Option<SendStream<Bytes>>,
    /// The end of the response is written.
    is_ended: bool,
    head_sent: u64,
    body_sent: u64,
    send_timeout: Duration,
}

impl Http2Session {
    /// The session of a stream with these headers. A piece of the response has to be sent within `send_timeout`: a client that
    /// takes one byte again and again does not begin it anew.
    pub(crate) fn new(
        headers: &HeaderMap,
        body: RecvStream,
        respond: SendResponse<Bytes>,
        send_timeout: Duration,
    ) -> Self {
        Self {
            body,
            says_empty: headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0"),
            has_body: false,
            trailers: None,
            respond,
            response: None,
            is_ended: false,
            head_sent: 0,
            body_sent: 0,
            send_timeout,
        }
    }

    /// Whether the request has no body, as far as is known.
    pub(super) fn is_body_empty(&self) -> bool {
        !self.has_body && (self.says_empty || self.body.is_end_stream())
    }

    /// Whether all of the request's body has been taken, and its trailers.
    pub(super) fn is_body_done(&self) -> bool {
        self.is_body_empty() || self.body.is_end_stream()
    }

    /// Takes the next piece of the request's body. `None` is its end. Nothing is lost if the future is dropped.
    pub(super) async fn read_body(&mut self) -> Result<Option<Bytes>, Failure> {
        if let Some(piece) = poll_fn(|cx| self.body.poll_data(cx)).await {
            let piece = piece.map_err(|error| failure(&error))?;
            let _ = self.body.flow_control().release_capacity(piece.len()); // fails only for more than has come
            self.has_body = true;
            return Ok(Some(piece));
        }
        let trailers = poll_fn(|cx| self.body.poll_trailers(cx)).await.map_err(|error| failure(&error))?;
        if trailers.as_ref().is_some_and(|trailers| length(0, trailers) > MAX_TRAILERS) {
            return Err(Failure::ClientMalformed);
        }
        self.trailers = trailers.or(self.trailers.take());
        Ok(None)
    }

    /// The trailers of the request, once its body has been taken.
    pub(super) fn trailers(&self) -> Option<HeaderMap> {
        self.trailers.clone()
    }

    /// Waits until the client resets the stream, or its connection ends.
    pub(super) async fn closed(&mut self) -> Failure {
        let _ = poll_fn(|cx| match &mut self.response {
            Some(response) => response.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        })
        .await;
        Failure::ClientGone
    }

    /// Writes the head of the response. With `is_all` that is all of it.
    pub(super) fn write_head(&mut self, head: &ResponseHead, is_all: bool) -> Result<(), Failure> {
        if self.response.is_some() {
            return Err(Failure::Internal);
        }
        let headers = headers(head);
        let length = head_length(&headers);
        let mut response = Response::new(());
        (*response.status_mut(), *response.headers_mut()) = (head.status, headers);
        self.response = Some(self.respond.send_response(response, is_all).map_err(|error| failure(&error))?);
        self.head_sent = length;
        self.is_ended = is_all;
        Ok(())
    }

    /// Writes a piece of the response's body. Nothing follows its end.
    pub(super) async fn write_body(&mut self, mut piece: Bytes, is_last: bool) -> Result<(), Failure> {
        if self.is_ended || piece.is_empty() && !is_last {
            return Ok(());
        }
        let (length, time) = (piece.len() as u64, self.send_timeout);
        let write = poll_fn(|cx| self.poll_write(&mut piece, is_last, cx));
        within(time, write, Failure::ClientTimeout).await?;
        self.body_sent += length;
        self.is_ended = is_last;
        Ok(())
    }

    /// Writes as much of a piece as the client takes, to its end.
    fn poll_write(&mut self, piece: &mut Bytes, is_last: bool, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let response = self.response.as_mut().ok_or(Failure::Internal)?;
        loop {
            let room = match piece.len() {
                0 => 0,
                length => ready!(poll_room(response, length, cx)).ok_or(Failure::ClientGone)?,
            };
            let part = piece.split_to(room.min(piece.len()));
            let is_over = piece.is_empty();
            response.send_data(part, is_over && is_last).map_err(|error| failure(&error))?;
            if is_over {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Ends the response with these trailers.
    pub(super) fn write_trailers(&mut self, trailers: HeaderMap) -> Result<(), Failure> {
        let Some(response) = self.response.as_mut().filter(|_| !self.is_ended) else { return Ok(()) };
        response.send_trailers(trailers).map_err(|error| failure(&error))?;
        self.is_ended = true;
        Ok(())
    }

    /// Bytes of the response's head, and of its body, that have been written.
    pub(crate) fn sent(&self) -> (u64, u64) {
        (self.head_sent, self.body_sent)
    }

    /// Resets the stream, unless its response has ended.
    pub(crate) fn reset(&mut self, reason: Reason) {
        if !self.is_ended {
            self.respond.send_reset(reason);
        }
    }

    /// Ends the stream, after what still comes of its request.
    pub(super) async fn finish(mut self, connection: &ClientConnection) {
        self.discard_body(connection).await;
        if let Some(response) = self.response.as_mut().filter(|_| !self.is_ended) {
            let _ = response.send_data(Bytes::new(), true); // fails only for a stream that has ended
        }
    }

    /// Reads and discards what comes of a body behind its answer: the stream is reset when its session ends, and some clients
    /// (curl) lose an answer that they read together with the reset. Most end their request once they have the answer.
    pub(crate) async fn discard_body(&mut self, connection: &ClientConnection) {
        if self.is_body_done() {
            return;
        }
        let discard = async {
            while let Ok(Some(piece)) = self.read_body().await {
                connection.count_requested(piece.len());
            }
        };
        let _ = timeout(DISCARD, discard).await;
    }

    /// Writes a response of our own to a request that no lane gets.
    pub(crate) async fn write_reply(&mut self, reply: RenderedReply, has_body: bool) -> Result<(), Failure> {
        self.write_head(&ResponseHead::of_reply(&reply), !has_body)?;
        if has_body { self.write_body(reply.body, true).await } else { Ok(()) }
    }
}

/// Waits until the peer takes some of so many bytes of a stream. Returns how many it takes; `None` if it takes no more.
pub(in crate::lane) fn poll_room(
    stream: &mut SendStream<Bytes>,
    length: usize,
    cx: &mut Context<'_>,
) -> Poll<Option<usize>> {
    stream.reserve_capacity(length);
    while stream.capacity() == 0 {
        if !matches!(ready!(stream.poll_capacity(cx)), Some(Ok(_))) {
            return Poll::Ready(None);
        }
    }
    Poll::Ready(Some(stream.capacity()))
}

/// The headers of a response with its date, and without what HTTP/2 forbids (RFC 9113, section 8.2.2).
fn headers(head: &ResponseHead) -> HeaderMap {
    const FORBIDDEN: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
    let mut headers = HeaderMap::with_capacity(head.headers.count() + 1);
    for (name, value) in head.headers.parsed().filter(|(name, _)| !FORBIDDEN.contains(&name.as_str())) {
        headers.append(name, value);
    }
    headers.insert(header::DATE, get_cached_date());
    headers
}

/// What an error of the client's stream is to the exchange.
fn failure(error: &h2::Error) -> Failure {
    let is_late = error.get_io().is_some_and(|error| error.kind() == ErrorKind::TimedOut);
    if is_late { Failure::ClientTimeout } else { Failure::ClientGone }
}
