//! Requests that ask for an upgrade, byte for byte: what reaches the backend, and what comes of its answer.

mod carried;
mod declined;

use anyhow::{Context, Result};
use serde_json::json;
use std::net::SocketAddr;
use tests::adit::{Adit, manifests};
use tests::backend::scripted;
use tests::connection::{Connection, PATIENCE};
use tests::wire::Headers;
use tokio::sync::mpsc;

const UPGRADE: &str = "GET /ws?a=b HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn adit(backends: &[SocketAddr]) -> Result<Adit> {
    Adit::start(&manifests(backends, &json!({}))).await
}

/// A backend that switches, says at once what `first` says, and then sends back what it hears.
async fn echo(first: &'static str) -> Result<SocketAddr> {
    scripted(move |_, mut connection| async move {
        connection.request().await?;
        connection.send(format!("{SWITCH}{first}")).await?;
        echo_bytes(connection).await
    })
    .await
}

async fn echo_bytes(mut connection: Connection) -> Result<()> {
    while !connection.is_closed().await {
        let byte = connection.bytes(1).await?;
        connection.send(byte).await?;
    }
    Ok(())
}

/// A backend that sends what it has received to the test, and gives every request this answer.
async fn witness(answer: &'static str) -> Result<(SocketAddr, mpsc::UnboundedReceiver<Received>)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let address = scripted(move |_, mut connection| {
        let sender = sender.clone();
        async move {
            while let Some(head) = connection.request().await? {
                let body = connection.request_body(&head).await?;
                sender.send(Received {
                    line: format!("{} {}", head.method, head.target),
                    headers: head.headers,
                    body,
                })?;
                connection.send(answer).await?;
            }
            Ok(())
        }
    });
    Ok((address.await?, receiver))
}

struct Received {
    line: String,
    headers: Headers,
    body: Vec<u8>,
}

async fn upgraded(adit: &Adit) -> Result<Connection> {
    let mut client = adit.connect().await?;
    client.send(UPGRADE).await?;
    let head = client.response_head().await?;
    assert_eq!(head.status, 101);
    Ok(client)
}

async fn echoes(client: &mut Connection, text: &str) -> Result<()> {
    client.send(text).await?;
    assert_eq!(client.bytes(text.len() as u64).await?, text.as_bytes());
    Ok(())
}

/// An Adit for host `h`, and its access log.
async fn logging(backend: SocketAddr) -> Result<(Adit, mpsc::UnboundedReceiver<String>)> {
    let format = "$status $request_length $body_bytes_sent $bytes_sent $upstream_status $upstream_response_length";
    Adit::start_logging(&manifests(&[backend], &json!({"log-format-upstream": format}))).await
}

/// The log's next line.
async fn line(log: &mut mpsc::UnboundedReceiver<String>) -> Result<String> {
    tokio::time::timeout(PATIENCE, log.recv()).await.context("no line in time")?.context("no line")
}
