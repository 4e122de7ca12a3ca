//! What attempts need of a client's request.

use super::RequestHead;
use crate::connection::BodyFraming;
use crate::exchange::Failure;
use crate::lane::pingora::session::{self, ClientRequest, view};
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

    /// As [`session::or_client_gone`].
    pub(super) async fn or_client_gone<T>(&mut self, waited_for: impl Future<Output = T>) -> Result<T, Interrupted> {
        Ok(session::or_client_gone(&mut self.session, waited_for).await?)
    }
}
