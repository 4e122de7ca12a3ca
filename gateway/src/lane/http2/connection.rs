//! A connection to an endpoint, whose streams serve requests at the same time.

use crate::config::UpstreamConnections;
use crate::exchange::{Destination, MAX_RESPONSE_HEAD};
use crate::lane::endpoint;
use bytes::Bytes;
use h2::SendStream;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use http::Request;
use parking_lot::Mutex;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

/// Requests on one connection at a time, if the endpoint takes as many.
const STREAMS: usize = 128;
/// The same until the endpoint has said how many it takes. It should take no less (RFC 9113, section 6.5.2).
const STREAMS_AT_FIRST: usize = 100;
/// Bytes of a response that may wait for its client.
const STREAM_WINDOW: u32 = 64 << 10;
/// Enough for all that waits on all streams, so that no slow client holds up the others.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * STREAMS as u32;
/// What h2 counts for frames that are small, up to 256 bytes for each that waits: it closes the connection beyond. This
/// suffices for frames of 16 bytes on all streams.
const FRAMES: usize = 128 << 20;
/// Bytes of a request's body that wait for the endpoint.
const SEND_BUFFER: usize = 64 << 10;
/// The size of a head as HPACK has it: 32 bytes more for each header. What it is as HTTP/1 writes it is checked later.
const HEAD_LIST: u32 = 2 * MAX_RESPONSE_HEAD as u32;

/// A connection to an endpoint. It is closed once nobody has it and all its streams have ended.
pub(super) struct EndpointConnection {
    sender: SendRequest<Bytes>,
    opened: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    streams: usize,
    /// Those that have begun.
    begun: u32,
    /// No other stream is to begin.
    is_retired: bool,
    /// When the last stream ended.
    idle_since: Instant,
}

/// A stream's place among those of its connection.
#[derive(Debug)]
pub(super) struct Place(Arc<EndpointConnection>);

impl EndpointConnection {
    /// Connects to an endpoint.
    pub(super) async fn connect(destination: &Destination) -> io::Result<Arc<Self>> {
        let io = endpoint::connect(destination).await?;
        let opened = timeout(destination.timeouts.connect, Self::open(io)).await;
        opened.map_err(|_| io::Error::from(ErrorKind::TimedOut))?.map_err(io::Error::other)
    }

    /// Begins HTTP/2 on a connection.
    pub(super) async fn open<T>(io: T) -> Result<Arc<Self>, h2::Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_max_send_streams(STREAMS_AT_FIRST)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .data_frame_budget(FRAMES)
            .max_header_list_size(HEAD_LIST)
            .max_send_buffer_size(SEND_BUFFER);
        let (sender, connection) = builder.handshake(io).await?;
        tokio::spawn(drive(connection));
        let opened = Instant::now();
        let state = State { streams: 0, begun: 0, is_retired: false, idle_since: opened };
        Ok(Arc::new(Self { sender, opened, state: Mutex::new(state) }))
    }

    /// Requests on it at a time at most.
    pub(super) fn limit(&self) -> usize {
        STREAMS.min(self.sender.current_max_send_streams())
    }

    /// A place for another stream. `None` if the endpoint takes no more of them.
    pub(super) fn place(self: &Arc<Self>) -> Option<Place> {
        let limit = self.limit();
        let mut state = self.state.lock();
        if state.streams >= limit {
            return None;
        }
        state.streams += 1;
        state.begun = state.begun.saturating_add(1);
        Some(Place(self.clone()))
    }

    /// Whether it has served as many requests, or as long, as it may.
    pub(super) fn is_worn(&self, keep_alive: &UpstreamConnections, now: Instant) -> bool {
        self.state.lock().begun >= keep_alive.requests || now.duration_since(self.opened) > keep_alive.lifetime
    }

    /// Whether streams may begin on it: the endpoint has not left, nor said that it will.
    pub(super) fn is_open(&self) -> bool {
        let ready = self.sender.clone().poll_ready(&mut Context::from_waker(Waker::noop()));
        !self.state.lock().is_retired && !matches!(ready, Poll::Ready(Err(_)))
    }

    /// Since when it has had no stream. `None` if it has one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state.lock();
        (state.streams == 0).then_some(state.idle_since)
    }
}

impl Place {
    /// Begins the stream: sends the head of a request, and with it the end of the request unless a body follows.
    pub(super) fn send(
        &self,
        request: Request<()>,
        is_ended: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        self.0.sender.clone().send_request(request, is_ended)
    }

    /// Keeps other requests from the connection: the endpoint may be gone without a word.
    pub(super) fn retire_connection(&self) {
        self.0.state.lock().is_retired = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.streams -= 1;
        state.idle_since = Instant::now();
    }
}

impl fmt::Debug for EndpointConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointConnection").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Reads and writes for all streams.
async fn drive<T: AsyncRead + AsyncWrite + Unpin>(connection: Connection<T, Bytes>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to an endpoint of HTTP/2 broke");
    }
}
