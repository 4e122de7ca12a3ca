//! Backends that say what they received.
//!
//! A request's own headers ask for special answers: `x-echo-status: 503`, `x-echo-header: server: apache`, and
//! `x-echo-chunks: 3` for a body in chunks that [`Journal::release_chunk`] lets go one by one. So does a path that ends
//! with `/status/503`. `x-echo-type: text/css` is the answer's media type, and a path that ends with `/bytes/100` asks for a
//! body of so many bytes. Any other answer is 200 with what was received, as text. Every answer names its Service and pod, and
//! none has a `Server`.
//!
//! These backends read byte for byte and run in the test's own process. [`crate::echo_server`] is a program that
//! answers with a [`Said`].

mod content;
mod fastcgi;
mod http2;
pub mod said;

pub use content::content;
pub use said::Said;

use crate::tls_server;
use crate::wire::{Headers, Reader, Remaining, RequestHead, header};
use anyhow::{Result, bail};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio_rustls::TlsAcceptor;

/// The response header that names the Service of the backend.
pub const SERVICE_HEADER: &str = "x-echo-service";
/// The response header that names the pod.
pub const POD_HEADER: &str = "x-echo-pod";

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The Service.
    pub service: String,
    /// The pod, unique in the case: `SERVICE-0`, `SERVICE-1`, ...
    pub pod: String,
}

/// What a backend speaks, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/1.1 over TLS.
    Https,
    /// HTTP/2 by prior knowledge.
    H2c,
    /// HTTP/2 over TLS.
    H2,
    /// FastCGI.
    FastCgi,
}

impl Speaks {
    fn acceptor(self) -> Result<Option<TlsAcceptor>> {
        match self {
            Self::Http | Self::H2c | Self::FastCgi => Ok(None),
            Self::Https => tls_server::acceptor(&["http/1.1"]).map(Some),
            Self::H2 => tls_server::acceptor(&["h2"]).map(Some),
        }
    }
}

impl std::str::FromStr for Speaks {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "http" => Self::Http,
            "https" => Self::Https,
            "h2c" => Self::H2c,
            "h2" => Self::H2,
            "fastcgi" => Self::FastCgi,
            _ => bail!("{text:?} is no protocol of a backend: expected http, https, h2c, h2 or fastcgi"),
        })
    }
}

/// A request as a backend received it.
#[derive(Clone, Debug)]
pub struct Received {
    /// The Service.
    pub service: String,
    /// The pod.
    pub pod: String,
    /// The method.
    pub method: String,
    /// The request target, byte for byte.
    pub target: String,
    /// The headers in order, names in lower case.
    pub headers: Headers,
    /// Bytes of the body so far.
    pub body_length: u64,
    /// Its body has come to its end.
    pub is_whole: bool,
}

impl Received {
    /// The status that it asks for.
    fn asked_status(&self) -> String {
        let asked = header(&self.headers, "x-echo-status");
        let path = self.target.split('?').next().unwrap_or_default();
        let of_path = || Some(path.rsplit_once("/status/")?.1.to_owned()).filter(|code| code.parse::<u16>().is_ok());
        asked.or_else(of_path).unwrap_or_else(|| "200".to_owned())
    }

    fn media_type(&self) -> String {
        header(&self.headers, "x-echo-type").unwrap_or_else(|| "text/plain".to_owned())
    }

    /// The body of the answer.
    fn answer(&self) -> String {
        let path = self.target.split('?').next().unwrap_or_default();
        let length = path.rsplit_once("/bytes/").and_then(|(_, length)| length.parse().ok());
        length.map_or_else(|| self.to_string(), |length| "x".repeat(length))
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} received: {} {}", self.pod, self.method, self.target)?;
        for (name, value) in &self.headers {
            writeln!(f, "    {name}: {value}")?;
        }
        match self.body_length {
            0 => Ok(()),
            length => writeln!(f, "    and a body of {length} bytes"),
        }
    }
}

/// What the backends of one case received, and the pace at which they send chunks.
#[derive(Debug)]
pub struct Journal {
    received: Mutex<BTreeMap<u64, Received>>,
    /// Wakes who waits for requests whenever one is whole.
    whole: Notify,
    chunks: Semaphore,
}

impl Default for Journal {
    fn default() -> Self {
        Self { received: Mutex::default(), whole: Notify::new(), chunks: Semaphore::new(0) }
    }
}

impl Journal {
    /// Takes out all requests whose head has arrived since the last time, in order.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock()).into_values().collect()
    }

    /// Waits until a Service has received a whole request since the last time.
    pub async fn received_by(&self, service: &str) {
        loop {
            let more = self.whole.notified();
            let mut more = pin!(more);
            more.as_mut().enable();
            if self.received.lock().values().any(|received| received.service == service && received.is_whole) {
                return;
            }
            more.await;
        }
    }

    /// Lets one more chunk go, of whichever response waits for it.
    pub fn release_chunk(&self) {
        self.chunks.add_permits(1);
    }

    fn arrived(&self, id: u64, received: Received) {
        self.received.lock().insert(id, received);
    }

    fn has_body(&self, id: u64, length: u64) {
        if let Some(received) = self.received.lock().get_mut(&id) {
            (received.body_length, received.is_whole) = (length, true);
        }
        self.whole.notify_waiters();
    }
}

