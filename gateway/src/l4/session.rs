//! One session of a TCP or UDP service, from its first byte to its log line.

use crate::config::{StreamProtocol, StreamSettings};
use crate::connection::proxy_protocol::{self, ProxyHeaderError};
use crate::connection::{Connection, ConnectionGuard, Registered};
use crate::relay::RelayedBytes;
use crate::table::{Settings, StreamBackend, StreamRoute};
use crate::telemetry::{Event, OpenStream, StreamRecord};
use crate::upstream::Pick;
use crate::worker::Worker;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;

/// A session. It is recorded when this is dropped, however it ended.
pub(crate) struct Session {
    worker: Arc<Worker>,
    settings: Arc<Settings>,
    pub(crate) route: Arc<StreamRoute>,
    /// Where it goes; none if nobody serves the sessions of the service.
    backend: Option<Arc<StreamBackend>>,
    pub(crate) connection: Connection,
    /// As nginx logs it; see [`StreamRecord::status`].
    pub(crate) status: u16,
    pub(crate) relayed: RelayedBytes,
    pub(crate) deadline: Registered,
    tried: SmallVec<[SocketAddr; 4]>,
    started: Instant,
    _open: OpenStream,
    // Last, so that everything else is dropped before the session stops being counted.
    _counted: ConnectionGuard,
}

impl Session {
    /// Status of a session that reached an endpoint.
    pub(crate) const OK: u16 = 200;
    /// Status of a client without a valid PROXY header.
    pub(crate) const BAD_REQUEST: u16 = 400;
    /// Status of a fault of ours, and of a session that was cut off before it reached an endpoint.
    pub(crate) const INTERNAL: u16 = 500;
    /// Status of a session that no endpoint served.
    pub(crate) const BAD_GATEWAY: u16 = 502;
    /// Status of a session beyond the limit.
    pub(crate) const UNAVAILABLE: u16 = 503;

    /// Begins a session of the service that the port has now. `None` when it has none any more.
    pub(crate) fn begin(
        worker: &Arc<Worker>,
        protocol: StreamProtocol,
        port: u16,
        (peer, local): (SocketAddr, SocketAddr),
    ) -> Option<Self> {
        let (route, settings) = {
            let table = worker.context.publisher().load();
            (Arc::clone(table.streams().get(protocol, port)?), Arc::clone(table.settings()))
        };
        let id = worker.next_id();
        Some(Self {
            settings,
            backend: route.choose().cloned(),
            route,
            connection: Connection { id, peer, local, advertised_port: port, proxied: None, own_port: None, tls: None },
            status: Self::INTERNAL,
            relayed: RelayedBytes::default(),
            deadline: worker.deadlines.register(id),
            tried: SmallVec::new(),
            started: Instant::now(),
            _open: worker.context.telemetry().open_stream(protocol, port),
            _counted: worker.controls.count(),
            worker: Arc::clone(worker),
        })
    }

    /// What logs call its backend.
    pub(crate) fn backend_name(&self) -> &str {
        self.backend.as_ref().map_or("-", |backend| backend.name())
    }

    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    pub(crate) fn settings(&self) -> &StreamSettings {
        &self.settings.streams
    }

    /// Reads the PROXY header of a client's connection. If its sender is trusted, the session has the header's addresses
    /// from now on.
    pub(crate) async fn accept_proxy_header(&mut self, client: &mut TcpStream) -> Result<(), ProxyHeaderError> {
        let forwarded = &self.settings.forwarded;
        let accepted = proxy_protocol::accept(client, &mut self.connection, forwarded, &self.deadline).await;
        accepted.inspect_err(|failure| {
            if !matches!(failure, ProxyHeaderError::Silent) {
                self.worker.context.telemetry().event(Event::FailedProxyHeader, failure.reason());
            }
        })
    }

    /// The next endpoint to try: the first, or another one as far as the settings allow.
    pub(crate) fn next_endpoint(&mut self) -> Option<Pick> {
        if !self.tried.is_empty() && !self.settings().allow_another(self.tried.len(), self.started.elapsed()) {
            return None;
        }
        let pick = self.backend.as_ref()?.upstream.pick(self.connection.peer.ip(), &self.tried)?;
        self.tried.push(pick.address());
        Some(pick)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let record = StreamRecord {
            connection: &self.connection,
            protocol: self.route.listener.protocol.name(),
            port: self.route.listener.port,
            upstream: self.backend_name(),
            endpoint: self.tried.last().copied(),
            server_name: None,
            status: self.status,
            received: self.relayed.received,
            sent: self.relayed.sent,
            duration: self.started.elapsed(),
        };
        self.worker.context.telemetry().stream(&record, &self.settings);
    }
}
