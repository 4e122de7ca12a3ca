//! Operations on Pingora's sessions of clients that both lanes need.

use super::http2;
use crate::connection::BodyFraming;
use crate::exchange::{
    Exchange, Failure, InvalidFraming, MAX_RESPONSE_HEAD, RenderedReply, ResponseEdits, Sent, has_body,
    response_framing,
};
use crate::request::length::head_length;
use crate::request::{Reply, RequestView, reason_phrase};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v1::common::is_expect_continue_req;
use pingora_core::{Error, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use std::sync::Arc;
use std::time::Duration;

/// How long a small body that is discarded may take to arrive before the connection is closed.
const DRAIN: Duration = Duration::from_secs(5);

/// The HTTP status that is equivalent to a gRPC error of ours: an extension of its head, for the log.
#[derive(Clone, Copy, Debug)]
struct LoggedStatus(u16);

/// The target that the client sent, where Pingora holds another one: an extension of its head.
#[derive(Clone, Debug)]
struct ReceivedTarget(Bytes);

/// Keeps the target of a request that Pingora could not take as it came.
pub(crate) fn keep_target(request: &mut RequestHeader, target: Bytes) {
    request.extensions_mut().insert(ReceivedTarget(target));
}

/// A request on its way through a lane. Boxed wherever it goes: futures would reserve memory for it at each step.
pub(in crate::lane) struct ClientRequest {
    pub(in crate::lane) session: ServerSession,
    /// Its head as the client sent it, if that was HTTP/1.
    pub(in crate::lane) head: Option<Bytes>,
    pub(in crate::lane) exchange: Exchange,
}

impl ClientRequest {
    /// What has been read of the body, by the firewall or by an attempt before this one: some of it, or all.
    pub(in crate::lane) fn read_before(&self) -> Option<Bytes> {
        let inspected = self.exchange.inspected_body().filter(|body| !body.is_empty());
        match (inspected, self.session.get_retry_buffer()) {
            (Some(inspected), Some(read)) => Some([&inspected[..], &read].concat().into()),
            (inspected, read) => read.or_else(|| inspected.cloned()),
        }
    }

    /// Records it. After a `whole` response its connection may serve another request, unless it is a stream of HTTP/2.
    pub(in crate::lane) async fn finish(mut self: Box<Self>, whole: bool) -> Option<Stream> {
        record(&mut self.session, &mut self.exchange);
        if !whole {
            return None;
        }
        discard_body(&mut self.session, &self.exchange).await;
        let is_done = self.session.is_body_done() && self.session.get_keepalive().is_some();
        match self.session {
            // As most do: nothing is left to read or to write.
            ServerSession::H1(session) if is_done => Some(session.into_inner()),
            session => Some(Box::pin(session.finish()).await.ok()??.into_parts().0),
        }
    }

    /// Answers it after it has failed, unless a response has begun, and records it. Its connection cannot go on.
    pub(in crate::lane) async fn fail(mut self: Box<Self>, reply: &Reply) {
        let status = write_failure(&mut self.session, &mut self.exchange, reply).await;
        record(&mut self.session, &mut self.exchange);
        if status != 0 {
            discard_body(&mut self.session, &self.exchange).await;
        }
    }
}

/// A request as policies see it.
pub(in crate::lane) fn view(request: &RequestHeader) -> RequestView<'_> {
    let target = request.extensions.get().map_or_else(|| request.raw_path(), |ReceivedTarget(target)| target);
    RequestView::new(&request.method, target, &request.headers, request.version)
}

/// The rest of the input is not read: a connection of HTTP/1 has to linger when it closes.
fn mark_input_unread(session: &ServerSession, exchange: &Exchange) {
    if !session.is_http2() {
        exchange.arrival().connection.mark_input_unread();
    }
}

/// Whether the end of the client's connection can be waited for: nothing of the request is unread.
pub(in crate::lane) fn is_watched(session: &mut ServerSession) -> bool {
    session.is_http2() || session.is_body_done()
}

/// Waits for something, or until the client closes its connection, where that can be seen. What it sends meanwhile stays in
/// its stream.
pub(in crate::lane) async fn or_client_gone<T>(
    session: &mut ServerSession,
    waited_for: impl Future<Output = T>,
) -> Result<T, Failure> {
    let is_watched = is_watched(session);
    tokio::select! {
        biased;
        done = waited_for => Ok(done),
        _ = session.read_body_or_idle(true), if is_watched => Err(Failure::ClientGone),
    }
}

