//! From an accepted socket to a TLS session, within limits of time and number.

use super::hello::{self, Hello};
use crate::config::EntryPoint;
use crate::connection::{Deadline, Stage, TlsSession};
use crate::l4::TlsRelay;
use crate::table::{Publisher, Table, TlsRoute};
use crate::tls::client::ClientCertificate;
use crate::tls::{HTTP_2, Presented, Refused, Terms, openssl_name, version_name};
use rustls::server::{ClientHello, ServerConnection};
use rustls::{Error, HandshakeKind};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

/// The alert record `unrecognized_name`: rustls has no way to send it.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Limits on handshakes. A ClientHello has at most 64 KiB (rustls' limit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeLimits {
    /// Time from the connection to the end of its handshake. Default 10 s.
    pub time: Duration,
    /// Handshakes of one worker at once; others wait, within their time. Default 1024.
    pub at_once: usize,
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), at_once: 1024 }
    }
}

/// The handshakes of one worker.
#[derive(Debug)]
pub(super) struct Handshakes {
    time: Duration,
    running: Semaphore,
}

/// The outcome of a connection to a TLS port.
pub(super) enum HandshakeOutcome {
    /// The handshake has succeeded.
    Secured(Box<TlsStream<TcpStream>>, TlsSession),
    /// TLS passthrough: a backend terminates the TLS.
    Passthrough(Box<TlsRelay<TcpStream>>),
    /// The handshake has succeeded, and a backend gets what comes.
    Relayed(Box<TlsRelay<TlsStream<TcpStream>>>, TlsSession),
    /// The client sends cleartext HTTP. Nothing has been read.
    Cleartext(TcpStream),
    /// The client has sent nothing.
    Silent,
    /// The handshake has failed, and the alert, if there is one, has been sent.
    Failed(HandshakeFailure),
}

/// Why a handshake failed.
#[derive(Debug)]
pub(super) struct HandshakeFailure {
    /// A fixed label for metrics and logs.
    pub(super) reason: &'static str,
    /// The error in full.
    pub(super) error: io::Error,
    /// The socket, if the client may still be sending: it would not see the alert if we closed.
    pub(super) lingering: Option<TcpStream>,
}

impl Handshakes {
    pub(super) fn new(limits: HandshakeLimits) -> Self {
        Self { time: limits.time, running: Semaphore::new(limits.at_once) }
    }

    /// Performs the handshake of a connection to an entry point, with a certificate from the current table.
    pub(super) async fn accept(
        &self,
        tcp: TcpStream,
        at: EntryPoint,
        deadline: &Deadline,
        publisher: &Publisher,
    ) -> HandshakeOutcome {
        deadline.arm(self.time);
        let outcome = match deadline.limit(Stage::Closing, first_byte(&tcp)).await.flatten() {
            None => HandshakeOutcome::Silent,
            Some(byte) if byte.is_ascii_alphabetic() => HandshakeOutcome::Cleartext(tcp),
            Some(_) => match deadline.limit(Stage::Stopped, self.negotiate(tcp, at, publisher)).await {
                Some(Ok(outcome)) => outcome,
                Some(Err(failure)) => HandshakeOutcome::Failed(failure),
                None => HandshakeOutcome::Failed(HandshakeFailure::new("timeout", io::ErrorKind::TimedOut.into())),
            },
        };
        deadline.disarm();
        outcome
    }

