//! The response of a request, as it is read of the backend: that it is sound, and what the request may hold of it while its
//! client is slower than the backend.
//!
//! Pingora reads ahead of a client as far as ten pieces, each as large as a read. So a read is what is bounded: nothing is
//! read of a backend beyond what the request's other half has taken, to pass it to the client.

use super::answer::Answer;
use crate::exchange::Destination;
use crate::tls::backend::BackendTls;
use http::Method;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::task_local;

/// Bytes of a response that are read ahead at most, while as many are on their way to the client. With the buffer that they
/// are read into, a request holds 48 KiB.
const MOST: usize = 16 << 10;
/// The same before the client has taken any of its body; twice as much whenever it has taken all of it.
const FIRST: usize = 4 << 10;
/// Bytes that all requests of a worker may read ahead. Each reads no further ahead than a share of what is left of it, so
/// that the more requests wait for their clients, the less each of them holds.
const BUDGET: usize = 1 << 20;
const SHARE: usize = 16;
/// Bytes that a request may always read ahead, or it would never end.
const LEAST: usize = 1 << 10;

thread_local! {
    /// Bytes that the requests of this worker have read ahead.
    static AHEAD: Cell<usize> = const { Cell::new(0) };
}

task_local! {
    static FLOW: Flow;
}

/// The response of the request that a task serves.
#[derive(Default)]
pub(super) struct Flow {
    /// Bytes that have been read of the backend and not been taken.
    ahead: Cell<usize>,
    /// Bytes that may be read ahead: as far as the client's pace goes.
    reach: Cell<usize>,
    /// Some of the body has been taken.
    in_body: Cell<bool>,
    /// The head of the response has not been taken yet. Nobody takes a part of one, so that it is read however long it is,
    /// which Pingora bounds.
    in_head: Cell<bool>,
    /// The half of the request that waits to read on.
    reader: Cell<Option<Waker>>,
    /// How long a backend may be silent.
    timeout: Cell<Option<Duration>>,
    /// What has been read of a backend of HTTP/1.
    answer: RefCell<Option<Answer>>,
    /// The most that may be read ahead, if that is less than for others.
    largest_piece: Cell<Option<usize>>,
    /// How TLS is spoken to the backend, if that is set.
    tls: RefCell<Option<Arc<BackendTls>>>,
}

impl Flow {
    fn set_ahead(&self, bytes: usize) {
        let before = self.ahead.replace(bytes);
        AHEAD.set(AHEAD.get() - before + bytes);
    }

    /// How far the backend may be read ahead now.
    fn most(&self) -> usize {
        let share = (BUDGET.saturating_sub(AHEAD.get()) / SHARE).min(self.reach.get()).max(LEAST);
        self.largest_piece.get().map_or(share, |piece| piece.min(share))
    }

