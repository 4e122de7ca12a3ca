//! From an accepted socket to the protocol that its client speaks.

use super::bind::Protocol;
use super::handshake::Outcome;
use super::stream::{ClientStream, Transport, linger, put_back};
use super::worker::Worker;
use super::{http1, http2};
use crate::connection::limits::Place;
use crate::connection::proxy_protocol::{self, Failure};
use crate::connection::{ClientConnection, Connection, Counted, Registered};
use crate::l4::PassedOn;
use crate::telemetry::{ConnectionState, Event, OpenConnection};
use pingora_core::protocols::Stream;
use std::sync::Arc;
use tokio::net::TcpStream;

impl Worker {
    /// Serves a connection until it ends.
    pub(super) async fn serve(self: Arc<Self>, mut tcp: TcpStream, protocol: Protocol, mut facts: Connection) {
        let Some(mut client) = self.admit(&tcp, &facts) else { return };
        if !self.introduced(&mut tcp, &mut facts, &client).await {
            return;
        }
        let Some(_place) = self.enter(&facts) else { return };
        match protocol {
            Protocol::Http => {
                let (stream, connection) = open(tcp, facts);
                self.serve_requests(stream, connection, &mut client).await;
            }
            // A connection keeps no room for its handshake: what is large in it is boxed.
            Protocol::Https => match Box::pin(self.secure(tcp, facts, &client)).await {
                Some(Secured::Here(stream, connection)) => self.serve_requests(stream, connection, &mut client).await,
                Some(Secured::Elsewhere(passed_on, facts)) => Box::pin(self.pass_on(*passed_on, &facts, client)).await,
                None => {}
            },
        }
    }

    /// Serves a connection over HTTP/2 where that was agreed on, or else over HTTP/1 until it begins with the preface of
    /// HTTP/2.
    async fn serve_requests(
        self: &Arc<Self>,
        stream: Stream,
        connection: Arc<ClientConnection>,
        client: &mut Admitted,
    ) {
        let Admitted { open, deadline, .. } = client;
        let stream = match &connection.tls {
            Some(tls) if tls.http2 => Some(stream),
            _ => http1::serve(stream, &connection, open, deadline, self).await.and_then(|(s, read)| put_back(s, read)),
        };
        if let Some(stream) = stream {
            // Boxed: a connection of HTTP/1 keeps no room for it.
            Box::pin(http2::serve(stream, connection.clone(), open, deadline, self)).await;
        }
        see_out(&connection).await;
    }

    /// Takes the PROXY header off a connection, where it must have one. Without a sound one the connection closes, and
    /// has no answer, as with nginx.
    async fn introduced(&self, tcp: &mut TcpStream, facts: &mut Connection, client: &Admitted) -> bool {
        if !self.context.publisher().load().settings().forwarded.proxy_protocol {
            return true;
        }
        let settings = self.context.publisher().load().settings().clone();
        let accept = Box::pin(proxy_protocol::accept(tcp, facts, &settings.forwarded, &client.deadline));
        let Err(failure) = accept.await else { return true };
        if !matches!(failure, Failure::Silent) {
            self.context.telemetry().event(Event::FailedProxyHeader, failure.reason());
            tracing::debug!(client = %facts.peer, reason = failure.reason(), "PROXY protocol: {failure}");
        }
        false
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
                see_out(&connection).await;
            }
            Outcome::Failed(failure) => {
                self.context.telemetry().event(Event::FailedHandshake, failure.reason);
                tracing::debug!(client = %facts.peer, reason = failure.reason, error = %failure.error, "TLS handshake");
                if let Some(tcp) = failure.left {
                    linger(tcp).await;
                }
            }
            Outcome::Silent => {}
        }
        None
    }

    /// Counts a connection, and gives it what it needs to live; `None` if it is one too many for this worker.
    fn admit(&self, tcp: &TcpStream, facts: &Connection) -> Option<Admitted> {
        let place = self.take_place(facts)?;
        let _ = tcp.set_nodelay(true);
        Some(Admitted {
            open: self.context.telemetry().connection(ConnectionState::Reading),
            deadline: self.deadlines.register(facts.id),
            _place: place,
            _counted: self.controls.count(),
        })
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

/// Lets the client read what it was told last.
async fn see_out(connection: &ClientConnection) {
    if let Some(tcp) = connection.left() {
        linger(tcp).await;
    }
}

/// What a connection holds while it lives.
struct Admitted {
    open: OpenConnection,
    deadline: Registered,
    _place: Place,
    // Last, so that who waits for the last connection finds everything else of it done.
    _counted: Counted,
}
