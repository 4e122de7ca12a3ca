//! One question to one responder.

use crate::config::{is_forbidden, is_loopback};
use crate::tls::ocsp::Inquiry;
use crate::upstream::NameLookup;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one question may take in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest response, in bytes.
const LONGEST_RESPONSE: usize = 64 << 10;
/// The longest head, in bytes.
const LONGEST_HEAD: usize = 16 << 10;
const AGENT: &str = concat!("adit/", env!("CARGO_PKG_VERSION"));

/// Why a responder has not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("the responder's URL is not one of HTTP: {0}")]
    Url(&'static str),
    #[error(
        "the responder has no address that Adit may connect to: expected neither loopback, link-local nor multicast ones, nor those of a cloud's metadata"
    )]
    Forbidden,
    #[error("cannot connect to the responder: {0}")]
    Connect(#[source] io::Error),
    #[error("the responder does not answer in 5 s")]
    Timeout,
    #[error("the connection to the responder failed: {0}")]
    Connection(#[from] hyper::Error),
    #[error("the responder answers with the HTTP status {0}")]
    Status(StatusCode),
    #[error("the response cannot be read: {0}")]
    Body(String),
}

/// Asks the responder, and returns what it answers. Anybody who may write a certificate names responders: they are held to
/// the addresses that backends may have, and redirects are not followed.
pub(super) async fn ask(inquiry: &Inquiry, names: &NameLookup, allow_loopback: bool) -> Result<Vec<u8>, Unanswered> {
    timeout(PATIENCE, exchange(inquiry, names, allow_loopback)).await.map_err(|_| Unanswered::Timeout)?
}

async fn exchange(inquiry: &Inquiry, names: &NameLookup, allow_loopback: bool) -> Result<Vec<u8>, Unanswered> {
    let url: Uri = inquiry.url.parse().map_err(|_| Unanswered::Url("it cannot be read"))?;
    let authority = url.authority().ok_or(Unanswered::Url("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(Unanswered::Url("it has a user"));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = connect(host, authority.port_u16().unwrap_or(80), names, allow_loopback).await?;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(LONGEST_HEAD).handshake(TokioIo::new(stream)).await?;
    let request = Request::post(url.path_and_query().map_or("/", |target| target.as_str()))
        .header(HOST, authority.as_str())
        .header(CONTENT_TYPE, "application/ocsp-request")
        .header(ACCEPT, "application/ocsp-response")
        .header(USER_AGENT, AGENT)
        .body(Full::new(Bytes::copy_from_slice(&inquiry.request)))
        .map_err(|_| Unanswered::Url("it cannot be asked for"))?;
    let answer = async {
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(Unanswered::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), LONGEST_RESPONSE).collect().await;
        Ok(body.map_err(|error| Unanswered::Body(error.to_string()))?.to_bytes().to_vec())
    };
    tokio::pin!(answer);
    // The connection moves the bytes of the answer, and may end before that is read.
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        Err(error) = connection => Err(error.into()),
    }
}

async fn connect(host: &str, port: u16, names: &NameLookup, allow_loopback: bool) -> Result<TcpStream, Unanswered> {
    let mut addresses = names.addresses(host).await.map_err(Unanswered::Connect)?;
    addresses.retain(|address| !is_forbidden(*address) && (allow_loopback || !is_loopback(*address)));
    if addresses.is_empty() {
        return Err(Unanswered::Forbidden);
    }
    let addresses: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    TcpStream::connect(&*addresses).await.map_err(Unanswered::Connect)
}
