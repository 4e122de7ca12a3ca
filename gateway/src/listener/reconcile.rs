//! Opens and closes ports as the table declares them: those of TCP and UDP services, and those for HTTP and HTTPS beside the
//! process's own.
//!
//! A port that cannot be opened is reported and tried again; other ports are not affected.

use super::bind::{Listener, Protocol, ServedPort, hint};
use super::opened::{Opened, OpenedSocket};
use crate::config::{HttpPort, Origin, StreamProtocol, UnopenedPort};
use crate::connection::socket::{listen, listen_udp};
use crate::connection::{Controls, OwnPort, Stage};
use crate::table::{Publisher, StreamKey, Streams, Table};
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
    declared: Declared,
    open: HashMap<StreamKey, OpenPort>,
    failed: BTreeMap<StreamKey, Failure>,
}

/// The ports that a table declares.
#[derive(Clone, Debug, Default)]
struct Declared {
    streams: Arc<Streams>,
    http: Arc<[HttpPort]>,
}

/// What is served on a port, as far as its socket is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Stream,
    Http { protocol: Protocol, advertised_port: u16 },
}

#[derive(Debug)]
struct OpenPort {
    service: Service,
    /// Dropping it closes the port on all workers.
    _open: watch::Sender<()>,
}

/// Why a port is not open.
#[derive(Debug)]
struct Failure {
    message: String,
    pause: Duration,
    again: Instant,
}

impl Declared {
    fn of(table: &Table) -> Self {
        Self { streams: Arc::clone(table.streams()), http: Arc::clone(table.ports()) }
    }

    /// Whether nothing was declared anew.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.streams, &other.streams) && Arc::ptr_eq(&self.http, &other.http)
    }

    /// What is served on each port, and what asks for it. A TCP service keeps its port.
    fn ports(&self) -> BTreeMap<StreamKey, (Service, &Origin)> {
        let http = self.http.iter().map(|port| {
            let protocol = if port.tls { Protocol::Https } else { Protocol::Http };
            let service = Service::Http { protocol, advertised_port: port.advertised };
            ((StreamProtocol::Tcp, port.port), (service, &port.origin))
        });
        let streams = self
            .streams
            .iter()
            .map(|route| ((route.listener.protocol, route.listener.port), (Service::Stream, &route.listener.origin)));
        http.chain(streams).collect()
    }
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
        let declared = Declared::of(&self.publisher.load());
        let is_due = self.ports.failed.values().any(|failure| failure.again <= now);
        if declared.is(&self.ports.declared) && !is_due {
            return;
        }
        let ports = declared.ports();
        self.close_all_but(&ports);
        for (&key, &(service, _)) in &ports {
            let waits = self.ports.failed.get(&key).is_some_and(|failure| failure.again > now);
            if !self.ports.open.contains_key(&key) && !waits {
                self.open(key, service, now);
            }
        }
        self.report(&ports);
        self.ports.declared = declared;
    }

    /// Closes those on which something else is served now, too.
    fn close_all_but(&mut self, ports: &BTreeMap<StreamKey, (Service, &Origin)>) {
        self.ports.failed.retain(|key, _| ports.contains_key(key));
        self.ports.open.retain(|key, open| {
            let stays = ports.get(key).is_some_and(|(service, _)| *service == open.service);
            if !stays {
                tracing::info!(protocol = %key.0, port = key.1, "a port is closed");
            }
            stays
        });
        let gone = self.ports.declared.ports().into_keys().filter(|key| !ports.contains_key(key));
        gone.for_each(|(protocol, port)| self.metrics.forget(protocol, port));
    }

    fn open(&mut self, key: StreamKey, service: Service, now: Instant) {
        let (protocol, port) = key;
        let opened = self.bind(key, service);
        self.metrics.set(protocol, port, opened.is_ok());
        match opened {
            Ok(open) => {
                tracing::info!(%protocol, port, "a port is open");
                self.ports.failed.remove(&key);
                self.ports.open.insert(key, OpenPort { service, _open: open });
            }
            Err(message) => {
                let pause = self.ports.failed.get(&key).map(|failure| (failure.pause * 2).min(LONGEST_PAUSE));
                let pause = pause.unwrap_or(FIRST_PAUSE);
                self.ports.failed.insert(key, Failure { message, pause, again: now + pause });
            }
        }
    }

    /// Opens a port on all addresses for all workers, or not at all.
    fn bind(&self, (protocol, port): StreamKey, service: Service) -> Result<watch::Sender<()>, String> {
        if protocol == StreamProtocol::Tcp && self.own.contains(&port) {
            return Err("is a port of Adit itself: expected another port; it is not opened".to_owned());
        }
        let (open, closed) = watch::channel(());
        let own_port = Arc::new(OwnPort::new(port));
        let mut sockets = Vec::new();
        for &address in &self.addresses {
            let address = SocketAddr::new(address, port);
            for worker in &self.workers {
                let socket = socket(protocol, service, address, &own_port).map_err(|error| {
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

    fn report(&self, ports: &BTreeMap<StreamKey, (Service, &Origin)>) {
        let unopened = |(key, failure): (&StreamKey, &Failure)| {
            let (_, origin) = ports.get(key)?;
            let (protocol, port) = *key;
            Some(UnopenedPort { protocol, port, origin: (*origin).clone(), message: failure.message.clone() })
        };
        self.publisher.report_unopened(self.ports.failed.iter().filter_map(unopened).collect());
    }
}

fn socket(
    protocol: StreamProtocol,
    service: Service,
    address: SocketAddr,
    own_port: &Arc<OwnPort>,
) -> io::Result<OpenedSocket> {
    match (protocol, service) {
        (StreamProtocol::Udp, _) => listen_udp(address).map(OpenedSocket::Udp),
        (StreamProtocol::Tcp, Service::Stream) => listen(address).map(OpenedSocket::Tcp),
        (StreamProtocol::Tcp, Service::Http { protocol, advertised_port }) => {
            let port = ServedPort { protocol, advertised_port, own_port: Some(Arc::clone(own_port)) };
            listen(address).map(|socket| OpenedSocket::Http(Listener { socket, port }))
        }
    }
}

/// Waits until then; for ever, if there is no such time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}
