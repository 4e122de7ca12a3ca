//! The end of a process: the binary, real signals, and clients that must not notice.

mod http1;
mod http2;
mod lasting;
mod takeover;
mod udp;

use super::ADIT;
use anyhow::{Context, Result};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::manifests;
use tests::backend::scripted;
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::process::Process;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A grace period that no test waits for.
const FOREVER: &str = "--shutdown-grace-period=10000";
/// One that is soon over.
const SHORT: &str = "--shutdown-grace-period=200ms";

/// Runs `adit serve` with these arguments.
async fn serve(arguments: &[&str], objects: &str) -> Result<Process> {
    Process::start(ADIT, arguments, objects).await
}

/// The same, where host `h` is for a backend that answers each request once it is let go.
async fn holding(arguments: &[&str]) -> Result<(Process, Held)> {
    let held = Held::default();
    let adit = serve(arguments, &manifests(&[held.backend().await?], &json!({}))).await?;
    Ok((adit, held))
}

/// Tells when requests have arrived at a backend, and lets them go.
#[derive(Clone, Debug, Default)]
struct Held {
    arrived: Arc<Notify>,
    go: Arc<Notify>,
}

impl Held {
    async fn backend(&self) -> Result<SocketAddr> {
        let held = self.clone();
        scripted(move |_, mut connection| {
            let held = held.clone();
            async move {
                while connection.request().await?.is_some() {
                    held.arrived.notify_one();
                    held.go.notified().await;
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
                }
                Ok(())
            }
        })
        .await
    }

    async fn arrived(&self) -> Result<()> {
        timeout(PATIENCE, self.arrived.notified()).await.context("no request arrives")
    }
}

async fn ask(connection: &mut Connection, path: &str) -> Result<()> {
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await
}

async fn get(connection: &mut Connection, path: &str) -> Result<Response> {
    ask(connection, path).await?;
    connection.response("GET").await
}

/// The status of a path on the admin port.
async fn status(admin: SocketAddr, path: &str) -> Result<u16> {
    Ok(get(&mut Connection::open(admin).await?, path).await?.status)
}

/// Waits until an address refuses connections.
async fn refused(address: SocketAddr) -> Result<()> {
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(PATIENCE, refused).await.with_context(|| format!("{address} stays open"))
}
