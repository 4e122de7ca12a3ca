//! The walk through client certificates in ingress-nginx's documentation, with its own tools.

use super::world::{HOST, ingress, start};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::fs;
use std::path::Path;
use tests::adit::Adit;
use tests::objects::{certificate, secret};
use tokio::process::Command;

async fn run(directory: &Path, command: &str) -> Result<String> {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap_or_default()).args(words).current_dir(directory).output().await?;
    ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The status that curl gets, and the page.
async fn curl(adit: &Adit, directory: &Path, options: &str) -> Result<(u16, String)> {
    let port = adit.https_address()?.port();
    let resolve = format!("--connect-to {HOST}:443:127.0.0.1:{port}");
    let command = format!(
        "curl --silent --insecure --noproxy * {resolve} {options} --write-out \\n%{{http_code}} https://{HOST}/"
    );
    let output = run(directory, &command).await?;
    let (page, status) = output.rsplit_once('\n').context("a status")?;
    Ok((status.parse()?, page.to_owned()))
}

#[tokio::test]
async fn curl_comes_in_with_its_certificate() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    for command in [
        "openssl req -x509 -sha256 -newkey rsa:2048 -keyout ca.key -out ca.crt -days 365 -nodes -subj /CN=My",
        "openssl req -new -newkey rsa:2048 -keyout client.key -out client.csr -nodes -subj /CN=Client/O=Example,Inc/emailAddress=a@example.com",
        "openssl x509 -req -sha256 -days 365 -in client.csr -CA ca.crt -CAkey ca.key -set_serial 02 -out client.crt",
        "openssl req -x509 -newkey rsa:2048 -keyout other.key -out other.crt -days 365 -nodes -subj /CN=Other",
    ] {
        run(directory, command).await?;
    }
    let annotations = [
        ("auth-tls-secret", "default/ca-secret"),
        ("auth-tls-verify-depth", "1"),
        ("auth-tls-verify-client", "on"),
        ("auth-tls-pass-certificate-to-upstream", "true"),
    ];
    let authority = secret("ca-secret", &json!({"ca.crt": fs::read_to_string(directory.join("ca.crt"))?}));
    let adit = start([certificate(HOST)?, ingress(HOST, &annotations), authority]).await?;

    let (status, page) = curl(&adit, directory, "").await?;
    assert!(status == 400 && page.contains("No required SSL certificate was sent"), "{status} {page}");
    let (status, page) = curl(&adit, directory, "--cert other.crt --key other.key").await?;
    assert!(status == 400 && page.contains("The SSL certificate error"), "{status} {page}");
    for version in ["--http1.1", "--http2", "--tls-max 1.2"] {
        let (status, page) = curl(&adit, directory, &format!("{version} --cert client.crt --key client.key")).await?;
        assert_eq!(status, 200, "{version}: {page}");
        let page = page.to_lowercase();
        let subject = run(directory, "openssl x509 -in client.crt -noout -subject -nameopt RFC2253").await?;
        let subject = subject.trim().trim_start_matches("subject=").to_lowercase();
        for line in [
            "ssl-client-verify: success",
            &format!("ssl-client-subject-dn: {subject}"),
            "ssl-client-issuer-dn: cn=my\n",
        ] {
            assert!(page.contains(line), "{line} in {page}");
        }
        assert!(page.contains("ssl-client-cert: -----begin%20certificate-----%0a"), "{page}");
    }
    Ok(())
}
