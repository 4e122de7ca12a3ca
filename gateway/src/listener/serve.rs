//! From an accepted socket to the protocol that its client speaks.

use super::bind::Protocol;
use super::connection::ClientConnection;
use super::controls::Counted;
use super::deadline::Registered;
use super::handshake::Outcome;
use super::http1;
use super::proxy_protocol::{self, Failure};
use super::stream::{ClientStream, Transport};
use super::worker::Worker;
use crate::l4::PassedOn;
use crate::telemetry::{Connection, ConnectionState, OpenConnection};
use pingora_core::protocols::Stream;
use std::sync::Arc;
use tokio::net::TcpStream;

impl Worker {
    /// Serves a connection until it ends.
    pub(super) async fn serve(self: Arc<Self>, mut tcp: TcpStream, protocol: Protocol, mut facts: Connection) {
        let client = self.admit(&tcp, &facts);
        if !self.introduced(&mut tcp, &mut facts, &client).await {
            return;
        }
        match protocol {
            Protocol::Http => self.serve_http(tcp, facts, client).await,
            // A connection keeps no room for its handshake: what is large in it is boxed.
            Protocol::Https => match Box::pin(self.secure(tcp, facts, &client)).await {
                // The place for HTTP/2: by what ALPN has settled.
                Some(Secured::Here(stream, connection)) => {
                    http1::serve(stream, connection, client.open, &client.deadline, &self).await;
                }
                Some(Secured::Elsewhere(passed_on, facts)) => Box::pin(self.pass_on(*passed_on, &facts, client)).await,
                None => {}
            },
        }
    }

    /// Takes the PROXY header off a connection, where it must have one. Without a sound one the connection closes, and
    /// has no answer, as with nginx.
    async fn introduced(&self, tcp: &mut TcpStream, facts: &mut Connection, client: &Admitted) -> bool {
        let settings = self.context.publisher().load().settings().clone();
        if !settings.forwarded.proxy_protocol {
            return true;
        }
        let accept = Box::pin(proxy_protocol::accept(tcp, facts, &settings.forwarded, &client.deadline));
        let Err(failure) = accept.await else { return true };
        if !matches!(failure, Failure::Silent) {
            self.context.telemetry().failed_proxy_header(failure.reason());
            tracing::debug!(client = %facts.peer, reason = failure.reason(), "PROXY protocol: {failure}");
        }
        false
    }

    async fn serve_http(&self, tcp: TcpStream, facts: Connection, client: Admitted) {
        let (stream, connection) = open(tcp, facts);
        http1::serve(stream, connection, client.open, &client.deadline, self).await;
    }

    async fn pass_on(&self, passed_on: PassedOn, facts: &Connection, mut client: Admitted) {
        client.open.set(ConnectionState::Writing);
        let settings = self.context.publisher().load().settings().clone();
        passed_on.carry(facts, &client.deadline, &settings, self.context.telemetry()).await;
    }

    /// Sees to the client's TLS. `None` when the connection has ended instead.
    async fn secure(&self, tcp: TcpStream, mut facts: Connection, client: &Admitted) -> Option<Secured> {
        match self.handshakes.accept(tcp, &client.deadline, self.context.publisher()).await {
            Outcome::Secured(stream, session) => {
                facts.tls = Some(session);
                let (stream, connection) = open(*stream, facts);
                return Some(Secured::Here(stream, connection));
            }
            Outcome::PassedOn(passed_on) => return Some(Secured::Elsewhere(passed_on, facts)),
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

/// A client whose TLS is seen to.
enum Secured {
    /// It ends here.
    Here(Stream, Arc<ClientConnection>),
    /// It ends at the backend.
    Elsewhere(Box<PassedOn>, Connection),
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
