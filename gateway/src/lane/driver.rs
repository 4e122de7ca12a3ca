//! Passes each request to the lane for its backend's protocol.

use super::access::Access;
use super::client::{ClientHead, ClientRequest, ClientSession, Http1Session, Http2Session};
use super::http1::{Http1Lane, Outcome};
use super::http2::Http2Lane;
use crate::connection::Arrival;
use crate::exchange::{Context, Exchange, Step};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::v2::server::HttpSession;
use std::sync::Arc;

/// The lanes of a worker, with their connections to endpoints.
pub(crate) struct Lanes {
    context: Arc<Context>,
    access: Access,
    http1: Http1Lane,
    http2: Http2Lane,
}

impl Lanes {
    /// Lanes whose connection pools have the size of the current settings. To be made in the runtime of their worker.
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let (access, http1, http2) = (Access::new(&context), Http1Lane::new(&context), Http2Lane::new(&context));
        Self { context, access, http1, http2 }
    }

    /// Serves a request of HTTP/1. `head` is its head, checked, and nothing else; `input` what has been read behind it.
    pub(crate) async fn request(
        &self,
        stream: Stream,
        head: BytesMut,
        input: BytesMut,
        arrival: Box<Arrival>,
    ) -> Outcome {
        let Some(head) = ClientHead::parse(head.freeze(), arrival.target.clone()) else { return Outcome::Ended };
        arrival.connection.wait_for_turn().await;
        let exchange = Exchange::begin(&self.context, arrival, &head.view());
        let session = ClientSession::Http1(Http1Session::new(stream, &head, input, &exchange));
        self.serve(Box::new(ClientRequest::new(head, session, exchange))).await
    }

    /// Serves the request of a stream of HTTP/2.
    pub(crate) async fn stream(self: Arc<Self>, session: HttpSession, arrival: Box<Arrival>) {
        let head = ClientHead::of_stream(&session, arrival.target.clone());
        arrival.connection.wait_for_turn().await;
        let exchange = Exchange::begin(&self.context, arrival, &head.view());
        let session = ClientSession::Http2(Box::new(Http2Session::new(session, &exchange)));
        self.serve(Box::new(ClientRequest::new(head, session, exchange))).await;
    }

    async fn serve(&self, mut request: Box<ClientRequest>) -> Outcome {
        let whole = match self.access.next_step(&mut request).await {
            Step::Attempt(destination) if destination.http2 => {
                // Boxed, so that other requests reserve no memory for it.
                let reusable = Box::pin(self.http2.serve(request, destination)).await;
                return reusable.map_or(Outcome::Ended, Outcome::reusable);
            }
            Step::Attempt(destination) => return self.http1.serve(request, destination).await,
            Step::Reply(reply) => {
                let written = request.write_reply(&reply).await;
                written.map_err(|failure| request.exchange.failed(failure)).is_ok()
            }
            Step::Close => {
                request.session.close().await;
                false
            }
            Step::Abandon | Step::Verify(_) | Step::Ask(_) | Step::Inspect => false,
        };
        request.finish(whole).await.map_or(Outcome::Ended, Outcome::reusable)
    }
}
