//! A connection to a collector, over which spans are sent.

use super::otlp;
use crate::config::{Collector, CollectorProtocol};
use crate::upstream::NameLookup;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long connecting, or sending one batch, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;
/// The longest head of an answer, in bytes.
const LONGEST_HEAD: usize = 16 << 10;
/// How much of what a collector says is repeated.
const LONGEST_MESSAGE: usize = 200;

/// A connection to a collector.
#[derive(Debug)]
pub(super) struct Client {
    sender: Sender,
    collector: Collector,
    authority: String,
    /// Moves the bytes.
    driver: JoinHandle<()>,
}

#[derive(Debug)]
enum Sender {
    Grpc(http2::SendRequest<Full<Bytes>>),
    Http(http1::SendRequest<Full<Bytes>>),
}

/// Why spans were not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    #[error("it does not answer in 10 s")]
    Timeout,
    #[error("the connection failed: {0}")]
    Connection(#[source] hyper::Error),
    #[error("its answer cannot be read: {0}")]
    Answer(String),
    #[error("it answers with the HTTP status {0}")]
    Status(StatusCode),
    #[error("it answers with the gRPC status {status}: {message:?}")]
    Grpc { status: u16, message: String },
}

impl ExportError {
    /// Whether the same spans may be taken later, as OTLP has it.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Timeout | Self::Connection(_) => true,
            Self::Answer(_) => false,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502..=504),
            // Cancelled, deadline exceeded, resource exhausted, aborted, out of range, unavailable, data loss.
            Self::Grpc { status, .. } => matches!(status, 1 | 4 | 8 | 10 | 11 | 14 | 15),
        }
    }
}

/// What a collector has not taken of a batch, and why.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) count: u64,
    pub(super) reason: String,
}

impl Client {
    /// Connects.
    pub(super) async fn connect(collector: &Collector, names: &NameLookup) -> Result<Self, ExportError> {
        timeout(PATIENCE, Self::open(collector, names)).await.map_err(|_| ExportError::Timeout)?
    }

    async fn open(collector: &Collector, names: &NameLookup) -> Result<Self, ExportError> {
        let host = collector.host.as_deref().unwrap_or_default();
        let addresses = names.addresses(host).await.map_err(ExportError::Connect)?;
        let addresses: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, collector.port)).collect();
        let stream = TcpStream::connect(&*addresses).await.map_err(ExportError::Connect)?;
        stream.set_nodelay(true).map_err(ExportError::Connect)?;
        let stream = TokioIo::new(stream);
        let (sender, driver) = match collector.protocol {
            CollectorProtocol::Grpc => {
                let mut settings = http2::Builder::new(TokioExecutor::new());
                settings.max_header_list_size(LONGEST_HEAD as u32);
                let (sender, driver) = settings.handshake(stream).await.map_err(ExportError::Connection)?;
                // Its end is seen by who sends.
                (Sender::Grpc(sender), tokio::spawn(async { drop(driver.await) }))
            }
            CollectorProtocol::Http => {
                let mut settings = http1::Builder::new();
                settings.max_buf_size(LONGEST_HEAD);
                let (sender, driver) = settings.handshake(stream).await.map_err(ExportError::Connection)?;
                (Sender::Http(sender), tokio::spawn(async { drop(driver.await) }))
            }
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Ok(Self { sender, collector: collector.clone(), authority: format!("{host}:{}", collector.port), driver })
    }

    /// Sends one message with spans.
    pub(super) async fn send(&mut self, message: Vec<u8>) -> Result<Refused, ExportError> {
        let sending = async {
            match &mut self.sender {
                Sender::Grpc(sender) => {
                    sender.ready().await.map_err(ExportError::Connection)?;
                    let response = sender.send_request(grpc_request(&self.authority, &message)?).await;
                    grpc_answer(response.map_err(ExportError::Connection)?).await
                }
                Sender::Http(sender) => {
                    sender.ready().await.map_err(ExportError::Connection)?;
                    let response = sender.send_request(http_request(&self.authority, message)?).await;
                    http_answer(response.map_err(ExportError::Connection)?).await
                }
            }
        };
        timeout(PATIENCE, sending).await.map_err(|_| ExportError::Timeout)?
    }

    /// Whether the connection is open, and to this collector.
    pub(super) fn serves(&self, collector: &Collector) -> bool {
        let is_open = match &self.sender {
            Sender::Grpc(sender) => !sender.is_closed(),
            Sender::Http(sender) => !sender.is_closed(),
        };
        is_open && self.collector == *collector
    }
}

impl Drop for Client {
    /// A connection whose other end has gone silent would stay.
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A call of one message, which is not compressed.
fn grpc_request(authority: &str, message: &[u8]) -> Result<Request<Full<Bytes>>, ExportError> {
    let length = u32::try_from(message.len()).map_err(|error| ExportError::Answer(error.to_string()))?;
    let mut body = BytesMut::with_capacity(message.len() + 5);
    body.put_u8(0);
    body.put_u32(length);
    body.put_slice(message);
    Request::post(format!("http://{authority}/opentelemetry.proto.collector.trace.v1.TraceService/Export"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(USER_AGENT, AGENT)
        .body(Full::new(body.freeze()))
        .map_err(|error| ExportError::Answer(error.to_string()))
}

fn http_request(authority: &str, message: Vec<u8>) -> Result<Request<Full<Bytes>>, ExportError> {
    Request::post("/v1/traces")
        .header(HOST, authority)
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header(USER_AGENT, AGENT)
        .body(Full::new(Bytes::from(message)))
        .map_err(|error| ExportError::Answer(error.to_string()))
}

const AGENT: &str = concat!("adit/", env!("CARGO_PKG_VERSION"));

async fn grpc_answer(response: Response<Incoming>) -> Result<Refused, ExportError> {
    if response.status() != StatusCode::OK {
        return Err(ExportError::Status(response.status()));
    }
    let headers = response.headers().clone();
    let body = read(response).await?;
    let trailers = body.trailers().unwrap_or(&headers); // an error without a message has its status in the head
    match grpc_status(trailers) {
        Some(0) => {}
        Some(status) => return Err(ExportError::Grpc { status, message: grpc_message(trailers) }),
        None => return Err(ExportError::Answer("it has no gRPC status".to_owned())),
    }
    let mut message = body.to_bytes();
    if message.len() < 5 || message.get_u8() != 0 || message.get_u32() as usize != message.len() {
        return Err(ExportError::Answer("it is no message of gRPC".to_owned()));
    }
    refused(&message)
}

async fn http_answer(response: Response<Incoming>) -> Result<Refused, ExportError> {
    let status = response.status();
    let body = read(response).await?;
    if status != StatusCode::OK {
        return Err(ExportError::Status(status));
    }
    refused(&body.to_bytes())
}

async fn read(response: Response<Incoming>) -> Result<Collected<Bytes>, ExportError> {
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    body.map_err(|error| ExportError::Answer(error.to_string()))
}

fn refused(message: &[u8]) -> Result<Refused, ExportError> {
    let (count, why) = otlp::refused(message).ok_or_else(|| ExportError::Answer("it is not OTLP".to_owned()))?;
    Ok(Refused { count, reason: shortened(&why) })
}

fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

fn grpc_message(headers: &HeaderMap) -> String {
    headers.get("grpc-message").map_or_else(String::new, |text| shortened(&String::from_utf8_lossy(text.as_bytes())))
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_MESSAGE).collect()
}
