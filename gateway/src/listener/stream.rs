//! The stream type that Pingora serves: a client's socket or TLS session with a write buffer, which we close ourselves.

use crate::connection::{BodyFramer, ClientConnection, Transport};
use crate::lane::pingora::without_digests;
use async_trait::async_trait;
use bytes::BytesMut;
use pingora_core::protocols::{Shutdown, Stream, UniqueID, UniqueIDType};
use socket2::SockRef;
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
/// Lingering close: a connection with unread input goes on reading before it is closed, because closing it at once would
/// reset it and destroy the response on its way. Time without input, and in total (nginx: `lingering_timeout`,
/// `lingering_time`), and bytes at most.
const LINGER_PAUSE: Duration = Duration::from_secs(5);
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_BYTES: usize = 64 << 20;
/// Bytes of a client's next request that are buffered while this one is served.
const READ_AHEAD: usize = 4 << 10;
/// How long the last bytes of a closing connection, such as TLS's close_notify, may wait for room in the socket.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// A client's connection as Pingora sees it.
#[derive(Debug)]
pub(super) struct ClientStream<T: Transport> {
    io: BufWriter<T>,
    /// What the client has sent of its next request before the response to this one.
    read_ahead: BytesMut,
    /// The body that is being read.
    body: Option<BodyFramer>,
    connection: Arc<ClientConnection>,
}

impl<T: Transport> ClientStream<T> {
    pub(super) fn new(transport: T, connection: Arc<ClientConnection>) -> Self {
        let io = BufWriter::with_capacity(WRITE_BUFFER, transport);
        Self { io, read_ahead: BytesMut::new(), body: None, connection }
    }

    /// Watches a client that waits for its response. Pingora would take the next request for an error, so it is buffered;
    /// only the end of the input is reported.
    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.read_ahead.len() < READ_AHEAD {
            let mut chunk = [const { MaybeUninit::uninit() }; READ_AHEAD];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.read_ahead.extend_from_slice(chunk.filled());
            self.connection.mark_input_unread(); // this may be its last request, and more may come
        }
        Poll::Pending // read again after the response; the socket's buffer holds the rest
    }

    /// Reads of a body what has come of it, once that is known to be sound. What comes behind it is the next request's.
    fn poll_read_body(
        &mut self,
        mut body: BodyFramer,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read_ahead.is_empty() {
            let before = buf.filled().len();
            let mut io = (&mut self.io).take(body.readable());
            ready!(Pin::new(&mut io).poll_read(cx, buf))?;
            let read = &buf.filled()[before..];
            self.connection.count_received(read.len());
            let taken = body.take(read)?;
            self.read_ahead.extend_from_slice(&read[taken..]);
            buf.set_filled(before + taken);
        } else {
            let length = self.read_ahead.len().min(buf.remaining());
            let taken = body.take(&self.read_ahead[..length])?;
            buf.put_slice(&self.read_ahead.split_to(taken));
        }
        self.body = Some(body).filter(|body| !body.is_done());
        if self.body.is_none() {
            self.connection.hold_input(true);
            if !self.read_ahead.is_empty() {
                self.connection.mark_input_unread(); // as above
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The stream with a body to read, of which this has come already, and perhaps more behind it.
    fn framing(mut self: Box<Self>, body: BodyFramer, mut begun: BytesMut) -> Stream
    where
        T: 'static,
    {
        self.body = Some(body);
        begun.extend_from_slice(&self.read_ahead);
        self.read_ahead = begun;
        self
    }

    /// Whether the socket has unread input.
    fn is_readable(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        SockRef::from(self.io.get_ref().tcp()).peek(&mut byte).is_ok_and(|read| read > 0)
    }
}

/// Returns bytes to the cleartext stream that they were read from: they will be read again. `None` for other streams.
pub(super) fn unread(stream: Stream, read: BytesMut) -> Option<Stream> {
    let mut stream = stream.into_any().downcast::<ClientStream<TcpStream>>().ok()?;
    stream.read_ahead = read;
    Some(stream)
}

/// Makes a client's stream hand out a body, of which `begun` has been read already. `None` for other streams.
pub(super) fn frame_body(stream: Stream, body: BodyFramer, begun: BytesMut) -> Option<Stream> {
    let stream = stream.into_any();
    match stream.downcast::<ClientStream<TcpStream>>() {
        Ok(stream) => Some(stream.framing(body, begun)),
        Err(stream) => {
            let stream = stream.downcast::<ClientStream<TlsStream<TcpStream>>>().ok()?;
            Some(stream.framing(body, begun))
        }
    }
}

impl<T: Transport> Drop for ClientStream<T> {
    fn drop(&mut self) {
        if self.connection.resets_on_close() {
            let _ = SockRef::from(self.io.get_ref().tcp()).set_linger(Some(Duration::ZERO));
            return;
        }
        if !self.connection.unread_input() && !self.is_readable() {
            return;
        }
        let socket = SockRef::from(self.io.get_ref().tcp()).try_clone();
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
        if self.connection.holds_input() {
            return self.poll_read_ahead(cx);
        }
        if let Some(body) = self.body {
            return self.poll_read_body(body, cx, buf);
        }
        if self.read_ahead.is_empty() {
            let before = buf.filled().len();
            let read = Pin::new(&mut self.io).poll_read(cx, buf);
            self.connection.count_received(buf.filled().len() - before);
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

without_digests!(ClientStream<T> where T: Transport);
