//! A worker: one thread, one runtime, and everything that its connections need.

use super::accept::accept;
use super::bind::Listener;
use super::controls::{Controls, Stage};
use super::deadline::Deadlines;
use super::handshake::{HandshakeLimits, Handshakes};
use super::limits::{Clients, Places};
use super::streams::{self, Opened};
use crate::l4::udp;
use crate::proxy::{Context, Proxy};
use crate::table::Publisher;
use crate::telemetry;
use crate::upstream::roots::Roots;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::{HttpProxy, http_proxy};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};

/// How often log lines leave the worker, at the latest.
const FLUSH: Duration = Duration::from_millis(250);
/// Pingora's bound on tries for one request; ours is the exchange's, and lower.
const PINGORA_TRIES: usize = 8;

/// What a connection needs of its worker.
pub(crate) struct Worker {
    pub(super) proxy: Arc<HttpProxy<Proxy>>,
    pub(crate) context: Arc<Context>,
    /// Tells Pingora that nothing ends: it would only tell requests that begin after the news, and all workers would
    /// ask one lock. Our hooks know better.
    pub(super) never: watch::Receiver<bool>,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(super) handshakes: Handshakes,
    pub(super) places: Places,
    pub(super) clients: Arc<Clients>,
    pub(crate) controls: Controls,
    /// One permit for each session of a UDP service.
    pub(crate) udp_sessions: Arc<Semaphore>,
    last_id: AtomicU64,
}

/// What a worker starts with.
pub(super) struct Start {
    pub(super) number: usize,
    pub(super) listeners: Vec<Listener>,
    /// The sockets of streams, as they come.
    pub(super) streams: mpsc::UnboundedReceiver<Opened>,
    pub(super) handshakes: HandshakeLimits,
    pub(super) publisher: Arc<Publisher>,
    pub(super) telemetry: telemetry::Worker,
    pub(super) clients: Arc<Clients>,
    pub(super) controls: Controls,
}

/// A worker's life, from its sockets to its last connection.
pub(super) fn run(start: Start) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "a worker cannot start its runtime"),
    };
    runtime.block_on(serve(start));
}

async fn serve(start: Start) {
    let Start { number, listeners, streams, handshakes, publisher, telemetry, clients, controls } = start;
    let worker = Arc::new(Worker::new(number, publisher, telemetry, handshakes, clients, controls.clone()));
    tokio::spawn(worker.deadlines.clone().sweep());
    tokio::spawn(flush(worker.clone()));
    tokio::spawn(streams::follow(streams, worker.clone()));
    for Listener { socket, protocol, advertised_port } in listeners {
        match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => {
                drop(tokio::spawn(accept(socket, protocol, advertised_port, worker.clone(), controls.count())));
            }
            Err(error) => tracing::error!(%error, "a worker cannot take its listener"),
        }
    }
    for stage in [Stage::Draining, Stage::Closing] {
        controls.reached(stage).await;
        worker.deadlines.reach(stage);
    }
    controls.reached(Stage::Stopped).await;
    worker.context.telemetry().flush();
}

async fn flush(worker: Arc<Worker>) {
    let mut ticks = tokio::time::interval(FLUSH);
    loop {
        ticks.tick().await;
        worker.context.telemetry().flush();
    }
}

impl Worker {
    fn new(
        number: usize,
        publisher: Arc<Publisher>,
        telemetry: telemetry::Worker,
        handshakes: HandshakeLimits,
        clients: Arc<Clients>,
        controls: Controls,
    ) -> Self {
        let roots =
            Roots::barren().map_err(|error| tracing::warn!(%error, "backends with TLS need the system's roots"));
        let conf = ServerConf {
            ca_file: roots.as_ref().ok().map(Roots::path),
            threads: 1,
            max_retries: PINGORA_TRIES,
            upstream_keepalive_pool_size: publisher.load().settings().upstream.idle,
            ..ServerConf::default()
        };
        let context = Arc::new(Context::new(publisher, telemetry).until(controls.leaving()));
        let proxy = http_proxy(&Arc::new(conf), Proxy { context: context.clone() });
        Self {
            proxy: Arc::new(proxy),
            context,
            never: watch::channel(false).1,
            deadlines: Arc::default(),
            handshakes: Handshakes::new(handshakes),
            places: Places::default(),
            clients,
            controls,
            udp_sessions: Arc::new(Semaphore::new(udp::SESSIONS)),
            // Ids of different workers never meet.
            last_id: AtomicU64::new((number as u64) << 48),
        }
    }

    /// A number for a connection, that no other of this process has.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }
}
