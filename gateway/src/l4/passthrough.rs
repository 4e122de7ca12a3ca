//! TLS passthrough: the bytes of the ClientHello are sent to an endpoint, and then all others are relayed.

use crate::config::{GatewaySettings, StreamSettings};
use crate::connection::{Connection, Deadline};
use crate::relay::{Early, RelayEnd, RelayedBytes, connect, relay, set_user_timeout};
use crate::table::Passthrough;
use crate::telemetry::{Event, StreamRecord, Worker};
use crate::upstream::Pick;
use smallvec::SmallVec;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A client's TLS connection that a backend terminates.
pub(crate) struct PassthroughConnection {
    pub(crate) client: TcpStream,
    /// What has been read from it: its ClientHello, and perhaps more.
    pub(crate) hello: Vec<u8>,
    pub(crate) server_name: Arc<str>,
    pub(crate) to: Arc<Passthrough>,
}

/// Why no endpoint is connected.
#[derive(Debug, thiserror::Error)]
enum ReachError {
    #[error("there is no endpoint")]
    NoEndpoint,
    #[error("no endpoint could be reached; the last was {0}: {1}")]
    Unreachable(SocketAddr, io::Error),
}

impl PassthroughConnection {
    /// Relays the connection until it ends, and records it. Draining does not end it.
    pub(crate) async fn carry(
        mut self,
        connection: &Connection,
        deadline: &Deadline,
        settings: &GatewaySettings,
        telemetry: &Worker,
    ) {
        let started = Instant::now();
        let mut relayed = RelayedBytes { received: self.hello.len() as u64, sent: 0 };
        let (status, endpoint) = match self.reach(connection, &settings.streams).await {
            Ok((mut endpoint, pick)) => {
                self.hello = Vec::new();
                set_user_timeout(&self.client, settings.streams.timeout);
                let end = relay(
                    Early::default(),
                    &mut self.client,
                    &mut endpoint,
                    settings.streams.timeout,
                    deadline,
                    &mut relayed,
                )
                .await;
                log(&end, &self.server_name, connection);
                (200, Some(pick.address()))
            }
            Err(error) => {
                telemetry.event(Event::FailedHandshake, error.reason());
                let (name, client) = (&self.server_name, connection.peer);
                tracing::debug!(%name, %client, upstream = self.to.upstream.name(), "TLS passthrough: {error}");
                (502, error.endpoint())
            }
        };
        let port = self.client.local_addr().unwrap_or(connection.local).port();
        let record = StreamRecord {
            connection,
            protocol: "TCP",
            port,
            upstream: self.to.upstream.name(),
            endpoint,
            server_name: Some(&self.server_name),
            status,
            received: relayed.received,
            sent: relayed.sent,
            duration: started.elapsed(),
        };
        telemetry.stream(&record, settings);
    }

    /// Connects to an endpoint and sends it the client's ClientHello. If that fails, the next endpoint is tried, as far as
    /// the settings allow.
    async fn reach(&self, connection: &Connection, settings: &StreamSettings) -> Result<(TcpStream, Pick), ReachError> {
        let started = Instant::now();
        let mut tried = SmallVec::<[SocketAddr; 4]>::new();
        let mut failure = ReachError::NoEndpoint;
        while tried.is_empty() || settings.allow_another(tried.len(), started.elapsed()) {
            let Some(pick) = self.to.upstream.pick(connection.peer.ip(), &tried) else { break };
            let address = pick.address();
            match self.connect_and_send(address, settings.timeout).await {
                Ok(endpoint) => return Ok((endpoint, pick)),
                Err(error) => failure = ReachError::Unreachable(address, error),
            }
            tried.push(address);
        }
        Err(failure)
    }

    async fn connect_and_send(&self, endpoint: SocketAddr, silence: Duration) -> io::Result<TcpStream> {
        let mut endpoint = connect(endpoint, self.to.connect_timeout, silence).await?;
        endpoint.write_all(&self.hello).await?;
        Ok(endpoint)
    }
}

fn log(end: &RelayEnd, name: &str, connection: &Connection) {
    let client = connection.peer;
    match end {
        RelayEnd::Finished => {}
        RelayEnd::Idle => tracing::debug!(name, %client, "TLS passthrough: nothing moved for too long"),
        RelayEnd::Client(error) => tracing::debug!(name, %client, %error, "TLS passthrough: the client"),
        RelayEnd::Endpoint(error) => tracing::debug!(name, %client, %error, "TLS passthrough: the endpoint"),
    }
}

impl ReachError {
    /// A fixed label for metrics.
    fn reason(&self) -> &'static str {
        match self {
            Self::NoEndpoint => "no-endpoint",
            Self::Unreachable(..) => "unreachable-endpoint",
        }
    }

    fn endpoint(&self) -> Option<SocketAddr> {
        match self {
            Self::NoEndpoint => None,
            Self::Unreachable(endpoint, _) => Some(*endpoint),
        }
    }
}
