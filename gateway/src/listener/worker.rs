//! A worker: one thread, one runtime, and everything that its connections need.

use super::bind::{Listener, Protocol};
use super::connection::ClientConnection;
use super::deadline::{Deadlines, Registered};
use super::handshake::{HandshakeLimits, Handshakes, Outcome};
use super::http1;
use super::stream::{ClientStream, Transport};
use crate::proxy::{Context, Proxy};
use crate::table::Publisher;
use crate::telemetry::{self, Connection, ConnectionState, OpenConnection};
use parking_lot::{Condvar, Mutex};
use pingora_core::protocols::Stream;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::{HttpProxy, http_proxy};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// How often log lines leave the worker, at the latest.
const FLUSH: Duration = Duration::from_millis(250);
/// Pingora's bound on tries for one request; ours is the exchange's, and lower.
const PINGORA_TRIES: usize = 8;
/// How long accepting rests when the process is out of file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// What a connection needs of its worker.
pub(super) struct Worker {
    pub(super) proxy: Arc<HttpProxy<Proxy>>,
    pub(super) context: Arc<Context>,
    /// True once clients are to go elsewhere.
    pub(super) shutdown: watch::Receiver<bool>,
    deadlines: Arc<Deadlines>,
    handshakes: Handshakes,
    controls: Controls,
}

/// How far a gateway has got on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Draining,
    Stopped,
}

/// Steers all workers from outside.
#[derive(Clone, Debug)]
pub(super) struct Controls {
    shutdown: watch::Sender<bool>,
    stage: watch::Sender<Stage>,
    connections: Arc<Connections>,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            shutdown: watch::Sender::new(false),
            stage: watch::Sender::new(Stage::Serving),
            connections: Arc::default(),
        }
    }
}

impl Controls {
    pub(super) fn announce_shutdown(&self) {
        self.shutdown.send_replace(true);
    }

    pub(super) fn stop_accepting(&self) {
        self.stage.send_replace(Stage::Draining);
    }

    pub(super) fn stop(&self) {
        self.stage.send_replace(Stage::Stopped);
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.open.lock()
    }

    /// Waits until no connection is left, or the deadline. Returns how many are left.
    pub(super) fn wait_until_idle(&self, deadline: Instant) -> usize {
        let mut open = self.connections.open.lock();
        while *open > 0 && !self.connections.closed.wait_until(&mut open, deadline).timed_out() {}
        *open
    }

    async fn reached(&self, stage: Stage) {
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }
}

/// How many connections all workers have.
#[derive(Debug, Default)]
struct Connections {
    open: Mutex<usize>,
    closed: Condvar,
}

/// Counts a connection while it lives.
struct Counted(Arc<Connections>);

impl Counted {
    fn new(connections: &Arc<Connections>) -> Self {
        *connections.open.lock() += 1;
        Self(connections.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.open.lock() -= 1;
        self.0.closed.notify_all();
    }
}

/// A worker's life, from its sockets to its last connection.
pub(super) fn run(
    number: usize,
    listeners: Vec<Listener>,
    handshakes: HandshakeLimits,
    publisher: Arc<Publisher>,
    telemetry: telemetry::Worker,
    controls: &Controls,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "a worker cannot start its runtime"),
    };
    runtime.block_on(async {
        let worker = Arc::new(Worker::new(publisher, telemetry, handshakes, controls.clone()));
        tokio::spawn(worker.deadlines.clone().sweep());
        tokio::spawn(flush(worker.clone()));
        for (index, listener) in listeners.into_iter().enumerate() {
            let Listener { socket, protocol, advertised_port } = listener;
            match tokio::net::TcpListener::from_std(socket) {
                Ok(socket) => {
                    // Ids of different listeners must not meet.
                    let ids = ((number as u64) << 48) | ((index as u64) << 40);
                    tokio::spawn(accept(socket, protocol, advertised_port, ids, worker.clone()));
                }
                Err(error) => tracing::error!(%error, "a worker cannot take its listener"),
            }
        }
        controls.reached(Stage::Draining).await;
        worker.deadlines.drain();
        controls.reached(Stage::Stopped).await;
        worker.context.telemetry().flush();
    });
}

