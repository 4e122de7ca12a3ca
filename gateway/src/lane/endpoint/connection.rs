//! A connection to an endpoint.

use super::{Io, Patience, connect};
use crate::config::{Timeouts, UpstreamConnections};
use crate::exchange::{Destination, Failure};
use crate::relay::poll_read_up_to;
use bytes::{Buf, BytesMut};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Bytes of one read at most.
pub(in crate::lane) const READ: usize = 16 << 10;

/// A connection to an endpoint, which serves one request at a time. It holds no buffer while it waits.
#[derive(Debug)]
pub(in crate::lane) struct EndpointConnection {
    io: Io,
    /// What is to be sent.
    output: BytesMut,
    /// What has been sent is still to be flushed.
    unflushed: bool,
    /// Bytes that have been read and not decoded yet.
    input: BytesMut,
    timeouts: Timeouts,
    patience: Patience,
    opened: Instant,
    /// Requests that it has served.
    served: u32,
}

/// What has become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lane) enum Progress {
    /// All of the output is sent.
    Sent,
    /// The endpoint takes no more output.
    SendFailed,
    /// So many bytes have been read.
    Read(usize),
    /// The endpoint has closed it.
    Closed,
    /// The client has taken too long to send more.
    ClientLate,
}

/// Whose turn it is to send something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lane) enum Turn {
    /// The endpoint's: it has `proxy-read-timeout` between two reads, as in nginx.
    Endpoint,
    /// The client's, which has so long: the request's body is not whole.
    Client(Duration),
}

impl EndpointConnection {
    /// Connects to an endpoint.
    ///
    /// # Errors
    /// It cannot be reached in time.
    pub(in crate::lane) async fn connect(destination: &Destination) -> Result<Self, Failure> {
        let connected = connect(destination).await;
        let io = connected.map_err(|error| Failure::Connect { timed_out: error.kind() == ErrorKind::TimedOut })?;
        Ok(Self::new(io, destination.timeouts))
    }

    pub(in crate::lane) fn new(io: Io, timeouts: Timeouts) -> Self {
        let (output, input) = (BytesMut::new(), BytesMut::new());
        let (patience, opened) = (Patience::default(), Instant::now());
        Self { io, output, unflushed: false, input, timeouts, patience, opened, served: 0 }
    }

    /// Counts a request that it has served. Whether it may serve another, as nginx: ngx_http_upstream_free_keepalive_peer.
    pub(in crate::lane) fn may_serve_again(&mut self, keep_alive: &UpstreamConnections, now: Instant) -> bool {
        self.served = self.served.saturating_add(1);
        self.served < keep_alive.requests && now.duration_since(self.opened) <= keep_alive.lifetime
    }

    /// Makes a connection that was kept ready for a request with these timeouts. `None` if it has ended since, or the
    /// endpoint has sent what nobody asked for.
    pub(in crate::lane) fn revive(mut self, timeouts: Timeouts) -> Option<Self> {
        self.timeouts = timeouts;
        self.is_open().then_some(self)
    }

    /// Whether an idle connection may serve a request.
    pub(in crate::lane) fn is_open(&mut self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let mut cx = Context::from_waker(Waker::noop());
        self.input.is_empty() && Pin::new(&mut self.io).poll_read(&mut cx, &mut ReadBuf::uninit(&mut byte)).is_pending()
    }

    /// Whether there is something left to send.
    pub(in crate::lane) fn is_sending(&self) -> bool {
        !self.output.is_empty() || self.unflushed
    }

    /// Adds to what is to be sent.
    pub(in crate::lane) fn queue(&mut self) -> &mut BytesMut {
        self.unflushed = true;
        &mut self.output
    }

    /// Reads up to `room` bytes and sends the output, whichever can be done first. Sending may take `proxy-send-timeout` between
    /// two writes. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The connection failed, or the endpoint took too long.
    pub(in crate::lane) async fn progress(&mut self, room: usize, turn: Turn) -> io::Result<Progress> {
        poll_fn(|cx| self.poll_progress(room, turn, cx)).await
    }

    fn poll_progress(&mut self, room: usize, turn: Turn, cx: &mut Context<'_>) -> Poll<io::Result<Progress>> {
        // What it has sent comes first: it may respond without waiting for the whole request.
        if let Poll::Ready(read) = self.poll_read(room, cx) {
            self.patience.renew();
            return Poll::Ready(read.map(|bytes| if bytes == 0 { Progress::Closed } else { Progress::Read(bytes) }));
        }
        if self.is_sending()
            && let Poll::Ready(sent) = self.poll_send(cx)
        {
            self.patience.renew();
            return Poll::Ready(Ok(sent.map_or(Progress::SendFailed, |()| Progress::Sent)));
        }
        let time = match turn {
            _ if self.is_sending() => self.timeouts.send,
            Turn::Endpoint => self.timeouts.read,
            Turn::Client(time) => time,
        };
        ready!(self.patience.poll(time, cx));
        Poll::Ready(match turn {
            Turn::Client(_) if !self.is_sending() => Ok(Progress::ClientLate),
            _ => Err(ErrorKind::TimedOut.into()),
        })
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.output))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                written => self.output.advance(written),
            }
            self.patience.renew();
        }
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.unflushed = false;
        self.output = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    /// Forgets what was to be sent: the endpoint does not take it.
    pub(in crate::lane) fn stop_sending(&mut self) {
        self.output = BytesMut::new();
        self.unflushed = false;
    }

    fn poll_read(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        poll_read_up_to(&mut self.io, &mut self.input, room, cx)
    }

    /// What has been read and not taken yet.
    pub(in crate::lane) fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Gives back the memory of what has been read, once all of it is taken.
    pub(in crate::lane) fn settle_input(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
    }

    /// Whether it may be kept for another request: all is sent, and nothing has come behind the response.
    pub(in crate::lane) fn is_idle(&self) -> bool {
        !self.is_sending() && self.input.is_empty()
    }

    /// The connection, and what has been read from it behind the last head.
    pub(in crate::lane) fn into_parts(self) -> (Io, BytesMut) {
        (self.io, self.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    fn connected() -> (EndpointConnection, DuplexStream) {
        let (io, endpoint) = duplex(64);
        (EndpointConnection::new(Box::new(io), Timeouts::default()), endpoint)
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_may_be_silent_or_leave() {
        let (mut connection, endpoint) = connected();
        let silence = connection.progress(READ, Turn::Endpoint).await.expect_err("silence");
        assert_eq!(silence.kind(), ErrorKind::TimedOut);
        drop(endpoint);
        assert_eq!(connection.progress(READ, Turn::Endpoint).await.expect("its end"), Progress::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_takes_nothing_is_too_slow() {
        let (mut connection, _endpoint) = connected();
        let turn = Turn::Client(Duration::from_secs(1));
        assert_eq!(connection.progress(READ, turn).await.expect("no error"), Progress::ClientLate);
        connection.queue().extend_from_slice(&[0; 65]);
        assert_eq!(connection.progress(READ, turn).await.expect_err("no room").kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_nobody_asked_for_ends_an_idle_connection() {
        let (connection, mut endpoint) = connected();
        let mut connection = connection.revive(Timeouts::default()).expect("open");
        assert!(connection.is_open());
        endpoint.write_all(b"x").await.expect("room for it");
        assert!(connection.revive(Timeouts::default()).is_none());
    }
}
