use super::inspected::InspectedResponse;
use super::replay::Replay;
use super::{ClientHead, ClientSession, Inspections};
use crate::buffer::BufferedBody;
use crate::connection::BodyFraming;
use crate::exchange::{Exchange, Failure, Sent, has_body};
use crate::lane::head::ResponseHead;
use crate::request::{Reply, RequestView};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Version};
use pingora_core::protocols::Stream;
use std::io;

/// A request on its way through a lane. Boxed wherever it goes: futures would reserve memory for it at each step.
pub(in crate::lane) struct ClientRequest {
    pub(in crate::lane) head: ClientHead,
    pub(in crate::lane) session: ClientSession,
    pub(in crate::lane) exchange: Exchange,
    replay: Replay,
    /// The body, where all of it is read before an endpoint gets it.
    buffered: Option<Box<BufferedBody>>,
    begun: Option<Begun>,
    /// The attempt has sent all that has come of the body, and waits for the client to send more.
    pub(in crate::lane) awaits_body: bool,
    /// Where the firewall looks at the response.
    inspections: Option<Inspections>,
    pub(super) inspected: Option<Box<InspectedResponse>>,
}

/// A response whose head has been written.
#[derive(Clone, Copy, Debug)]
struct Begun {
    /// Its status; for a gRPC error of ours, the equivalent HTTP status.
    status: u16,
    /// Its body ends with the connection.
    until_close: bool,
}

impl ClientRequest {
    pub(in crate::lane) fn new(head: ClientHead, session: ClientSession, exchange: Exchange) -> Self {
        let (replay, buffered, begun, awaits_body) = (Replay::default(), None, None, false);
        Self { head, session, exchange, replay, buffered, begun, awaits_body, inspections: None, inspected: None }
    }

