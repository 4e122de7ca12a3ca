//! The client side: workers, their listeners, TLS handshakes, and HTTP/1 and HTTP/2 up to the point where a request's head
//! has been checked.
//!
//! A worker is one thread with a runtime, listeners, a proxy and a connection pool of its own; a connection lives and
//! dies on its worker.

mod accept;
mod bind;
mod handshake;
mod head_limits;
mod hello;
pub mod http1;
mod http2;
mod opened;
mod reconcile;
mod refusal;
mod run;
mod serve;
mod stream;
mod worker;

pub use bind::BindError;
pub use handshake::HandshakeLimits;
pub use head_limits::HeadLimits;
pub use refusal::Refusal;

use crate::buffer::TempSpace;
use crate::connection::limits::ClientLimiter;
use crate::connection::{Controls, Stage};
use crate::table::Publisher;
use crate::telemetry::Telemetry;
use bind::{Protocol, Wanted};
use reconcile::{Ports, Reconciler};
use run::{Start, run};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What a gateway listens on, and what its workers share. Fixed for the life of the process.
#[derive(Clone, Debug)]
pub struct ListenSettings {
    /// Addresses for cleartext HTTP; port 0 takes a free one.
    pub http: Vec<SocketAddr>,
    /// The port that clients use to reach us, where it differs from the one listened on.
    pub advertised_http_port: Option<u16>,
    /// Addresses for HTTP over TLS, likewise.
    pub https: Vec<SocketAddr>,
    /// The same for HTTPS.
    pub advertised_https_port: Option<u16>,
    /// Limits on TLS handshakes.
    pub handshakes: HandshakeLimits,
    /// How many workers, at least 1.
    pub workers: usize,
    /// The room for temporary files.
    pub temp_space: Arc<TempSpace>,
}

/// How long connections may stay open once no new ones are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainTimeouts {
    /// Idle connections. Their clients may be about to send a request, above all on connections that were accepted last;
    /// zero closes them at once.
    pub idle: Duration,
    /// All others.
    pub busy: Duration,
}

impl ListenSettings {
    /// All addresses: those for HTTP, then those for HTTPS.
    fn wanted(&self) -> Vec<Wanted> {
        let http = self.http.iter().map(|&address| (address, Protocol::Http, self.advertised_http_port));
        let https = self.https.iter().map(|&address| (address, Protocol::Https, self.advertised_https_port));
        let wanted = |(address, protocol, advertised_port)| Wanted { address, protocol, advertised_port };
        http.chain(https).map(wanted).collect()
    }
}

/// A running gateway. Dropping it closes its connections at once; [`Gateway::drain`] does so gracefully.
#[derive(Debug)]
pub struct Gateway {
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    workers: Vec<JoinHandle<()>>,
    controls: Controls,
}

impl Gateway {
    /// Opens the listeners and starts the workers. They serve what `publisher` holds.
    ///
    /// # Errors
    /// An address cannot be listened on, or a thread cannot be started.
    pub fn start(
        settings: &ListenSettings,
        publisher: &Arc<Publisher>,
        telemetry: &Telemetry,
    ) -> Result<Self, BindError> {
        // Pingora would install another provider, but only if there is none yet.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (mut http, listeners) = bind::bind(&settings.wanted(), settings.workers.max(1))?;
        let https = http.split_off(settings.http.len());
        let controls = Controls::default();
        let clients = ClientLimiter::new();
        let mut workers = Vec::with_capacity(listeners.len() + 1);
        let mut openers = Vec::with_capacity(listeners.len());
        for (number, listeners) in listeners.into_iter().enumerate() {
            let (opener, opened) = mpsc::unbounded_channel();
            openers.push(opener);
            let start = Start {
                number,
                listeners,
                opened,
                handshakes: settings.handshakes,
                publisher: publisher.clone(),
                telemetry: telemetry.worker(),
                clients: clients.clone(),
                controls: controls.clone(),
                temp_space: settings.temp_space.clone(),
            };
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            workers.push(thread.spawn(move || run(start)).map_err(BindError::Thread)?);
        }
        let bound = || http.iter().chain(&https);
        let reconciler = Reconciler {
            publisher: publisher.clone(),
            addresses: bound().map(SocketAddr::ip).collect(),
            own: bound().map(SocketAddr::port).collect(),
            workers: openers,
            metrics: telemetry.listeners().clone(),
            ports: Ports::default(),
        };
        workers.push(reconciler.spawn(controls.clone()).map_err(BindError::Thread)?);
        Ok(Self { http, https, workers, controls })
    }

    /// The addresses that are listened on for cleartext HTTP, with their real ports.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.http
    }

    /// The addresses that are listened on for HTTPS, likewise.
    pub fn https_addresses(&self) -> &[SocketAddr] {
        &self.https
    }

    /// From now on every response asks its client to close the connection; connections are still accepted.
    pub fn announce_shutdown(&self) {
        self.controls.announce_shutdown();
    }

    /// Accepts connections that the kernel has completed, then none, and sends GOAWAY to HTTP/2 clients; closes idle
    /// connections after `timeouts.idle`; waits for requests, tunnels and sessions to finish until `timeouts.busy`. Returns
    /// how many connections it cut off.
    pub fn drain(mut self, timeouts: DrainTimeouts) -> usize {
        let begun = Instant::now();
        self.controls.announce_shutdown();
        self.controls.enter(Stage::Draining);
        self.controls.wait_until_idle(begun + timeouts.idle);
        self.controls.enter(Stage::Closing);
        let left = self.controls.wait_until_idle(begun + timeouts.idle.max(timeouts.busy));
        self.stop();
        left
    }

    fn stop(&mut self) {
        self.controls.enter(Stage::Stopped);
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                tracing::error!("a worker has panicked");
            }
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
    }
}
