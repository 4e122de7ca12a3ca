//! The stream type that Pingora serves: a client's socket or TLS session with a write buffer, and the end of its life in our hands.

use crate::connection::ClientConnection;
use async_trait::async_trait;
use bytes::BytesMut;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream, TimingDigest,
    UniqueID, UniqueIDType,
};
use socket2::SockRef;
use std::fmt::Debug;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// Gathers a response's head and a small body into one write.
const WRITE_BUFFER: usize = 4 << 10;
/// A closing connection reads on so that the client sees the answer: closing with unread input resets the connection and
/// destroys the answer on its way. For how long without a word, and in all (nginx: `lingering_timeout`,
/// `lingering_time`); and for how many bytes.
const LINGER_PAUSE: Duration = Duration::from_secs(5);
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_BYTES: usize = 64 << 20;
/// Bytes of a client's next request that are put by while this one is served.
const AHEAD: usize = 4 << 10;
/// How long the last bytes of a closing connection, such as TLS's close_notify, may wait for room in the socket.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// What carries a client's bytes: TCP, or TLS over it. The type is known wherever bytes flow, so that cleartext pays
/// nothing for TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Debug + Send + Sync {
    /// The socket.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A client's connection as Pingora sees it.
#[derive(Debug)]
pub(super) struct ClientStream<T: Transport> {
    io: BufWriter<T>,
    /// What the client has sent of its next request before this one was answered.
    ahead: BytesMut,
    connection: Arc<ClientConnection>,
}

impl<T: Transport> ClientStream<T> {
    pub(super) fn new(transport: T, connection: Arc<ClientConnection>) -> Self {
        Self { io: BufWriter::with_capacity(WRITE_BUFFER, transport), ahead: BytesMut::new(), connection }
    }

    /// Watches a client that waits for its answer. Pingora would take a next request for an error, so it is put by; the
    /// end of the input is passed on.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.ahead.len() < AHEAD {
            let mut chunk = [const { MaybeUninit::uninit() }; AHEAD];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.ahead.extend_from_slice(chunk.filled());
            self.connection.leave_input_unread(); // this may be its last request, and more may come
        }
        Poll::Pending // woken by its answer; the socket's buffer holds the rest
    }

    /// Whether the client has sent something that nobody has read.
    fn is_readable(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        SockRef::from(self.io.get_ref().tcp()).peek(&mut byte).is_ok_and(|read| read > 0)
    }
}

/// Puts back what was read of a cleartext stream: it will be read again. `None` for what is no cleartext stream.
pub(super) fn put_back(stream: Stream, read: BytesMut) -> Option<Stream> {
    let mut stream = stream.into_any().downcast::<ClientStream<TcpStream>>().ok()?;
    stream.ahead = read;
    Some(stream)
}

impl<T: Transport> Drop for ClientStream<T> {
    fn drop(&mut self) {
        if self.connection.is_broken_off() {
            let _ = SockRef::from(self.io.get_ref().tcp()).set_linger(Some(Duration::ZERO));
            return;
        }
        if !self.connection.unread_input() && !self.is_readable() {
            return;
        }
        let socket = SockRef::from(self.io.get_ref().tcp()).try_clone();
        if let Ok(socket) = socket.and_then(|socket| TcpStream::from_std(socket.into())) {
            self.connection.leave(socket);
        }
    }
}

/// Says that we are done writing, and reads what the client still sends.
pub(super) async fn linger(mut tcp: TcpStream) {
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
        if self.connection.holds_input() {
            return self.poll_ahead(cx);
        }
        if self.ahead.is_empty() {
            let before = buf.filled().len();
            let read = Pin::new(&mut self.io).poll_read(cx, buf);
            self.connection.count_received(buf.filled().len() - before);
            return read;
        }
        let length = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead.split_to(length));
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
        let _ = timeout(CLOSE_TIME, self.io.shutdown()).await;
    }
}

impl<T: Transport> UniqueID for ClientStream<T> {
    fn id(&self) -> UniqueIDType {
        self.io.get_ref().tcp().as_raw_fd()
    }
}

// Facts about the connection reach the exchange with each request (`Arrival`), not through Pingora's digests.
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
