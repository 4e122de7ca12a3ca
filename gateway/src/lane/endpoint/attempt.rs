//! What attempts of all lanes need of a client's request.

use crate::exchange::{Destination, Failure, InvalidHead, Step, UpstreamFault};
use crate::headers::Headers;
use crate::lane::client::ClientRequest;
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use http::HeaderMap;
use std::ops::ControlFlow;
use tokio::time::sleep;

/// Why an attempt has ended without a whole response.
#[derive(Debug)]
pub(in crate::lane) enum Interrupted {
    /// This is to be reported to the exchange.
    Failed(Failure),
    /// The exchange has decided already.
    Settled,
}

/// How a request goes on after an attempt that has not served it.
pub(in crate::lane) enum GoesOn {
    /// With an attempt at this endpoint.
    Attempt(Box<ClientRequest>, Box<Destination>),
    /// With its next step: an error of it is answered elsewhere.
    Turned(Box<ClientRequest>),
    /// Not at all: it has been answered, or given up, and its connection serves no other.
    Ended,
}

/// The endpoint violates HTTP when the client may have got something of its response already, so no other endpoint is tried.
pub(in crate::lane) const BROKEN: Failure =
    Failure::Upstream { fault: UpstreamFault::Invalid, stale: false, untouched: false, replayable: false };

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Its response has a head that is none.
impl From<InvalidHead> for Interrupted {
    fn from(_: InvalidHead) -> Self {
        Self::Failed(BROKEN)
    }
}

/// Headers of a request that apply to the client's connection only (RFC 9110 section 7.6.1), in lower case. The exchange removes
/// those that `Connection` names.
pub(in crate::lane) const CONNECTION_HEADERS: [&str; 9] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// The headers of a request but for those, by their names in lower case.
pub(in crate::lane) fn without_connection_headers(headers: &Headers) -> HeaderMap {
    headers.parsed().filter(|(name, _)| !CONNECTION_HEADERS.contains(&name.as_str())).collect()
}

impl ClientRequest {
    /// Counts a piece of the body, and tells whether it is the last. `None` is the body's end.
    pub(in crate::lane) fn take_piece(&mut self, piece: Option<Bytes>) -> Result<(Bytes, bool), Interrupted> {
        let is_last = piece.is_none() || self.is_body_taken();
        let piece = piece.unwrap_or_default();
        match self.exchange.request_piece(&piece, is_last) {
            ControlFlow::Continue(()) => Ok((piece, is_last)),
            ControlFlow::Break(()) => Err(Interrupted::Settled),
        }
    }

    /// Asks the exchange what is next after an attempt, and ends the request if there is nothing.
    pub(in crate::lane) async fn go_on(mut self: Box<Self>, interrupted: Interrupted) -> GoesOn {
        self.awaits_body = false;
        if let Interrupted::Failed(failure) = interrupted {
            self.exchange.failed(failure);
        }
        match self.step_after_pause().await {
            Step::Attempt(next) => return GoesOn::Attempt(self, Box::new(next)),
            Step::ErrorPage => return GoesOn::Turned(self),
            Step::Reply(reply) => self.fail(&reply).await,
            Step::Abandon
            | Step::Close
            | Step::Wait(_)
            | Step::Verify(_)
            | Step::Ask(_)
            | Step::Inspect
            | Step::Buffer => {
                self.finish(false).await;
            }
        }
        GoesOn::Ended
    }

    /// The next step, once its time has come.
    async fn step_after_pause(&mut self) -> Step {
        loop {
            match self.exchange.next_step() {
                Step::Wait(pause) => {
                    if let Err(failure) = self.session.or_gone(sleep(pause)).await {
                        self.exchange.failed(failure);
                    }
                }
                step => return step,
            }
        }
    }

    /// The endpoint violates HTTP.
    pub(in crate::lane) fn invalid_response(&self) -> Failure {
        self.upstream_failure(UpstreamFault::Invalid)
    }

    /// The attempt is not over in time. Where it is the client that is waited for, that is not the endpoint's fault.
    pub(in crate::lane) fn late(&self) -> Failure {
        tracing::debug!(awaits_body = self.awaits_body, "an attempt takes longer than it may");
        if self.awaits_body { Failure::ClientTimeout } else { self.upstream_failure(UpstreamFault::TimedOut) }
    }

    fn upstream_failure(&self, fault: UpstreamFault) -> Failure {
        Failure::Upstream { fault, stale: false, untouched: false, replayable: self.is_replayable() }
    }

    /// Passes an interim response (1xx) on.
    pub(in crate::lane) async fn forward_interim(&mut self, head: ResponseHead) -> Result<(), Interrupted> {
        if self.exchange.interim_response().is_break() {
            return Err(BROKEN.into());
        }
        Ok(self.write_interim(head).await?)
    }

    /// Takes the next piece of the body, or with `is_taken` waits until the client is gone.
    pub(in crate::lane) async fn body_or_gone(&mut self, is_taken: bool) -> Result<Option<Bytes>, Failure> {
        if is_taken { Err(self.session.closed().await) } else { self.read_body().await }
    }
}
