//! From an accepted socket to HTTP/1, HTTP/2 or a TLS connection that is led on.

use super::bind::Protocol;
use super::handshake::HandshakeOutcome;
use super::stream::{ClientStream, lingering_close, unread};
use super::worker::Worker;
use super::{http1, http2};
use crate::connection::limits::WorkerPermit;
use crate::connection::proxy_protocol::{self, ProxyHeaderError};
use crate::connection::{ClientConnection, Connection, ConnectionGuard, Registered, Transport};
use crate::l4::TlsRelay;
use crate::telemetry::{ConnectionState, Event, OpenConnection};
use pingora_core::protocols::Stream;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

impl Worker {
    /// Serves a connection until it ends. It is `counted` for as long.
    pub(super) async fn serve(
        self: Arc<Self>,
        mut tcp: TcpStream,
        protocol: Protocol,
        mut facts: Connection,
        counted: ConnectionGuard,
    ) {
        let Some(mut client) = self.admit(&facts, counted) else { return };
        if !self.accept_proxy_header(&mut tcp, &mut facts, &client).await {
            return;
        }
        let Some(_permit) = self.acquire_client_permit(&facts) else { return };
        match protocol {
            Protocol::Http => {
                let (stream, connection) = open(tcp, facts);
                self.serve_requests(stream, connection, &mut client).await;
            }
            // Boxed, so that the future of a connection does not reserve memory for its handshake.
            Protocol::Https => match Box::pin(self.secure(tcp, facts, &client)).await {
                Some(Secured::Terminated(stream, connection)) => {
                    self.serve_requests(stream, connection, &mut client).await;
                }
                Some(Secured::Passthrough(relay, facts)) => Box::pin(self.relay_tls(*relay, &facts, client)).await,
                Some(Secured::Relayed(relay, facts)) => Box::pin(self.relay_tls(*relay, &facts, client)).await,
                None => {}
            },
        }
    }

    /// Serves a connection over HTTP/2 if ALPN has negotiated it, otherwise over HTTP/1, unless its first bytes turn out to
    /// be the preface of HTTP/2.
    async fn serve_requests(
        self: &Arc<Self>,
        stream: Stream,
        connection: Arc<ClientConnection>,
        client: &mut Admitted,
    ) {
        let Admitted { open, deadline, .. } = client;
        let stream = match &connection.tls {
            Some(tls) if tls.http2 => Some(stream),
            _ => http1::serve(stream, &connection, open, deadline, self).await.and_then(|(s, read)| unread(s, read)),
        };
        if let Some(stream) = stream {
            // Boxed, so that the future of a connection of HTTP/1 does not reserve memory for it.
            Box::pin(http2::serve(stream, connection.clone(), open, deadline, self)).await;
        }
        linger(&connection).await;
    }

    /// Reads the PROXY header of a connection, if the settings require one. Returns whether the connection may go on: it is
    /// closed without a response if its header is missing or invalid, as with nginx.
    async fn accept_proxy_header(&self, tcp: &mut TcpStream, facts: &mut Connection, client: &Admitted) -> bool {
        if !self.context.publisher().load().settings().forwarded.proxy_protocol {
            return true;
        }
        let settings = self.context.publisher().load().settings().clone();
        let accept = Box::pin(proxy_protocol::accept(tcp, facts, &settings.forwarded, &client.deadline));
        let Err(failure) = accept.await else { return true };
        if !matches!(failure, ProxyHeaderError::Silent) {
            self.context.telemetry().event(Event::FailedProxyHeader, failure.reason());
            tracing::debug!(client = %facts.peer, reason = failure.reason(), "PROXY protocol: {failure}");
        }
        false
    }

    async fn relay_tls(&self, relay: TlsRelay<impl Transport>, facts: &Connection, mut client: Admitted) {
        client.open.set(ConnectionState::Writing);
        let settings = self.context.publisher().load().settings().clone();
        relay.carry(facts, &client.deadline, &settings, self.context.telemetry()).await;
    }

    /// Performs the TLS handshake. `None` if the connection has ended instead.
    async fn secure(&self, tcp: TcpStream, mut facts: Connection, client: &Admitted) -> Option<Secured> {
        let at = facts.entry_point_over(true);
        match self.handshakes.accept(tcp, at, &client.deadline, self.context.publisher()).await {
            HandshakeOutcome::Secured(stream, session) => {
                facts.tls = Some(session);
                let (stream, connection) = open(*stream, facts);
                return Some(Secured::Terminated(stream, connection));
            }
            HandshakeOutcome::Passthrough(relay) => return Some(Secured::Passthrough(relay, facts)),
            HandshakeOutcome::Relayed(relay, session) => {
                facts.tls = Some(session);
                return Some(Secured::Relayed(relay, facts));
            }
            HandshakeOutcome::Cleartext(tcp) => {
                let (stream, connection) = open(tcp, facts);
                http1::refuse_cleartext(stream, &connection, &client.deadline, self).await;
                linger(&connection).await;
            }
            HandshakeOutcome::Failed(failure) => {
                self.context.telemetry().event(Event::FailedHandshake, failure.reason);
                tracing::debug!(client = %facts.peer, reason = failure.reason, error = %failure.error, "TLS handshake");
                if let Some(tcp) = failure.lingering {
                    lingering_close(tcp).await;
                }
            }
            HandshakeOutcome::Silent => {}
        }
        None
    }

    /// Registers a connection's deadline; `None` if this worker's limit is reached.
    fn admit(&self, facts: &Connection, counted: ConnectionGuard) -> Option<Admitted> {
        let place = self.acquire_worker_permit(facts)?;
        Some(Admitted {
            open: self.context.telemetry().connection(ConnectionState::Reading),
            deadline: self.deadlines.register_at(facts.own_port.clone(), facts.id),
            _permit: place,
            _counted: counted,
        })
    }
}

/// A connection to a TLS port after its ClientHello.
enum Secured {
    /// We terminate the TLS.
    Terminated(Stream, Arc<ClientConnection>),
    /// A backend terminates the TLS.
    Passthrough(Box<TlsRelay<TcpStream>>, Connection),
    /// We terminate the TLS, and a backend gets what comes.
    Relayed(Box<TlsRelay<TlsStream<TcpStream>>>, Connection),
}

/// A connection and its stream.
fn open(transport: impl Transport + 'static, facts: Connection) -> (Stream, Arc<ClientConnection>) {
    let connection = Arc::new(ClientConnection::new(facts));
    (Box::new(ClientStream::new(transport, connection.clone())), connection)
}

/// Lets the client read the last response before the socket is closed.
async fn linger(connection: &ClientConnection) {
    if let Some(tcp) = connection.take_lingering() {
        lingering_close(tcp).await;
    }
}

/// What a connection holds while it lives.
struct Admitted {
    open: OpenConnection,
    deadline: Registered,
    _permit: WorkerPermit,
    // Last, so that everything else is dropped before the connection stops being counted.
    _counted: ConnectionGuard,
}
