//! A worker: one thread, one runtime, and everything that its connections need.

use super::connection::ClientConnection;
use super::deadline::Deadlines;
use super::http1;
use super::stream::ClientStream;
use crate::proxy::{Context, Proxy};
use crate::table::Publisher;
use crate::telemetry::{self, Connection, ConnectionState};
use parking_lot::{Condvar, Mutex};
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::{HttpProxy, http_proxy};
use std::io;
use std::net::{SocketAddr, TcpListener};
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
    listeners: Vec<TcpListener>,
    advertised_port: Option<u16>,
    publisher: Arc<Publisher>,
    telemetry: telemetry::Worker,
    controls: &Controls,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "a worker cannot start its runtime"),
    };
    runtime.block_on(async {
        let worker = Arc::new(Worker::new(publisher, telemetry, controls.clone()));
        tokio::spawn(worker.deadlines.clone().sweep());
        tokio::spawn(flush(worker.clone()));
        for (index, listener) in listeners.into_iter().enumerate() {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    // Ids of different listeners must not meet.
                    let ids = ((number as u64) << 48) | ((index as u64) << 40);
                    tokio::spawn(accept(listener, advertised_port, ids, worker.clone()));
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
async fn accept(listener: tokio::net::TcpListener, advertised_port: Option<u16>, first_id: u64, worker: Arc<Worker>) {
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
                let facts = Connection {
                    id,
                    peer: canonical(peer),
                    local: canonical(local),
                    advertised_port: advertised_port.unwrap_or(local.port()),
                    tls: false,
                };
                tokio::spawn(worker.clone().serve(tcp, facts));
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
    fn new(publisher: Arc<Publisher>, telemetry: telemetry::Worker, controls: Controls) -> Self {
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
            controls,
        }
    }

    async fn serve(self: Arc<Self>, tcp: TcpStream, facts: Connection) {
        let _counted = Counted::new(&self.controls.connections);
        let open = self.context.telemetry().connection(ConnectionState::Reading);
        let _ = tcp.set_nodelay(true);
        let deadline = self.deadlines.register(facts.id);
        let connection = Arc::new(ClientConnection::new(facts));
        let stream = ClientStream::new(tcp, connection.clone());
        http1::serve(stream, connection, open, &deadline, &self).await;
        deadline.unregister();
    }
}
