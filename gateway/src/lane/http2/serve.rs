//! Serves a request: tries endpoints until one has responded.

use super::Place;
use super::attempt::Attempt;
use super::pool::Pool;
use crate::exchange::{Context, Destination};
use crate::lane::client::ClientRequest;
use crate::lane::endpoint::{GoesOn, Interrupted};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::time::timeout_at;

/// A worker's connections to endpoints of HTTP/2.
#[derive(Debug)]
pub(in crate::lane) struct Http2Lane {
    pool: Arc<Pool>,
}

impl Http2Lane {
    /// A lane whose pool has the size of the current settings.
    pub(in crate::lane) fn new(context: &Context) -> Self {
        Self { pool: Pool::new(context.publisher().load().settings().upstream.idle) }
    }

    /// Serves a request whose next step is to try this endpoint. `Break` has the connection if it may serve another request, with
    /// what has been read of that. The request goes on with its next step if an error of it is answered elsewhere.
    pub(in crate::lane) async fn serve(
        &self,
        mut request: Box<ClientRequest>,
        first: Destination,
    ) -> ControlFlow<Option<(Stream, BytesMut)>, Box<ClientRequest>> {
        if let Err(failure) = request.invite_body().await {
            request.exchange.failed(failure);
            return ControlFlow::Break(request.finish(false).await);
        }
        let mut destination = first;
        loop {
            match self.attempt(&mut request, &destination).await {
                Ok(()) => return ControlFlow::Break(request.finish(true).await),
                Err(interrupted) => match Box::pin(request.go_on(interrupted)).await {
                    GoesOn::Attempt(same, next) => (request, destination) = (same, *next),
                    GoesOn::Turned(request) => return ControlFlow::Continue(request),
                    GoesOn::Ended => return ControlFlow::Break(None),
                },
            }
        }
    }

    /// Tries an endpoint, up to the deadline. Boxed as in the lane of HTTP/1.
    async fn attempt(&self, request: &mut ClientRequest, destination: &Destination) -> Result<(), Interrupted> {
        let Some(deadline) = destination.deadline else { return self.attempt_at(request, destination).await };
        let attempted = Box::pin(timeout_at(deadline, self.attempt_at(request, destination))).await;
        attempted.unwrap_or_else(|_| Err(request.late().into()))
    }

    async fn attempt_at(&self, request: &mut ClientRequest, destination: &Destination) -> Result<(), Interrupted> {
        let (place, is_reused) = match self.pool.take(destination) {
            Some(place) => (place, true),
            None => (self.connect(request, destination).await?, false),
        };
        request.exchange.connected(is_reused);
        Attempt::new(request, place, is_reused, destination)?.run().await
    }

    async fn connect(&self, request: &mut ClientRequest, destination: &Destination) -> Result<Place, Interrupted> {
        // Boxed, so that not all requests reserve memory for it.
        Ok(request.session.or_gone(Box::pin(self.pool.connect(destination))).await??)
    }
}
