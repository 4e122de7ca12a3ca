//! Steers all workers from outside: draining, stopping, and counting the connections that are left.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// How far a gateway has got on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serving,
    Draining,
    Stopped,
}

/// Steers all workers from outside.
#[derive(Clone, Debug)]
pub(crate) struct Controls {
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

    /// True once clients are to go elsewhere.
    pub(super) fn shutdown(&self) -> watch::Receiver<bool> {
        self.shutdown.subscribe()
    }

    /// Counts a connection for as long as it lives.
    pub(crate) fn count(&self) -> Counted {
        *self.connections.open.lock() += 1;
        Counted(self.connections.clone())
    }

    /// Waits until no connection is left, or the deadline. Returns how many are left.
    pub(super) fn wait_until_idle(&self, deadline: Instant) -> usize {
        let mut open = self.connections.open.lock();
        while *open > 0 && !self.connections.closed.wait_until(&mut open, deadline).timed_out() {}
        *open
    }

    /// Waits until the gateway has got that far.
    pub(crate) async fn reached(&self, stage: Stage) {
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }
}

/// How many connections all workers have.
#[derive(Debug, Default)]
struct Connections {
    open: Mutex<usize>,
    closed: Condvar,
}

/// A connection that lives.
pub(crate) struct Counted(Arc<Connections>);

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.open.lock() -= 1;
        self.0.closed.notify_all();
    }
}
