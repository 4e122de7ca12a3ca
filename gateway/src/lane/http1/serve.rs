//! Serves a request: tries endpoints until one has responded.

use super::attempt::{Attempt, Responded};
use super::pool::Pool;
use super::tunnel::Tunnel;
use crate::exchange::{Context, Destination, EndpointProtocol};
use crate::lane::client::{ClientRequest, ClientSession};
use crate::lane::endpoint::{EndpointConnection, GoesOn, Interrupted};
use crate::relay::{Early, RelayedBytes};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::time::timeout_at;

/// A worker's connections to endpoints of HTTP/1.1.
#[derive(Debug)]
pub(in crate::lane) struct Http1Lane {
    pool: Arc<Pool>,
}

/// What has become of a client's connection with the request.
pub(crate) enum Outcome {
    /// It may serve another request, of which this has been read.
    Reusable(Stream, BytesMut),
    /// An endpoint has switched protocols, and the client has got the 101.
    Upgraded(Box<Tunnel>),
    /// It has ended, or was a stream of HTTP/2.
    Ended,
}

impl Outcome {
    pub(in crate::lane) fn reusable((stream, read): (Stream, BytesMut)) -> Self {
        Self::Reusable(stream, read)
    }
}

impl Http1Lane {
    /// A lane whose pool has the size of the current settings.
    pub(in crate::lane) fn new(context: &Context) -> Self {
        Self { pool: Pool::new(context.publisher().load().settings().upstream.idle) }
    }

    /// Serves a request whose next step is to try this endpoint. It goes on with its next step if an error of it is answered
    /// elsewhere.
    pub(in crate::lane) async fn serve(
        &self,
        mut request: Box<ClientRequest>,
        first: Destination,
    ) -> ControlFlow<Outcome, Box<ClientRequest>> {
        if let Err(failure) = request.invite_body().await {
            request.exchange.failed(failure);
            return ControlFlow::Break(finish(request, false).await);
        }
        let mut destination = first;
        loop {
            match self.attempt(&mut request, &destination).await {
                Ok(Responded::Whole) => return ControlFlow::Break(finish(request, true).await),
                Ok(Responded::Switched(endpoint)) => {
                    return ControlFlow::Break(into_tunnel(*request, endpoint, &destination));
                }
                Err(interrupted) => match Box::pin(request.go_on(interrupted)).await {
                    GoesOn::Attempt(same, next) => (request, destination) = (same, *next),
                    GoesOn::Turned(request) => return ControlFlow::Continue(request),
                    GoesOn::Ended => return ControlFlow::Break(Outcome::Ended),
                },
            }
        }
    }

    /// Tries an endpoint, up to the deadline. An attempt with one is boxed, so that others reserve no memory for it.
    async fn attempt(&self, request: &mut ClientRequest, destination: &Destination) -> Result<Responded, Interrupted> {
        let Some(deadline) = destination.deadline else { return self.attempt_at(request, destination).await };
        let attempted = Box::pin(timeout_at(deadline, self.attempt_at(request, destination))).await;
        attempted.unwrap_or_else(|_| Err(request.late().into()))
    }

    async fn attempt_at(
        &self,
        request: &mut ClientRequest,
        destination: &Destination,
    ) -> Result<Responded, Interrupted> {
        // A connection of HTTP/1.0 serves one request.
        let takes_new = destination.fresh || destination.protocol == EndpointProtocol::Http10;
        let kept = if takes_new { None } else { self.pool.take(destination) };
        let (endpoint, is_reused) = match kept {
            Some(kept) => (kept, true),
            None => (request.connect(destination).await?, false),
        };
        request.exchange.connected(is_reused);
        let keep = |endpoint| self.pool.put(endpoint, destination);
        Attempt::new(request, endpoint, is_reused, destination)?.run(keep).await
    }
}

impl ClientRequest {
    async fn connect(&mut self, destination: &Destination) -> Result<EndpointConnection, Interrupted> {
        // Boxed, as is what follows a failure, so that not all requests reserve memory for it.
        Ok(self.session.or_gone(Box::pin(EndpointConnection::connect(destination))).await??)
    }
}

/// The connection becomes a tunnel.
fn into_tunnel(request: ClientRequest, endpoint: EndpointConnection, destination: &Destination) -> Outcome {
    let ClientRequest { head, session, exchange, .. } = request;
    let ClientSession::Http1(session) = session else { return Outcome::Ended };
    let (client, from_client) = session.into_parts();
    let (endpoint, from_endpoint) = endpoint.into_parts();
    Outcome::Upgraded(Box::new(Tunnel {
        exchange,
        head,
        client,
        endpoint,
        early: Early { from_client, from_endpoint },
        idle: destination.timeouts.read,
        relayed: RelayedBytes::default(),
    }))
}

/// Records a request. After a `whole` response its connection may serve another one.
async fn finish(request: Box<ClientRequest>, whole: bool) -> Outcome {
    request.finish(whole).await.map_or(Outcome::Ended, Outcome::reusable)
}
