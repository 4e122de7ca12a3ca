//! A client of HTTP/2.

use crate::case::{Body, Request};
use crate::client::Response;
use crate::connection::{Duplex, PATIENCE};
use crate::echo::{self, Journal};
use crate::tls::{self, Handshake, Offer};
use crate::wire::Headers;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Method};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Bytes that may be on their way to us: on a stream, and on all of them, so that several may be left unread.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// One connection, over TLS or by prior knowledge. Nothing waits for longer than [`PATIENCE`].
#[derive(Debug)]
pub struct Http2 {
    sender: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
    /// What came of its handshake; `None` without TLS.
    pub tls: Option<Handshake>,
}

/// A request whose head has been sent.
pub struct Stream {
    response: ResponseFuture,
    body: SendStream<Bytes>,
}

impl Http2 {
    /// Connects by prior knowledge.
    ///
    /// # Errors
    /// If the server does not accept.
    pub async fn open(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Self::over(Box::new(stream), None).await
    }

    /// Connects over TLS.
    ///
    /// # Errors
    /// If the server does not accept, or settles on another protocol; [`tls::Refused`] if it refuses the handshake.
    pub async fn open_tls(server: SocketAddr, offer: Offer) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let offer = Offer { protocols: vec!["h2", "http/1.1"], ..offer };
        let (stream, handshake) = tls::handshake(stream, &offer).await?;
        ensure!(handshake.protocol.as_deref() == Some("h2"), "the protocol is {:?}", handshake.protocol);
        Self::over(Box::new(stream), Some(handshake)).await
    }

    async fn over(stream: Box<dyn Duplex>, tls: Option<Handshake>) -> Result<Self> {
        let mut builder = client::Builder::new();
        builder.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, connection) = builder.handshake(stream).await?;
        Ok(Self { sender, driver: tokio::spawn(connection), tls })
    }

    /// Sends a request's head, and with it the end of the request unless a body follows.
    ///
    /// # Errors
    /// If the connection takes no more requests.
    pub async fn start(&self, request: http::Request<()>, ends: bool) -> Result<Stream> {
        let ready = timeout(PATIENCE, self.sender.clone().ready()).await.context("no room for a request")?;
        let (response, body) = ready?.send_request(request, ends)?;
        Ok(Stream { response, body })
    }

    /// Makes a request without a body.
    ///
    /// # Errors
    /// If there is no whole response in time.
    pub async fn send(&self, request: http::Request<()>) -> Result<Response> {
        self.start(request, true).await?.response().await
    }

    /// Gets a path of a host.
    ///
    /// # Errors
    /// If there is no whole response in time.
    pub async fn get(&self, url: &str) -> Result<Response> {
        self.send(http::Request::get(url).body(())?).await
    }

    /// How the connection ends: with what code, where it ends with an error.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn end(self) -> Result<Option<Reason>> {
        drop(self.sender);
        let ended = timeout(PATIENCE, self.driver).await.context("the connection does not end")??;
        Ok(ended.err().and_then(|error| error.reason()))
    }

    /// How the server ends the connection, which is still good for requests on our part.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn ended_by_server(mut self) -> Result<Option<Reason>> {
        let ended = timeout(PATIENCE, &mut self.driver).await.context("the connection does not end")??;
        Ok(ended.err().and_then(|error| error.reason()))
    }
}

impl Stream {
    /// Sends a part of the body, as fast as there is room for it.
    ///
    /// # Errors
    /// If the stream has been reset, or there is no room in time.
    pub async fn body(&mut self, mut data: Bytes, ends: bool) -> Result<()> {
        while !data.is_empty() {
            self.body.reserve_capacity(data.len());
            let capacity = std::future::poll_fn(|cx| self.body.poll_capacity(cx));
            let capacity = timeout(PATIENCE, capacity).await.context("no room for the body")?;
            let piece = data.split_to(capacity.context("the stream has ended")??.min(data.len()));
            self.body.send_data(piece, false)?;
        }
        if ends {
            self.body.send_data(Bytes::new(), true)?;
        }
        Ok(())
    }

    /// Ends the request with these trailers.
    ///
    /// # Errors
    /// If the stream has been reset.
    pub fn trailers(&mut self, fields: HeaderMap) -> Result<()> {
        Ok(self.body.send_trailers(fields)?)
    }

