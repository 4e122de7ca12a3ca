//! `adit explain --admin`: a running process explains itself as `adit explain` would, or an error says who does not.

use super::ADIT;
use anyhow::Result;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use tests::adit::{annotated, documents};
use tests::backend::{answering, refusing, scripted};
use tests::process::Process;
use tokio::process::Command;

/// What a run of `adit explain` says on standard output, or the last line of its standard error.
async fn explain(arguments: &[&str]) -> Result<Result<String, String>> {
    let output = Command::new(ADIT).arg("explain").args(arguments).output().await?;
    let (said, errors) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    let last = errors.lines().last().unwrap_or_default().to_owned();
    Ok(if output.status.success() { Ok(said) } else { Err(last) })
}

/// What `adit explain --admin` of this address says against its being explained.
async fn error(admin: SocketAddr) -> Result<String> {
    let said = explain(&["--admin", &format!("http://{admin}"), "GET", "http://h/"]).await?;
    Ok(said.expect_err("no explanation"))
}

/// Host `h`, with annotations, and host `tls.test`, with a certificate.
fn objects() -> Result<String> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["tls.test".to_owned()])?;
    let tls = [
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "tls"},
            "stringData": {"tls.crt": cert.pem(), "tls.key": signing_key.serialize_pem()},
        }),
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "tls"},
            "spec": {
                "tls": [{"hosts": ["tls.test"], "secretName": "tls"}],
                "rules": [{"host": "tls.test", "http": {"paths": [{
                    "path": "/", "pathType": "Prefix", "backend": {"service": {"name": "backend", "port": {"number": 80}}},
                }]}}],
            },
        }),
    ];
    let rewrite = [("rewrite-target", "/x/$1"), ("app-root", "/home")];
    Ok(annotated(&rewrite, &["127.0.0.1:1".parse()?], &json!({})) + &documents(tls))
}

#[tokio::test]
async fn a_running_process_says_what_its_files_say() -> Result<()> {
    let (directory, objects) = (tempfile::tempdir()?, objects()?);
    let file = directory.path().join("objects.yaml");
    std::fs::write(&file, &objects)?;
    let adit = Process::start(ADIT, &[], &objects).await?;
    let admin = adit.admin.to_string();
    for request in [
        ["GET", "http://h/"].as_slice(),
        &["POST", "http://h/cart?id=1#top", "-H", "Cookie: a=b; c", "-H", "X-A:1"],
        &["GET", "http://h/", "-H", "Host: nowhere.test"],
        &["GET", "https://tls.test/a b?ü&=%", "--output=json"],
        &["GET", "https://tls.test/"],
        &["GET", "https://h/..", "-o", "json"],
    ] {
        let local = explain(&[request, &[path(&file)]].concat()).await?;
        let remote = explain(&[&["--admin", &admin], request].concat()).await?;
        assert_eq!(remote, local, "{request:?}");
        assert!(local.is_ok_and(|said| !said.is_empty()), "{request:?}");
    }
    let said = explain(&["--admin", &admin, "GET", "https://tls.test/"]).await?.expect("an explanation");
    assert!(said.contains("\n    Secret default/tls, not after "), "{said}");
    let said = explain(&["--admin", &admin, "GET", "https://h/"]).await?.expect("an explanation");
    assert!(said.contains("\n    the default certificate, "), "{said}");
    Ok(())
}

fn path(file: &Path) -> &str {
    file.to_str().expect("a path in UTF-8")
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_once() -> Result<()> {
    let adit = Process::start(ADIT, &[], &objects()?).await?;
    let admin = adit.admin.to_string();
    let said = explain(&["--admin", &admin, "GET", "ftp://h/"]).await?.expect_err("no URL of HTTP");
    assert!(said.starts_with("adit: \"ftp://h/\" is not a URL of HTTP"), "{said}");
    let said = explain(&["--admin", "https://h", "GET", "http://h/"]).await?;
    assert!(said.is_err());
    Ok(())
}

#[tokio::test]
async fn who_is_no_adit_is_named() -> Result<()> {
    let (_taken, nobody) = refusing()?;
    let silent = scripted(|_, mut connection| async move { connection.request().await.map(drop) }).await?;
    let stranger = answering("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 2\r\n\r\n{}").await?;
    for (address, problem) in
        [(nobody, "cannot connect to"), (silent, "does not answer as HTTP"), (stranger, "is not Adit")]
    {
        let said = error(address).await?;
        assert!(said.starts_with("adit: --admin: "), "{said}");
        for part in [problem, &address.to_string(), "kubectl -n adit port-forward deploy/adit 10254"] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }
    Ok(())
}

/// Someone who answers all requests as Adit 9.8.7 would, with this status and body.
async fn another_version(status: &str, body: &str) -> Result<SocketAddr> {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nServer: adit/9.8.7\r\nContent-Length: {length}\r\n\r\n{body}");
    scripted(move |_, mut connection| {
        let answer = answer.clone();
        async move {
            connection.request().await?;
            connection.send(answer).await
        }
    })
    .await
}

#[tokio::test]
async fn an_adit_that_refuses_or_is_of_another_version_is_told_apart() -> Result<()> {
    let refusing = another_version("403 Forbidden", "/debug/ answers loopback addresses only\n").await?;
    let said = error(refusing).await?;
    assert!(said.contains("loopback addresses only") && said.contains("port-forward"), "{said}");
    let adit = Process::start(ADIT, &[], &objects()?).await?;
    let known = explain(&["--admin", &adit.admin.to_string(), "-o", "json", "GET", "http://h/"]).await?;
    let known: Value = serde_json::from_str(&known.expect("an explanation"))?;
    let (mut newer, mut older) = (known.clone(), known);
    newer["weather"] = json!("fine");
    older.as_object_mut().expect("an object").remove("hosts");
    for (answer, field) in [(newer, "weather"), (older, "hosts")] {
        let said = error(another_version("200 OK", &answer.to_string()).await?).await?;
        for part in ["Adit 9.8.7", concat!("Adit ", env!("CARGO_PKG_VERSION")), field] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }
    let said = error(another_version("500 Internal Server Error", "it is broken\n").await?).await?;
    assert!(said.contains("500") && said.contains("it is broken"), "{said}");
    Ok(())
}
