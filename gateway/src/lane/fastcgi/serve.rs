//! Serves a request: tries endpoints until one has responded.

use super::attempt::Attempt;
use crate::exchange::{Destination, EndpointProtocol};
use crate::lane::client::ClientRequest;
use crate::lane::endpoint::{EndpointConnection, GoesOn, Interrupted};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use tokio::time::timeout_at;

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
            Err(interrupted) => match Box::pin(request.go_on(interrupted)).await {
                GoesOn::Attempt(same, next) if next.protocol == EndpointProtocol::FastCgi => {
                    (request, destination) = (same, *next);
                }
                GoesOn::Attempt(request, next) => return Served::Elsewhere(request, *next),
                GoesOn::Turned(request) => return Served::Turned(request),
                GoesOn::Ended => return Served::Finished(None),
            },
        }
    }
}

impl ClientRequest {
    /// Tries a program, up to the deadline. Boxed as in the lane of HTTP/1.
    async fn attempt_fastcgi(&mut self, destination: &Destination) -> Result<(), Interrupted> {
        let Some(deadline) = destination.deadline else { return self.attempt_program(destination).await };
        let attempted = Box::pin(timeout_at(deadline, self.attempt_program(destination))).await;
        attempted.unwrap_or_else(|_| Err(self.late().into()))
    }

    async fn attempt_program(&mut self, destination: &Destination) -> Result<(), Interrupted> {
        let endpoint = self.session.or_gone(Box::pin(EndpointConnection::connect(destination))).await??;
        self.exchange.connected(false);
        Attempt::new(self, endpoint, destination)?.run().await
    }
}
