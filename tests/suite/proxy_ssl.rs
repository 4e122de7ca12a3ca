//! TLS to backends as `proxy-ssl-secret` and what goes with it have it: whom Adit believes, and what it shows of itself.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Response;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::{Adit, documents, slice};
use tests::backend::accept;
use tests::connection::Connection;
use tests::objects::{self, secret};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name in the certificate of the backend.
const NAME: &str = "backend.example";
/// The protocols over TLS.
const PROTOCOLS: [&str; 2] = ["HTTPS", "GRPCS"];

type Authority = CertifiedIssuer<'static, KeyPair>;

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

fn root(name: &str) -> Result<Authority> {
    Ok(CertifiedIssuer::self_signed(authority(name)?, KeyPair::generate()?)?)
}

/// One that another has issued.
fn intermediate(name: &str, issuer: &Authority) -> Result<Authority> {
    Ok(CertifiedIssuer::signed_by(authority(name)?, KeyPair::generate()?, issuer)?)
}

/// A certificate for a name, and its key.
fn issued(name: &str, issuer: &Authority, expired: bool) -> Result<(Certificate, KeyPair)> {
    let mut params = named(name, CertificateParams::new([name.to_owned()])?);
    if expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?, key))
}

/// A backend with this chain. It takes client certificates of `clients`, and says in each answer which name it was asked
/// for, whether it was shown one, the version and the suite of TLS, and on which connection.
async fn backend(chain: Vec<Certificate>, key: &KeyPair, clients: &Authority) -> Result<SocketAddr> {
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
    let acceptor = TlsAcceptor::from(Arc::new(config));
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

/// An Ingress for a host of the same name, whose backend speaks this protocol, with these annotations.
fn ingress(protocol: &str, host: &str, annotations: &[(&str, &str)]) -> Value {
    objects::ingress(host, &[&[("backend-protocol", protocol)], annotations].concat())
}

async fn start(backend: SocketAddr, objects: impl IntoIterator<Item = Value>) -> Result<Adit> {
    let backend = [objects::backend(), slice("backend", 0, backend)];
    Adit::start(&documents(backend.into_iter().chain(objects))).await
}

/// The status of a request for a host, and what the backend says. `upgrade` takes it through the lane for upgrades.
async fn ask(adit: &Adit, host: &str, upgrade: bool) -> Result<(u16, String)> {
    let mut connection = adit.connect().await?;
    let upgrade = if upgrade { "Connection: upgrade\r\nUpgrade: any\r\n" } else { "" };
    connection.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n")).await?;
    let response = connection.response("GET").await?;
    Ok((response.status, String::from_utf8_lossy(&response.body).into_owned()))
}

const VERIFYING: [(&str, &str); 2] = [("proxy-ssl-verify", "on"), ("proxy-ssl-name", NAME)];

fn with<'a>(secret: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("proxy-ssl-secret", secret)].iter().chain(more).copied().collect()
}