/// Sets the session's own limits for this request. Pingora forgets them between two requests.
pub(in crate::lane) fn configure(session: &mut ServerSession, exchange: &Exchange) {
    settle_keepalive(session, exchange);
    session.set_read_timeout(Some(exchange.settings().client.body_timeout));
    session.set_total_drain_timeout(Some(DRAIN));
    // For all of a piece: a client that takes one byte again and again does not begin it anew.
    session.set_write_timeout(Some(exchange.settings().client.send_timeout));
    let http_10 = session.req_header().version == Version::HTTP_10;
    session.set_ignore_info_resp(http_10); // it would take 103 for the answer
}

/// Decides whether the response's head has `Connection: close`. To be called right before the head is written: a shutdown
/// may have been announced since the request came.
pub(in crate::lane) fn settle_keepalive(session: &mut ServerSession, exchange: &Exchange) {
    if !exchange.keeps_alive() {
        session.set_keepalive(None);
    }
}

/// Why the head of a backend's response is refused.
#[derive(Debug, thiserror::Error)]
pub(in crate::lane) enum RefusedHead {
    #[error("the response head is too large")]
    TooLarge,
    #[error(transparent)]
    Framing(#[from] InvalidFraming),
}

/// Checks the head of a backend's response, and leaves in it only what we understood of its version and framing.
pub(in crate::lane) fn settle_framing(
    request: &RequestHeader,
    response: &mut ResponseHeader,
) -> Result<(), RefusedHead> {
    if head_length(&response.headers) > MAX_RESPONSE_HEAD as u64 {
        return Err(RefusedHead::TooLarge);
    }
    let (version, status) = (response.version, response.status);
    response.set_version(Version::HTTP_11);
    if status.is_informational() {
        response.remove_header(&header::CONTENT_LENGTH);
        response.remove_header(&header::TRANSFER_ENCODING);
        return Ok(());
    }
    let values = |name| response.headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let framing = response_framing(version, values(header::CONTENT_LENGTH), values(header::TRANSFER_ENCODING))?;
    if framing == BodyFraming::Chunked {
        response.remove_header(&header::TRANSFER_ENCODING);
        if has_body(&request.method, status) {
            let _ = response.insert_header("Transfer-Encoding", "chunked");
        }
    }
    if status == StatusCode::NO_CONTENT {
        response.remove_header(&header::CONTENT_LENGTH);
    }
    Ok(())
}

/// Compresses the body of a response, where it is to be. Its end is then found by chunks.
pub(in crate::lane) fn compress(
    session: &ServerSession,
    exchange: &mut Exchange,
    has_body: bool,
    response: &mut ResponseHeader,
) {
    let request = session.req_header();
    if exchange.compress(&view(request), has_body, response) && request.version == Version::HTTP_11 {
        let _ = response.insert_header("Transfer-Encoding", "chunked");
    }
}

/// Ends the connection with a response whose end a client of HTTP/1.0 cannot see otherwise.
pub(in crate::lane) fn settle_end_for_http_10(session: &mut ServerSession, response: &ResponseHeader) {
    let has_body = has_body(&session.req_header().method, response.status);
    if has_body && !response.headers.contains_key(header::CONTENT_LENGTH) {
        session.set_keepalive(None);
    }
}

/// The status of a response; for a gRPC error of ours, the equivalent HTTP status.
fn status_of(response: &ResponseHeader) -> u16 {
    response.extensions.get().map_or(response.status.as_u16(), |LoggedStatus(status)| *status)
}

/// Decides what becomes of a body that nobody wants: a small one is read and discarded, a large one closes the connection.
pub(in crate::lane) fn settle_unread_body(session: &mut ServerSession, exchange: &Exchange) {
    if exchange.leaves_body(&view(session.req_header())) {
        session.set_keepalive(None);
    }
    session.set_close_on_response_before_downstream_finish(false);
}

/// Writes a reply of ours. If a large request body is still to come, the connection is closed after it; a small one is
/// read and discarded.
pub(in crate::lane) async fn write_reply(
    session: &mut ServerSession,
    exchange: &mut Exchange,
    reply: &Reply,
) -> Result<()> {
    settle_keepalive(session, exchange);
    settle_unread_body(session, exchange);
    let answer = RenderedReply::new(reply, &session.req_header().headers, exchange.settings().server_tokens);
    let (mut head, body) = head_and_body(answer)?;
    exchange.reply(&view(session.req_header()), &mut head);
    let is_sent = !body.is_empty() && has_body(&session.req_header().method, head.status);
    compress(session, exchange, is_sent, &mut head);
    write_head(session, Box::new(head), body.is_empty()).await?;
    if !body.is_empty() {
        let body = exchange.encode(body, true).map_err(|_| Error::new(ErrorType::InternalError))?;
        session.write_response_body(body, true).await.map_err(|error| error.into_down())?;
    }
    Ok(())
}

/// Ends a request without a response: its connection closes, or over HTTP/2 its stream is reset.
pub(in crate::lane) async fn close(session: &mut ServerSession) {
    session.set_keepalive(None);
    session.shutdown().await;
}

/// Writes the head of a response, and ends the response if it has no body.
pub(in crate::lane) async fn write_head(
    session: &mut ServerSession,
    head: Box<ResponseHeader>,
    end: bool,
) -> Result<()> {
    let written = match session {
        ServerSession::H2(stream) => stream.write_response_header(head, end),
        session => session.write_response_header(head).await,
    };
    written.map_err(|error| error.into_down())
}

/// The head of the response, once it has been written. Pingora counts interim heads (1xx) as such, too.
fn response_begun(session: &ServerSession) -> Option<&ResponseHeader> {
    session.response_written().filter(|head| !head.status.is_informational())
}

/// Replies to a request that failed, unless a response has been started, and closes its connection. Returns the status, or
/// 0.
async fn write_failure(session: &mut ServerSession, exchange: &mut Exchange, reply: &Reply) -> u16 {
    if let Some(begun) = response_begun(session) {
        if session.is_http2() {
            // The reset that follows would take along what its connection has not written yet.
            tokio::task::yield_now().await;
            return 0;
        }
        if session.req_header().version == Version::HTTP_10 && !begun.headers.contains_key(header::CONTENT_LENGTH) {
            exchange.arrival().connection.reset_on_close();
        }
        return 0;
    }
    session.set_keepalive(None);
    mark_input_unread(session, exchange);
    if let Err(error) = write_reply(session, exchange, reply).await {
        tracing::debug!(%error, "the client did not wait for the response");
    }
    reply.status
}

/// Counts and logs a request that has ended.
fn record(session: &mut ServerSession, exchange: &mut Exchange) {
    if !session.is_body_done() {
        mark_input_unread(session, exchange);
    }
    let (answer, body) = (response_begun(session), session.body_bytes_sent() as u64);
    let bytes = if session.is_http2() {
        answer.map_or(0, |head| head_length(&head.headers)) + body
    } else {
        let arrival = exchange.arrival();
        arrival.connection.sent() - arrival.sent_before
    };
    let sent = Sent { status: answer.map(status_of), bytes, body };
    exchange.finish(&view(session.req_header()), sent);
}

/// Answers `Expect: 100-continue`, as nginx: it is not forwarded, since many backends would not answer.
pub(in crate::lane) async fn invite_body(session: &mut ServerSession) -> Result<()> {
    if !is_expect_continue_req(session.req_header()) {
        return Ok(());
    }
    // Pingora would take this for an early answer and end the connection after the request.
    session.set_close_on_response_before_downstream_finish(false);
    session.write_continue_response().await?;
    session.set_close_on_response_before_downstream_finish(true);
    Ok(())
}

/// Reads what still comes of the body of an HTTP/2 request that is answered.
async fn discard_body(session: &mut ServerSession, exchange: &Exchange) {
    if let ServerSession::H2(stream) = session
        && !stream.is_body_done()
    {
        // Boxed likewise.
        Box::pin(http2::discard_body(stream, &exchange.arrival().connection)).await;
    }
}

/// Head and body of a rendered reply.
pub(crate) fn head_and_body(answer: RenderedReply) -> Result<(ResponseHeader, Bytes)> {
    let mut head = ResponseHeader::build(answer.status, Some(6))?;
    head.set_reason_phrase(Some(answer.reason_phrase()))?;
    if answer.logged_status != answer.status {
        head.extensions_mut().insert(LoggedStatus(answer.logged_status));
    }
    for (name, value) in answer.headers {
        head.append_header(name, value)?;
    }
    Ok((head, answer.body))
}

impl ResponseEdits for ResponseHeader {
    fn append_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        let _ = self.append_header(name.to_string(), value);
    }

    fn status(&self) -> u16 {
        self.status.as_u16()
    }

    fn set_status(&mut self, status: u16) {
        if ResponseHeader::set_status(self, status).is_ok() {
            let _ = self.set_reason_phrase(Some(reason_phrase(status)));
        }
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn set(&mut self, name: &'static str, value: HeaderValue) {
        let _ = self.insert_header(name, value);
    }

    fn append(&mut self, name: &'static str, value: HeaderValue) {
        let _ = self.append_header(name, value);
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        let _ = self.insert_header(name.to_string(), value);
    }

    fn remove(&mut self, name: &HeaderName) {
        self.remove_header(name);
    }
}
