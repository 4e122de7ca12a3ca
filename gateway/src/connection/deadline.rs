//! Deadlines of client connections, kept by one sweep per worker.
//!
//! A timer per request would cost more than all else that a keep-alive connection does between two requests. Here
//! arming a deadline is one atomic store, and a sweep every [`TICK`] wakes the tasks whose deadline has passed.

use super::own_port::OwnPort;
use super::stage::Stage;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How often the sweep runs, and so how late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(100);

/// The deadlines of one worker's connections.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    now: AtomicU64,
    /// The shutdown's [`Stage`].
    stage: AtomicU8,
    waiting: Mutex<HashMap<u64, Arc<Deadline>, foldhash::fast::RandomState>>,
}

/// One connection's deadline.
#[derive(Debug)]
pub(crate) struct Deadline {
    id: u64,
    /// In ticks; zero is never.
    at: AtomicU64,
    waker: Mutex<Option<Waker>>,
    /// The connection's port, where that may be closed before the others.
    port: Option<Arc<OwnPort>>,
    all: Arc<Deadlines>,
}

impl Deadlines {
    /// A deadline for connection `id`, not armed.
    pub(crate) fn register(self: &Arc<Self>, id: u64) -> Registered {
        self.register_at(None, id)
    }

    /// The same for a connection to a port that may be closed before the others.
    pub(crate) fn register_at(self: &Arc<Self>, port: Option<Arc<OwnPort>>, id: u64) -> Registered {
        let (at, waker) = (AtomicU64::new(0), Mutex::new(None));
        let deadline = Arc::new(Deadline { id, at, waker, port, all: self.clone() });
        self.waiting.lock().insert(id, deadline.clone());
        Registered(deadline)
    }

    /// Wakes the tasks whose deadline has passed, until the worker ends.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            self.tick();
        }
    }

    fn tick(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        for deadline in self.waiting.lock().values() {
            let at = deadline.at.load(Ordering::Relaxed);
            if at != 0 && at <= now {
                deadline.wake();
            }
        }
    }

    /// Ends all present and future waits that last until this stage or an earlier one.
    pub(crate) fn reach(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
        self.wake_all();
    }

    /// The same for the connections to one port, to the stage at which idle connections are closed.
    pub(crate) fn close(&self, port: &OwnPort) {
        port.close();
        self.wake_all();
    }

    fn wake_all(&self) {
        for deadline in self.waiting.lock().values() {
            deadline.wake();
        }
    }
}

impl Deadline {
    /// Expires after `time`, rounded up to the next tick; [`Duration::MAX`] is never.
    pub(crate) fn arm(&self, time: Duration) {
        let ticks = u64::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX / 2);
        self.at.store(self.all.now.load(Ordering::Relaxed).saturating_add(ticks.max(1) + 1), Ordering::Relaxed);
    }

    /// No longer expires.
    pub(crate) fn disarm(&self) {
        self.at.store(0, Ordering::Relaxed);
    }

    /// Ready when the deadline has passed, or the shutdown, or the end of the connection's port, has reached stage `end`.
    pub(crate) fn poll_expired(&self, cx: &Context<'_>, end: Stage) -> Poll<()> {
        // The waker goes in before the state is read, so that no wake-up falls between the two.
        let mut waker = self.waker.lock();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        drop(waker);
        let at = self.at.load(Ordering::Relaxed);
        let late = at != 0 && at <= self.all.now.load(Ordering::Relaxed);
        if late || self.has_reached(end) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn has_reached(&self, end: Stage) -> bool {
        let is_port_closed = || self.port.as_ref().is_some_and(|port| port.is_closed());
        self.all.stage.load(Ordering::Relaxed) >= end as u8 || end <= Stage::Closing && is_port_closed()
    }

    /// Runs a future until it is expired: see [`Deadline::poll_expired`]. Then `None`.
    pub(crate) async fn limit<F: Future>(&self, end: Stage, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let in_time = poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll_expired(cx, end).map(|()| None),
        });
        if let Some(output) = in_time.await {
            return Some(output);
        }
        // What has arrived by now is in time: `yield_now` lets the runtime poll the kernel for it first.
        tokio::task::yield_now().await;
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.lock().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// A connection's deadline, for as long as the connection is there.
#[derive(Debug)]
pub(crate) struct Registered(Arc<Deadline>);

impl Deref for Registered {
    type Target = Deadline;

    fn deref(&self) -> &Deadline {
        &self.0
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.all.waiting.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    async fn expired(deadline: &Deadline) {
        poll_fn(|cx| deadline.poll_expired(cx, Stage::Closing)).await;
    }

    fn polled(deadline: &Deadline, end: Stage) -> Poll<()> {
        deadline.poll_expired(&Context::from_waker(Waker::noop()), end)
    }

    #[test]
    fn expires_after_its_ticks_and_not_before() {
        let all = Arc::new(Deadlines::default());
        let deadline = all.register(1);
        assert_eq!(polled(&deadline, Stage::Closing), Poll::Pending);
        deadline.arm(TICK * 3);
        for _ in 0..3 {
            all.tick();
            assert_eq!(polled(&deadline, Stage::Closing), Poll::Pending);
        }
        all.tick();
        assert_eq!(polled(&deadline, Stage::Closing), Poll::Ready(()));
        deadline.disarm();
        assert_eq!(polled(&deadline, Stage::Closing), Poll::Pending);
        drop(deadline);
        assert!(all.waiting.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_sweep_wakes_the_late() {
        let all = Arc::new(Deadlines::default());
        let deadline = all.register(1);
        deadline.arm(Duration::from_secs(60));
        let sweep = tokio::spawn(all.clone().sweep());
        expired(&deadline).await;
        sweep.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_runs_until_the_deadline() {
        let all = Arc::new(Deadlines::default());
        let deadline = all.register(1);
        let sweep = tokio::spawn(all.clone().sweep());
        deadline.arm(TICK);
        assert_eq!(deadline.limit(Stage::Stopped, async { 1 }).await, Some(1));
        assert_eq!(deadline.limit(Stage::Stopped, std::future::pending::<()>()).await, None);
        sweep.abort();
    }

    #[tokio::test]
    async fn a_stage_of_the_end_ends_the_waits_up_to_it() {
        let all = Arc::new(Deadlines::default());
        let deadline = all.register(1);
        let waiting = tokio::spawn(async move {
            expired(&deadline).await;
            deadline
        });
        tokio::task::yield_now().await;
        all.reach(Stage::Draining);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        all.reach(Stage::Closing);
        let deadline = waiting.await.expect("not cancelled");
        assert_eq!(polled(&deadline, Stage::Draining), Poll::Ready(()));
        assert_eq!(polled(&deadline, Stage::Stopped), Poll::Pending);
    }

    #[test]
    fn a_port_that_is_closed_ends_the_waits_of_its_connections() {
        let all = Arc::new(Deadlines::default());
        let port = Arc::new(OwnPort::new(8080));
        let (its, others) = (all.register_at(Some(port.clone()), 1), all.register(2));
        assert_eq!(polled(&its, Stage::Draining), Poll::Pending);
        all.close(&port);
        assert_eq!([Stage::Draining, Stage::Closing].map(|end| polled(&its, end)), [Poll::Ready(()); 2]);
        assert_eq!(polled(&its, Stage::Stopped), Poll::Pending, "a request is finished");
        assert_eq!(polled(&others, Stage::Draining), Poll::Pending);
    }
}