async fn flush(worker: Arc<Worker>) {
    let mut ticks = tokio::time::interval(FLUSH);
    loop {
        ticks.tick().await;
        worker.context.telemetry().flush();
    }
}

/// Accepts connections until the worker drains; then what the kernel has already completed, and no more.
async fn accept(
    listener: tokio::net::TcpListener,
    protocol: Protocol,
    advertised_port: u16,
    first_id: u64,
    worker: Arc<Worker>,
) {
    let mut id = first_id;
    let draining = worker.controls.reached(Stage::Draining);
    tokio::pin!(draining);
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = &mut draining => return,
        };
        match accepted {
            Ok((tcp, peer)) => {
                id += 1;
                let local = tcp.local_addr().unwrap_or(peer);
                let facts =
                    Connection { id, peer: canonical(peer), local: canonical(local), advertised_port, tls: None };
                match protocol {
                    Protocol::Http => tokio::spawn(worker.clone().serve_http(tcp, facts)),
                    Protocol::Https => tokio::spawn(worker.clone().serve_https(tcp, facts)),
                };
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// IPv4 clients of a dual-stack socket appear as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether accepting failed because of that one connection.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

impl Worker {
    fn new(
        publisher: Arc<Publisher>,
        telemetry: telemetry::Worker,
        handshakes: HandshakeLimits,
        controls: Controls,
    ) -> Self {
        let conf = ServerConf {
            threads: 1,
            max_retries: PINGORA_TRIES,
            upstream_keepalive_pool_size: publisher.load().settings().upstream.idle,
            ..ServerConf::default()
        };
        let context = Arc::new(Context::new(publisher, telemetry));
        let proxy = http_proxy(&Arc::new(conf), Proxy { context: context.clone() });
        Self {
            proxy: Arc::new(proxy),
            context,
            shutdown: controls.shutdown.subscribe(),
            deadlines: Arc::default(),
            handshakes: Handshakes::new(handshakes),
            controls,
        }
    }

    async fn serve_http(self: Arc<Self>, tcp: TcpStream, facts: Connection) {
        let client = self.admit(&tcp, &facts);
        let (stream, connection) = open(tcp, facts);
        http1::serve(stream, connection, client.open, &client.deadline, &self).await;
    }

    /// A connection keeps no room for its handshake: what is large in it is boxed.
    async fn serve_https(self: Arc<Self>, tcp: TcpStream, mut facts: Connection) {
        let client = self.admit(&tcp, &facts);
        let handshake = Box::pin(self.handshakes.accept(tcp, &client.deadline, self.context.publisher()));
        match handshake.await {
            Outcome::Secured(stream, session) => {
                facts.tls = Some(session);
                let (stream, connection) = open(*stream, facts);
                // The place for HTTP/2: by what ALPN has settled.
                http1::serve(stream, connection, client.open, &client.deadline, &self).await;
            }
            Outcome::Cleartext(tcp) => {
                let (stream, connection) = open(tcp, facts);
                http1::refuse_cleartext(stream, &connection, &client.deadline, &self).await;
            }
            Outcome::Failed(failure) => {
                self.context.telemetry().failed_handshake(failure.reason);
                tracing::debug!(client = %facts.peer, reason = failure.reason, error = %failure.error, "TLS handshake");
            }
            Outcome::Silent => {}
        }
    }

    /// Counts a connection, and gives it what it needs to live.
    fn admit(&self, tcp: &TcpStream, facts: &Connection) -> Admitted {
        let _ = tcp.set_nodelay(true);
        Admitted {
            open: self.context.telemetry().connection(ConnectionState::Reading),
            deadline: self.deadlines.register(facts.id),
            _counted: Counted::new(&self.controls.connections),
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
