//! Serves a request: tries endpoints until one has responded.

use super::attempt::Attempt;
use crate::exchange::{Destination, EndpointProtocol, Step};
use crate::lane::client::ClientRequest;
use crate::lane::endpoint::{EndpointConnection, Interrupted};
use bytes::BytesMut;
use pingora_core::protocols::Stream;

/// What has become of a request.
pub(in crate::lane) enum Served {
    /// It has been answered, or given up. Its connection may serve another request, if it is here, with what has been read of
    /// that.
    Finished(Option<(Stream, BytesMut)>),
    /// An endpoint is to be tried that does not speak FastCGI.
    Elsewhere(Box<ClientRequest>, Destination),
    /// An error of it is answered elsewhere: its next step is to be asked for.
    Turned(Box<ClientRequest>),
}

/// Serves a request whose next step is to try this endpoint.
pub(in crate::lane) async fn serve(mut request: Box<ClientRequest>, first: Destination) -> Served {
    let mut destination = first;
    let mut failed = request.invite_body().await.err();
    loop {
        let attempted = match failed.take() {
            Some(failure) => Err(failure.into()),
            None => request.attempt_fastcgi(&destination).await,
        };
        match attempted {
            Ok(()) => return Served::Finished(request.finish(true).await),
            Err(Interrupted::Settled) => {}
            Err(Interrupted::Failed(failure)) => request.exchange.failed(failure),
        }
        match request.exchange.next_step() {
            Step::Attempt(next) if next.protocol == EndpointProtocol::FastCgi => destination = next,
            Step::Attempt(next) => return Served::Elsewhere(request, next),
            Step::Reply(reply) => {
                Box::pin(request.fail(&reply)).await;
                return Served::Finished(None);
            }
            Step::ErrorPage => return Served::Turned(request),
            Step::Abandon
            | Step::Close
            | Step::Wait(_)
            | Step::Verify(_)
            | Step::Ask(_)
            | Step::Inspect
            | Step::Buffer => {
                return Served::Finished(request.finish(false).await);
            }
        }
    }
}

impl ClientRequest {
    async fn attempt_fastcgi(&mut self, destination: &Destination) -> Result<(), Interrupted> {
        let endpoint = self.session.or_gone(Box::pin(EndpointConnection::connect(destination))).await??;
        self.exchange.connected(false);
        Attempt::new(self, endpoint, destination)?.run().await
    }
}
