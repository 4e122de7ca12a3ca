//! Steers all workers from outside: draining, stopping, and counting the connections that are left.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::watch;

/// How far a gateway has got on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    Serving,
    /// Nothing new is accepted, and clients of HTTP/2 are asked to go.
    Draining,
    /// Connections on which nothing goes on are closed.
    Closing,
    Stopped,
}

/// Whether clients are to go elsewhere: set once, and read with every answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaving(Arc<AtomicBool>);

impl Leaving {
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
    leaving: Leaving,
    stage: watch::Sender<Stage>,
    connections: Arc<Connections>,
}

impl Default for Controls {
    fn default() -> Self {
        Self { leaving: Leaving::default(), stage: watch::Sender::new(Stage::Serving), connections: Arc::default() }
    }
}

impl Controls {
    pub(crate) fn announce_shutdown(&self) {
        self.leaving.announce();
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Whether clients are to go elsewhere.
    pub(crate) fn leaving(&self) -> Leaving {
        self.leaving.clone()
    }

    /// Counts a connection for as long as it lives, or a listener, which may have connections that nobody has accepted
    /// yet.
    pub(crate) fn count(&self) -> Counted {
        *self.connections.open.lock() += 1;
        Counted(self.connections.clone())
    }

    /// Waits until no connection is left, or the deadline. Returns how many are left.
    pub(crate) fn wait_until_idle(&self, deadline: Instant) -> usize {
        let mut open = self.connections.open.lock();
        while *open > 0 && !self.connections.closed.wait_until(&mut open, deadline).timed_out() {}
        *open
    }

    /// Waits until the gateway has got that far.
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

/// A connection or a listener that lives.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Connections>);

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.open.lock() -= 1;
        self.0.closed.notify_all();
    }
}