    /// The request as policies see it.
    pub(in crate::lane) fn view(&self) -> RequestView<'_> {
        self.head.view()
    }

    /// The firewall has let the request pass, and looks at the response as well.
    pub(in crate::lane) fn inspect_response(&mut self, inspections: Inspections) {
        self.inspections = Some(inspections);
    }

    /// Takes the next piece of the body, which can be sent to another endpoint again as long as it is
    /// [replayable](Self::is_replayable). `None` is its end. Nothing is lost if the future is dropped.
    pub(in crate::lane) async fn read_body(&mut self) -> Result<Option<Bytes>, Failure> {
        if let Some(body) = &mut self.buffered {
            return body.next().await.map_err(|error| lost(&error));
        }
        let piece = self.session.read_body().await?;
        piece.iter().for_each(|piece| self.replay.keep(piece));
        Ok(piece)
    }

    /// Has the client send the body, where it waits for that and an endpoint is to get it.
    pub(in crate::lane) async fn invite_body(&mut self) -> Result<(), Failure> {
        if self.exchange.forwards_body() { self.session.invite_body().await } else { Ok(()) }
    }

    /// All of the body has been read.
    pub(in crate::lane) fn set_buffered(&mut self, body: BufferedBody) {
        self.buffered = Some(Box::new(body));
    }

    /// Whether all of the body has been read before an endpoint gets it.
    pub(in crate::lane) fn is_buffered(&self) -> bool {
        self.buffered.is_some()
    }

    /// The whole body, where it has been read before an endpoint gets it.
    pub(in crate::lane) async fn whole_body(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(body) = &mut self.buffered else { return Ok(None) };
        let mut whole = BytesMut::from(body.rewind().unwrap_or_default());
        while let Some(piece) = body.next().await.map_err(|error| lost(&error))? {
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole.freeze()))
    }

    /// Whether an attempt has got all of the body.
    pub(in crate::lane) fn is_body_taken(&self) -> bool {
        self.buffered.as_ref().map_or_else(|| self.session.is_body_done(), |body| body.is_done())
    }

    /// The body has failed before an attempt began: its connection cannot go on.
    pub(in crate::lane) fn body_failed(&mut self, failure: Failure) {
        self.session.close_after_response();
        self.exchange.failed(failure);
    }

    /// Begins the body for an attempt, if an endpoint is to get it. Returns what is at hand of it, some or all: what the
    /// firewall or an attempt before has read, or the start of a body that was held back.
    pub(in crate::lane) fn start_body(&mut self) -> Option<Bytes> {
        if !self.exchange.forwards_body() {
            return None;
        }
        if let Some(body) = &mut self.buffered {
            return body.rewind();
        }
        let inspected = self.exchange.inspected_body().filter(|body| !body.is_empty());
        match (inspected, self.replay.read()) {
            (Some(inspected), Some(read)) => Some([&inspected[..], &read].concat().into()),
            (inspected, read) => read.or_else(|| inspected.cloned()),
        }
    }

    /// Whether the request can be sent again: nothing that an endpoint has got of its body is lost.
    pub(in crate::lane) fn is_replayable(&self) -> bool {
        !self.exchange.forwards_body() || self.is_buffered() || !self.replay.is_truncated()
    }

    /// How the end of the request's body is found that goes to an endpoint.
    pub(in crate::lane) fn body_framing(&self) -> BodyFraming {
        if !self.exchange.forwards_body() {
            return BodyFraming::None;
        }
        if let Some(body) = &self.buffered {
            return BodyFraming::Length(body.length());
        }
        match &self.session {
            ClientSession::Http1(_) => self.exchange.arrival().head.body,
            ClientSession::Http2(session) if session.is_body_empty() => BodyFraming::None,
            ClientSession::Http2(_) => self.view().content_length().map_or(BodyFraming::Chunked, BodyFraming::Length),
        }
    }

    /// The trailers that an endpoint gets, once the body has been taken.
    pub(in crate::lane) fn trailers(&self) -> Option<HeaderMap> {
        let trailers = self.exchange.request_trailers(&self.head.view(), &self.session.trailers()?);
        Some(trailers).filter(|trailers| !trailers.is_empty())
    }

    /// Passes an interim response (1xx) of an endpoint on, where the client understands one.
    pub(in crate::lane) async fn write_interim(&mut self, mut head: ResponseHead) -> Result<(), Failure> {
        head.remove_framing();
        self.exchange.respond(&self.head.view(), false, &mut head);
        self.session.write_interim(&head).await
    }

    /// Passes on the 101 with which an endpoint switches protocols.
    pub(in crate::lane) async fn write_switch(&mut self, mut head: ResponseHead) -> Result<(), Failure> {
        let ClientSession::Http1(session) = &mut self.session else { return Err(Failure::Internal) };
        head.set_upgrade();
        self.exchange.respond(&self.head.view(), true, &mut head);
        session.write_switch(&head).await
    }

    /// Passes the head of an endpoint's response on. With [`BodyFraming::None`] that is all of it.
    pub(in crate::lane) async fn write_head(
        &mut self,
        mut head: ResponseHead,
        body: BodyFraming,
    ) -> Result<(), Failure> {
        head.settle_framing();
        if let Some(inspections) = &self.inspections
            && let Some(inspection) = self.exchange.response_inspection(&head)
        {
            return Box::pin(self.inspect_head(inspections.clone(), inspection, head, body)).await;
        }
        self.pass_head(head, body).await
    }

    pub(super) async fn pass_head(&mut self, mut head: ResponseHead, body: BodyFraming) -> Result<(), Failure> {
        self.exchange.respond(&self.head.view(), false, &mut head);
        let body = self.begin_body(&mut head, body);
        let discards_rest = !self.exchange.forwards_body();
        self.begin_response(&head, body, discards_rest, head.status.as_u16()).await
    }

    /// Has the body changed and compressed, where it is to be. Returns how its end is found then.
    fn begin_body(&mut self, head: &mut ResponseHead, body: BodyFraming) -> BodyFraming {
        let is_changed = self.exchange.begin_body(&self.head.view(), body != BodyFraming::None, head);
        if is_changed { BodyFraming::Chunked } else { body }
    }

    async fn begin_response(
        &mut self,
        head: &ResponseHead,
        body: BodyFraming,
        discards_rest: bool,
        logged_status: u16,
    ) -> Result<(), Failure> {
        if !self.may_stay_open(discards_rest) {
            self.session.close_after_response();
        }
        let until_close = self.head.version == Version::HTTP_10 && !head.has_length();
        self.begun = Some(Begun { status: logged_status, until_close });
        self.session.write_head(head, body).await
    }

    /// Whether the connection may serve another request. To be asked right before the head of the response is written: a
    /// shutdown may have been announced since the request came. Where the rest of the body `is_discarded`, it is read if it
    /// is small.
    fn may_stay_open(&self, is_discarded: bool) -> bool {
        let is_read = || self.session.is_body_done() || is_discarded && !self.exchange.leaves_body(&self.view());
        self.exchange.keeps_alive() && is_read()
    }

    /// Passes a piece of the response's body on.
    pub(in crate::lane) async fn write_piece(&mut self, piece: Bytes, is_last: bool) -> Result<(), Failure> {
        match self.inspected {
            Some(_) => Box::pin(self.inspect_piece(piece, is_last)).await,
            None => self.pass_piece(piece, is_last).await,
        }
    }

    pub(super) async fn pass_piece(&mut self, piece: Bytes, is_last: bool) -> Result<(), Failure> {
        let piece = self.exchange.encode(piece, is_last)?;
        self.write(piece, is_last).await
    }

    async fn write(&mut self, piece: Bytes, is_last: bool) -> Result<(), Failure> {
        if let Some(pause) = self.exchange.pause(piece.len()) {
            self.session.flush().await?;
            self.session.or_gone(tokio::time::sleep(pause)).await?;
        }
        self.session.write_body(piece, is_last).await
    }

    /// Ends the response of an endpoint, with its trailers where the client takes them.
    pub(in crate::lane) async fn write_trailers(&mut self, trailers: Option<HeaderMap>) -> Result<(), Failure> {
        let trailers = trailers.map(|trailers| self.exchange.response_trailers(&trailers));
        let Some(trailers) = trailers.filter(|trailers| !trailers.is_empty()) else {
            return self.write_piece(Bytes::new(), true).await;
        };
        self.end_inspection().await?;
        let rest = self.exchange.encode(Bytes::new(), true)?;
        if !rest.is_empty() {
            self.write(rest, false).await?;
        }
        self.session.write_trailers(trailers).await
    }

    /// Writes a reply of ours. If a large request body is still to come, the connection is closed after it; a small one is
    /// read and discarded.
    pub(in crate::lane) async fn write_reply(&mut self, reply: &Reply) -> Result<(), Failure> {
        let reply = self.exchange.render(reply, &self.head.headers);
        let mut head = ResponseHead::of_reply(&reply);
        self.exchange.reply(&self.head.view(), &mut head);
        let body = match reply.body.len() as u64 {
            0 => BodyFraming::None,
            _ if !has_body(&self.head.method, head.status) => BodyFraming::None,
            length => BodyFraming::Length(length),
        };
        let body = self.begin_body(&mut head, body);
        self.begin_response(&head, body, true, reply.logged_status).await?;
        if body == BodyFraming::None {
            return Ok(());
        }
        let piece = self.exchange.encode(reply.body, true)?;
        self.session.write_body(piece, true).await
    }

    /// Records it. After a `whole` response its connection may serve another request, unless it is a stream of HTTP/2.
    /// Returns that connection, and what has been read from it.
    pub(in crate::lane) async fn finish(mut self: Box<Self>, whole: bool) -> Option<(Stream, BytesMut)> {
        self.record();
        match self.session {
            _ if !whole => None,
            ClientSession::Http1(session) => session.finish().await,
            ClientSession::Http2(session) => {
                // Boxed, so that requests of HTTP/1 reserve no memory for it.
                Box::pin(session.finish(&self.exchange.arrival().connection)).await;
                None
            }
        }
    }

    /// Answers it after it has failed, unless a response has begun, and records it. Its connection cannot go on.
    pub(in crate::lane) async fn fail(mut self: Box<Self>, reply: &Reply) {
        let is_answered = self.answer_failure(reply).await;
        self.record();
        match &mut self.session {
            ClientSession::Http1(session) if is_answered => session.close().await,
            ClientSession::Http2(session) if is_answered => {
                session.discard_body(&self.exchange.arrival().connection).await;
            }
            _ => {}
        }
    }

    /// Replies to a request that has failed, unless a response has begun.
    async fn answer_failure(&mut self, reply: &Reply) -> bool {
        match self.begun {
            // The reset that follows would take along what its connection has not written yet.
            Some(_) if self.session.is_http2() => tokio::task::yield_now().await,
            Some(Begun { until_close: true, .. }) => self.exchange.arrival().connection.reset_on_close(),
            Some(_) => {}
            None => {
                self.session.close_after_response();
                self.mark_input_unread();
                if let Err(error) = self.write_reply(reply).await {
                    tracing::debug!(?error, "the client did not wait for the response");
                }
                return true;
            }
        }
        false
    }

    /// The rest of the input is not read: a connection of HTTP/1 has to linger when it closes.
    fn mark_input_unread(&self) {
        if !self.session.is_http2() {
            self.exchange.arrival().connection.mark_input_unread();
        }
    }

    /// Counts and logs a request that has ended.
    fn record(&mut self) {
        if !self.session.is_body_done() {
            self.mark_input_unread();
        }
        let (bytes, body) = match &self.session {
            ClientSession::Http1(session) => {
                let arrival = self.exchange.arrival();
                (arrival.connection.sent() - arrival.sent_before, session.body_sent())
            }
            ClientSession::Http2(session) => {
                let (head, body) = session.sent();
                (head + body, body)
            }
        };
        let sent = Sent { status: self.begun.map(|begun| begun.status), bytes, body };
        self.exchange.finish(&self.head.view(), sent);
    }
}

/// A body that has been read cannot be read again.
fn lost(error: &io::Error) -> Failure {
    tracing::warn!(%error, "a request's body is lost");
    Failure::Internal
}
