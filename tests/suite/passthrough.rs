//! TLS that ends at the backend, from the annotation to the bytes.

use anyhow::{Context, Result};
use controller::settings::ControllerSettings;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tests::adit::{Adit, documents, slice};
use tests::backend::{scripted, scripted_tls};
use tests::checked::diagnostics;
use tests::connection::Connection;
use tests::objects;
use tests::tls::{Handshake, Offer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const HOST: &str = "p.example.com";
const GET: &str = "GET / HTTP/1.1\r\nHost: p.example.com\r\n\r\n";
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A backend that ends TLS itself and answers every request. Returns its certificate, too.
pub(crate) async fn backend() -> Result<(SocketAddr, CertificateDer<'static>)> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([HOST.to_owned()])?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(socket).await?;
                while stream.read_exact(&mut [0; GET.len()]).await.is_ok() {
                    stream.write_all(OK.as_bytes()).await?;
                }
                std::io::Result::Ok(())
            });
        }
    });
    Ok((address, cert.der().clone()))
}

/// The objects of a host that is passed through, with something that tells their generations apart.
fn objects(backend: SocketAddr, generation: usize, config: &Value) -> String {
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "backend", "port": {"number": 443}}}}]);
    let annotations = json!({
        "nginx.ingress.kubernetes.io/ssl-passthrough": "true",
        "nginx.ingress.kubernetes.io/server-alias": format!("alias.example.com,a{generation}.example.com"),
    });
    documents([
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "p", "annotations": annotations},
            "spec": {"rules": [{"host": HOST, "http": {"paths": paths}}]},
        }),
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "backend", "labels": {"generation": generation.to_string()}},
            "spec": {"ports": [{"port": 443}]},
        }),
        objects::config_map("adit", config),
        slice("backend", generation, backend),
    ])
}

async fn adit(objects: &str) -> Result<Adit> {
    Adit::start_as(ControllerSettings { ssl_passthrough: true, ..ControllerSettings::default() }, objects).await
}

pub(crate) fn offer(name: &str) -> Offer {
    Offer { server_name: Some(name.to_owned()), ..Offer::default() }
}

pub(crate) async fn connect(adit: &Adit, name: &str) -> Result<Connection> {
    Connection::open_tls(adit.https_address()?, &offer(name)).await
}

pub(crate) async fn get(connection: &mut Connection) -> Result<(u16, Vec<u8>)> {
    connection.send(GET).await?;
    let response = connection.response("GET").await?;
    let Handshake { certificate, .. } = response.tls.context("no TLS")?;
    Ok((response.status, certificate))
}

#[tokio::test]
async fn t44_the_backend_shows_its_own_certificate_under_every_name_of_the_host() -> Result<()> {
    let (address, certificate) = backend().await?;
    let adit = adit(&objects(address, 0, &json!({}))).await?;
    for name in [HOST, "alias.example.com"] {
        assert_eq!(get(&mut connect(&adit, name).await?).await?, (200, certificate.to_vec()), "{name}");
    }
    let (_, other) = get(&mut connect(&adit, "other.example.com").await?).await?;
    assert_ne!(other, certificate.to_vec(), "another name's TLS ends here");
    Ok(())
}

/// An Ingress of another namespace, younger, gets neither the TLS of a host nor its backend spoken TLS to.
#[tokio::test]
async fn fault_h2_the_oldest_ingress_of_a_host_alone_passes_its_tls_through() -> Result<()> {
    let mine = scripted(|_, mut connection| async move {
        while connection.request().await?.is_some() {
            connection.send(OK).await?;
        }
        Ok(())
    })
    .await?;
    let (theirs, certificate) = backend().await?;
    let ingress = |namespace: &str, path: &str, created: &str, annotations: Value| {
        let backend = json!({"service": {"name": "backend", "port": {"number": 443}}});
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "p", "namespace": namespace, "creationTimestamp": created, "annotations": annotations},
            "spec": {"rules": [{"host": HOST, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}]},
        })
    };
    let service = |namespace: &str, address: SocketAddr| {
        let mut slice = slice("backend", 0, address);
        slice["metadata"]["namespace"] = namespace.into();
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "backend", "namespace": namespace},
            "spec": {"ports": [{"port": 443}]},
        });
        [service, slice]
    };
    let asking = json!({"nginx.ingress.kubernetes.io/ssl-passthrough": "true"});
    let ingresses = [
        ingress("mine", "/", "2024-01-01T00:00:00Z", json!({})),
        ingress("theirs", "/theirs", "2024-01-02T00:00:00Z", asking),
    ];
    let objects = documents(ingresses.into_iter().chain(service("mine", mine)).chain(service("theirs", theirs)));
    let adit = adit(&objects).await?;
    let (status, shown) = get(&mut connect(&adit, HOST).await?).await?;
    assert_eq!(status, 200, "TLS ends here, and the backend is spoken to in cleartext");
    assert_ne!(shown, certificate.to_vec());
    let settings = ControllerSettings { ssl_passthrough: true, ..ControllerSettings::default() };
    let said: Vec<_> = diagnostics(settings, &objects)?.iter().map(ToString::to_string).collect();
    let [warning] = said.as_slice() else { panic!("{said:?}") };
    assert!(
        warning.starts_with(
            "warning: Ingress theirs/p: metadata.annotations[nginx.ingress.kubernetes.io/ssl-passthrough]: is ignored"
        ) && warning.contains("Ingress mine/p"),
        "{warning}"
    );
    Ok(())
}

#[tokio::test]
async fn what_comes_in_cleartext_goes_to_the_backend_over_tls() -> Result<()> {
    let address = scripted_tls(|_, mut connection| async move {
        while connection.request().await?.is_some() {
            connection.send(OK).await?;
        }
        Ok(())
    })
    .await?;
    let adit = adit(&objects(address, 0, &json!({}))).await?;
    let mut connection = adit.connect().await?;
    connection.send(GET).await?;
    assert_eq!(connection.response("GET").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn behind_a_load_balancer_the_proxy_header_comes_first() -> Result<()> {
    let (address, certificate) = backend().await?;
    let adit = adit(&objects(address, 0, &json!({"use-proxy-protocol": "true"}))).await?;
    let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n";
    let mut connection = Connection::open_behind_proxy(adit.https_address()?, header, Some(&offer(HOST))).await?;
    // The backend sees the ClientHello and nothing before it.
    assert_eq!(get(&mut connection).await?, (200, certificate.to_vec()));
    Ok(())
}

#[tokio::test]
async fn an_open_connection_is_open_after_100_changes_to_all_that_it_came_by() -> Result<()> {
    let (address, certificate) = backend().await?;
    let (elsewhere, another) = backend().await?;
    let mut adit = adit(&objects(address, 0, &json!({}))).await?;
    let mut open = connect(&adit, HOST).await?;
    for change in 1..=100 {
        // Ingress, Service, EndpointSlice and ConfigMap, all at once.
        let config = json!({"proxy-stream-timeout": format!("{}s", 600 + change)});
        adit.replace(&objects(elsewhere, change, &config)).await?;
        assert_eq!(get(&mut open).await?, (200, certificate.to_vec()), "after change {change}");
    }
    assert_eq!(get(&mut connect(&adit, "a100.example.com").await?).await?, (200, another.to_vec()));
    adit.replace(&documents([])).await?;
    assert_eq!(get(&mut open).await?, (200, certificate.to_vec()), "after all is gone");
    Ok(())
}
