//! What attempts need of a client's request.

use super::RequestHead;
use crate::connection::BodyFraming;
use crate::exchange::Failure;
use crate::lane::pingora::session::{ClientRequest, view};
use crate::request::upgrade;
use http::header;

/// Why an attempt has ended without a whole response.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// This is to be reported to the exchange.
    Failed(Failure),
    /// The exchange has decided already.
    Settled,
}

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl ClientRequest {
    /// The head for an endpoint, as the client sent it. `None` if it is not valid.
    pub(super) fn request_head(&self) -> Option<RequestHead> {
        match &self.head {
            Some(bytes) => RequestHead::parse(bytes),
            None => Some(RequestHead::of_http2(self.session.req_header())),
        }
    }

    /// How the end of the body is found.
    pub(super) fn body_framing(&mut self) -> BodyFraming {
        if !self.session.is_http2() {
            return self.exchange.arrival().head.body;
        }
        if self.session.is_body_empty() {
            return BodyFraming::None;
        }
        let length = view(self.session.req_header()).content_length();
        length.map_or(BodyFraming::Chunked, BodyFraming::Length)
    }

    /// The protocols that the client asks for, as `Upgrade` lists them.
    pub(super) fn requested_protocols(&self) -> String {
        if !self.exchange.arrival().head.upgrade {
            return String::new();
        }
        let values = self.session.req_header().headers.get_all(header::UPGRADE).iter();
        values.flat_map(|value| upgrade::protocols(value.as_bytes())).collect::<Vec<_>>().join(", ")
    }

    /// Whether the end of the client's connection can be waited for: nothing of the request is unread.
    pub(super) fn is_watched(&mut self) -> bool {
        self.session.is_http2() || self.session.is_body_done()
    }

    /// Waits for something, or until the client closes its connection, where that can be seen. What it sends meanwhile stays
    /// in its stream.
    pub(super) async fn or_client_gone<T>(&mut self, waited_for: impl Future<Output = T>) -> Result<T, Interrupted> {
        let is_watched = self.is_watched();
        tokio::select! {
            biased;
            done = waited_for => Ok(done),
            _ = self.session.read_body_or_idle(true), if is_watched => Err(Failure::ClientGone.into()),
        }
    }
}
