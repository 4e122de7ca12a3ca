//! The stream type that Pingora serves: a client's socket with a write buffer, and the end of its life in our hands.

use super::connection::ClientConnection;
use async_trait::async_trait;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, TimingDigest, UniqueID,
    UniqueIDType,
};
use std::io;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter, ReadBuf};
use tokio::net::TcpStream;

/// Gathers a response's head and a small body into one write.
const WRITE_BUFFER: usize = 4 << 10;
/// How long, and for how many bytes, a closing connection reads on so that the client sees the answer: closing with
/// unread input resets the connection and destroys the answer on its way (nginx: `lingering_timeout`).
const LINGER_TIME: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 64 << 20;

/// A client's connection as Pingora sees it.
#[derive(Debug)]
pub(super) struct ClientStream {
    io: BufWriter<TcpStream>,
    connection: Arc<ClientConnection>,
}

impl ClientStream {
    pub(super) fn new(tcp: TcpStream, connection: Arc<ClientConnection>) -> Self {
        Self { io: BufWriter::with_capacity(WRITE_BUFFER, tcp), connection }
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        if self.connection.unread_input() {
            linger(self.io.get_ref());
        }
    }
}

/// Keeps a duplicate of the socket open, says that we are done writing, and reads what the client still sends.
fn linger(tcp: &TcpStream) {
    let duplicate = socket2::SockRef::from(tcp).try_clone().and_then(|socket| TcpStream::from_std(socket.into()));
    let Ok(mut tcp) = duplicate else { return };
    tokio::spawn(async move {
        let drain = async {
            tcp.shutdown().await?;
            let mut sink = [0; 16 << 10];
            let mut total = 0;
            while total < LINGER_BYTES {
                match tcp.read(&mut sink).await? {
                    0 => break,
                    read => total += read,
                }
            }
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(LINGER_TIME, drain).await;
    });
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientStream {
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
impl Shutdown for ClientStream {
    async fn shutdown(&mut self) {
        let _ = AsyncWriteExt::shutdown(&mut self.io).await;
    }
}

impl UniqueID for ClientStream {
    fn id(&self) -> UniqueIDType {
        self.io.get_ref().as_raw_fd()
    }
}

// Facts about the connection reach the exchange with each request (`Arrival`), not through Pingora's digests.
impl Ssl for ClientStream {}
impl Peek for ClientStream {}

impl GetTimingDigest for ClientStream {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for ClientStream {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl GetSocketDigest for ClientStream {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}
