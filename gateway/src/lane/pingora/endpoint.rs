//! Connections to endpoints of HTTP/1: opened by us, pooled by Pingora.

use super::{flow, without_digests};
use crate::connection::Transport;
use crate::relay;
use crate::tls::backend;
use async_trait::async_trait;
use pingora_core::connectors::http::custom;
use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_core::protocols::{Shutdown, Stream, UniqueID, UniqueIDType};
use pingora_core::upstreams::peer::Peer;
use pingora_core::{Error, ErrorType, Result};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Opens connections to endpoints of HTTP/1.
pub(super) struct Endpoints;

#[async_trait]
impl custom::Connector for Endpoints {
    /// Each is of HTTP/1, and Pingora's.
    type Session = ();

    async fn get_http_session<P: Peer + Send + Sync + 'static>(
        &self,
        peer: &P,
    ) -> Result<(custom::Connection<()>, bool)> {
        let opened = connect(peer).await.map_err(|error| {
            let kind = match error.kind() {
                ErrorKind::TimedOut => ErrorType::ConnectTimedout,
                _ => ErrorType::ConnectError,
            };
            Error::because(kind, "connecting to an endpoint", error).into_up()
        });
        Ok((custom::Connection::Stream(opened?), false))
    }

    async fn reused_http_session<P: Peer + Send + Sync + 'static>(&self, _: &P) -> Option<()> {
        None
    }

    async fn release_http_session<P: Peer + Send + Sync + 'static>(&self, (): (), _: &P, _: Option<Duration>) {}
}

/// Opens a connection. Its TLS has as long as its TCP, as in nginx.
async fn connect(peer: &impl Peer) -> io::Result<Stream> {
    let &SocketAddr::Inet(address) = peer.address() else { return Err(ErrorKind::Unsupported.into()) };
    let time = peer.connection_timeout().unwrap_or(Duration::MAX);
    let silence = peer.tcp_keepalive().map_or(Duration::ZERO, |keepalive| keepalive.user_timeout);
    let tcp = relay::connect(address, time, silence).await?;
    if !peer.tls() {
        return Ok(Box::new(EndpointStream::new(tcp)));
    }
    let settings = flow::tls();
    let secured = backend::connect(tcp, address.ip(), settings.as_deref(), Some(peer.sni()));
    let secured = tokio::time::timeout(time, secured).await;
    Ok(Box::new(EndpointStream::new(secured.map_err(|_| io::Error::from(ErrorKind::TimedOut))??)))
}

/// A connection to an endpoint, read no faster than its client takes what is read. So its read timeout is its own:
/// Pingora's would run while we do not read.
#[derive(Debug)]
struct EndpointStream<T> {
    io: T,
    /// Made for the first wait, and kept for all others.
    timer: Option<Pin<Box<Sleep>>>,
    /// The timer runs for a read.
    waiting: bool,
}

impl<T: Transport> EndpointStream<T> {
    fn new(io: T) -> Self {
        Self { io, timer: None, waiting: false }
    }

    /// An error, once the endpoint has been silent for as long as it may be.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(time) = flow::timeout() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(time)));
        if !self.waiting {
            self.waiting = true;
            timer.as_mut().reset(Instant::now() + time);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<T: Transport> AsyncRead for EndpointStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Poll::Ready(room) = flow::poll_room(cx) else {
            self.waiting = false;
            return Poll::Pending;
        };
        let before = buf.filled().len();
        let Poll::Ready(read) = Pin::new(&mut (&mut self.io).take(room as u64)).poll_read(cx, buf) else {
            return self.poll_timeout(cx);
        };
        self.waiting = false;
        flow::read(&buf.filled()[before..])?;
        Poll::Ready(read)
    }
}

impl<T: Transport> AsyncWrite for EndpointStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        if written.is_ready() {
            self.waiting = false; // it may be silent for as long after each part of a request
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[async_trait]
impl<T: Transport> Shutdown for EndpointStream<T> {
    async fn shutdown(&mut self) {
        let _ = self.io.shutdown().await;
    }
}

impl<T: Transport> UniqueID for EndpointStream<T> {
    fn id(&self) -> UniqueIDType {
        self.io.tcp().as_raw_fd()
    }
}

without_digests!(EndpointStream<T> where T: Transport);
