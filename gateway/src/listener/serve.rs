//! From an accepted socket to the protocol that its client speaks.

use super::bind::Protocol;
use super::connection::ClientConnection;
use super::controls::Counted;
use super::deadline::Registered;
use super::handshake::Outcome;
use super::stream::{ClientStream, Transport, put_back};
use super::worker::Worker;
use super::{http1, http2};
use crate::telemetry::{Connection, ConnectionState, OpenConnection};
use pingora_core::protocols::Stream;
use std::sync::Arc;
use tokio::net::TcpStream;

impl Worker {
    /// Serves a connection until it ends.
    pub(super) async fn serve(self: Arc<Self>, tcp: TcpStream, protocol: Protocol, facts: Connection) {
        let mut client = self.admit(&tcp, &facts);
        match protocol {
            Protocol::Http => {
                let (stream, connection) = open(tcp, facts);
                self.serve_http1(stream, connection, &mut client).await;
            }
            // A connection keeps no room for its handshake: what is large in it is boxed.
            Protocol::Https => match Box::pin(self.secure(tcp, facts, &client)).await {
                Some((stream, connection)) if connection.tls.as_ref().is_some_and(|tls| tls.http2) => {
                    self.serve_http2(stream, connection, &mut client).await;
                }
                Some((stream, connection)) => self.serve_http1(stream, connection, &mut client).await,
                None => {}
            },
        }
    }

    /// Serves a connection that speaks HTTP/1 until it begins with the preface of HTTP/2.
    async fn serve_http1(self: &Arc<Self>, stream: Stream, connection: Arc<ClientConnection>, client: &mut Admitted) {
        let preface = http1::serve(stream, &connection, &mut client.open, &client.deadline, self).await;
        if let Some(stream) = preface.and_then(|(stream, read)| put_back(stream, read)) {
            self.serve_http2(stream, connection, client).await;
        }
    }

    async fn serve_http2(self: &Arc<Self>, stream: Stream, connection: Arc<ClientConnection>, client: &mut Admitted) {
        // Boxed: a connection of HTTP/1 keeps no room for it.
        Box::pin(http2::serve(stream, connection, &mut client.open, &client.deadline, self)).await;
    }

    /// Ends the client's TLS. `None` when the connection has ended instead.
    async fn secure(
        &self,
        tcp: TcpStream,
        mut facts: Connection,
        client: &Admitted,
    ) -> Option<(Stream, Arc<ClientConnection>)> {
        match self.handshakes.accept(tcp, &client.deadline, self.context.publisher()).await {
            Outcome::Secured(stream, session) => {
                facts.tls = Some(session);
                return Some(open(*stream, facts));
            }
            Outcome::Cleartext(tcp) => {
                let (stream, connection) = open(tcp, facts);
                http1::refuse_cleartext(stream, &connection, &client.deadline, self).await;
            }
            Outcome::Failed(failure) => {
                self.context.telemetry().failed_handshake(failure.reason);
                tracing::debug!(client = %facts.peer, reason = failure.reason, error = %failure.error, "TLS handshake");
            }
            Outcome::Silent => {}
        }
        None
    }

    /// Counts a connection, and gives it what it needs to live.
    fn admit(&self, tcp: &TcpStream, facts: &Connection) -> Admitted {
        let _ = tcp.set_nodelay(true);
        Admitted {
            open: self.context.telemetry().connection(ConnectionState::Reading),
            deadline: self.deadlines.register(facts.id),
            _counted: self.controls.count(),
        }
    }
}

/// A connection and its stream, as Pingora takes it.
fn open(transport: impl Transport + 'static, facts: Connection) -> (Stream, Arc<ClientConnection>) {
    let connection = Arc::new(ClientConnection::new(facts));
    (Box::new(ClientStream::new(transport, connection.clone())), connection)
}

/// What a connection holds while it lives.
struct Admitted {
    open: OpenConnection,
    deadline: Registered,
    // Last, so that who waits for the last connection finds everything else of it done.
    _counted: Counted,
}
