//! A connection as either of its ends uses it: bytes out, messages in.

use crate::client::Response;
use crate::tls::{self, Handshake, Offer};
use crate::wire::{Reader, Remaining, RequestHead, ResponseHead, header};
use anyhow::{Context, Result};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::server;

/// When to give up on a peer that does not do what is waited for. No test depends on its length.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A stream, encrypted or not.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug> Duplex for T {}

pub(crate) type Input = ReadHalf<Box<dyn Duplex>>;
pub(crate) type Output = WriteHalf<Box<dyn Duplex>>;

/// One end of a TCP connection. Nothing waits for longer than [`PATIENCE`].
#[derive(Debug)]
pub struct Connection {
    pub(crate) reader: Reader<Input>,
    pub(crate) writer: Output,
    /// What came of its handshake; `None` without TLS.
    pub(crate) tls: Option<Handshake>,
}

impl Connection {
    /// Connects to a server.
    ///
    /// # Errors
    /// If it does not accept.
    pub async fn open(server: SocketAddr) -> Result<Self> {
        Self::plain(TcpStream::connect(server).await?)
    }

    /// Connects to a server with little room for what has not been read: most of it stays with the server.
    ///
    /// # Errors
    /// If it does not accept.
    pub async fn open_narrow(server: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4 << 10)?;
        Self::plain(socket.connect(server).await?)
    }

    /// Connects to a server over TLS.
    ///
    /// # Errors
    /// If it does not accept; [`tls::Refused`] if it refuses the handshake.
    pub async fn open_tls(server: SocketAddr, offer: &Offer) -> Result<Self> {
        Self::secured(TcpStream::connect(server).await?, offer).await
    }

    /// Connects to a server and sends a PROXY header; then, with an offer, over TLS.
    ///
    /// # Errors
    /// As [`Self::open_tls`].
    pub async fn open_behind_proxy(server: SocketAddr, header: &[u8], offer: Option<&Offer>) -> Result<Self> {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(header).await?;
        match offer {
            Some(offer) => Self::secured(stream, offer).await,
            None => Self::plain(stream),
        }
    }

    fn plain(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::over(Box::new(stream), None))
    }

    async fn secured(stream: TcpStream, offer: &Offer) -> Result<Self> {
        stream.set_nodelay(true)?;
        let (stream, handshake) = tls::handshake(stream, offer).await?;
        Ok(Self::over(Box::new(stream), Some(handshake)))
    }

    /// What a server has accepted over TLS.
    pub fn accepted(stream: server::TlsStream<TcpStream>) -> Self {
        Self::over(Box::new(stream), None)
    }

    pub(crate) fn over(stream: Box<dyn Duplex>, tls: Option<Handshake>) -> Self {
        let (read, writer) = split(stream);
        Self { reader: Reader::new(read), writer, tls }
    }

    /// What came of its handshake; `None` without TLS.
    pub fn tls(&self) -> Option<&Handshake> {
        self.tls.as_ref()
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// If the peer has closed, or does not read.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let send = async {
            self.writer.write_all(bytes.as_ref()).await?;
            self.writer.flush().await
        };
        Ok(timeout(PATIENCE, send).await.context("the peer does not read")??)
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// If the peer has closed.
    pub async fn finish(&mut self) -> Result<()> {
        Ok(self.writer.shutdown().await?)
    }

    /// The next request's head; `None` at the end of the connection.
    ///
    /// # Errors
    /// If there is none in time, or it is malformed.
    pub async fn request(&mut self) -> Result<Option<RequestHead>> {
        timeout(PATIENCE, self.reader.request_head()).await.context("no request in time")?
    }

    /// The body of the request whose head was read.
    ///
    /// # Errors
    /// If it does not come in time, or is malformed.
    pub async fn request_body(&mut self, head: &RequestHead) -> Result<Vec<u8>> {
        self.body(Remaining::of_request(&head.headers)).await
    }

    /// The next response's head, which may be one of several.
    ///
    /// # Errors
    /// If there is none in time, or it is malformed.
    pub async fn response_head(&mut self) -> Result<ResponseHead> {
        let head = timeout(PATIENCE, self.reader.response_head()).await.context("no response in time")?;
        head?.context("the connection ended without a response")
    }

    /// The next response to `method`, and the end of the connection where it announces it.
    ///
    /// # Errors
    /// If it does not come in time, or is malformed.
    pub async fn response(&mut self, method: &str) -> Result<Response> {
        let head = self.response_head().await?;
        let body = self.body(Remaining::of_response(method, &head)).await?;
        let says_close = header(&head.headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let closed = says_close && self.is_closed().await;
        Ok(Response { status: head.status, headers: head.headers, body, closed, tls: self.tls.clone() })
    }

    /// The next response that is no interim one (1xx).
    ///
    /// # Errors
    /// As [`Self::response`].
    pub async fn final_response(&mut self, method: &str) -> Result<Response> {
        loop {
            let response = self.response(method).await?;
            if !matches!(response.status, 100 | 102..=199) {
                return Ok(response);
            }
        }
    }

    /// So many bytes of what comes after the heads.
    ///
    /// # Errors
    /// If they do not come in time.
    pub async fn bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        self.body(Remaining::Bytes(count)).await
    }

    /// Whether the connection ends here, without another byte.
    pub async fn is_closed(&mut self) -> bool {
        timeout(PATIENCE, self.reader.is_closed()).await.unwrap_or(false)
    }

    /// The next bytes of a body as they arrive; `None` after the last.
    ///
    /// # Errors
    /// If they do not come in time, the body ends too early, or it is malformed.
    pub async fn piece(&mut self, remaining: &mut Remaining) -> Result<Option<Vec<u8>>> {
        timeout(PATIENCE, self.reader.body(remaining)).await.context("no end in time")?
    }

    async fn body(&mut self, mut remaining: Remaining) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut remaining).await? {
            body.extend(piece);
        }
        Ok(body)
    }
}
