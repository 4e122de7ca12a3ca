//! Steers all workers from outside: draining, stopping, and counting the connections that are left.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::watch;

/// The stages of a shutdown, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    Serving,
    /// No new connections are accepted, and HTTP/2 clients get a GOAWAY.
    Draining,
    /// Idle connections are closed.
    Closing,
    Stopped,
}

/// Whether a shutdown has been announced: then every response asks its client to close the connection. Written once.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShutdownNotice(Arc<AtomicBool>);

impl ShutdownNotice {
    fn announce(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_announced(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Steers all workers from outside.
#[derive(Clone, Debug)]
pub(crate) struct Controls {
    shutdown: ShutdownNotice,
    stage: watch::Sender<Stage>,
    connections: Arc<Connections>,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            shutdown: ShutdownNotice::default(),
            stage: watch::Sender::new(Stage::Serving),
            connections: Arc::default(),
        }
    }
}

impl Controls {
    pub(crate) fn announce_shutdown(&self) {
        self.shutdown.announce();
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Whether a shutdown has been announced.
    pub(crate) fn shutdown(&self) -> ShutdownNotice {
        self.shutdown.clone()
    }

    /// Counts a connection, or a listener with connections that are not accepted yet, until the guard is dropped.
    pub(crate) fn count(&self) -> ConnectionGuard {
        *self.connections.open.lock() += 1;
        ConnectionGuard(self.connections.clone())
    }

    /// Waits until no connection is left, or the deadline. Returns how many are left.
    pub(crate) fn wait_until_idle(&self, deadline: Instant) -> usize {
        let mut open = self.connections.open.lock();
        while *open > 0 && !self.connections.closed.wait_until(&mut open, deadline).timed_out() {}
        *open
    }

    /// Waits until the shutdown has reached this stage.
    pub(crate) async fn reached(&self, stage: Stage) {
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }
}

/// How many connections all workers have, listeners included.
#[derive(Debug, Default)]
struct Connections {
    open: Mutex<usize>,
    closed: Condvar,
}

/// An open connection or listener. Dropping it ends its being counted.
#[derive(Debug)]
pub(crate) struct ConnectionGuard(Arc<Connections>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        *self.0.open.lock() -= 1;
        self.0.closed.notify_all();
    }
}