/// The content of the chunk with this number, from 0.
pub fn chunk(number: usize) -> String {
    format!("chunk {number}\n")
}

/// Answers on this listener for as long as its runtime lives.
///
/// # Errors
/// If it has no certificate to speak TLS with.
pub fn serve(listener: TcpListener, speaks: Speaks, identity: Identity, journal: Arc<Journal>) -> Result<()> {
    accept(listener, speaks, Connection { identity, journal, fails: false })
}

/// The same, but everything is answered with 503.
///
/// # Errors
/// As [`serve`].
pub fn fail(listener: TcpListener, speaks: Speaks, identity: Identity, journal: Arc<Journal>) -> Result<()> {
    accept(listener, speaks, Connection { identity, journal, fails: true })
}

fn accept(listener: TcpListener, speaks: Speaks, connection: Connection) -> Result<()> {
    let (acceptor, connection) = (speaks.acceptor()?, Arc::new(connection));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (connection, acceptor) = (connection.clone(), acceptor.clone());
            // A client that goes away early is nothing that a backend could report.
            tokio::spawn(async move {
                stream.set_nodelay(true)?;
                match acceptor {
                    Some(acceptor) => connection.serve(speaks, acceptor.accept(stream).await?).await,
                    None => connection.serve(speaks, stream).await,
                }
            });
        }
    });
    Ok(())
}

struct Connection {
    identity: Identity,
    journal: Arc<Journal>,
    fails: bool,
}

impl Connection {
    fn status(&self, received: &Received) -> String {
        if self.fails { "503".to_owned() } else { received.asked_status() }
    }

    async fn serve(
        self: Arc<Self>,
        speaks: Speaks,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<()> {
        match speaks {
            Speaks::H2c | Speaks::H2 => http2::serve(self, stream).await,
            Speaks::Http | Speaks::Https => self.serve_http1(stream).await,
            Speaks::FastCgi => fastcgi::serve(&self, stream).await,
        }
    }

    async fn serve_http1(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
        let (read, mut write) = split(stream);
        let mut reader = Reader::new(read);
        while let Some(head) = reader.request_head().await? {
            let received = self.receive(&mut reader, &head).await?;
            match header(&head.headers, "x-echo-chunks").and_then(|count| count.parse().ok()) {
                Some(count) => self.stream(&mut write, &received, count).await?,
                None => self.answer(&mut write, &received).await?,
            }
            if asks_to_close(&head.headers) {
                break;
            }
        }
        Ok(())
    }

    async fn receive<R: AsyncRead + Unpin>(&self, reader: &mut Reader<R>, head: &RequestHead) -> Result<Received> {
        let mut received = Received {
            service: self.identity.service.clone(),
            pod: self.identity.pod.clone(),
            method: head.method.clone(),
            target: head.target.clone(),
            headers: head.headers.clone(),
            body_length: 0,
            is_whole: false,
        };
        let id = next_id();
        self.journal.arrived(id, received.clone());
        let mut remaining = Remaining::of_request(&head.headers);
        while let Some(piece) = reader.body(&mut remaining).await? {
            received.body_length += piece.len() as u64;
        }
        self.journal.has_body(id, received.body_length);
        Ok(received)
    }

    async fn answer(&self, write: &mut (impl AsyncWriteExt + Unpin), received: &Received) -> Result<()> {
        let body = received.answer();
        let mut answer = self.head(received);
        write!(answer, "content-type: {}\r\ncontent-length: {}\r\n\r\n", received.media_type(), body.len())?;
        let mut answer = answer.into_bytes();
        if received.method != "HEAD" {
            answer.extend(body.as_bytes());
        }
        write.write_all(&answer).await?;
        Ok(write.flush().await?)
    }

    async fn stream(&self, write: &mut (impl AsyncWriteExt + Unpin), received: &Received, count: usize) -> Result<()> {
        let head = self.head(received) + "content-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
        write.write_all(head.as_bytes()).await?;
        for number in 0..count {
            self.journal.chunks.acquire().await?.forget();
            let chunk = chunk(number);
            write.write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).await?;
            write.flush().await?;
        }
        write.write_all(b"0\r\n\r\n").await?;
        Ok(write.flush().await?)
    }

    /// The status line and all headers but the body's.
    fn head(&self, received: &Received) -> String {
        let status = self.status(received);
        let Identity { service, pod } = &self.identity;
        let mut head = format!("HTTP/1.1 {status} Echo\r\n{SERVICE_HEADER}: {service}\r\n{POD_HEADER}: {pod}\r\n");
        if asks_to_close(&received.headers) {
            head.push_str("connection: close\r\n");
        }
        for (_, line) in received.headers.iter().filter(|(name, _)| name == "x-echo-header") {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head
    }
}

fn asks_to_close(headers: &Headers) -> bool {
    header(headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

/// Orders requests by arrival, over all backends.
fn next_id() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
