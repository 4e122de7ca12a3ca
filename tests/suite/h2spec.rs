//! h2spec against both ports: every case of it, the strict ones too, has to pass.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use tests::adit::{Adit, documents, slice};
use tests::backend::answering;
use tokio::process::Command;

/// Built by `make test` from `tests/tools/h2spec`.
const H2SPEC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/h2spec");
/// How long a case waits in vain for what must come. No case that passes depends on its length, but those of frames
/// that are to be ignored.
const SECONDS: &str = "5";

#[tokio::test]
async fn over_tls() -> Result<()> {
    let adit = adit().await?;
    passes(adit.https_address()?, &["--tls", "--insecure"]).await
}

#[tokio::test]
async fn in_cleartext() -> Result<()> {
    let adit = adit().await?;
    passes(adit.address()?, &[]).await
}

/// Serves any host, since h2spec asks for the address.
async fn adit() -> Result<Adit> {
    let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world").await?;
    Adit::start(&documents([service(), ingress(), slice("backend", 0, backend)])).await
}

fn service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "backend"},
        "spec": {"ports": [{"port": 80}]},
    })
}

fn ingress() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "any"},
        "spec": {"defaultBackend": {"service": {"name": "backend", "port": {"number": 80}}}},
    })
}

async fn passes(server: SocketAddr, options: &[&str]) -> Result<()> {
    ensure!(Path::new(H2SPEC).exists(), "{H2SPEC} is missing: `make test` builds it");
    let output = Command::new(H2SPEC)
        .args([
            "--strict",
            "--timeout",
            SECONDS,
            "--host",
            &server.ip().to_string(),
            "--port",
            &server.port().to_string(),
        ])
        .args(options)
        .stdin(Stdio::null())
        .output()
        .await
        .context("h2spec")?;
    let report = String::from_utf8_lossy(&output.stdout);
    // It exits with 0 when a case has failed, too.
    let summary = report.lines().rev().find(|line| line.contains("tests,")).unwrap_or_default();
    let all_passed = summary.ends_with(" 0 skipped, 0 failed") && !summary.starts_with("0 ");
    ensure!(output.status.success() && all_passed, "{report}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
