//! What is to be written to a client's connection of HTTP/1.

use crate::exchange::Failure;
use bytes::{Buf, BytesMut};
use pingora_core::protocols::Stream;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// Bytes of small parts, such as a head and a small body, that are gathered into one write.
const GATHERED: usize = 4 << 10;
/// Room for the first of them: that of most heads with a small body behind, so that these take one allocation.
const ROOM: usize = 1 << 10;

/// Gathers small parts, and writes large ones together with them. What it holds is written before anything is waited for
/// ([`Output::flush`]).
#[derive(Debug)]
pub(super) struct Output {
    held: BytesMut,
    is_flushed: bool,
    /// How long the client may take for all of a part: one that takes a byte again and again does not begin it anew.
    timeout: Duration,
}

impl Output {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { held: BytesMut::new(), is_flushed: true, timeout }
    }

    /// Where small parts are added.
    pub(super) fn held(&mut self) -> &mut BytesMut {
        self.is_flushed = false;
        if self.held.capacity() == 0 {
            self.held.reserve(ROOM);
        }
        &mut self.held
    }

    /// Adds a part, and what comes behind it. Writes it if it is not small.
    pub(super) async fn add(&mut self, stream: &mut Stream, part: &[u8], end: &[u8]) -> Result<(), Failure> {
        self.is_flushed = false;
        if self.held.len() + part.len() + end.len() <= GATHERED {
            self.held.extend_from_slice(part);
            self.held.extend_from_slice(end);
            return Ok(());
        }
        let mut parts = std::mem::take(&mut self.held).chain(part).chain(end);
        let written = within(self.timeout, stream.write_all_buf(&mut parts), ErrorKind::TimedOut.into()).await;
        written.map_err(|error| failure(&error))
    }

    /// Writes all that is held.
    pub(super) async fn flush(&mut self, stream: &mut Stream) -> Result<(), Failure> {
        if self.is_flushed {
            return Ok(());
        }
        let held = &mut self.held;
        let write = async {
            // It is one buffer, for which a vectored write would only cost.
            while !held.is_empty() {
                match stream.write(held).await? {
                    0 => return Err(ErrorKind::WriteZero.into()),
                    written => held.advance(written),
                }
            }
            stream.flush().await
        };
        let written = within(self.timeout, write, ErrorKind::TimedOut.into()).await;
        self.held = BytesMut::new();
        self.is_flushed = true;
        written.map_err(|error| failure(&error))
    }
}

/// What an error of a client's connection is to the exchange.
pub(super) fn failure(error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::TimedOut { Failure::ClientTimeout } else { Failure::ClientGone }
}

/// Waits for something at most so long; then it is this error. No timer is made where nothing has to be waited for.
pub(super) async fn within<T, E>(time: Duration, io: impl Future<Output = Result<T, E>>, late: E) -> Result<T, E> {
    let mut io = pin!(io);
    if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(io.as_mut().poll(cx))).await {
        return done;
    }
    timeout(time, io).await.unwrap_or(Err(late))
}
