//! What attempts of all lanes need of a client's request.

use crate::connection::BodyFraming;
use crate::exchange::{Failure, is_of_the_connection};
use crate::lane::pingora::fault;
use crate::lane::pingora::session::{
    self, ClientRequest, settle_end_for_http_10, settle_framing, settle_keepalive, settle_unread_body, view, write_head,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Version};
use pingora_http::ResponseHeader;
use std::ops::ControlFlow;

/// Why an attempt has ended without a whole response.
#[derive(Debug)]
pub(in crate::lane) enum Interrupted {
    /// This is to be reported to the exchange.
    Failed(Failure),
    /// The exchange has decided already.
    Settled,
}

/// The endpoint violates HTTP. It has received the request, so no other endpoint is tried.
pub(in crate::lane) const BROKEN: Failure = Failure::Upstream { timed_out: false, stale: false, replayable: false };

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Whether a header of a request with these headers is not forwarded, since it applies to the client's connection only (RFC
/// 9110 section 7.6.1).
pub(in crate::lane) fn is_connection_header(name: &HeaderName, headers: &HeaderMap) -> bool {
    matches!(name.as_str(), "connection" | "proxy-authorization" | "http2-settings")
        || is_of_the_connection(name, headers)
}

impl ClientRequest {
    /// How the end of the request's body is found.
    pub(in crate::lane) fn body_framing(&mut self) -> BodyFraming {
        if !self.session.is_http2() {
            return self.exchange.arrival().head.body;
        }
        if self.session.is_body_empty() {
            return BodyFraming::None;
        }
        let length = view(self.session.req_header()).content_length();
        length.map_or(BodyFraming::Chunked, BodyFraming::Length)
    }

    /// Counts a piece of the body, and tells whether it is the last. `None` is the body's end.
    pub(in crate::lane) fn take_piece(&mut self, piece: Option<Bytes>) -> Result<(Bytes, bool), Interrupted> {
        let is_last = piece.is_none() || self.session.is_body_done();
        let piece = piece.unwrap_or_default();
        match self.exchange.request_piece(&piece, is_last) {
            ControlFlow::Continue(()) => Ok((piece, is_last)),
            ControlFlow::Break(()) => Err(Interrupted::Settled),
        }
    }

    /// As [`session::or_client_gone`].
    pub(in crate::lane) async fn or_client_gone<T>(
        &mut self,
        waited_for: impl Future<Output = T>,
    ) -> Result<T, Interrupted> {
        Ok(session::or_client_gone(&mut self.session, waited_for).await?)
    }

    /// Passes an interim response (1xx) on to the client.
    pub(in crate::lane) async fn write_interim(&mut self, mut head: Box<ResponseHeader>) -> Result<(), Interrupted> {
        let Self { session, exchange, .. } = self;
        if exchange.interim_response().is_break() {
            return Err(BROKEN.into());
        }
        settle_framing(session.req_header(), &mut head).map_err(|_| BROKEN)?;
        exchange.respond(&view(session.req_header()), false, &mut *head);
        Ok(session.write_response_header(head).await.map_err(|error| fault::of_client(&error))?)
    }

    /// Passes the head of a response on to the client. With [`BodyFraming::None`] that is all of it.
    pub(in crate::lane) async fn write_head(
        &mut self,
        mut head: Box<ResponseHeader>,
        framing: BodyFraming,
    ) -> Result<(), Interrupted> {
        let Self { session, exchange, .. } = self;
        settle_framing(session.req_header(), &mut head).map_err(|_| BROKEN)?;
        let version = session.req_header().version;
        if framing == BodyFraming::UntilClose && version == Version::HTTP_11 {
            // In chunks, so that the client's connection does not have to be closed, too.
            let _ = head.insert_header("Transfer-Encoding", "chunked");
        }
        exchange.respond(&view(session.req_header()), false, &mut *head);
        settle_keepalive(session, exchange);
        if !exchange.forwards_body() && !session.is_body_done() {
            settle_unread_body(session, exchange);
        }
        if version == Version::HTTP_10 {
            settle_end_for_http_10(session, &head);
        }
        let is_ended = framing == BodyFraming::None;
        Ok(write_head(session, head, is_ended).await.map_err(|error| fault::of_client(&error))?)
    }

    /// Passes a piece of the response's body on to the client.
    pub(in crate::lane) async fn write_piece(&mut self, piece: Bytes, is_last: bool) -> Result<(), Interrupted> {
        if let Some(pause) = self.exchange.response_body(piece.len()) {
            self.or_client_gone(tokio::time::sleep(pause)).await?;
        }
        let written = self.session.write_response_body(piece, is_last).await;
        Ok(written.map_err(|error| fault::of_client(&error))?)
    }
}
