//! `limit-rate`: how fast the body of a response goes out.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::adit::{Adit, annotated};
use tests::backend::scripted;
use tests::connection::Connection;
use tests::http2::{Http2, piece};

/// More than sockets hold between a backend and a client that reads none of it.
const LARGE: usize = 64 << 20;
/// What goes out at once.
const AFTER: usize = 64 << 10;
/// Requests that take less time than the large response at its rate.
const OTHERS: usize = 50;

const GET: &str = "GET /large HTTP/1.1\r\nHost: h\r\n\r\n";
/// By the lane of upgrades: the backend declines.
const UPGRADE: &str = "GET /large HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// A backend with a small response, and a large one of which it says when it has sent all.
async fn backend(all_sent: Arc<AtomicBool>) -> Result<SocketAddr> {
    scripted(move |_, mut connection| {
        let all_sent = all_sent.clone();
        async move {
            while let Some(head) = connection.request().await? {
                let length = if head.target == "/large" { LARGE } else { 2 };
                connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")).await?;
                connection.send(vec![b'x'; length]).await?;
                all_sent.fetch_or(length == LARGE, Ordering::Relaxed);
            }
            Ok(())
        }
    })
    .await
}

struct World {
    adit: Adit,
    all_sent: Arc<AtomicBool>,
}

impl World {
    async fn new(annotations: &[(&str, &str)], config: Value) -> Result<Self> {
        let all_sent = Arc::<AtomicBool>::default();
        let adit = Adit::start(&annotated(annotations, &[backend(all_sent.clone()).await?], &config)).await?;
        Ok(Self { adit, all_sent })
    }

    /// Small responses come, while the large one does not.
    async fn is_paced(&self, large: impl Future<Output = Result<()>>) -> Result<()> {
        let others = async {
            let mut connection = self.adit.connect().await?;
            for _ in 0..OTHERS {
                connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
                assert_eq!(connection.response("GET").await?.body, b"xx");
            }
            anyhow::Ok(())
        };
        tokio::select! {
            whole = large => bail!("the large response has come as fast as it could: {whole:?}"),
            others = others => others,
        }?;
        ensure!(!self.all_sent.load(Ordering::Relaxed), "the backend has been read ahead of the client");
        Ok(())
    }
}

async fn rest(connection: &mut Connection) -> Result<()> {
    connection.bytes((LARGE - AFTER) as u64).await.map(drop)
}

#[tokio::test]
async fn a_response_goes_out_at_its_rate() -> Result<()> {
    let limits = [("limit-rate", "1"), ("limit-rate-after", "64")];
    for request in [GET, UPGRADE] {
        let world = World::new(&limits, json!({})).await?;
        let mut client = world.adit.connect().await?;
        client.send(request).await?;
        assert_eq!(client.response_head().await?.status, 200);
        client.bytes(AFTER as u64).await?;
        world.is_paced(rest(&mut client)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_stream_has_its_own_rate() -> Result<()> {
    let config = json!({"limit-rate": "1", "limit-rate-after": "64"});
    let world = World::new(&[], config).await?;
    let connection = Http2::open(world.adit.address()?).await?;
    let (_, mut body) = connection.start(http::Request::get("http://h/large").body(())?, true).await?.head().await?;
    let large = async {
        while piece(&mut body).await?.is_some() {}
        anyhow::Ok(())
    };
    let others = async {
        for _ in 0..OTHERS {
            assert_eq!(connection.get("http://h/").await?.body, b"xx");
        }
        anyhow::Ok(())
    };
    world.is_paced(async { tokio::try_join!(large, others).map(drop) }).await
}

#[tokio::test]
async fn a_response_within_its_rate_comes_whole() -> Result<()> {
    let limits = [("limit-rate", "1"), ("limit-rate-after", "0")];
    let world = World::new(&limits, json!({"limit-rate-after": "9"})).await?;
    let mut client = world.adit.connect().await?;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(client.response("GET").await?.body, b"xx");
    Ok(())
}

#[tokio::test]
async fn zero_is_no_rate() -> Result<()> {
    let world = World::new(&[("limit-rate", "0")], json!({"limit-rate": "1"})).await?;
    let mut client = world.adit.connect().await?;
    client.send(GET).await?;
    assert_eq!(client.response("GET").await?.body.len(), LARGE);
    Ok(())
}
