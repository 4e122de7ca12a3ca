//! Opens and closes the ports of TCP and UDP services as the table declares them.
//!
//! A port that cannot be opened is reported and tried again; other ports are not affected.

use super::bind::hint;
use super::streams::{Opened, StreamSocket};
use crate::config::{Rejection, StreamProtocol};
use crate::connection::socket::{listen, listen_udp};
use crate::connection::{Controls, Stage};
use crate::table::{Publisher, StreamKey, Streams};
use crate::telemetry::ListenerMetrics;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// When a port that could not be opened is tried again; each time the pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Keeps the open ports equal to those that are declared.
pub(super) struct Reconciler {
    pub(super) publisher: Arc<Publisher>,
    /// Where every port is opened.
    pub(super) addresses: BTreeSet<IpAddr>,
    /// TCP ports that HTTP and HTTPS are served on. Sharing one would take connections away from them.
    pub(super) own: BTreeSet<u16>,
    pub(super) workers: Vec<mpsc::UnboundedSender<Opened>>,
    pub(super) metrics: ListenerMetrics,
    pub(super) ports: Ports,
}

/// The state of each port that is declared.
#[derive(Debug, Default)]
pub(super) struct Ports {
    /// What the state is about.
    declared: Arc<Streams>,
    /// Dropping it closes the port on all workers.
    open: HashMap<StreamKey, watch::Sender<()>>,
    failed: BTreeMap<StreamKey, UnopenedPort>,
}

/// Why a port is not open.
#[derive(Debug)]
struct UnopenedPort {
    message: String,
    pause: Duration,
    again: Instant,
}

impl Reconciler {
    /// Follows what is published, on a thread of its own: no worker waits for a port to be opened. It ends when the
    /// gateway drains.
    pub(super) fn spawn(self, controls: Controls) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("listeners".into()).spawn(move || runtime.block_on(self.run(controls)))
    }

    async fn run(mut self, controls: Controls) {
        let mut revisions = self.publisher.revisions();
        let mut draining = pin!(controls.reached(Stage::Draining));
        loop {
            revisions.borrow_and_update();
            self.reconcile(Instant::now());
            let again = self.ports.failed.values().map(|failure| failure.again).min();
            tokio::select! {
                changed = revisions.changed() => if changed.is_err() { return },
                () = until(again) => {}
                () = &mut draining => return,
            }
        }
    }

    fn reconcile(&mut self, now: Instant) {
        let declared = Arc::clone(self.publisher.load().streams());
        let is_due = self.ports.failed.values().any(|failure| failure.again <= now);
        if Arc::ptr_eq(&declared, &self.ports.declared) && !is_due {
            return;
        }
        self.close_all_but(&declared);
        for route in declared.iter() {
            let key = (route.listener.protocol, route.listener.port);
            let waits = self.ports.failed.get(&key).is_some_and(|failure| failure.again > now);
            if !self.ports.open.contains_key(&key) && !waits {
                self.open(key, now);
            }
        }
        self.ports.declared = declared;
        self.report();
    }

    fn close_all_but(&mut self, declared: &Streams) {
        let metrics = &self.metrics;
        let stays = |&(protocol, port): &StreamKey| {
            let stays = declared.get(protocol, port).is_some();
            if !stays {
                metrics.forget(protocol, port);
                tracing::info!(%protocol, port, "a port is closed");
            }
            stays
        };
        self.ports.open.retain(|key, _| stays(key));
        self.ports.failed.retain(|key, _| stays(key));
    }

    fn open(&mut self, key: StreamKey, now: Instant) {
        let (protocol, port) = key;
        let opened = self.bind(key);
        self.metrics.set(protocol, port, opened.is_ok());
        match opened {
            Ok(open) => {
                tracing::info!(%protocol, port, "a port is open");
                self.ports.failed.remove(&key);
                self.ports.open.insert(key, open);
            }
            Err(message) => {
                let pause = self.ports.failed.get(&key).map(|failure| (failure.pause * 2).min(LONGEST_PAUSE));
                let pause = pause.unwrap_or(FIRST_PAUSE);
                self.ports.failed.insert(key, UnopenedPort { message, pause, again: now + pause });
            }
        }
    }

    /// Opens a port on all addresses for all workers, or not at all.
    fn bind(&self, (protocol, port): StreamKey) -> Result<watch::Sender<()>, String> {
        if protocol == StreamProtocol::Tcp && self.own.contains(&port) {
            return Err("is a port of Adit itself: expected another port; it is not opened for the service".to_owned());
        }
        let (open, closed) = watch::channel(());
        let mut sockets = Vec::new();
        for &address in &self.addresses {
            let address = SocketAddr::new(address, port);
            for worker in &self.workers {
                let socket = socket(protocol, address).map_err(|error| {
                    let hint = hint(&error, None);
                    format!("cannot be opened, and is tried again: {address}: {error}{hint}")
                })?;
                sockets.push((worker, Opened { socket, port, closed: closed.clone() }));
            }
        }
        for (worker, opened) in sockets {
            // A worker that has ended needs no socket.
            let _ = worker.send(opened);
        }
        Ok(open)
    }

    fn report(&self) {
        let Ports { declared, failed, .. } = &self.ports;
        let rejection = |(&(protocol, port), failure): (&StreamKey, &UnopenedPort)| {
            let origin = declared.get(protocol, port)?.listener.origin.clone();
            Some(Rejection::new(origin, port.to_string(), failure.message.clone()))
        };
        self.publisher.report_unopened(failed.iter().filter_map(rejection).collect());
    }
}

fn socket(protocol: StreamProtocol, address: SocketAddr) -> io::Result<StreamSocket> {
    match protocol {
        StreamProtocol::Tcp => listen(address).map(StreamSocket::Tcp),
        StreamProtocol::Udp => listen_udp(address).map(StreamSocket::Udp),
    }
}

/// Waits until then; for ever, if there is no such time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}
