//! Who asks too much, too slowly or too early: nobody waits for long, and no other request is harmed.

use super::{PATH, Reviewing, ask, connect, head, post, request, webhook, write_certificate};
use anyhow::{Context, Result, ensure};
use controller::feed::SourceEvent;
use controller::server::Server;
use controller::settings::{ControllerSettings, ServeSettings};
use serde_json::Value;
use std::net::SocketAddr;
use tests::adit::on_loopback;
use tests::connection::{Connection, PATIENCE};
use tests::objects;
use tests::ports::free_port;
use tokio::sync::mpsc;

/// An Ingress that is refused.
fn bad() -> Value {
    objects::ingress("h", &[("limit-rps", "abc")])
}

#[tokio::test]
async fn v11_a_body_of_9_mib_is_answered_with_413() -> Result<()> {
    let reviewing = Reviewing::start("").await?;
    let response = post(reviewing.adit.webhook_address()?, &" ".repeat(9 << 20)).await?;
    assert_eq!(response.status, 413, "{response:?}");
    let mut chunked = connect(reviewing.adit.webhook_address()?).await?;
    chunked.send(format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")).await?;
    chunked.send(format!("{:x}\r\n{}\r\n0\r\n\r\n", 4 << 20, " ".repeat(4 << 20))).await?;
    assert_eq!(chunked.response("POST").await?.status, 413);
    assert!(!reviewing.create(&bad()).await?.allowed);
    Ok(())
}

#[tokio::test]
async fn attack_44_an_admission_body_of_50_mb() -> Result<()> {
    let reviewing = Reviewing::start("").await?;
    let response = post(reviewing.adit.webhook_address()?, &" ".repeat(50_000_000)).await?;
    assert_eq!(response.status, 413, "{response:?}");
    assert!(!reviewing.create(&bad()).await?.allowed);
    Ok(())
}

#[tokio::test]
async fn what_is_no_review_is_an_error_of_its_sender() -> Result<()> {
    let reviewing = Reviewing::start("").await?;
    let address = reviewing.adit.webhook_address()?;
    for body in ["", "{}", "[1", "{\"apiVersion\": \"admission.k8s.io/v1beta1\", \"kind\": \"AdmissionReview\"}"] {
        assert_eq!(post(address, body).await?.status, 400, "{body}");
    }
    for (method, path, status) in [("GET", PATH, 405), ("POST", "/", 404), ("POST", "/metrics", 404)] {
        let mut connection = connect(address).await?;
        connection.send(head(method, path, 0)).await?;
        assert_eq!(connection.response(method).await?.status, status, "{method} {path}");
    }
    let deep = request("CREATE", &Value::Null)
        .to_string()
        .replace("\"object\":null", &format!("\"object\":{}", "[".repeat(100_000)));
    assert_eq!(post(address, &deep).await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn what_is_no_write_of_an_ingress_is_allowed() -> Result<()> {
    let reviewing = Reviewing::start("").await?;
    let address = reviewing.adit.webhook_address()?;
    let mut deployment = request("CREATE", &bad());
    deployment["request"]["resource"]["resource"] = "deployments".into();
    for review in [request("DELETE", &Value::Null), deployment] {
        assert!(ask(address, &review).await?.allowed, "{review}");
    }
    Ok(())
}

/// More than there may be connections without a request, and as many large bodies as there is room for.
#[tokio::test]
async fn who_is_silent_keeps_nobody_from_being_reviewed() -> Result<()> {
    let reviewing = Reviewing::start("").await?;
    let address = reviewing.adit.webhook_address()?;
    let mut silent = Vec::new();
    for _ in 0..4 {
        let mut slow = connect(address).await?;
        slow.send(head("POST", PATH, 3 << 20)).await?;
        silent.push(slow);
    }
    for _ in 0..600 {
        silent.push(Connection::open(address).await?);
    }
    assert!(!reviewing.create(&bad()).await?.allowed);
    Ok(())
}

#[tokio::test]
async fn while_adit_starts_everything_is_allowed() -> Result<()> {
    let files = tempfile::tempdir()?;
    write_certificate(files.path(), "webhook", |_| ())?;
    // The server says its port only once it serves, so this port is chosen before.
    let mut webhook = webhook(files.path());
    let address = SocketAddr::new(webhook.address.context("an address")?, free_port());
    webhook.port = Some(address.port());
    let serve = ServeSettings { webhook, ..on_loopback(ServeSettings::default()) };
    let (events, receiver) = mpsc::channel(1);
    let start = move || Server::start(&ControllerSettings::default(), &serve, receiver, Box::new(std::io::sink()));
    let starting = tokio::task::spawn_blocking(start);
    let answers = async || loop {
        // Nothing tells when the port opens; the test ends with the server if it never does.
        match ask(address, &request("CREATE", &bad())).await {
            Ok(answer) => return anyhow::Ok(answer),
            Err(error) => ensure!(!starting.is_finished(), "{error}"),
        }
        tokio::task::yield_now().await;
    };
    let answer = tokio::time::timeout(PATIENCE, answers()).await.context("no webhook")??;
    assert!(answer.allowed && answer.warnings.contains("starting"), "{answer:?}");
    events.send(SourceEvent::Synced).await?;
    let server = starting.await??;
    assert!(!ask(address, &request("CREATE", &bad())).await?.allowed);
    tokio::task::spawn_blocking(move || drop(server)).await?;
    Ok(())
}
