//! From an accepted socket to a TLS session, within bounds of time and number.

use super::hello::{self, Hello};
use crate::connection::{Deadline, Stage, TlsSession};
use crate::l4::PassedOn;
use crate::table::{Passthrough, Publisher, Table};
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

/// The alert record that refuses a name: rustls cannot be told to send this one.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Bounds on handshakes. A ClientHello has at most 64 KiB (rustls' bound).
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

/// What became of a connection to a TLS port.
pub(super) enum Outcome {
    /// The handshake has ended well.
    Secured(Box<TlsStream<TcpStream>>, TlsSession),
    /// The handshake is not ours.
    PassedOn(Box<PassedOn>),
    /// The client speaks cleartext HTTP. Nothing has been read.
    Cleartext(TcpStream),
    /// The client has said nothing.
    Silent,
    /// The handshake has failed, and the client has its alert, if one was due.
    Failed(Failure),
}

/// Why a handshake failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// A fixed label for metrics and logs.
    pub(super) reason: &'static str,
    /// What exactly.
    pub(super) error: io::Error,
    /// The socket, where the client may still be sending: it would not see the alert if we closed.
    pub(super) left: Option<TcpStream>,
}

impl Handshakes {
    pub(super) fn new(limits: HandshakeLimits) -> Self {
        Self { time: limits.time, running: Semaphore::new(limits.at_once) }
    }

    /// Takes a connection through its handshake, with a certificate from the table of now.
    pub(super) async fn accept(&self, tcp: TcpStream, deadline: &Deadline, publisher: &Publisher) -> Outcome {
        deadline.arm(self.time);
        let outcome = match deadline.limit(Stage::Closing, first_byte(&tcp)).await.flatten() {
            None => Outcome::Silent,
            Some(byte) if byte.is_ascii_alphabetic() => Outcome::Cleartext(tcp),
            Some(_) => match deadline.limit(Stage::Stopped, self.negotiate(tcp, publisher)).await {
                Some(Ok(outcome)) => outcome,
                Some(Err(failure)) => Outcome::Failed(failure),
                None => Outcome::Failed(Failure::new("timeout", io::ErrorKind::TimedOut.into())),
            },
        };
        deadline.disarm();
        outcome
    }

    async fn negotiate(&self, mut tcp: TcpStream, publisher: &Publisher) -> Result<Outcome, Failure> {
        // An error says that the semaphore is closed, which nobody does.
        let _permit = self.running.acquire().await;
        let Hello { accepted, bytes } = match hello::read(&mut tcp).await {
            Ok(hello) => hello,
            Err(error) => return Err(Failure { left: Some(tcp), ..error.into() }),
        };
        let terms = match choose(&accepted.client_hello(), &publisher.load()) {
            Choice::PassOn(server_name, to) => {
                return Ok(Outcome::PassedOn(Box::new(PassedOn { client: tcp, hello: bytes, server_name, to })));
            }
            Choice::Terminate(terms) => terms,
        };
        drop(bytes);
        match terms {
            Ok(Terms { config, presented }) => {
                let stream = StartHandshake::from_parts(accepted, tcp).into_stream(config).await?;
                let session = session(stream.get_ref().1, presented);
                Ok(Outcome::Secured(Box::new(stream), session))
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

/// Who ends the TLS of a client.
enum Choice {
    PassOn(Arc<str>, Arc<Passthrough>),
    Terminate(Result<Terms, Refused>),
}

fn choose(hello: &ClientHello<'_>, table: &Table) -> Choice {
    let name = hello.server_name();
    match name.and_then(|name| Some((name, table.passthrough(name)?))) {
        Some((name, to)) => Choice::PassOn(name.into(), to.clone()),
        None => Choice::Terminate(table.handshake(name)),
    }
}

/// The first byte that the client sends, left where it is. `None` if there is none.
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
    }
}

impl Failure {
    fn new(reason: &'static str, error: io::Error) -> Self {
        Self { reason, error, left: None }
    }
}

impl From<io::Error> for Failure {
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

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let (reason, message) = match refused {
            Refused::UnrecognizedName => ("unrecognized-name", "no virtual host has the name"),
            Refused::InvalidSettings => ("invalid-settings", "the TLS settings are invalid"),
        };
        Self::new(reason, io::Error::other(message))
    }
}
