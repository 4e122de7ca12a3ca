//! A connection to an endpoint.

use super::ResponseHead;
use crate::config::{Timeouts, UpstreamConnections};
use crate::connection::{BodyFramer, BodyFraming, MalformedBody};
use crate::exchange::{Destination, InvalidHead};
use crate::lane::endpoint::{self, Io, Patience};
use bytes::{Buf, Bytes, BytesMut};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Bytes of one read at most. They are read onto the stack of a poll, so that a connection holds no buffer while it waits.
pub(super) const READ: usize = 16 << 10;

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
pub(super) enum Progress {
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
pub(super) enum Turn {
    /// The endpoint's: it has `proxy-read-timeout` between two reads, as in nginx.
    Endpoint,
    /// The client's, which has so long: the request's body is not whole.
    Client(Duration),
}

/// Why there is no response, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndpointError {
    /// The connection failed, was closed, or timed out.
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Head(#[from] InvalidHead),
    #[error(transparent)]
    Body(#[from] MalformedBody),
}

impl EndpointError {
    pub(super) fn is_timeout(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == ErrorKind::TimedOut)
    }

    /// Whether the connection was closed.
    pub(super) fn is_cut_off(&self) -> bool {
        matches!(self, Self::Io(error) if endpoint::is_cut_off(error))
    }
}

impl EndpointConnection {
    /// Connects to an endpoint.
    pub(super) async fn connect(destination: &Destination) -> io::Result<Self> {
        Ok(Self::new(endpoint::connect(destination).await?, destination.timeouts))
    }

    pub(super) fn new(io: Io, timeouts: Timeouts) -> Self {
        let (output, input) = (BytesMut::new(), BytesMut::new());
        let (patience, opened) = (Patience::default(), Instant::now());
        Self { io, output, unflushed: false, input, timeouts, patience, opened, served: 0 }
    }

    /// Counts a request that it has served. Whether it may serve another, as nginx: ngx_http_upstream_free_keepalive_peer.
    pub(super) fn may_serve_again(&mut self, keeping: &UpstreamConnections, now: Instant) -> bool {
        self.served = self.served.saturating_add(1);
        self.served < keeping.requests && now.duration_since(self.opened) <= keeping.lifetime
    }

    /// Makes a connection that was kept ready for a request with these timeouts. `None` if it has ended since, or the
    /// endpoint has sent what nobody asked for.
    pub(super) fn revive(mut self, timeouts: Timeouts) -> Option<Self> {
        self.timeouts = timeouts;
        self.is_open().then_some(self)
    }

    /// Whether an idle connection may serve a request.
    pub(super) fn is_open(&mut self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let mut cx = Context::from_waker(Waker::noop());
        self.input.is_empty() && Pin::new(&mut self.io).poll_read(&mut cx, &mut ReadBuf::uninit(&mut byte)).is_pending()
    }

    /// Whether there is something left to send.
    pub(super) fn is_sending(&self) -> bool {
        !self.output.is_empty() || self.unflushed
    }

    /// Adds to what is to be sent.
    pub(super) fn queue(&mut self) -> &mut BytesMut {
        self.unflushed = true;
        &mut self.output
    }

