//! TLS connections that are led on to endpoints: as they come, with the ClientHello first (TLS passthrough), or what comes within
//! them.

use crate::config::{GatewaySettings, StreamSettings};
use crate::connection::{Connection, Deadline, Transport};
use crate::relay::{Early, RelayEnd, RelayedBytes, connect, relay, set_user_timeout};
use crate::table::{StreamBackend, TlsRoute};
use crate::telemetry::{Event, StreamRecord, Worker};
use crate::tls::backend::{self, BackendTls};
use crate::upstream::Pick;
use smallvec::SmallVec;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// A client's connection whose bytes an endpoint gets.
pub(crate) struct TlsRelay<T> {
    pub(crate) client: T,
    /// What has been read from it: where TLS does not end here its ClientHello, and perhaps more.
    pub(crate) first: Vec<u8>,
    /// The name in the ClientHello; empty if it has none.
    pub(crate) server_name: Arc<str>,
    pub(crate) to: Arc<TlsRoute>,
}

/// Why no endpoint is connected.
#[derive(Debug, thiserror::Error)]
enum ReachError {
    #[error("there is no endpoint")]
    NoEndpoint,
    #[error("no endpoint could be reached; the last was {0}: {1}")]
    Unreachable(SocketAddr, io::Error),
}

impl<T: Transport> TlsRelay<T> {
    /// Relays the connection until it ends, and records it. Draining does not end it.
    pub(crate) async fn carry(
        mut self,
        connection: &Connection,
        deadline: &Deadline,
        settings: &GatewaySettings,
        telemetry: &Worker,
    ) {
        let started = Instant::now();
        let mut relayed = RelayedBytes { received: self.first.len() as u64, sent: 0 };
        let backend = self.to.backends.choose().cloned();
        let backend_name = backend.as_ref().map_or("-", |backend| backend.name());
        let (status, endpoint) = match self.reach(backend.as_deref(), connection, &settings.streams).await {
            Ok((mut endpoint, pick)) => {
                self.first = Vec::new();
                let (early, idle) = (Early::default(), settings.streams.timeout);
                set_user_timeout(self.client.tcp(), idle);
                let end = relay(early, &mut self.client, &mut endpoint, idle, deadline, &mut relayed).await;
                log(&end, &self.server_name, connection);
                (200, Some(pick.address()))
            }
            Err(error) => {
                telemetry.event(Event::FailedHandshake, error.reason());
                let (name, client) = (&self.server_name, connection.peer);
                tracing::debug!(%name, %client, backend = backend_name, "a TLS connection is closed: {error}");
                (502, error.endpoint())
            }
        };
        let port = self.client.tcp().local_addr().unwrap_or(connection.local).port();
        let record = StreamRecord {
            connection,
            protocol: "TCP",
            port,
            upstream: backend_name,
            endpoint,
            server_name: Some(&*self.server_name).filter(|name| !name.is_empty()),
            status,
            received: relayed.received,
            sent: relayed.sent,
            duration: started.elapsed(),
        };
        telemetry.stream(&record, settings);
    }

    /// Connects to an endpoint and sends it what has been read. If that fails, the next endpoint is tried, as far as the
    /// settings allow.
    async fn reach(
        &self,
        backend: Option<&StreamBackend>,
        connection: &Connection,
        settings: &StreamSettings,
    ) -> Result<(Box<dyn Transport>, Pick), ReachError> {
        let backend = backend.ok_or(ReachError::NoEndpoint)?;
        let started = Instant::now();
        let mut tried = SmallVec::<[SocketAddr; 4]>::new();
        let mut failure = ReachError::NoEndpoint;
        while tried.is_empty() || settings.allow_another(tried.len(), started.elapsed()) {
            let Some(pick) = backend.upstream.pick(connection.peer.ip(), &tried) else { break };
            let address = pick.address();
            match self.connect_and_send(address, backend.tls.as_deref(), settings.timeout).await {
                Ok(endpoint) => return Ok((endpoint, pick)),
                Err(error) => failure = ReachError::Unreachable(address, error),
            }
            tried.push(address);
        }
        Err(failure)
    }

    async fn connect_and_send(
        &self,
        address: SocketAddr,
        tls: Option<&BackendTls>,
        silence: Duration,
    ) -> io::Result<Box<dyn Transport>> {
        let limit = self.to.connect_timeout;
        let tcp = connect(address, limit, silence).await?;
        let mut endpoint: Box<dyn Transport> = match tls {
            None => Box::new(tcp),
            tls => Box::new(timeout(limit, backend::connect(tcp, address.ip(), tls, None, None)).await??),
        };
        endpoint.write_all(&self.first).await?;
        endpoint.flush().await?;
        Ok(endpoint)
    }
}

fn log(end: &RelayEnd, name: &str, connection: &Connection) {
    let client = connection.peer;
    match end {
        RelayEnd::Finished => {}
        RelayEnd::Idle => tracing::debug!(name, %client, "a TLS connection: nothing moved for too long"),
        RelayEnd::Client(error) => tracing::debug!(name, %client, %error, "a TLS connection: the client"),
        RelayEnd::Endpoint(error) => tracing::debug!(name, %client, %error, "a TLS connection: the endpoint"),
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
