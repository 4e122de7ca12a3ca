//! Requests that ask for an upgrade, such as to WebSocket.
//!
//! They bypass Pingora's proxy, which closes an upgraded connection when the backend switches protocols too quickly (Pingora
//! #946), but use its HTTP sessions. Replies are those of [`crate::lane::pingora::session`].

use super::endpoint;
use super::tunnel::Tunnel;
use crate::connection::Arrival;
use crate::exchange::{Context, Destination, Exchange, Failure, Step, is_hop_by_hop, is_nominated};
use crate::lane::pingora::Subrequests;
use crate::lane::pingora::session::{configure, record, settle_keepalive, view, write_failure, write_reply};
use crate::relay::RelayedBytes;
use crate::request::upgrade;
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Version, header};
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::v1::client::HttpSession as EndpointSession;
use pingora_core::protocols::http::{HttpTask, ServerSession};
use pingora_core::{Error, ErrorType};
use pingora_http::{RequestHeader, ResponseHeader};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// The outcome of a request that asked for an upgrade.
pub(crate) enum UpgradeOutcome {
    /// An endpoint has switched protocols, and the client has got the 101.
    Upgraded(Box<Tunnel>),
    /// It got another response. The connection may serve another request.
    Answered(Stream),
    /// Its backend uses HTTP/2, which has no upgrades: Pingora serves it as any other request, without `Upgrade`.
    NotUpgradable(Stream, BytesMut, Box<Arrival>),
    /// The connection has ended.
    Ended,
}

/// Serves a request that asks for an upgrade. `head` is its head, checked, and nothing else.
pub(crate) async fn serve(
    context: &Arc<Context>,
    subrequests: &Arc<Subrequests>,
    stream: Stream,
    head: BytesMut,
    arrival: Box<Arrival>,
) -> UpgradeOutcome {
    let mut session = ServerSession::new_http1(stream);
    session.set_pipelined_prefix(head.clone());
    if !matches!(session.read_request().await, Ok(true)) {
        return UpgradeOutcome::Ended;
    }
    let exchange = Exchange::begin(context, arrival, &view(session.req_header()));
    if exchange.backend_protocol().is_http2() {
        let ServerSession::H1(session) = session else { return UpgradeOutcome::Ended };
        return UpgradeOutcome::NotUpgradable(session.into_inner(), head, exchange.into_arrival());
    }
    configure(&mut session, &exchange);
    Request { session, exchange }.serve(subrequests).await
}

/// A request that asks for an upgrade.
struct Request {
    session: ServerSession,
    exchange: Exchange,
}

/// The head of an endpoint's final response, with the session that has the rest.
struct EndpointResponse {
    head: Box<ResponseHeader>,
    endpoint: EndpointSession,
    /// The endpoint may be silent for so long.
    idle: Duration,
}

impl Request {
    async fn serve(mut self, subrequests: &Arc<Subrequests>) -> UpgradeOutcome {
        let mut is_first = true;
        let whole = loop {
            match self.exchange.next_step() {
                Step::Ask(server) => {
                    subrequests.ask(&mut self.exchange, &view(self.session.req_header()), &server).await;
                    continue;
                }
                Step::Attempt(destination) => match self.send_to(&destination).await {
                    Ok(response) if response.head.status == 101 => return self.switch_protocols(response).await,
                    Ok(response) => break self.pass_on(response).await,
                    Err(failure) => self.exchange.failed(failure),
                },
                Step::Reply(reply) if is_first => {
                    break write_reply(&mut self.session, &self.exchange, &reply).await.is_ok();
                }
                Step::Reply(reply) => {
                    write_failure(&mut self.session, &self.exchange, &reply).await;
                    break false;
                }
                Step::Abandon => break false,
            }
            is_first = false;
        };
        self.finish(whole).await
    }

    async fn send_to(&mut self, destination: &Destination) -> Result<EndpointResponse, Failure> {
        let request = self.forwarded();
        let asked = request.headers.get(header::UPGRADE).cloned();
        let stream = or_client_gone(&mut self.session, endpoint::connect(destination))
            .await?
            .map_err(|error| unconnected(&error))?;
        self.exchange.connected(false);
        let mut endpoint = EndpointSession::new(stream);
        endpoint.read_timeout = Some(destination.timeouts.read);
        endpoint.write_timeout = Some(destination.timeouts.send);
        let sent = or_client_gone(&mut self.session, endpoint.write_request_header(Box::new(request))).await?;
        sent.map_err(|error| broken(&error))?;
        loop {
            let read = or_client_gone(&mut self.session, endpoint.read_resp_header_parts()).await?;
            let head = read.map_err(|error| broken(&error))?;
            match head.status.as_u16() {
                101 if !switches_as(&head, asked.as_ref()) => return Err(BROKEN),
                100 | 102..=199 => self.pass_on_interim(head).await?,
                _ => return Ok(EndpointResponse { head, endpoint, idle: destination.timeouts.read }),
            }
        }
    }

    /// The request head for the endpoint.
    fn forwarded(&self) -> RequestHeader {
        let original = self.session.req_header();
        let mut request = original.clone();
        for name in original.headers.keys().filter(|name| is_of_the_connection(name, original)) {
            request.remove_header(name);
        }
        let asked = original.headers.get_all(header::UPGRADE).iter();
        let protocols = asked.flat_map(|value| upgrade::protocols(value.as_bytes())).collect::<Vec<_>>().join(", ");
        let _ = request.insert_header("Connection", "upgrade");
        let _ = request.insert_header("Upgrade", protocols); // made of tokens
        self.exchange.forward(&view(original), &mut request);
        request
    }