    async fn negotiate(
        &self,
        mut tcp: TcpStream,
        at: EntryPoint,
        publisher: &Publisher,
    ) -> Result<HandshakeOutcome, HandshakeFailure> {
        // Acquiring fails only if the semaphore is closed, which never happens.
        let _permit = self.running.acquire().await;
        let Hello { accepted, bytes } = match hello::read(&mut tcp).await {
            Ok(hello) => hello,
            Err(error) => return Err(HandshakeFailure { lingering: Some(tcp), ..error.into() }),
        };
        let (terms, to) = match choose(&accepted.client_hello(), at, &publisher.load()) {
            Choice::Passthrough(server_name, to) => {
                let relay = TlsRelay { client: tcp, first: bytes, server_name, to };
                return Ok(HandshakeOutcome::Passthrough(Box::new(relay)));
            }
            Choice::Terminate(terms, to) => (terms, to),
        };
        drop(bytes);
        match terms {
            Ok(Terms { config, presented }) => {
                let stream = StartHandshake::from_parts(accepted, tcp).into_stream(config).await?;
                let session = session(stream.get_ref().1, presented);
                Ok(secured(stream, session, to))
            }
            Err(refused) => {
                if refused == Refused::UnrecognizedName {
                    tcp.write_all(&UNRECOGNIZED_NAME).await?;
                }
                Err(refused.into())
            }
        }
    }
}

/// Where a client's TLS is terminated, and who gets the connection if it is led on as one.
enum Choice {
    Passthrough(Arc<str>, Arc<TlsRoute>),
    Terminate(Result<Terms, Refused>, Option<Arc<TlsRoute>>),
}

fn choose(hello: &ClientHello<'_>, at: EntryPoint, table: &Table) -> Choice {
    let name = hello.server_name();
    match table.tls_route(at, name.unwrap_or_default()) {
        Some(to) if !to.terminates => Choice::Passthrough(name.unwrap_or_default().into(), to.clone()),
        to => Choice::Terminate(table.handshake(at, name), to.cloned()),
    }
}

/// After a handshake.
fn secured(client: TlsStream<TcpStream>, session: TlsSession, to: Option<Arc<TlsRoute>>) -> HandshakeOutcome {
    let Some(to) = to else { return HandshakeOutcome::Secured(Box::new(client), session) };
    let server_name = session.server_name.clone().unwrap_or_default();
    HandshakeOutcome::Relayed(Box::new(TlsRelay { client, first: Vec::new(), server_name, to }), session)
}

/// The first byte that the client sends; it stays in the socket. `None` if there is none.
async fn first_byte(tcp: &TcpStream) -> Option<u8> {
    let mut byte = [0];
    let peeked = tcp.peek(&mut byte).await.ok()?;
    (peeked == 1).then_some(byte[0])
}

fn session(connection: &ServerConnection, presented: Presented) -> TlsSession {
    TlsSession {
        protocol: connection.protocol_version().map_or("", version_name),
        cipher: connection.negotiated_cipher_suite().map_or("", |suite| openssl_name(suite.suite())),
        server_name: connection.server_name().map(Arc::from),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        http2: connection.alpn_protocol() == Some(HTTP_2),
        presented,
        client: connection.peer_certificates().map(|chain| Arc::new(ClientCertificate::new(chain))),
    }
}

impl HandshakeFailure {
    fn new(reason: &'static str, error: io::Error) -> Self {
        Self { reason, error, lingering: None }
    }
}

impl From<io::Error> for HandshakeFailure {
    fn from(error: io::Error) -> Self {
        let reason = match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(Error::AlertReceived(_)) => "alert",
            Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol) => "incompatible",
            Some(
                Error::InvalidMessage(_)
                | Error::InappropriateMessage { .. }
                | Error::InappropriateHandshakeMessage { .. }
                | Error::PeerMisbehaved(_)
                | Error::DecryptError
                | Error::PeerSentOversizedRecord,
            ) => "malformed",
            Some(_) => "internal",
            None => "closed",
        };
        Self::new(reason, error)
    }
}

impl From<Refused> for HandshakeFailure {
    fn from(refused: Refused) -> Self {
        let (reason, message) = match refused {
            Refused::UnrecognizedName => ("unrecognized-name", "no virtual host has the name"),
            Refused::InvalidSettings => ("invalid-settings", "the TLS settings are invalid"),
        };
        Self::new(reason, io::Error::other(message))
    }
}
