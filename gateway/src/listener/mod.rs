//! Where clients come in: workers, their listeners, and HTTP/1 up to the point where a request's head is sound.
//!
//! A worker is one thread with a runtime, listeners, a proxy and a connection pool of its own; a connection lives and
//! dies on its worker.

mod bind;
mod connection;
mod deadline;
pub mod http1;
mod stream;
mod worker;

pub use bind::BindError;
pub use connection::ClientConnection;
pub(crate) use connection::address_value;
pub use http1::Arrival;

use crate::table::Publisher;
use crate::telemetry::Telemetry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use worker::Controls;

/// What a gateway listens on. Fixed for the life of the process.
#[derive(Clone, Debug)]
pub struct ListenSettings {
    /// Addresses for cleartext HTTP; port 0 takes a free one.
    pub http: Vec<SocketAddr>,
    /// The port that clients use to reach us, where it differs from the one listened on.
    pub advertised_http_port: Option<u16>,
    /// How many workers, at least 1.
    pub workers: usize,
}

/// A running gateway. Dropping it ends its connections at once; [`Gateway::drain`] does so gently.
#[derive(Debug)]
pub struct Gateway {
    http: Vec<SocketAddr>,
    workers: Vec<JoinHandle<()>>,
    controls: Controls,
}

impl Gateway {
    /// Opens the listeners and starts the workers. They serve what `publisher` holds.
    pub fn start(
        settings: &ListenSettings,
        publisher: &Arc<Publisher>,
        telemetry: &Telemetry,
    ) -> Result<Self, BindError> {
        // Pingora would install another provider; whoever comes first wins, and that is us.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (http, listeners) = bind::bind(&settings.http, settings.workers.max(1))?;
        let controls = Controls::default();
        let mut workers = Vec::with_capacity(listeners.len());
        for (number, listeners) in listeners.into_iter().enumerate() {
            let publisher = publisher.clone();
            let telemetry = telemetry.worker();
            let controls = controls.clone();
            let advertised = settings.advertised_http_port;
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            let run = move || worker::run(number, listeners, advertised, publisher, telemetry, &controls);
            workers.push(thread.spawn(run).map_err(BindError::Thread)?);
        }
        Ok(Self { http, workers, controls })
    }

    /// The addresses that are listened on, with their real ports.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.http
    }

    /// How many client connections are open.
    pub fn connections(&self) -> usize {
        self.controls.connections()
    }

    /// From now on every answer asks its client to go elsewhere; connections are still accepted.
    pub fn announce_shutdown(&self) {
        self.controls.announce_shutdown();
    }

    /// Accepts what has already been connected, then nothing; ends idle connections; lets requests finish for up to
    /// `patience`. Returns how many connections it cut off.
    pub fn drain(mut self, patience: Duration) -> usize {
        let deadline = Instant::now() + patience;
        self.controls.announce_shutdown();
        self.controls.stop_accepting();
        let left = self.controls.wait_until_idle(deadline);
        self.stop();
        left
    }

    fn stop(&mut self) {
        self.controls.stop();
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
