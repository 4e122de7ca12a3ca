//! A client that looks at what it is shown instead of judging it.

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, Error, SignatureScheme, SupportedProtocolVersion};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tests::tls::Believing;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const ALL_VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];
const SCHEMES: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256];

pub(crate) fn client() -> ClientConfig {
    client_of(ALL_VERSIONS, SCHEMES)
}

pub(crate) fn client_of(
    versions: &[&'static SupportedProtocolVersion],
    schemes: &'static [SignatureScheme],
) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions that rustls has")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believing::those_of(schemes)))
        .with_no_client_auth()
}

/// A handshake; an IP address as the name sends no server name.
pub(crate) async fn connect(
    address: SocketAddr,
    name: &str,
    config: &Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    handshake(TcpStream::connect(address).await?, name, config).await
}

pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    transport: S,
    name: &str,
    config: &Arc<ClientConfig>,
) -> io::Result<TlsStream<S>> {
    let name = ServerName::try_from(name.to_owned()).expect("a server name");
    TlsConnector::from(config.clone()).connect(name, transport).await
}

/// The leaf that a new connection is shown.
pub(crate) async fn leaf(address: SocketAddr, name: &str, config: ClientConfig) -> Vec<u8> {
    let stream = connect(address, name, &Arc::new(config)).await.expect("a handshake");
    shown(&stream)
}

pub(crate) fn shown<S>(stream: &TlsStream<S>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().expect("certificates")[0].to_vec()
}

/// The alert that ends a handshake.
pub(crate) async fn alert(address: SocketAddr, name: &str, config: ClientConfig) -> AlertDescription {
    let error = connect(address, name, &Arc::new(config)).await.expect_err("no handshake");
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(&Error::AlertReceived(alert)) => alert,
        other => panic!("{other:?}"),
    }
}

/// The answer to a request that closes its connection. An end without close_notify is an error.
pub(crate) async fn last_exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, host: &str) -> io::Result<String> {
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    stream.flush().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The head of the answer to a request that leaves its connection open; the answer has a body of known length.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, host: &str) -> io::Result<String> {
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    stream.flush().await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
    let (_, length) = head.split_once("content-length: ").expect("a length");
    let length = length.lines().next().and_then(|length| length.parse().ok()).expect("a number");
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(head)
}
