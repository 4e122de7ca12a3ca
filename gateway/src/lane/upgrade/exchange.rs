//! Requests that ask for an upgrade, such as to WebSocket, and those whose target Pingora cannot write.
//!
//! They bypass Pingora's proxy, which closes an upgraded connection when the backend switches protocols too quickly (Pingora
//! #946). Towards the endpoint, [`crate::lane::http1`] writes and reads. Towards the client it is a session of Pingora's still:
//! keep-alive, `Connection: close`, chunks and the records of what was sent are those of
//! [`crate::lane::pingora::session`], and must not differ between two requests on one connection.

use super::tunnel::Tunnel;
use crate::connection::{Arrival, BodyFramer, BodyFraming};
use crate::exchange::{Context, Destination, Exchange, Failure, RequestEdits, Step, is_of_the_connection};
use crate::lane::http1::{EndpointConnection, EndpointError, RequestHead, ResponseHead};
use crate::lane::pingora::Access;
use crate::lane::pingora::session::{
    configure, keep_target, record, settle_framing, settle_keepalive, view, write_failure, write_reply,
};
use crate::relay::RelayedBytes;
use crate::request::upgrade;
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Version, header};
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::ServerSession;
use pingora_http::{RequestHeader, ResponseHeader};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The outcome of a request.
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

/// Serves a request. `head` is its head, checked, and nothing else.
pub(crate) async fn serve(
    context: &Arc<Context>,
    access: &Access,
    stream: Stream,
    head: BytesMut,
    arrival: Box<Arrival>,
) -> UpgradeOutcome {
    let mut session = ServerSession::new_http1(stream);
    session.set_pipelined_prefix(head.clone());
    if !matches!(session.read_request().await, Ok(true)) {
        return UpgradeOutcome::Ended;
    }
    if let Some(target) = arrival.target.clone() {
        keep_target(session.req_header_mut(), target);
    }
    let exchange = Exchange::begin(context, arrival, &view(session.req_header()));
    if exchange.backend_protocol().is_http2() {
        let ServerSession::H1(session) = session else { return UpgradeOutcome::Ended };
        return UpgradeOutcome::NotUpgradable(session.into_inner(), head, exchange.into_arrival());
    }
    configure(&mut session, &exchange);
    Request { session, head: head.freeze(), exchange }.serve(access).await
}

/// A request of this lane.
struct Request {
    session: ServerSession,
    /// Its head as the client sent it.
    head: Bytes,
    exchange: Exchange,
}

/// An endpoint's final response: its head, and the connection that has the rest.
struct EndpointResponse {
    head: ResponseHead,
    framing: BodyFraming,
    endpoint: EndpointConnection,
    /// How long the connection may be idle if it is upgraded.
    idle: Duration,
}

impl Request {
    async fn serve(mut self, access: &Access) -> UpgradeOutcome {
        let mut is_first = true;
        let whole = loop {
            match access.next_step(&mut self.exchange, &view(self.session.req_header())).await {
                Step::Attempt(destination) => match self.send_to(&destination).await {
                    Ok(response) if response.head.status == 101 => return self.switch_protocols(response).await,
                    Ok(response) => break self.forward_response(response).await,
                    Err(failure) => self.exchange.failed(failure),
                },
                Step::Reply(reply) if is_first => {
                    break write_reply(&mut self.session, &self.exchange, &reply).await.is_ok();
                }
                Step::Reply(reply) => {
                    write_failure(&mut self.session, &self.exchange, &reply).await;
                    break false;
                }
                Step::Abandon | Step::Verify(_) | Step::Ask(_) => break false,
            }
            is_first = false;
        };
        self.finish(whole).await
    }

    async fn send_to(&mut self, destination: &Destination) -> Result<EndpointResponse, Failure> {
        let requested = self.requested_protocols();
        let request = self.request_head(&requested).and_then(|head| head.encode()).ok_or(Failure::Internal)?;
        let connected = or_client_gone(&mut self.session, EndpointConnection::connect(destination)).await?;
        let mut endpoint = connected.map_err(|error| not_connected(&error))?;
        self.exchange.connected(false);
        or_client_gone(&mut self.session, endpoint.send(&request)).await?.map_err(|error| broken(&error))?;
        loop {
            let read = or_client_gone(&mut self.session, endpoint.read_head()).await?;
            let head = read.map_err(|error| broken(&error))?;
            match head.status.as_u16() {
                101 if !is_switch_to(&head, &requested) => return Err(BROKEN),
                100 | 102..=199 if self.exchange.interim_response().is_break() => return Err(BROKEN),
                100 | 102..=199 => self.forward_interim(&head).await?,
                _ => {
                    let framing = head.framing(&self.session.req_header().method);
                    let framing = framing.map_err(|error| broken(&error.into()))?;
                    return Ok(EndpointResponse { head, framing, endpoint, idle: destination.timeouts.read });
                }
            }
        }
    }

    /// The protocols that the client asks for, as `Upgrade` lists them.
    fn requested_protocols(&self) -> String {
        if !self.exchange.arrival().head.upgrade {
            return String::new();
        }
        let values = self.session.req_header().headers.get_all(header::UPGRADE).iter();
        values.flat_map(|value| upgrade::protocols(value.as_bytes())).collect::<Vec<_>>().join(", ")
    }

