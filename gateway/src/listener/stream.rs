//! A client's socket or TLS session as a stream: it counts what it carries, and lingers when it is closed.

use crate::connection::{ClientConnection, Transport};
use async_trait::async_trait;
use bytes::BytesMut;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream, TimingDigest,
    UniqueID, UniqueIDType,
};
use socket2::SockRef;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Lingering close: a connection with unread input goes on reading before it is closed, because closing it at once would
/// reset it and destroy the response on its way. Time without input, and in total (nginx: `lingering_timeout`,
/// `lingering_time`), and bytes at most.
const LINGER_PAUSE: Duration = Duration::from_secs(5);
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_BYTES: usize = 64 << 20;
/// How long the last bytes of a closing connection, such as TLS's close_notify, may wait for room in the socket.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// A client's connection as requests are read from it.
#[derive(Debug)]
pub(super) struct ClientStream<T: Transport> {
    io: T,
    /// What has been read already, and is to be read again.
    read_ahead: BytesMut,
    /// The client has ended its side.
    ended: bool,
    connection: Arc<ClientConnection>,
}

impl<T: Transport> ClientStream<T> {
    pub(super) fn new(transport: T, connection: Arc<ClientConnection>) -> Self {
        Self { io: transport, read_ahead: BytesMut::new(), ended: false, connection }
    }

    /// Whether the socket has unread input.
    fn is_readable(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        SockRef::from(self.io.tcp()).peek(&mut byte).is_ok_and(|read| read > 0)
    }
}

/// Returns bytes to the cleartext stream that they were read from: they will be read again. `None` for other streams.
pub(super) fn unread(stream: Stream, read: BytesMut) -> Option<Stream> {
    let mut stream = stream.into_any().downcast::<ClientStream<TcpStream>>().ok()?;
    stream.read_ahead = read;
    Some(stream)
}

impl<T: Transport> Drop for ClientStream<T> {
    fn drop(&mut self) {
        if self.connection.resets_on_close() {
            let _ = SockRef::from(self.io.tcp()).set_linger(Some(Duration::ZERO));
            return;
        }
        if self.ended || !self.connection.unread_input() && !self.is_readable() {
            return;
        }
        let socket = SockRef::from(self.io.tcp()).try_clone();
        if let Ok(socket) = socket.and_then(|socket| TcpStream::from_std(socket.into())) {
            self.connection.keep_lingering(socket);
        }
    }
}

/// Shuts down writing, and reads and discards what the client still sends.
pub(super) async fn lingering_close(mut tcp: TcpStream) {
    let drain = async {
        tcp.shutdown().await?;
        let mut sink = vec![0; 16 << 10]; // on the heap: few connections come to this, and all keep room for it
        let mut total = 0;
        while total < LINGER_BYTES {
            match timeout(LINGER_PAUSE, tcp.read(&mut sink)).await?? {
                0 => break,
                read => total += read,
            }
        }
        io::Result::Ok(())
    };
    let _ = timeout(LINGER_TIME, drain).await;
}

impl<T: Transport> AsyncRead for ClientStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read_ahead.is_empty() {
            let (before, room) = (buf.filled().len(), buf.remaining());
            let read = Pin::new(&mut self.io).poll_read(cx, buf);
            let received = buf.filled().len() - before;
            self.connection.count_received(received);
            self.ended = received == 0 && room > 0 && matches!(read, Poll::Ready(Ok(())));
            return read;
        }
        let length = self.read_ahead.len().min(buf.remaining());
        buf.put_slice(&self.read_ahead.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport> AsyncWrite for ClientStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(bytes)) = written {
            self.connection.count_sent(bytes);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        if let Poll::Ready(Ok(bytes)) = written {
            self.connection.count_sent(bytes);
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[async_trait]
impl<T: Transport> Shutdown for ClientStream<T> {
    async fn shutdown(&mut self) {
        if self.connection.tls.is_none() {
            return; // nothing is to be said but the end, which closing the socket says
        }
        let _ = timeout(CLOSE_TIME, self.io.shutdown()).await;
    }
}

impl<T: Transport> UniqueID for ClientStream<T> {
    fn id(&self) -> UniqueIDType {
        self.io.tcp().as_raw_fd()
    }
}

// The traits by which Pingora asks for facts about a connection get none: they reach the exchange with each request
// ([`crate::connection::Arrival`]).

impl<T: Transport> Ssl for ClientStream<T> {}

impl<T: Transport> Peek for ClientStream<T> {}

impl<T: Transport> GetTimingDigest for ClientStream<T> {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl<T: Transport> GetProxyDigest for ClientStream<T> {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl<T: Transport> GetSocketDigest for ClientStream<T> {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}
