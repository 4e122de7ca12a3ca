//! The response of a request, as it is read of the backend: that it is sound, and what the request may hold of it while its
//! client is slower than the backend.
//!
//! Pingora reads ahead of a client as far as ten pieces, each as large as a read. So a read is what is bounded: nothing is
//! read of a backend beyond what the request's other half has taken, to pass it to the client.

use super::answer::Answer;
use http::Method;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::task_local;

/// Bytes of a response that are read ahead, while as many are on their way to the client. With the buffer that they are
/// read into, a request holds 48 KiB.
const READ_AHEAD: usize = 16 << 10;
/// The same, while all requests of the worker have read more than `BUDGET` ahead.
const READ_AHEAD_SCARCE: usize = 4 << 10;
const BUDGET: usize = 4 << 20;

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
    /// The head of the response has not been taken yet. Nobody takes a part of one, so that it is read however long it is,
    /// which Pingora bounds; by small pieces, since some of its body may come with it.
    in_head: Cell<bool>,
    /// The half of the request that waits to read on.
    reader: Cell<Option<Waker>>,
    /// How long a backend may be silent.
    timeout: Cell<Option<Duration>>,
    /// What has been read of a backend of HTTP/1.
    answer: RefCell<Option<Answer>>,
    /// The most that may be read ahead, if that is less than for others.
    largest_piece: Cell<Option<usize>>,
}

impl Flow {
    fn set_ahead(&self, bytes: usize) {
        let before = self.ahead.replace(bytes);
        AHEAD.set(AHEAD.get() - before + bytes);
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

/// Begins an attempt: the request's method, how long its backend may be silent between two reads, and how much may be read at
/// a time.
pub(super) fn begin(method: Method, timeout: Duration, largest_piece: usize) {
    let _ = FLOW.try_with(|flow| {
        flow.set_ahead(0);
        flow.in_head.set(true);
        flow.timeout.set(Some(timeout));
        flow.answer.replace(Some(Answer::to(method)));
        flow.largest_piece.set(Some(largest_piece));
    });
}

/// How long a backend may be silent; `None` for a connection that serves no request.
pub(super) fn timeout() -> Option<Duration> {
    FLOW.try_with(|flow| flow.timeout.get()).ok().flatten()
}

/// How many bytes may be read of the backend now.
pub(super) fn poll_room(cx: &Context<'_>) -> Poll<usize> {
    let most = if AHEAD.get() > BUDGET { READ_AHEAD_SCARCE } else { READ_AHEAD };
    let most_of = |flow: &Flow| flow.largest_piece.get().map_or(most, |piece| piece.min(most));
    let room = FLOW.try_with(|flow| match most_of(flow).saturating_sub(flow.ahead.get()) {
        0 if flow.in_head.get() => Poll::Ready(READ_AHEAD_SCARCE),
        0 => {
            flow.reader.set(Some(cx.waker().clone()));
            Poll::Pending
        }
        room => Poll::Ready(room),
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
        flow.set_ahead(0);
        if let Some(reader) = flow.reader.take() {
            reader.wake();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn read_bytes(count: usize) {
        read(&vec![b'\n'; count]).expect("the beginning of a head");
    }

    #[tokio::test]
    async fn a_request_reads_ahead_until_its_client_has_taken_what_was_read() {
        scope(async {
            let cx = Context::from_waker(Waker::noop());
            read_bytes(READ_AHEAD - 1);
            assert_eq!(poll_room(&cx), Poll::Ready(1));
            read_bytes(1);
            assert_eq!(poll_room(&cx), Poll::Pending);
            let (room, ()) = tokio::join!(poll_fn(|cx| poll_room(cx)), async { take() });
            assert_eq!(room, READ_AHEAD);
        })
        .await;
    }

    #[tokio::test]
    async fn a_head_is_read_however_long_it_is() {
        scope(async {
            let room = || poll_room(&Context::from_waker(Waker::noop()));
            begin(Method::GET, Duration::MAX, usize::MAX);
            read_bytes(2 * READ_AHEAD);
            assert_eq!(room(), Poll::Ready(READ_AHEAD_SCARCE));
            head_taken();
            assert_eq!(room(), Poll::Pending);
        })
        .await;
    }

    #[tokio::test]
    async fn a_piece_may_be_smaller() {
        scope(async {
            begin(Method::GET, Duration::MAX, 1024);
            head_taken();
            let room = || poll_room(&Context::from_waker(Waker::noop()));
            assert_eq!(room(), Poll::Ready(1024));
            read_bytes(1024);
            assert_eq!(room(), Poll::Pending);
        })
        .await;
    }

    #[tokio::test]
    async fn less_is_read_ahead_while_a_worker_holds_much() {
        let room = || poll_room(&Context::from_waker(Waker::noop()));
        scope(async {
            read_bytes(BUDGET + 1);
            scope(async { assert_eq!(room(), Poll::Ready(READ_AHEAD_SCARCE)) }).await;
            take();
            assert_eq!(room(), Poll::Ready(READ_AHEAD));
        })
        .await;
        assert_eq!(AHEAD.get(), 0);
    }

    #[test]
    fn a_connection_that_serves_no_request_is_read_as_it_comes() {
        assert_eq!(poll_room(&Context::from_waker(Waker::noop())), Poll::Ready(usize::MAX));
        assert_eq!(timeout(), None);
    }
}