#[tokio::test]
async fn u03_a_backend_is_believed_as_far_as_its_certificate_goes() -> Result<()> {
    let (root, other) = (root("root")?, root("other")?);
    let (leaf, key) = issued(NAME, &root, false)?;
    let another_name = [("proxy-ssl-verify", "on"), ("proxy-ssl-name", "another.example")];
    for protocol in PROTOCOLS {
        let ingress = |host, annotations: &[_]| ingress(protocol, host, annotations);
        let adit = start(
            backend(vec![leaf.clone()], &key, &root).await?,
            [
                secret("authority", &json!({"ca.crt": root.pem()})),
                secret("both", &json!({"ca.crt": other.pem() + &root.pem()})),
                secret("stranger", &json!({"ca.crt": other.pem()})),
                ingress("unverified", &[]),
                ingress("off", &with("stranger", &[("proxy-ssl-verify", "off")])),
                ingress("right", &with("authority", &VERIFYING)),
                ingress("two", &with("both", &VERIFYING)),
                ingress("wrong-authority", &with("stranger", &VERIFYING)),
                ingress("wrong-name", &with("authority", &another_name)),
                ingress("no-name", &with("authority", &[("proxy-ssl-verify", "on")])),
                ingress("no-secret", &VERIFYING),
                ingress("missing", &with("nothing", &VERIFYING)),
            ],
        )
        .await?;
        // Connections that were not verified are kept, and must not serve those who ask for more.
        for (host, expected) in [
            ("unverified", 200),
            ("off", 200),
            ("right", 200),
            ("two", 200),
            ("wrong-authority", 502),
            ("wrong-name", 502),
            ("no-name", 503),
            ("no-secret", 503),
            ("missing", 503),
            ("right", 200),
        ] {
            for upgrade in [false, true] {
                let (status, said) = ask(&adit, host, upgrade).await?;
                assert_eq!(status, expected, "{protocol} {host}: {said}");
                assert!(status != 200 || said.starts_with("none false "), "{protocol} {host}: {said}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn expired_certificates_and_chains_that_are_too_long_are_not_valid() -> Result<()> {
    let root = root("root")?;
    let first = intermediate("first", &root)?;
    let second = intermediate("second", &first)?;
    let chain = |leaf: Certificate| vec![leaf, second.as_ref().clone(), first.as_ref().clone()];
    for protocol in PROTOCOLS {
        for (expired, depth, expected) in [(false, "2", 200), (false, "1", 502), (true, "2", 502)] {
            let (leaf, key) = issued(NAME, &second, expired)?;
            let depth = [&VERIFYING[..], &[("proxy-ssl-verify-depth", depth)]].concat();
            let secret = secret("authority", &json!({"ca.crt": root.pem()}));
            let objects = [secret, ingress(protocol, "h", &with("authority", &depth))];
            let adit = start(backend(chain(leaf), &key, &root).await?, objects).await?;
            assert_eq!(ask(&adit, "h", false).await?.0, expected, "{protocol} {expired} {depth:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_backend_is_shown_what_is_set() -> Result<()> {
    let root = root("root")?;
    let (leaf, key) = issued(NAME, &root, false)?;
    let (client, client_key) = issued("adit", &root, false)?;
    let certificate = json!({"tls.crt": client.pem(), "tls.key": client_key.serialize_pem()});
    let suite = [("proxy-ssl-protocols", "TLSv1.2"), ("proxy-ssl-ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305")];
    for protocol in PROTOCOLS {
        let ingress = |host, annotations: &[_]| ingress(protocol, host, annotations);
        let adit = start(
            backend(vec![leaf.clone()], &key, &root).await?,
            [
                secret("client", &certificate),
                secret("authority", &json!({"ca.crt": root.pem()})),
                ingress("certificate", &with("client", &[])),
                ingress("name", &with("authority", &[("proxy-ssl-server-name", "on"), ("proxy-ssl-name", NAME)])),
                ingress("unnamed", &with("authority", &[("proxy-ssl-name", NAME)])),
                ingress("older", &with("authority", &[("proxy-ssl-protocols", "TLSv1.2")])),
                ingress("suite", &with("authority", &suite)),
            ],
        )
        .await?;
        for (host, expected) in [
            ("certificate", "none true TLSv1_3 "),
            ("name", "backend.example false TLSv1_3 "),
            ("unnamed", "none false TLSv1_3 "),
            ("older", "none false TLSv1_2 "),
            ("suite", "none false TLSv1_2 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 "),
        ] {
            for upgrade in [false, true] {
                let (status, said) = ask(&adit, host, upgrade).await?;
                assert!(status == 200 && said.starts_with(expected), "{protocol} {host}: {status} {said}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn connections_are_shared_between_equal_settings_only() -> Result<()> {
    let root = root("root")?;
    let (leaf, key) = issued(NAME, &root, false)?;
    for protocol in PROTOCOLS {
        let ingress = |host, annotations: &[_]| ingress(protocol, host, annotations);
        let adit = start(
            backend(vec![leaf.clone()], &key, &root).await?,
            [
                secret("authority", &json!({"ca.crt": root.pem()})),
                ingress("a", &with("authority", &VERIFYING)),
                ingress("b", &with("authority", &VERIFYING)),
                ingress("c", &with("authority", &[])),
            ],
        )
        .await?;
        let mut connections = Vec::new();
        for host in ["a", "a", "b", "c", "a"] {
            let (_, said) = ask(&adit, host, false).await?;
            connections.push(said.rsplit(' ').next().unwrap_or_default().to_owned());
        }
        assert_eq!(connections, ["1", "1", "1", "2", "1"], "{protocol}");
    }
    Ok(())
}
