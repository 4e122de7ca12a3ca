//! Passes each request to the lane for its backend's protocol.

use super::access::Access;
use super::client::{ClientHead, ClientRequest, ClientSession, Http1Session, Http2Session};
use super::fastcgi::{self, Served};
use super::http1::{Http1Lane, Outcome};
use super::http2::Http2Lane;
use super::mirrors::Mirrors;
use crate::connection::Arrival;
use crate::exchange::{Context, Destination, EndpointProtocol, Exchange, Step};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use pingora_http::RequestHeader;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The lanes of a worker, with their connections to endpoints.
pub(crate) struct Lanes {
    context: Arc<Context>,
    access: Access,
    mirrors: Mirrors,
    http1: Http1Lane,
    http2: Http2Lane,
}

impl Lanes {
    /// Lanes whose connection pools have the size of the current settings. To be made in the runtime of their worker.
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self {
            access: Access::new(&context),
            mirrors: Mirrors::new(&context),
            http1: Http1Lane::new(&context),
            http2: Http2Lane::new(&context),
            context,
        }
    }

    /// Serves a request of HTTP/1, whose head has been checked. `input` is what has been read behind that.
    pub(crate) async fn request(
        &self,
        stream: Stream,
        head: ClientHead,
        input: BytesMut,
        arrival: Box<Arrival>,
    ) -> Outcome {
        arrival.connection.wait_for_turn().await;
        let request = self.begin(head, arrival, |head, exchange| {
            ClientSession::Http1(Http1Session::new(stream, head, input, exchange))
        });
        self.serve(request).await
    }

    /// Serves the request of a stream of HTTP/2.
    pub(crate) async fn stream(
        self: Arc<Self>,
        head: RequestHeader,
        session: Box<Http2Session>,
        arrival: Box<Arrival>,
    ) {
        let head = ClientHead::of_stream(head, arrival.target.clone());
        arrival.connection.wait_for_turn().await;
        let request = self.begin(head, arrival, |_, _| ClientSession::Http2(session));
        self.serve(request).await;
    }

    /// Begins a request. Not in the futures above, which would reserve memory for each of its parts.
    fn begin(
        &self,
        head: ClientHead,
        arrival: Box<Arrival>,
        session: impl FnOnce(&ClientHead, &Exchange) -> ClientSession,
    ) -> Box<ClientRequest> {
        let place = Box::new_uninit(); // before its parts, so that they are written there and not copied
        let exchange = Exchange::begin(&self.context, arrival, &head.view());
        let session = session(&head, &exchange);
        Box::write(place, ClientRequest::new(head, session, exchange))
    }

    /// Sends copies to the mirrors of the route, which get the body as it goes to the backend.
    fn copy(&self, request: &mut ClientRequest) {
        let framing = request.body_framing();
        let copies = request.exchange.mirror_requests(&request.head.view(), framing);
        copies.into_iter().for_each(|copy| self.mirrors.send(copy));
    }

    async fn serve(&self, mut request: Box<ClientRequest>) -> Outcome {
        loop {
            match self.step(request).await {
                ControlFlow::Break(outcome) => return outcome,
                ControlFlow::Continue(turned) => request = turned,
            }
        }
    }

    /// Serves the request, unless an error of it is answered elsewhere: then it goes on with its next step.
    async fn step(&self, mut request: Box<ClientRequest>) -> ControlFlow<Outcome, Box<ClientRequest>> {
        let step = self.access.next_step(&mut request).await;
        if let Step::Attempt(_) = step
            && request.exchange.is_mirrored()
        {
            self.copy(&mut request);
        }
        let whole = match step {
            Step::Attempt(destination) => return self.attempt(request, destination).await,
            Step::Reply(reply) => {
                let written = request.write_reply(&reply).await;
                written.map_err(|failure| request.exchange.failed(failure)).is_ok()
            }
            Step::Close => {
                request.session.close().await;
                false
            }
            Step::Abandon
            | Step::Wait(_)
            | Step::Verify(_)
            | Step::Ask(_)
            | Step::Inspect
            | Step::ErrorPage
            | Step::Buffer => false,
        };
        ControlFlow::Break(request.finish(whole).await.map_or(Outcome::Ended, Outcome::reusable))
    }

    /// Passes the request to the lane that speaks with its endpoint. Those of few requests are boxed, so that others reserve
    /// no memory for them.
    async fn attempt(
        &self,
        request: Box<ClientRequest>,
        destination: Destination,
    ) -> ControlFlow<Outcome, Box<ClientRequest>> {
        let reusable = match destination.protocol {
            EndpointProtocol::Http10 | EndpointProtocol::Http11 => return self.http1.serve(request, destination).await,
            EndpointProtocol::Http2 => match Box::pin(self.http2.serve(request, destination)).await {
                ControlFlow::Break(reusable) => reusable,
                ControlFlow::Continue(request) => return ControlFlow::Continue(request),
            },
            EndpointProtocol::FastCgi => match Box::pin(fastcgi::serve(request, destination)).await {
                Served::Finished(reusable) => reusable,
                Served::Elsewhere(request, next) => return self.http1.serve(request, next).await,
                Served::Turned(request) => return ControlFlow::Continue(request),
            },
        };
        ControlFlow::Break(reusable.map_or(Outcome::Ended, Outcome::reusable))
    }
}
