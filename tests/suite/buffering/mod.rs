//! Bodies that are held back, so that a slow client costs its backend nothing.

mod requests;
mod responses;

use anyhow::{Context, Result};
use std::net::SocketAddr;
use tests::adit::{Adit, annotated};
use tests::backend::scripted;
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::wire::{Remaining, header};
use tokio::sync::mpsc;

/// What a backend sees of a request: its target and the length that its head says, and the bytes of its body once it has ended.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Head(String, Option<usize>),
    Body(usize),
}

/// What a backend sees, as it sees it.
type Sees = mpsc::UnboundedReceiver<Seen>;

/// A backend that answers each request once it has all of it.
async fn backend() -> Result<(SocketAddr, Sees)> {
    let (seen, sees) = mpsc::unbounded_channel();
    let address = scripted(move |_, mut connection| {
        let seen = seen.clone();
        async move {
            while let Some(head) = connection.request().await? {
                let length = header(&head.headers, "content-length").map(|length| length.parse()).transpose()?;
                let mut left = Remaining::of_request(&head.headers);
                seen.send(Seen::Head(head.target, length))?;
                let mut body = 0;
                while let Some(piece) = connection.piece(&mut left).await? {
                    body += piece.len();
                }
                seen.send(Seen::Body(body))?;
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
            }
            Ok(())
        }
    });
    Ok((address.await?, sees))
}

/// What a backend says next.
async fn next<T>(says: &mut mpsc::UnboundedReceiver<T>) -> Result<T> {
    tokio::time::timeout(PATIENCE, says.recv()).await?.context("the backend is gone")
}

/// Bytes of all temporary files, as an admin port has it.
async fn temp_bytes(admin: SocketAddr) -> Result<usize> {
    let mut admin = Connection::open(admin).await?;
    admin.send("GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n").await?;
    let metrics = String::from_utf8(admin.response("GET").await?.body)?;
    let line = metrics.lines().find(|line| line.starts_with("adit_temp_file_bytes")).context("no metric")?;
    Ok(line.rsplit(' ').next().context("no value")?.parse()?)
}

/// An upload with this target, on a connection of its own.
async fn upload(adit: &Adit, target: &str, length: usize) -> Result<Response> {
    let mut client = adit.connect().await?;
    client.send(format!("POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n")).await?;
    // A reply may come before all of it is sent, and the connection is closed then.
    let _ = client.send(vec![b'x'; length]).await;
    client.final_response("POST").await
}

async fn adit(annotations: &[(&str, &str)], backend: SocketAddr) -> Result<Adit> {
    Adit::start(&annotated(annotations, &[backend], &serde_json::json!({}))).await
}
