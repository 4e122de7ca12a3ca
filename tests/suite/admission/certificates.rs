//! The webhook's certificate: it may be replaced, come late or be old, and traffic never depends on it.

use super::{Reviewing, ask, connect, request, webhook, write_certificate};
use crate::ADIT;
use anyhow::{Context, Result};
use controller::settings::ServeSettings;
use std::fs;
use std::net::SocketAddr;
use tests::adit::{Adit, on_loopback};
use tests::connection::Connection;
use tests::objects;
use tests::process::Process;

async fn shown(address: SocketAddr) -> Result<Vec<u8>> {
    let connection = connect(address).await?;
    Ok(connection.tls().context("no TLS")?.certificate.clone())
}

#[tokio::test]
async fn files_that_change_are_read_again() -> Result<()> {
    let files = tempfile::tempdir()?;
    let serve = ServeSettings { webhook: webhook(files.path()), ..on_loopback(ServeSettings::default()) };
    let adit = Adit::start_on(serve, "").await?;
    let address = adit.webhook_address()?;
    assert!(connect(address).await.is_err(), "there is no certificate");

    let first = write_certificate(files.path(), "first", |_| ())?;
    assert_eq!(shown(address).await?, first);
    let second = write_certificate(files.path(), "second", |_| ())?;
    assert_eq!(shown(address).await?, second);
    fs::write(files.path().join("tls.key"), "no key")?;
    assert_eq!(shown(address).await?, second, "the former one stays");
    fs::remove_file(files.path().join("tls.crt"))?;
    assert_eq!(shown(address).await?, second);
    let third = write_certificate(files.path(), "third", |_| ())?;
    assert_eq!(shown(address).await?, third);
    Ok(())
}

/// Whether it is believed is the API server's business; here nobody stumbles over it. And a directory is reviewed against, too.
#[tokio::test]
async fn an_old_certificate_is_told_and_harms_nothing() -> Result<()> {
    let files = tempfile::tempdir()?;
    write_certificate(files.path(), "old", |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1))?;
    let file = |name: &str| files.path().join(name).display().to_string();
    let certificate = format!("--validating-webhook-certificate={}", file("tls.crt"));
    let key = format!("--validating-webhook-key={}", file("tls.key"));
    let flags = ["--validating-webhook=127.0.0.1:0", &certificate, &key];
    let mut process = Process::start(ADIT, &flags, &objects::ingress("h", &[]).to_string()).await?;
    let line = process.says("serving the admission webhook").await?;
    let address = line.rsplit("address=").next().context("no address")?.trim().parse()?;

    let mut other = objects::ingress("h", &[]);
    other["metadata"]["name"] = "other".into();
    let answer = ask(address, &request("CREATE", &other)).await?;
    assert!(!answer.allowed && answer.message.contains("is already defined in ingress default/h"), "{answer:?}");
    let told = process.says("has expired").await?;
    assert!(told.contains("the API server does not believe it"), "{told}");
    process.says("refused at admission: Ingress default/other: ").await?;

    let mut client = Connection::open(process.http).await?;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(client.response("GET").await?.status, 503, "the Service does not exist");
    Ok(())
}

#[tokio::test]
async fn only_http_1_is_offered() -> Result<()> {
    let reviewing = Reviewing::start("").await?;
    let offer = tests::tls::Offer { protocols: vec!["h2", "http/1.1"], ..Default::default() };
    let connection = Connection::open_tls(reviewing.adit.webhook_address()?, &offer).await?;
    assert_eq!(connection.tls().and_then(|tls| tls.protocol.as_deref()), Some("http/1.1"));
    Ok(())
}