    /// How many bytes may be read of the backend now. `None`: as soon as more is taken.
    fn room(&self) -> Option<usize> {
        match self.most().saturating_sub(self.ahead.get()) {
            0 => self.in_head.get().then(|| self.most()),
            room => Some(room),
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.set_ahead(0);
    }
}

/// Serves a request with a flow of its own.
pub(super) fn scope<F: Future>(request: F) -> impl Future<Output = F::Output> {
    FLOW.scope(Flow::default(), request)
}

/// Begins an attempt of a request with this method.
pub(super) fn begin(method: Method, destination: &Destination) {
    let _ = FLOW.try_with(|flow| {
        flow.set_ahead(0);
        flow.reach.set(FIRST);
        flow.in_head.set(true);
        flow.in_body.set(false);
        flow.timeout.set(Some(destination.timeouts.read));
        flow.answer.replace(Some(Answer::to(method)));
        flow.largest_piece.set(Some(destination.largest_piece));
        flow.tls.replace(destination.tls.as_ref().and_then(|tls| tls.settings.clone()));
    });
}

/// How long a backend may be silent; `None` for a connection that serves no request.
pub(super) fn timeout() -> Option<Duration> {
    FLOW.try_with(|flow| flow.timeout.get()).ok().flatten()
}

/// How TLS is spoken to the backend, if that is set.
pub(super) fn tls() -> Option<Arc<BackendTls>> {
    FLOW.try_with(|flow| flow.tls.borrow().clone()).ok().flatten()
}

/// How many bytes may be read of the backend now.
pub(super) fn poll_room(cx: &Context<'_>) -> Poll<usize> {
    let room = FLOW.try_with(|flow| {
        let room = flow.room();
        if room.is_none() {
            flow.reader.set(Some(cx.waker().clone()));
        }
        room.map_or(Poll::Pending, Poll::Ready)
    });
    room.unwrap_or(Poll::Ready(usize::MAX))
}

/// These bytes have been read of the backend.
///
/// # Errors
/// They do not belong to a sound answer.
pub(super) fn read(bytes: &[u8]) -> io::Result<()> {
    let taken = FLOW.try_with(|flow| {
        flow.set_ahead(flow.ahead.get() + bytes.len());
        flow.answer.borrow_mut().as_mut().map_or(Ok(()), |answer| answer.take(bytes))
    });
    taken.unwrap_or(Ok(()))
}

/// The head of the response has been taken, and not that of an interim one.
pub(super) fn head_taken() {
    let _ = FLOW.try_with(|flow| flow.in_head.set(false));
}

/// The client has got all that was taken before, and what has been read since then is taken.
pub(super) fn take() {
    let _ = FLOW.try_with(|flow| {
        let (read, reach) = (flow.ahead.get(), flow.reach.get());
        flow.set_ahead(0);
        if flow.in_body.replace(!flow.in_head.get()) && read >= reach {
            flow.reach.set(MOST.min(2 * reach));
        }
        if let Some(reader) = flow.reader.take() {
            reader.wake();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Timeouts;
    use std::future::poll_fn;

    fn destination(largest_piece: usize) -> Destination {
        Destination {
            address: ([127, 0, 0, 1], 80).into(),
            tls: None,
            http2: false,
            pool_key: 0,
            timeouts: Timeouts::default(),
            idle_timeout: Duration::MAX,
            largest_piece,
        }
    }

    fn read_bytes(count: usize) {
        read(&vec![b'\n'; count]).expect("the beginning of a head");
    }

    fn room() -> Poll<usize> {
        poll_room(&Context::from_waker(Waker::noop()))
    }

    fn begin_body() {
        begin(Method::GET, &destination(usize::MAX));
        head_taken();
        take();
    }

    #[tokio::test]
    async fn a_request_reads_ahead_until_its_client_has_taken_what_was_read() {
        scope(async {
            begin_body();
            read_bytes(FIRST - 1);
            assert_eq!(room(), Poll::Ready(1));
            read_bytes(1);
            assert_eq!(room(), Poll::Pending);
            let (room, ()) = tokio::join!(poll_fn(|cx| poll_room(cx)), async { take() });
            assert!(room >= FIRST);
        })
        .await;
    }

    #[tokio::test]
    async fn more_is_read_ahead_as_the_client_takes_it() {
        scope(async {
            begin(Method::GET, &destination(usize::MAX));
            read_bytes(FIRST);
            take();
            head_taken();
            assert_eq!(room(), Poll::Ready(FIRST), "only the head was taken");
            take();
            for reach in [FIRST, 2 * FIRST, MOST, MOST] {
                assert_eq!(room(), Poll::Ready(reach));
                read_bytes(reach);
                take();
            }
            read_bytes(1);
            take();
            assert_eq!(room(), Poll::Ready(MOST));
        })
        .await;
    }

    #[tokio::test]
    async fn a_head_is_read_however_long_it_is() {
        scope(async {
            begin(Method::GET, &destination(usize::MAX));
            read_bytes(2 * FIRST);
            assert_eq!(room(), Poll::Ready(FIRST));
            head_taken();
            assert_eq!(room(), Poll::Pending);
        })
        .await;
    }

    #[tokio::test]
    async fn a_piece_may_be_smaller() {
        scope(async {
            begin(Method::GET, &destination(1000));
            head_taken();
            assert_eq!(room(), Poll::Ready(1000));
            read_bytes(1000);
            assert_eq!(room(), Poll::Pending);
        })
        .await;
    }

    #[tokio::test]
    async fn the_more_a_worker_holds_the_less_is_read_ahead() {
        scope(async {
            for (held, most) in
                [(0, FIRST), (BUDGET - SHARE * FIRST, FIRST), (BUDGET - SHARE * 2000, 2000), (BUDGET, LEAST)]
            {
                read_bytes(held);
                scope(async {
                    begin_body();
                    assert_eq!(room(), Poll::Ready(most));
                })
                .await;
                take();
            }
        })
        .await;
        assert_eq!(AHEAD.get(), 0);
    }

    #[test]
    fn a_connection_that_serves_no_request_is_read_as_it_comes() {
        assert_eq!((room(), timeout()), (Poll::Ready(usize::MAX), None));
    }
}
