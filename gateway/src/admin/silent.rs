use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::Notify;

/// Connections that may wait for their heads at once: each costs a file descriptor and a small buffer.
const MAX_SILENT: usize = 512;

/// The connections whose request heads are not complete. Where there are too many, the oldest is displaced, so that
/// who connects and asks at once is answered whatever others hold.
#[derive(Debug, Default)]
pub struct Silent(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// By the order in which they were accepted.
    connections: BTreeMap<u64, Arc<Notify>>,
}

/// One of these connections, until its head is complete or it ends.
#[derive(Debug)]
pub struct SilentConnection {
    silent: Arc<Silent>,
    number: u64,
    displaced: Arc<Notify>,
    is_complete: AtomicBool,
}

impl Silent {
    /// One more.
    pub fn enter(self: &Arc<Self>) -> SilentConnection {
        let displaced = Arc::new(Notify::new());
        let mut waiting = self.0.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.connections.insert(number, Arc::clone(&displaced));
        if waiting.connections.len() > MAX_SILENT
            && let Some((_, oldest)) = waiting.connections.pop_first()
        {
            oldest.notify_one();
        }
        SilentConnection { silent: Arc::clone(self), number, displaced, is_complete: AtomicBool::new(false) }
    }

    fn leave(&self, number: u64) {
        self.0.lock().connections.remove(&number);
    }
}

impl SilentConnection {
    /// Its head is complete: nobody displaces it any more.
    pub fn complete(&self) {
        self.is_complete.store(true, Relaxed);
        self.silent.leave(self.number);
    }

    /// Waits until it must go.
    pub async fn displaced(&self) {
        self.displaced.notified().await;
        // Its head came just as it was displaced.
        if self.is_complete.load(Relaxed) {
            pending::<()>().await;
        }
    }
}

impl Drop for SilentConnection {
    fn drop(&mut self) {
        self.silent.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn is_displaced(connection: &SilentConnection) -> bool {
        pin!(connection.displaced()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn the_oldest_goes_where_there_are_too_many() {
        let silent = Arc::new(Silent::default());
        let mut connections: Vec<_> = (0..MAX_SILENT).map(|_| silent.enter()).collect();
        assert!(!connections.iter().any(is_displaced));
        connections.push(silent.enter());
        let displaced: Vec<_> = connections.iter().map(is_displaced).collect();
        assert_eq!(displaced.iter().position(|is_displaced| *is_displaced), Some(0));
        assert_eq!(displaced.iter().filter(|is_displaced| **is_displaced).count(), 1);
    }

    #[test]
    fn who_has_asked_or_gone_counts_no_more() {
        let silent = Arc::new(Silent::default());
        let connections: Vec<_> = (0..MAX_SILENT).map(|_| silent.enter()).collect();
        connections[0].complete();
        let more = silent.enter();
        drop(more);
        let _more = silent.enter();
        assert!(!connections.iter().any(is_displaced));
        let _more = silent.enter();
        assert!(!is_displaced(&connections[0]) && is_displaced(&connections[1]));
    }

    #[test]
    fn a_head_that_comes_at_the_last_moment_counts() {
        let silent = Arc::new(Silent::default());
        let oldest = silent.enter();
        let _others: Vec<_> = (0..MAX_SILENT).map(|_| silent.enter()).collect();
        oldest.complete();
        assert!(!is_displaced(&oldest));
    }
}
