//! An HTTP/1.1 client that sends what it is told, byte for byte.

use crate::case::{Body, HTTP_2, Request};
use crate::connection::{Connection, Input, Output, PATIENCE};
use crate::echo::{self, Journal};
use crate::http2::{self, Http2};
use crate::tls::{Handshake, Offer};
use crate::wire::{Headers, Reader, Remaining, header};
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// A client with at most one open connection.
#[derive(Debug)]
pub struct Client {
    gateway: SocketAddr,
    /// What it offers in a handshake; `None` is cleartext.
    offer: Option<Offer>,
    /// Begins each connection; empty is no PROXY header.
    proxy_header: Vec<u8>,
    connection: Option<Connection>,
    http2: Option<Http2>,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers in order, names in lower case.
    pub headers: Headers,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// The gateway said that it would close the connection, and did.
    pub closed: bool,
    /// What came of the connection's handshake; `None` without TLS.
    pub tls: Option<Handshake>,
}

impl Client {
    /// A client of the gateway at this address, over TLS if it has something to offer.
    pub fn new(gateway: SocketAddr, offer: Option<Offer>) -> Self {
        Self { gateway, offer, proxy_header: Vec::new(), connection: None, http2: None }
    }

    /// The same, with a PROXY header at the start of each connection.
    pub fn behind_proxy(self, proxy_header: Vec<u8>) -> Self {
        Self { proxy_header, ..self }
    }

    /// Makes a request once, on the open connection if there is one. `journal` lets the chunks of a response go.
    ///
    /// # Errors
    /// If there is no connection, or no well-formed response in time; [`crate::tls::Refused`] if a handshake is refused.
    pub async fn send(&mut self, request: &Request, journal: &Journal) -> Result<Response> {
        let exchange = async {
            if request.version == HTTP_2 {
                http2::exchange(self.http2().await?, request, journal).await
            } else {
                self.exchange(request, journal).await
            }
        };
        let response = timeout(PATIENCE, exchange).await;
        response.context("no complete response in time")?
    }

    /// The open connection of HTTP/2.
    async fn http2(&mut self) -> Result<&Http2> {
        let connection = match (self.http2.take(), &self.offer) {
            (Some(connection), _) => connection,
            (None, Some(offer)) => Http2::open_tls(self.gateway, offer.clone()).await?,
            (None, None) => Http2::open(self.gateway).await?,
        };
        Ok(self.http2.insert(connection))
    }

    async fn exchange(&mut self, request: &Request, journal: &Journal) -> Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open_behind_proxy(self.gateway, &self.proxy_header, self.offer.as_ref()).await?,
        };
        let (sent, response) = exchange(&mut connection, request, journal).await?;
        let response = Response { tls: connection.tls.clone(), ..response };
        let says_close =
            header(&response.headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if says_close {
            let closed = connection.reader.is_closed().await;
            return Ok(Response { closed, ..response });
        }
        if sent && request.raw.is_none() {
            self.connection = Some(connection);
        }
        Ok(response)
    }
}

/// The response, and whether all of the request was sent: a gateway may refuse it before, and close then.
async fn exchange(connection: &mut Connection, request: &Request, journal: &Journal) -> Result<(bool, Response)> {
    let receive = receive(&mut connection.reader, request, journal);
    tokio::pin!(receive);
    tokio::select! {
        biased;
        response = &mut receive => Ok((false, response?)),
        sent = send(&mut connection.writer, request) => Ok((sent.is_ok(), receive.await?)),
    }
}

async fn send(writer: &mut Output, request: &Request) -> Result<()> {
    let head = request.raw.clone().unwrap_or_else(|| head(request));
    if request.byte_by_byte {
        for byte in head.as_bytes() {
            writer.write_all(&[*byte]).await?;
            writer.flush().await?;
            // Without this the kernel gets the next byte before the gateway had a chance to read this one.
            tokio::task::yield_now().await;
        }
    } else {
        writer.write_all(head.as_bytes()).await?;
    }
    if let Some(body) = &request.body {
        send_body(writer, body).await?;
    }
    Ok(writer.flush().await?)
}

fn head(request: &Request) -> String {
    let mut head = format!("{} {} HTTP/{}\r\n", request.method, request.target(), request.version);
    let mut line = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
    if let Some(host) = request.host_header() {
        line("Host", host);
    }
    for (name, value) in &request.headers {
        line(name, value);
    }
    match &request.body {
        Some(Body { chunked: true, .. }) => line("Transfer-Encoding", "chunked"),
        Some(Body { size, .. }) => line("Content-Length", &size.to_string()),
        None => {}
    }
    if let Some(chunks) = request.chunks {
        line("X-Echo-Chunks", &chunks.to_string());
    }
    head.push_str("\r\n");
    head
}

async fn send_body(writer: &mut Output, body: &Body) -> Result<()> {
    const PIECE: [u8; 16 << 10] = [b'x'; 16 << 10];
    let mut left = body.size;
    while left > 0 {
        let piece = &PIECE[..PIECE.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        if body.chunked {
            writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        writer.write_all(piece).await?;
        if body.chunked {
            writer.write_all(b"\r\n").await?;
        }
        left -= piece.len() as u64;
    }
    if body.chunked {
        writer.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}

async fn receive(reader: &mut Reader<Input>, request: &Request, journal: &Journal) -> Result<Response> {
    let head = reader.response_head().await?.context("the gateway closed the connection without a response")?;
    let mut remaining = Remaining::of_response(&request.method, &head);
    let mut body = Vec::new();
    for number in 0..request.chunks.unwrap_or_default() {
        journal.release_chunk();
        // Who holds a chunk back until there is more to send never gets more: the next is only let go afterwards.
        while !body.ends_with(echo::chunk(number).as_bytes()) {
            let piece = reader.body(&mut remaining).await?;
            ensure!(piece.is_some(), "the response ended before chunk {number}");
            body.extend(piece.unwrap_or_default());
        }
    }
    while let Some(piece) = reader.body(&mut remaining).await? {
        body.extend(piece);
    }
    Ok(Response { status: head.status, headers: head.headers, body, closed: false, tls: None })
}