    /// Reads up to `room` bytes and sends the output, whichever can be done first. Sending may take `proxy-send-timeout` between
    /// two writes. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The connection failed, or the endpoint took too long.
    pub(super) async fn progress(&mut self, room: usize, turn: Turn) -> io::Result<Progress> {
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
    pub(super) fn stop_sending(&mut self) {
        self.output = BytesMut::new();
        self.unflushed = false;
    }

    fn poll_read(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [const { MaybeUninit::uninit() }; READ];
        let mut chunk = ReadBuf::uninit(&mut chunk[..room.min(READ)]);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut chunk))?;
        self.input.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(chunk.filled().len()))
    }

    /// Takes the next response head, which may be an interim one (1xx), from what has been read. `None` if it is not
    /// complete.
    ///
    /// # Errors
    /// It is malformed or too large.
    pub(super) fn take_head(&mut self) -> Result<Option<ResponseHead>, InvalidHead> {
        if self.input.is_empty() { Ok(None) } else { ResponseHead::take(&mut self.input) }
    }

    /// Checks what has been read of a response body.
    ///
    /// # Errors
    /// The body is malformed.
    pub(super) fn check_body(&self, framing: BodyFraming) -> Result<(), MalformedBody> {
        BodyFramer::of_answer(framing).take(&self.input).map(|_| ())
    }

    /// Takes the next piece of a response body from what has been read. `None` if the body has ended, or more has to be
    /// read.
    ///
    /// # Errors
    /// The body is malformed.
    pub(super) fn take_body(&mut self, body: &mut BodyFramer) -> Result<Option<Bytes>, MalformedBody> {
        let piece = body.decode(&mut self.input)?;
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        Ok(piece)
    }

    /// Whether it may be kept for another request: all is sent, and nothing has come behind the response.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_sending() && self.input.is_empty()
    }

    /// The connection, and what has been read from it behind the last head.
    pub(super) fn into_parts(self) -> (Io, BytesMut) {
        (self.io, self.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    fn connected() -> (EndpointConnection, DuplexStream) {
        let (io, endpoint) = duplex(64);
        (EndpointConnection::new(Box::new(io), Timeouts::default()), endpoint)
    }

    async fn head(connection: &mut EndpointConnection) -> ResponseHead {
        loop {
            if let Some(head) = connection.take_head().expect("a head") {
                return head;
            }
            assert!(matches!(connection.progress(READ, Turn::Endpoint).await, Ok(Progress::Read(_))));
        }
    }

    #[tokio::test]
    async fn a_response_is_read_to_its_end() {
        let (mut connection, mut endpoint) = connected();
        let serve = async {
            let mut request = [0; 3];
            endpoint.read_exact(&mut request).await.expect("a request");
            for piece in ["HTTP/1.1 103 x\r\n\r\nHTTP/1", ".1 200 OK\r\n\r\na", "b"] {
                endpoint.write_all(piece.as_bytes()).await.expect("room for it");
                tokio::task::yield_now().await;
            }
            drop(endpoint);
            request
        };
        let ask = async {
            connection.queue().extend_from_slice(b"GET");
            assert_eq!(connection.progress(READ, Turn::Endpoint).await.expect("sent"), Progress::Sent);
            let statuses = [head(&mut connection).await.status, head(&mut connection).await.status];
            let (mut body, mut data) = (BodyFramer::of_answer(BodyFraming::UntilClose), Vec::new());
            while connection.progress(READ, Turn::Endpoint).await.expect("a body") != Progress::Closed {
                data.extend_from_slice(&connection.take_body(&mut body).expect("sound").unwrap_or_default());
            }
            (statuses.map(|status| status.as_u16()), data)
        };
        let (request, response) = tokio::join!(serve, ask);
        assert_eq!((request, response), (*b"GET", ([103, 200], b"ab".to_vec())));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_may_be_silent_or_leave() {
        let (mut connection, endpoint) = connected();
        let silence = connection.progress(READ, Turn::Endpoint).await.expect_err("silence");
        assert!(EndpointError::from(silence).is_timeout());
        drop(endpoint);
        assert_eq!(connection.progress(READ, Turn::Endpoint).await.expect("its end"), Progress::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_takes_nothing_is_too_slow() {
        let (mut connection, _endpoint) = connected();
        let turn = Turn::Client(Duration::from_secs(1));
        assert_eq!(connection.progress(READ, turn).await.expect("no error"), Progress::ClientLate);
        connection.queue().extend_from_slice(&[0; 65]);
        assert!(EndpointError::from(connection.progress(READ, turn).await.expect_err("no room")).is_timeout());
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