    /// The connection becomes a tunnel.
    async fn switch_protocols(mut self, response: EndpointResponse) -> UpgradeOutcome {
        let EndpointResponse { mut head, mut endpoint, idle } = response;
        self.exchange.response_head(101);
        let _ = head.insert_header("Connection", "upgrade");
        self.exchange.respond(false, true, &mut *head);
        if self.session.write_response_header(head).await.is_err() {
            self.exchange.failed(Failure::ClientGone);
            return self.finish(false).await;
        }
        let early = read_ahead(&mut endpoint).await;
        let request = Box::new(self.session.req_header().clone());
        let ServerSession::H1(client) = self.session else { return UpgradeOutcome::Ended };
        UpgradeOutcome::Upgraded(Box::new(Tunnel {
            exchange: self.exchange,
            request,
            client: client.into_inner(),
            endpoint: endpoint.into_inner(),
            early,
            idle,
            relayed: RelayedBytes::default(),
        }))
    }

    /// Forwards a response other than 101. Returns whether it is complete.
    async fn pass_on(&mut self, response: EndpointResponse) -> bool {
        let EndpointResponse { mut head, mut endpoint, .. } = response;
        self.exchange.response_head(head.status.as_u16());
        if !endpoint.is_body_done() && !is_framed(&head) {
            // A body that ends with its connection: as chunks it spares the client's.
            head.set_version(Version::HTTP_11);
            let _ = head.insert_header("Transfer-Encoding", "chunked");
        }
        self.exchange.respond(false, false, &mut *head);
        settle_keepalive(&mut self.session, &self.exchange);
        match carry_body(&mut self.session, head, &mut endpoint).await {
            Ok(()) => true,
            Err(failure) => {
                self.exchange.failed(failure);
                false
            }
        }
    }

    async fn pass_on_interim(&mut self, mut head: Box<ResponseHeader>) -> Result<(), Failure> {
        self.exchange.respond(false, false, &mut *head);
        self.session.write_response_header(head).await.map_err(|_| Failure::ClientGone)
    }

    /// Records the request. After a `whole` response the connection may serve another one.
    async fn finish(mut self, whole: bool) -> UpgradeOutcome {
        record(&mut self.session, &mut self.exchange);
        if !whole {
            return UpgradeOutcome::Ended;
        }
        match self.session.finish().await {
            Ok(Some(reusable)) => UpgradeOutcome::Answered(reusable.into_parts().0),
            Ok(None) | Err(_) => UpgradeOutcome::Ended,
        }
    }
}

async fn carry_body(
    session: &mut ServerSession,
    head: Box<ResponseHeader>,
    endpoint: &mut EndpointSession,
) -> Result<(), Failure> {
    let gone = |_| Failure::ClientGone;
    session.write_response_header(head).await.map_err(gone)?;
    while !endpoint.is_body_done() {
        if let HttpTask::Body(Some(piece), end) = endpoint.read_response_task().await.map_err(|error| broken(&error))? {
            session.write_response_body(piece, end).await.map_err(gone)?;
        }
    }
    Ok(())
}

/// Waits for the endpoint, or until the client closes its connection. What the client sends meanwhile stays in its stream.
async fn or_client_gone<T>(session: &mut ServerSession, endpoint: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        done = endpoint => Ok(done),
        _ = session.read_body_or_idle(true) => Err(Failure::ClientGone),
    }
}

/// What was read from the endpoint together with its head.
async fn read_ahead(endpoint: &mut EndpointSession) -> BytesMut {
    endpoint.read_timeout = None;
    let mut body = pin!(endpoint.read_body_bytes());
    // It is there at the first poll, or not at all; what is still to come is read from the stream itself.
    let read = poll_fn(|cx| match body.as_mut().poll(cx) {
        Poll::Ready(Ok(Some(bytes))) => Poll::Ready(bytes),
        Poll::Ready(Ok(None) | Err(_)) | Poll::Pending => Poll::Ready(Bytes::new()),
    });
    BytesMut::from(read.await)
}

/// Whether a header applies to the client's connection only, and so is not forwarded (RFC 9110 section 7.6.1).
fn is_of_the_connection(name: &HeaderName, request: &RequestHeader) -> bool {
    let connection = request.headers.get_all(header::CONNECTION);
    is_hop_by_hop(name)
        || matches!(name.as_str(), "proxy-authorization" | "http2-settings")
        || connection.iter().any(|value| is_nominated(name, value.to_str().unwrap_or_default()))
}

/// Whether a 101 switches to protocols that were asked for, and to nothing else.
fn switches_as(head: &ResponseHeader, asked: Option<&HeaderValue>) -> bool {
    let asked = asked.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_asked = |chosen: &str| asked.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case(chosen));
    let mut chosen = head.headers.get_all(header::UPGRADE).iter().peekable();
    let agrees = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|list| list.split(',').all(|chosen| !chosen.trim().is_empty() && is_asked(chosen.trim())))
    };
    head.version == Version::HTTP_11 && chosen.peek().is_some() && chosen.all(agrees)
}

/// Whether a head has the framing of its body.
fn is_framed(head: &ResponseHeader) -> bool {
    head.headers.contains_key(header::CONTENT_LENGTH) || head.headers.contains_key(header::TRANSFER_ENCODING)
}

/// The endpoint violates HTTP. It has received the request, so no other endpoint is tried.
const BROKEN: Failure = Failure::Upstream { timed_out: false, stale: false, replayable: false };

fn broken(error: &Error) -> Failure {
    let timed_out = matches!(error.etype(), ErrorType::ReadTimedout | ErrorType::WriteTimedout);
    Failure::Upstream { timed_out, stale: false, replayable: false }
}

fn unconnected(error: &io::Error) -> Failure {
    Failure::Connect { timed_out: error.kind() == io::ErrorKind::TimedOut }
}
