//! Subrequests: what the gateway asks a server of its own accord, before a client's request goes on.

use super::{fault, peer};
use crate::exchange::{AuthRequest, Destination, Exchange, Failure, MAX_INTERIM};
use crate::request::RequestView;
use pingora_core::connectors::ConnectorOptions;
use pingora_core::connectors::http::Connector;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of a response's body that are read and thrown away to keep the connection.
const DISCARDED: usize = 64 << 10;

/// Sends the subrequests of a worker, over connections of their own that are kept.
pub(crate) struct Subrequests {
    connector: Connector,
}

impl Subrequests {
    pub(super) fn new(conf: &ServerConf) -> Self {
        Self { connector: Connector::new(Some(ConnectorOptions::from_server_conf(conf))) }
    }

    /// Asks the auth server at `server` about a client's request, and reports to the exchange what comes of it.
    pub(in crate::lane) async fn ask(
        self: &Arc<Self>,
        exchange: &mut Exchange,
        request: &RequestView<'_>,
        server: &Destination,
    ) {
        let Some(auth_request) = exchange.auth_request(request) else { return };
        match self.send(auth_request, server).await {
            Ok(response) => exchange.auth_response(request, response.status.as_u16(), &response.headers),
            Err(failure) => exchange.failed(failure),
        }
    }

    async fn send(self: &Arc<Self>, request: AuthRequest, server: &Destination) -> Result<ResponseHeader, Failure> {
        let request = head(request).map_err(|_| Failure::Internal)?;
        let peer = peer::build(server);
        let connected = self.connector.get_http_session(&*peer).await;
        let (mut session, reused) =
            connected.map_err(|error| Failure::Connect { timed_out: error.etype() == &ErrorType::ConnectTimedout })?;
        session.set_read_timeout(Some(server.timeouts.read));
        session.set_write_timeout(Some(server.timeouts.send));
        match exchange_heads(&mut session, request).await {
            Ok(response) => {
                let (all, idle) = (server.timeouts.read, server.idle_timeout);
                tokio::spawn(self.clone().keep(session, peer, all, idle));
                Ok(response)
            }
            Err(error) => Err(broken(&error, reused)),
        }
    }

    /// Keeps the connection for other subrequests, once a response's body has been read. Its client need not wait for that.
    async fn keep(self: Arc<Self>, mut session: HttpSession, peer: Box<HttpPeer>, all: Duration, idle: Duration) {
        if timeout(all, discard_body(&mut session)).await == Ok(true) {
            self.connector.release_http_session(session, &*peer, Some(idle)).await;
        }
    }
}

fn head(request: AuthRequest) -> Result<RequestHeader> {
    let AuthRequest { method, target, headers } = request;
    let mut head = RequestHeader::build(method, &target, Some(headers.len()))?;
    for (name, value) in &headers {
        head.append_header(name.clone(), value.clone())?;
    }
    Ok(head)
}

/// Sends the request, and reads the head of the response, past interim ones (1xx).
async fn exchange_heads(session: &mut HttpSession, request: RequestHeader) -> Result<ResponseHeader> {
    session.write_request_header(Box::new(request)).await?;
    session.finish_request_body().await?;
    for _ in 0..=MAX_INTERIM {
        session.read_response_header().await?;
        match session.response_header() {
            Some(head) if head.status.is_informational() => {}
            Some(head) => return Ok(head.clone()),
            None => return Error::e_explain(ErrorType::InvalidHTTPHeader, "no head of a response"),
        }
    }
    Error::e_explain(ErrorType::InvalidHTTPHeader, "too many interim responses")
}

/// Reads a small body to its end. Whether it was one.
async fn discard_body(session: &mut HttpSession) -> bool {
    let mut read = 0;
    loop {
        match session.read_response_body().await {
            Ok(Some(bytes)) => read += bytes.len(),
            Ok(None) => return true,
            Err(_) => return false,
        }
        if read > DISCARDED {
            return false;
        }
    }
}

fn broken(error: &Error, reused: bool) -> Failure {
    Failure::Upstream {
        timed_out: fault::is_timeout(error),
        stale: reused && fault::is_cut_off(error),
        replayable: true,
    }
}
