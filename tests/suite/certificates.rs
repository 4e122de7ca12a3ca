//! Many certificates, and one that is renewed again and again under load.

mod listeners;

use anyhow::{Context, Result, ensure};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tests::adit::{Adit, documents, slice};
use tests::backend::answering;
use tests::checked::said;
use tests::connection::{Connection, PATIENCE};
use tests::tls::Offer;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const RENEWALS: usize = 100;
/// Clients that keep their connection, and clients that make a handshake per request.
const CLIENTS: [(bool, usize); 2] = [(true, 4), (false, 2)];
const CERTIFICATES: usize = 1000;
/// Secrets that no Ingress names.
const IDLE_SECRETS: usize = 10_000;

/// A Secret with a new certificate for a host, and that certificate, DER.
fn certificate(name: &str, host: &str) -> Result<(Value, Vec<u8>)> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([host.to_owned()])?;
    Ok((secret(name, &cert.pem(), &signing_key.serialize_pem()), cert.der().to_vec()))
}

fn secret(name: &str, certificate: &str, key: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name},
        "stringData": {"tls.crt": certificate, "tls.key": key},
    })
}

/// An Ingress for all of a host, with the Secret of the same name.
fn ingress(name: &str, host: &str) -> Value {
    let backend = json!({"service": {"name": "backend", "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {
            "tls": [{"hosts": [host], "secretName": name}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    })
}

/// A certificate of X.509 version 1, with its key: no extensions, and so no name but the common one. Made with
/// `openssl x509 -req -signkey`; valid until 2126.
const VERSION_1: &str = include_str!("certificates/version-1.pem");

#[tokio::test]
async fn fault_f10_a_certificate_of_version_1_is_served_for_its_common_name() -> Result<()> {
    let [certificate, key] = ["CERTIFICATE", "PRIVATE KEY"].map(|kind| pem(VERSION_1, kind).expect("a PEM block"));
    let name = "v1.example.com";
    let objects = [secret("v1", certificate, key), ingress("v1", name), ingress("other", "other.example.com")];
    let objects = documents(objects.into_iter().chain(backend().await?));
    let adit = Adit::start(&objects).await?;
    let shown = async |name: &str| -> Result<Vec<u8>> {
        Ok(adit.connect_tls(name).await?.tls().context("no TLS")?.certificate.clone())
    };
    let expected = CertificateDer::from_pem_slice(certificate.as_bytes())?;
    assert_eq!(shown(name).await?, expected.to_vec());
    assert_ne!(shown("other.example.com").await?, expected.to_vec());
    let said = said(&objects)?;
    assert!(!said.iter().any(|said| said.contains("Ingress default/v1")), "{said:?}");
    Ok(())
}

/// The first block of this kind in a PEM text.
fn pem<'a>(text: &'a str, kind: &str) -> Option<&'a str> {
    let end = format!("-----END {kind}-----");
    let from = text.find(&format!("-----BEGIN {kind}-----"))?;
    let to = from + text[from..].find(&end)? + end.len();
    text.get(from..to)
}

async fn backend() -> Result<[Value; 2]> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend"}, "spec": {"ports": [{"port": 80}]},
    });
    Ok([service, slice("backend", 0, answering(OK).await?)])
}