    /// The request head for the endpoint.
    fn request_head(&self, protocols: &str) -> Option<RequestHead> {
        let original = self.session.req_header();
        let mut head = RequestHead::parse(&self.head)?;
        head.remove_if(|name| is_connection_header(name, original));
        if self.exchange.arrival().head.upgrade {
            head.set("Connection", HeaderValue::from_static("upgrade"));
            head.set("Upgrade", HeaderValue::from_str(protocols).ok()?);
        } else {
            head.set("Connection", HeaderValue::from_static("close"));
        }
        self.exchange.forward(&view(original), &mut head);
        Some(head)
    }

    /// The connection becomes a tunnel.
    async fn switch_protocols(mut self, response: EndpointResponse) -> UpgradeOutcome {
        let EndpointResponse { head, endpoint, idle, .. } = response;
        self.exchange.response_head(101);
        let written = match response_header(&head) {
            Ok(mut head) => {
                let _ = head.insert_header("Connection", "upgrade");
                self.exchange.respond(false, true, &mut *head);
                self.session.write_response_header(head).await
            }
            Err(error) => Err(error),
        };
        if written.is_err() {
            self.exchange.failed(Failure::ClientGone);
            return self.finish(false).await;
        }
        let (endpoint, early) = endpoint.into_parts();
        let request = Box::new(self.session.req_header().clone());
        let ServerSession::H1(client) = self.session else { return UpgradeOutcome::Ended };
        UpgradeOutcome::Upgraded(Box::new(Tunnel {
            exchange: self.exchange,
            request,
            client: client.into_inner(),
            endpoint,
            early,
            idle,
            relayed: RelayedBytes::default(),
        }))
    }

    /// Forwards a response other than 101. Returns whether it is complete.
    async fn forward_response(&mut self, response: EndpointResponse) -> bool {
        self.exchange.response_head(response.head.status.as_u16());
        match self.write_response(response).await {
            Ok(()) => true,
            Err(failure) => {
                self.exchange.failed(failure);
                false
            }
        }
    }

    async fn write_response(&mut self, response: EndpointResponse) -> Result<(), Failure> {
        let EndpointResponse { head, framing, mut endpoint, .. } = response;
        let mut head = response_header(&head).map_err(|_| BROKEN)?;
        settle_framing(self.session.req_header(), &mut head).map_err(|_| BROKEN)?;
        if framing == BodyFraming::UntilClose {
            // In chunks, so that the client's connection does not have to be closed, too.
            let _ = head.insert_header("Transfer-Encoding", "chunked");
        }
        self.exchange.respond(false, false, &mut *head);
        settle_keepalive(&mut self.session, &self.exchange);
        self.session.write_response_header(head).await.map_err(|_| Failure::ClientGone)?;
        let mut body = BodyFramer::of_answer(framing);
        while let Some(piece) = endpoint.read_body(&mut body).await.map_err(|error| broken(&error))? {
            if let Some(pause) = self.exchange.response_body(piece.len()) {
                or_client_gone(&mut self.session, tokio::time::sleep(pause)).await?;
            }
            let written = self.session.write_response_body(piece, body.is_done()).await;
            written.map_err(|_| Failure::ClientGone)?;
        }
        Ok(())
    }

    async fn forward_interim(&mut self, head: &ResponseHead) -> Result<(), Failure> {
        let mut head = response_header(head).map_err(|_| BROKEN)?;
        settle_framing(self.session.req_header(), &mut head).map_err(|_| BROKEN)?;
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

/// Waits for the endpoint, or until the client closes its connection. What the client sends meanwhile stays in its stream.
async fn or_client_gone<T>(session: &mut ServerSession, endpoint: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        done = endpoint => Ok(done),
        _ = session.read_body_or_idle(true) => Err(Failure::ClientGone),
    }
}

/// Whether a header applies to the client's connection only, and so is not forwarded (RFC 9110 section 7.6.1).
fn is_connection_header(name: &str, request: &RequestHeader) -> bool {
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return true };
    matches!(name.as_str(), "proxy-authorization" | "http2-settings") || is_of_the_connection(&name, &request.headers)
}

/// Whether a 101 switches to some of the requested protocols, and to nothing else.
fn is_switch_to(head: &ResponseHead, requested: &str) -> bool {
    let is_requested = |chosen: &str| requested.split(", ").any(|protocol| protocol.eq_ignore_ascii_case(chosen));
    let agrees = |value: &[u8]| {
        std::str::from_utf8(value).is_ok_and(|list| list.split(',').all(|chosen| is_requested(chosen.trim())))
    };
    let mut chosen = head.all("upgrade").peekable();
    head.version == Version::HTTP_11 && chosen.peek().is_some() && chosen.all(agrees)
}

/// A response head for Pingora's session of the client.
fn response_header(head: &ResponseHead) -> pingora_core::Result<Box<ResponseHeader>> {
    let mut header = Box::new(ResponseHeader::build(head.status, Some(head.headers.len()))?);
    header.set_version(head.version);
    header.set_reason_phrase(std::str::from_utf8(&head.reason).ok())?;
    for (name, value) in &head.headers {
        header.append_header(name.clone(), value.clone())?;
    }
    Ok(header)
}

/// The endpoint violates HTTP. It has received the request, so no other endpoint is tried.
const BROKEN: Failure = Failure::Upstream { timed_out: false, stale: false, replayable: false };

fn broken(error: &EndpointError) -> Failure {
    tracing::debug!(%error, "an endpoint did not respond");
    Failure::Upstream { timed_out: error.is_timeout(), stale: false, replayable: false }
}

fn not_connected(error: &io::Error) -> Failure {
    Failure::Connect { timed_out: error.kind() == io::ErrorKind::TimedOut }
}
