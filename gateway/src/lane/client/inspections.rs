//! What a worker has for its web application firewall: threads, and memory for what is held back.

use super::ClientSession;
use crate::exchange::Failure;
use crate::policy::waf::Refusal;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// Requests and responses that are inspected at once for a worker. Each keeps a thread busy.
const INSPECTIONS: usize = 1;
/// Requests and responses that may wait for that, or are inspected. Others get 503.
const WAITING: usize = 128;
/// Bytes of bodies that a worker holds back at most, 64 MiB. Requests beyond it get 503.
const HELD: usize = 64 << 20;

/// A worker's inspections.
#[derive(Clone, Debug)]
pub(in crate::lane) struct Inspections(Arc<Room>);

#[derive(Debug)]
struct Room {
    places: Semaphore,
    threads: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

impl Inspections {
    pub(in crate::lane) fn new() -> Self {
        Self(Arc::new(Room {
            places: Semaphore::new(WAITING),
            threads: Arc::new(Semaphore::new(INSPECTIONS)),
            bytes: Arc::new(Semaphore::new(HELD)),
        }))
    }

    /// Room for so many bytes of a body, if there is any.
    pub(in crate::lane) fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.0.bytes).try_acquire_many_owned(bytes).ok()
    }

    /// Runs an inspection on a thread that may block, when it is its turn. `None`: too many wait already. A client that
    /// leaves while it waits gives up its place; what runs is not given up.
    pub(in crate::lane) async fn run(
        &self,
        session: &mut ClientSession,
        inspect: impl FnOnce() -> Result<(), Refusal> + Send + 'static,
    ) -> Result<Option<Result<(), Refusal>>, Failure> {
        let Ok(_place) = self.0.places.try_acquire() else { return Ok(None) };
        let turn = session.or_gone(Arc::clone(&self.0.threads).acquire_owned()).await?;
        let running = spawn_blocking(move || {
            let _turn = turn;
            inspect()
        });
        running.await.map(Some).map_err(|_| Failure::Internal)
    }
}
