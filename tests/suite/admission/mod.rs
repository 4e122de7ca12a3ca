//! The admission webhook, asked over HTTPS as the API server does.

mod certificates;
mod clients;
mod own;
mod reviews;

use anyhow::{Context, Result, ensure};
use controller::settings::{ServeSettings, WebhookSettings};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use tempfile::TempDir;
use tests::adit::{Adit, on_loopback};
use tests::client::Response;
use tests::connection::Connection;
use tests::tls::Offer;

const PATH: &str = "/networking/v1/ingresses";

/// An Adit with a webhook, and the folder with the files of its certificate.
struct Reviewing {
    adit: Adit,
    _files: TempDir,
}

impl Reviewing {
    async fn start(manifests: &str) -> Result<Self> {
        let files = tempfile::tempdir()?;
        write_certificate(files.path(), "webhook", |_| ())?;
        let serve = ServeSettings { webhook: webhook(files.path()), ..on_loopback(ServeSettings::default()) };
        Ok(Self { adit: Adit::start_on(serve, manifests).await?, _files: files })
    }

    /// What comes of making this object.
    async fn create(&self, object: &Value) -> Result<Answer> {
        ask(self.adit.webhook_address()?, &request("CREATE", object)).await
    }
}

/// A webhook on a free port of the loopback, with a certificate in these files.
fn webhook(files: &Path) -> WebhookSettings {
    WebhookSettings {
        port: Some(0),
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        certificate: Some(files.join("tls.crt")),
        key: Some(files.join("tls.key")),
        ..WebhookSettings::default()
    }
}

/// Writes a new certificate for a name, and returns it as it will be shown.
fn write_certificate(files: &Path, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Result<Vec<u8>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    change(&mut params);
    let certificate = params.self_signed(&key)?;
    fs::write(files.join("tls.crt"), certificate.pem())?;
    fs::write(files.join("tls.key"), key.serialize_pem())?;
    Ok(certificate.der().to_vec())
}

/// What the webhook said.
#[derive(Debug)]
struct Answer {
    allowed: bool,
    message: String,
    warnings: String,
}

/// An `AdmissionReview` for an operation on an Ingress or a ConfigMap.
fn request(operation: &str, object: &Value) -> Value {
    let resource = match object["kind"].as_str() {
        Some("ConfigMap") => json!({"group": "", "version": "v1", "resource": "configmaps"}),
        _ => json!({"group": "networking.k8s.io", "version": "v1", "resource": "ingresses"}),
    };
    let request =
        json!({"uid": "u-1", "resource": resource, "operation": operation, "object": object, "oldObject": null});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

async fn ask(address: SocketAddr, review: &Value) -> Result<Answer> {
    let response = post(address, &review.to_string()).await?;
    ensure!(response.status == 200, "{response:?}");
    let review: Value = serde_json::from_slice(&response.body)?;
    ensure!(review["apiVersion"] == "admission.k8s.io/v1" && review["kind"] == "AdmissionReview", "{review}");
    let response = &review["response"];
    ensure!(response["uid"] == "u-1", "{review}");
    Ok(Answer {
        allowed: response["allowed"].as_bool().context("no verdict")?,
        message: response["status"]["message"].as_str().unwrap_or_default().to_owned(),
        warnings: response["warnings"].to_string(),
    })
}

async fn post(address: SocketAddr, body: &str) -> Result<Response> {
    let mut connection = connect(address).await?;
    connection.send(head("POST", PATH, body.len())).await?;
    connection.send(body).await?;
    connection.response("POST").await
}

async fn connect(address: SocketAddr) -> Result<Connection> {
    Connection::open_tls(address, &Offer::default()).await
}

fn head(method: &str, path: &str, length: usize) -> String {
    format!("{method} {path}?timeout=10s HTTP/1.1\r\nHost: webhook\r\nContent-Length: {length}\r\n\r\n")
}