    /// Waits until the response begins, while the body may still be sent. Returns its status.
    ///
    /// # Errors
    /// If it does not come in time, or the stream is reset.
    pub async fn begun(&mut self) -> Result<u16> {
        let response = timeout(PATIENCE, &mut self.response).await.context("no response in time")??;
        Ok(response.status().as_u16())
    }

    /// Gives the request up.
    pub fn reset(mut self) {
        self.body.send_reset(Reason::CANCEL);
    }

    /// The response, read to its end.
    ///
    /// # Errors
    /// If it does not come in time, or the stream is reset.
    pub async fn response(self) -> Result<Response> {
        let (mut response, mut rest) = self.head().await?;
        while let Some(piece) = piece(&mut rest).await? {
            response.body.extend_from_slice(&piece);
        }
        Ok(response)
    }

    /// The response's head, and the body that is still to come.
    ///
    /// # Errors
    /// As [`Self::response`].
    pub async fn head(self) -> Result<(Response, RecvStream)> {
        let Self { response, body } = self;
        let response = timeout(PATIENCE, response).await.context("no response in time")?;
        drop(body); // a request that was not ended would be reset otherwise before its answer
        let (head, rest) = response?.into_parts();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = head.status.as_u16();
        Ok((Response { status, headers, body: Vec::new(), closed: false, tls: None }, rest))
    }
}

/// Whether a request failed because the server was leaving and has not begun with it: it says so in its GOAWAY, and any
/// client makes the request again elsewhere (RFC 9113, section 6.8).
pub fn is_unprocessed(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<h2::Error>();
    error.is_some_and(|error| error.is_go_away() && error.is_remote() && error.reason() == Some(Reason::NO_ERROR))
}

/// The next part of a body; `None` after the last.
///
/// # Errors
/// If it does not come in time, or the stream is reset.
pub async fn piece(body: &mut RecvStream) -> Result<Option<Bytes>> {
    let Some(piece) = timeout(PATIENCE, body.data()).await.context("no end in time")? else { return Ok(None) };
    let piece = piece?;
    body.flow_control().release_capacity(piece.len())?;
    Ok(Some(piece))
}

/// Makes a fixture's request.
pub(crate) async fn exchange(connection: &Http2, request: &Request, journal: &Journal) -> Result<Response> {
    let mut stream = connection.start(head(request, connection.tls.is_some())?, request.body.is_none()).await?;
    if let Some(body) = &request.body {
        send_body(&mut stream, body).await;
    }
    let (mut response, mut rest) = stream.head().await?;
    for number in 0..request.chunks.unwrap_or_default() {
        journal.release_chunk();
        // Who holds a chunk back until there is more to send never gets more: the next is only let go afterwards.
        while !response.body.ends_with(echo::chunk(number).as_bytes()) {
            let piece = piece(&mut rest).await?.with_context(|| format!("the response ended before chunk {number}"))?;
            response.body.extend_from_slice(&piece);
        }
    }
    while let Some(piece) = piece(&mut rest).await? {
        response.body.extend_from_slice(&piece);
    }
    Ok(Response { tls: connection.tls.clone(), ..response })
}

fn head(request: &Request, tls: bool) -> Result<http::Request<()>> {
    let scheme = if tls { "https" } else { "http" };
    let host = request.host_header().context("HTTP/2 needs a host")?;
    let url = format!("{scheme}://{host}{}", request.target());
    let mut head = http::Request::builder().method(Method::from_bytes(request.method.as_bytes())?).uri(url);
    for (name, value) in &request.headers {
        head = head.header(name, value);
    }
    if let Some(Body { size, chunked: false }) = &request.body {
        head = head.header(http::header::CONTENT_LENGTH, *size);
    }
    if let Some(chunks) = request.chunks {
        head = head.header("x-echo-chunks", chunks.to_string());
    }
    Ok(head.body(())?)
}

/// Sends a body until the gateway has had enough: it may answer before.
async fn send_body(stream: &mut Stream, body: &Body) {
    const PIECE: Bytes = Bytes::from_static(&[b'x'; 16 << 10]);
    let mut left = body.size;
    while left > 0 {
        let piece = PIECE.slice(..PIECE.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        left -= piece.len() as u64;
        if stream.body(piece, left == 0).await.is_err() {
            return;
        }
    }
}
