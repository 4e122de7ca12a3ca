//! What the connections of a worker share: one thread's context, limits and deadlines.

use crate::connection::limits::{ClientLimiter, ClientPermit, WorkerLimiter, WorkerPermit};
use crate::connection::{Connection, Controls, Deadlines};
use crate::exchange::Context;
use crate::telemetry::Event;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// Sessions of UDP services that a worker has at most; the datagrams of further clients are dropped, and logged with
/// status 503.
const UDP_SESSIONS: usize = 10_000;

/// What a connection needs of its worker, whatever it carries.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) context: Arc<Context>,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(crate) controls: Controls,
    /// One permit for each session of a UDP service.
    pub(crate) udp_sessions: Arc<Semaphore>,
    limiter: WorkerLimiter,
    clients: Arc<ClientLimiter>,
    last_id: AtomicU64,
}

impl Worker {
    /// The worker with this number, counted from zero. `clients` is that of all workers.
    pub(crate) fn new(number: usize, context: Arc<Context>, clients: Arc<ClientLimiter>, controls: Controls) -> Self {
        Self {
            context,
            deadlines: Arc::default(),
            controls,
            udp_sessions: Arc::new(Semaphore::new(UDP_SESSIONS)),
            limiter: WorkerLimiter::default(),
            clients,
            // Ids of different workers never meet.
            last_id: AtomicU64::new((number as u64) << 48),
        }
    }

    /// A number for a connection, that no other of this process has.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A permit for a connection of this worker; `None` if the limit is reached.
    pub(crate) fn acquire_worker_permit(&self, facts: &Connection) -> Option<WorkerPermit> {
        let limits = self.context.publisher().load().settings().connections;
        self.limiter.acquire(limits).or_else(|| self.refuse(facts, "worker-limit"))
    }

    /// A permit for a connection of its client; `None` if the limit is reached.
    pub(crate) fn acquire_client_permit(&self, facts: &Connection) -> Option<Option<ClientPermit>> {
        let limits = self.context.publisher().load().settings().connections;
        self.clients.acquire(facts.peer.ip(), limits).or_else(|| self.refuse(facts, "client-limit"))
    }

    fn refuse<T>(&self, facts: &Connection, reason: &'static str) -> Option<T> {
        self.context.telemetry().event(Event::RefusedConnection, reason);
        tracing::debug!(client = %facts.peer, reason, "connection refused");
        None
    }
}