async fn shown(adit: &Adit, host: &str) -> Result<Vec<u8>> {
    let connection = adit.connect_tls(host).await?;
    Ok(connection.tls().context("no TLS")?.certificate.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_renewals_under_load_fail_no_request() -> Result<()> {
    let directory = TempDir::new()?;
    let path = directory.path();
    fs::write(path.join("routes.yaml"), documents(backend().await?.into_iter().chain([ingress("shop", "shop.test")])))?;
    let mut expected = renew(path)?;
    let adit = Adit::follow(vec![path.to_owned()]).await?;
    becomes(&adit, &expected).await?;
    let done = Arc::new(AtomicBool::new(false));
    let clients = CLIENTS.into_iter().flat_map(|(keeps, count)| std::iter::repeat_n(keeps, count));
    let address = adit.https_address()?;
    let clients: Vec<_> = clients.map(|keeps| tokio::spawn(client(address, keeps, done.clone()))).collect();
    for number in 1..=RENEWALS {
        expected = renew(path)?;
        becomes(&adit, &expected).await.with_context(|| format!("renewal {number}"))?;
    }
    done.store(true, Ordering::Relaxed);
    let mut requests = 0;
    for client in clients {
        requests += client.await??;
    }
    println!("{requests} requests during {RENEWALS} renewals");
    ensure!(requests > RENEWALS, "{requests} requests are no load");
    Ok(())
}

/// Writes the Secret anew, as a rename over the old file. Returns its certificate.
fn renew(directory: &Path) -> Result<Vec<u8>> {
    let (secret, der) = certificate("shop", "shop.test")?;
    let new = directory.join(".secret.yaml.new");
    fs::write(&new, documents([secret]))?;
    fs::rename(new, directory.join("secret.yaml"))?;
    Ok(der)
}

/// Waits until new connections are shown this certificate.
async fn becomes(adit: &Adit, expected: &[u8]) -> Result<()> {
    let mut state = adit.state()?;
    loop {
        state.borrow_and_update();
        if shown(adit, "shop.test").await? == expected {
            return Ok(());
        }
        tokio::time::timeout(PATIENCE, state.changed()).await.context("the new certificate is not shown in time")??;
    }
}

/// Makes requests that must all be answered, until it is done. Returns how many.
async fn client(address: SocketAddr, keeps: bool, done: Arc<AtomicBool>) -> Result<usize> {
    let offer = Offer { server_name: Some("shop.test".to_owned()), ..Offer::default() };
    let mut connection = Connection::open_tls(address, &offer).await?;
    let mut requests = 0;
    while !done.load(Ordering::Relaxed) {
        connection.send("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").await?;
        let response = connection.response("GET").await.with_context(|| format!("request {requests}"))?;
        ensure!(response.status == 200 && response.body == b"ok", "request {requests}: {response:?}");
        requests += 1;
        // Also a connection that is kept ends after `keep-alive-requests`.
        if !keeps || response.closed {
            connection = Connection::open_tls(address, &offer).await?;
        }
    }
    Ok(requests)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_a_thousand_hosts_has_its_own_certificate() -> Result<()> {
    let mut objects = backend().await?.to_vec();
    let mut expected = Vec::new();
    for number in 0..CERTIFICATES {
        let (name, host) = (format!("shop-{number}"), format!("shop-{number}.test"));
        let (secret, der) = certificate(&name, &host)?;
        objects.extend([secret, ingress(&name, &host)]);
        expected.push((host, der));
    }
    let directory = TempDir::new()?;
    fs::write(directory.path().join("objects.yaml"), documents(objects))?;
    let adit = Adit::follow(vec![directory.path().to_owned()]).await?;
    for (host, der) in expected {
        let mut connection = adit.connect_tls(&host).await.with_context(|| host.clone())?;
        ensure!(connection.tls().is_some_and(|shown| shown.certificate == der), "{host}: another certificate");
        connection.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
        ensure!(connection.response("GET").await?.status == 200, "{host}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_that_nobody_uses_harm_nobody() -> Result<()> {
    let (used, der) = certificate("shop", "shop.test")?;
    let idle = (0..IDLE_SECRETS).map(|number| match number % 3 {
        0 => secret(&format!("idle-{number}"), "-----BEGIN CERTIFICATE-----\nrubbish\n", "no key"),
        1 => json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("idle-{number}")}}),
        _ => secret(&format!("idle-{number}"), "", ""),
    });
    let objects = backend().await?.into_iter().chain([used, ingress("shop", "shop.test")]).chain(idle);
    let directory = TempDir::new()?;
    fs::write(directory.path().join("objects.yaml"), documents(objects))?;
    let adit = Adit::follow(vec![directory.path().to_owned()]).await?;
    assert_eq!(shown(&adit, "shop.test").await?, der);
    let diagnostics = adit.state()?.borrow().diagnostics.len();
    assert_eq!(diagnostics, 0, "nobody asked for these Secrets");
    Ok(())
}
