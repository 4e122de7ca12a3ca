//! Passes each request to the lane for its backend's protocol.

use super::access::Access;
use super::endpoint::Uploads;
use super::fastcgi::{FastCgiLane, Served};
use super::http1::{Http1Lane, Outcome};
use super::http2::Http2Lane;
use super::pingora::fault;
use super::pingora::session::{ClientRequest, close, configure, keep_target, view, write_reply};
use crate::connection::Arrival;
use crate::exchange::{Context, Destination, EndpointProtocol, Exchange, Step};
use bytes::{Bytes, BytesMut};
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::HttpSession;
use std::sync::Arc;

/// The lanes of a worker, with their connections to endpoints.
pub(crate) struct Lanes {
    context: Arc<Context>,
    access: Access,
    http1: Http1Lane,
    http2: Http2Lane,
    fastcgi: FastCgiLane,
}

impl Lanes {
    /// Lanes whose connection pools have the size of the current settings. To be made in the runtime of their worker.
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let uploads = Uploads::new();
        Self {
            access: Access::new(&context),
            http1: Http1Lane::new(&context, uploads.clone()),
            http2: Http2Lane::new(&context),
            fastcgi: FastCgiLane::new(uploads),
            context,
        }
    }

    /// Serves a request of HTTP/1. `head` is its head, checked, and nothing else.
    pub(crate) async fn request(&self, stream: Stream, head: BytesMut, arrival: Box<Arrival>) -> Outcome {
        let mut session = ServerSession::new_http1(stream);
        session.set_pipelined_prefix(head.clone());
        if !matches!(session.read_request().await, Ok(true)) {
            return Outcome::Ended;
        }
        arrival.connection.wait_for_turn().await;
        self.serve(self.begin(session, Some(head.freeze()), arrival)).await
    }

    /// Serves the request of a stream of HTTP/2.
    pub(crate) async fn stream(self: Arc<Self>, session: HttpSession, arrival: Box<Arrival>) {
        arrival.connection.wait_for_turn().await;
        self.serve(self.begin(ServerSession::new_http2(session), None, arrival)).await;
    }

    fn begin(&self, mut session: ServerSession, head: Option<Bytes>, arrival: Box<Arrival>) -> Box<ClientRequest> {
        if let Some(target) = arrival.target.clone() {
            keep_target(session.req_header_mut(), target);
        }
        let exchange = Exchange::begin(&self.context, arrival, &view(session.req_header()));
        configure(&mut session, &exchange);
        Box::new(ClientRequest { session, head, exchange })
    }

    async fn serve(&self, mut request: Box<ClientRequest>) -> Outcome {
        let ClientRequest { session, exchange, .. } = &mut *request;
        let whole = match self.access.next_step(exchange, session).await {
            Step::Attempt(destination) => return self.attempt(request, destination).await,
            Step::Reply(reply) => {
                let written = write_reply(session, exchange, &reply).await;
                written.map_err(|error| exchange.failed(fault::of_client(&error))).is_ok()
            }
            Step::Close => {
                close(session).await;
                false
            }
            Step::Abandon | Step::Verify(_) | Step::Ask(_) | Step::Inspect => false,
        };
        request.finish(whole).await.map_or(Outcome::Ended, Outcome::Reusable)
    }

    /// Passes the request to the lane that speaks with its endpoint. Those of few requests are boxed, so that others reserve
    /// no memory for them.
    async fn attempt(&self, request: Box<ClientRequest>, destination: Destination) -> Outcome {
        let reusable = match destination.protocol {
            EndpointProtocol::Http10 | EndpointProtocol::Http11 => return self.http1.serve(request, destination).await,
            EndpointProtocol::Http2 => Box::pin(self.http2.serve(request, destination)).await,
            EndpointProtocol::FastCgi => match Box::pin(self.fastcgi.serve(request, destination)).await {
                Served::Finished(reusable) => reusable,
                Served::Elsewhere(request, next) => return self.http1.serve(request, next).await,
            },
        };
        reusable.map_or(Outcome::Ended, Outcome::Reusable)
    }
}
