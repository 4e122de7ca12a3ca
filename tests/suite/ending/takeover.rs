//! A process that takes over from another one on the same ports, under load.

use super::{get, serve};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::adit::manifests;
use tests::backend::answering;
use tests::connection::{Connection, PATIENCE};
use tests::http2::{Http2, is_unprocessed};
use tests::process::Process;
use tests::tls::Offer;
use tokio::sync::watch;
use tokio::time::timeout;

/// How often the ports change hands.
const TAKEOVERS: usize = 5;
/// Requests between two of them, at least.
const REQUESTS: usize = 200;

/// What the clients share.
#[derive(Debug, Default)]
struct Load {
    done: AtomicBool,
    answered: watch::Sender<usize>,
}

impl Load {
    /// Waits until the clients have come on by this many answers.
    async fn goes_on(&self, answers: usize) -> Result<()> {
        let aim = *self.answered.borrow() + answers;
        let mut answered = self.answered.subscribe();
        let reached = timeout(PATIENCE, answered.wait_for(|answered| *answered >= aim)).await;
        reached.context("no answers any more")?.map(drop).context("the load is gone")
    }

    fn count(&self, status: u16) -> Result<()> {
        ensure!(status == 200, "status {status}");
        self.answered.send_modify(|answered| *answered += 1);
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

/// Makes request after request, on one connection as long as it `keeps`.
async fn http1(gateway: SocketAddr, offer: Option<Offer>, keeps: bool, load: Arc<Load>) -> Result<()> {
    let mut kept = None;
    while !load.is_over() {
        let mut connection = match (kept.take(), &offer) {
            (Some(connection), _) => connection,
            (None, Some(offer)) => Connection::open_tls(gateway, offer).await.context("a new connection, TLS")?,
            (None, None) => Connection::open(gateway).await.context("a new connection")?,
        };
        let response = get(&mut connection, "/").await?;
        load.count(response.status)?;
        kept = (keeps && !response.closed).then_some(connection);
    }
    Ok(())
}

/// Makes request after request over HTTP/2, on a new connection when it is asked to go.
async fn http2(gateway: SocketAddr, load: Arc<Load>) -> Result<()> {
    let mut connection = Http2::open(gateway).await?;
    while !load.is_over() {
        let response = match connection.start(http::Request::get("http://h/").body(())?, true).await {
            Ok(stream) => stream.response().await,
            Err(_) => {
                connection = Http2::open(gateway).await.context("a new connection, HTTP/2")?;
                continue;
            }
        };
        match response {
            Ok(response) => load.count(response.status)?,
            Err(error) if is_unprocessed(&error) => {}
            Err(error) => return Err(error.context("HTTP/2")),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost() -> Result<()> {
    let objects = manifests(&[answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?], &json!({}));
    let mut old = serve(&["--shutdown-grace-period=500ms"], &objects).await?;
    let ports = [format!("--http-port={}", old.http.port()), format!("--https-port={}", old.https.port())];
    let (http, https, load) = (old.http, old.https, Arc::new(Load::default()));
    let mut clients = Vec::new();
    for keeps in [true, true, false, false] {
        clients.push(tokio::spawn(http1(http, None, keeps, load.clone())));
        clients.push(tokio::spawn(http1(https, Some(Offer::default()), keeps, load.clone())));
        clients.push(tokio::spawn(http2(http, load.clone())));
    }
    for _ in 0..TAKEOVERS {
        let new: Process = serve(&["--shutdown-grace-period=500ms", &ports[0], &ports[1]], &objects).await?;
        load.goes_on(REQUESTS).await?;
        old.terminate().await?;
        ensure!(old.ended().await?.success(), "the old process was to end well");
        load.goes_on(REQUESTS).await?;
        old = new;
    }
    load.done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await??;
    }
    println!("{} requests during {TAKEOVERS} takeovers", *load.answered.borrow());
    Ok(())
}
