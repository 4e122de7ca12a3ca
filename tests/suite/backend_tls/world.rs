//! Backends with TLS, and an Adit before them.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Response;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType, date_time_ymd,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::{Adit, documents, slice};
use tests::backend::accept;
use tests::connection::Connection;
use tests::objects;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name in the certificate of the backend.
pub(crate) const NAME: &str = "backend.example";

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

fn named(name: &str, params: CertificateParams) -> CertificateParams {
    let mut params = params;
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str) -> Result<CertificateParams> {
    let mut params = named(name, CertificateParams::new([])?);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(params)
}

pub(crate) fn root(name: &str) -> Result<Authority> {
    Ok(CertifiedIssuer::self_signed(authority(name)?, KeyPair::generate()?)?)
}

/// One that another has issued.
pub(crate) fn intermediate(name: &str, issuer: &Authority) -> Result<Authority> {
    Ok(CertifiedIssuer::signed_by(authority(name)?, KeyPair::generate()?, issuer)?)
}

/// A certificate for a name and a URI, and its key.
pub(crate) fn with_uri(name: &str, uri: &str, issuer: &Authority) -> Result<(Certificate, KeyPair)> {
    let mut params = named(name, CertificateParams::new([name.to_owned()])?);
    params.subject_alt_names.push(SanType::URI(uri.try_into()?));
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?, key))
}

/// A certificate for a name, and its key.
pub(crate) fn issued(name: &str, issuer: &Authority, expired: bool) -> Result<(Certificate, KeyPair)> {
    let mut params = named(name, CertificateParams::new([name.to_owned()])?);
    if expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?, key))
}

/// A TLS server with this chain, which takes client certificates of `clients`.
pub(crate) fn acceptor(chain: &[Certificate], key: &KeyPair, clients: &Authority) -> Result<TlsAcceptor> {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
        .with_single_cert(chain.iter().map(|certificate| certificate.der().clone()).collect(), key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A backend with this chain. It takes client certificates of `clients`, and says in each answer which name it was asked
/// for, whether it was shown one, the version and the suite of TLS, and on which connection.
pub(crate) async fn backend(chain: Vec<Certificate>, key: &KeyPair, clients: &Authority) -> Result<SocketAddr> {
    let acceptor = acceptor(&chain, key, clients)?;
    accept(move |number, stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = acceptor.accept(stream).await?;
            let tls = stream.get_ref().1;
            let name = tls.server_name().unwrap_or("none").to_owned();
            let client = tls.peer_certificates().is_some();
            let version = tls.protocol_version().context("a version")?;
            let suite = tls.negotiated_cipher_suite().context("a suite")?.suite();
            let said = format!("{name} {client} {version:?} {suite:?} {number}");
            if tls.alpn_protocol() == Some(b"h2") {
                return http2(stream, said.into()).await;
            }
            let mut connection = Connection::accepted(stream);
            while connection.request().await?.is_some() {
                connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len())).await?;
            }
            Ok(())
        }
    })
    .await
}

async fn http2(stream: TlsStream<TcpStream>, said: Bytes) -> Result<()> {
    let mut streams = h2::server::handshake(stream).await?;
    while let Some(stream) = streams.accept().await {
        let (_request, mut respond) = stream?;
        respond.send_response(Response::new(()), false)?.send_data(said.clone(), true)?;
    }
    Ok(())
}

pub(crate) async fn start(backend: SocketAddr, objects: impl IntoIterator<Item = Value>) -> Result<Adit> {
    let backend = [objects::backend(), slice("backend", 0, backend)];
    Adit::start(&documents(backend.into_iter().chain(objects))).await
}

/// The status of a request for a host, and what the backend says. `upgrade` takes it through the lane for upgrades.
pub(crate) async fn ask(adit: &Adit, host: &str, upgrade: bool) -> Result<(u16, String)> {
    let mut connection = adit.connect().await?;
    let upgrade = if upgrade { "Connection: upgrade\r\nUpgrade: any\r\n" } else { "" };
    connection.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n")).await?;
    let response = connection.response("GET").await?;
    Ok((response.status, String::from_utf8_lossy(&response.body).into_owned()))
}
