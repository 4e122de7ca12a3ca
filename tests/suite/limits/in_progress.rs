//! `limit-connections`, and `limit_conn` of snippets: a request counts while it is in progress, and no longer, however it ends.

use super::{GET, OK, get};
use anyhow::Result;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::{Adit, annotated};
use tests::backend::scripted;
use tests::http2::Http2;
use tokio::sync::Semaphore;

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// What a backend does with a request that it lets go.
#[derive(Clone, Copy)]
enum Then {
    Answer(&'static str),
    Close,
}

/// A gateway that lets a client have so many requests in progress.
struct World {
    adit: Adit,
    /// A permit for each request that has arrived at the backend.
    arrived: Arc<Semaphore>,
    /// A permit for each request that the backend lets go.
    go: Arc<Semaphore>,
}

impl World {
    async fn new(most: &str, config: Value, then: Then) -> Result<Self> {
        Self::annotated(&[("limit-connections", most)], config, then).await
    }

    async fn annotated(annotations: &[(&str, &str)], config: Value, then: Then) -> Result<Self> {
        let (arrived, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let backend = held(arrived.clone(), go.clone(), then).await?;
        let adit = Adit::start(&annotated(annotations, &[backend], &config)).await?;
        Ok(Self { adit, arrived, go })
    }

    async fn arrives(&self) -> Result<()> {
        self.arrived.acquire().await?.forget();
        Ok(())
    }

    /// From now on a request is served: those before have ended.
    async fn is_free_again(&self) -> Result<()> {
        self.go.add_permits(1000);
        while get(&self.adit).await? == 503 {}
        Ok(())
    }
}

async fn held(arrived: Arc<Semaphore>, go: Arc<Semaphore>, then: Then) -> Result<SocketAddr> {
    scripted(move |_, mut connection| {
        let (arrived, go) = (arrived.clone(), go.clone());
        async move {
            while connection.request().await?.is_some() {
                arrived.add_permits(1);
                go.acquire().await?.forget();
                match then {
                    Then::Answer(answer) => connection.send(answer).await?,
                    Then::Close => break,
                }
            }
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn q11_more_than_may_be_in_progress() -> Result<()> {
    let world = World::new("1", json!({"limit-conn-status-code": "429"}), Then::Answer(OK)).await?;
    let mut first = world.adit.connect().await?;
    first.send(GET).await?;
    world.arrives().await?;
    assert_eq!([get(&world.adit).await?, get(&world.adit).await?], [429; 2]);
    world.go.add_permits(1);
    assert_eq!(first.response("GET").await?.status, 200);
    // The same connection need not wait: its next request is read when the one before is done.
    for _ in 0..20 {
        world.go.add_permits(1);
        first.send(GET).await?;
        assert_eq!(first.response("GET").await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn more_than_a_snippet_lets_be_in_progress() -> Result<()> {
    let config = json!({
        "allow-snippet-annotations": "true",
        "annotations-risk-level": "Critical",
        "http-snippet": "limit_conn_zone $host zone=hosts:1m; limit_conn_zone $http_x_none zone=none:1m;",
    });
    let snippet = "limit_conn none 1; limit_conn hosts 2; limit_conn_status 429;";
    let annotations = [("configuration-snippet", snippet), ("limit-connections", "2")];
    let world = World::annotated(&annotations, config, Then::Answer(OK)).await?;
    let (mut first, mut second) = (world.adit.connect().await?, world.adit.connect().await?);
    for client in [&mut first, &mut second] {
        client.send(GET).await?;
        world.arrives().await?;
    }
    assert_eq!(get(&world.adit).await?, 429);
    world.go.add_permits(2);
    for mut client in [first, second] {
        assert_eq!(client.response("GET").await?.status, 200);
    }
    world.go.add_permits(1000);
    while get(&world.adit).await? == 429 {}
    assert_eq!(get(&world.adit).await?, 200);
    Ok(())
}

#[tokio::test]
async fn streams_of_one_connection_count_one_by_one() -> Result<()> {
    let world = World::new("2", json!({}), Then::Answer(OK)).await?;
    let connection = Http2::open(world.adit.address()?).await?;
    let start = || async { connection.start(http::Request::get("http://h/").body(())?, true).await };
    let (first, second) = (start().await?, start().await?);
    world.arrives().await?;
    world.arrives().await?;
    assert_eq!(connection.get("http://h/").await?.status, 503);
    assert_eq!(get(&world.adit).await?, 503, "a connection of HTTP/1");
    second.reset();
    let _third = loop {
        let mut third = start().await?;
        tokio::select! {
            arrived = world.arrives() => break arrived.map(|()| third)?,
            status = third.begun() => assert_eq!(status?, 503, "until the reset is seen"),
        }
    };
    world.go.add_permits(3);
    assert_eq!(first.response().await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn an_upgraded_connection_counts_until_it_ends() -> Result<()> {
    let world = World::new("1", json!({}), Then::Answer(SWITCH)).await?;
    world.go.add_permits(1);
    let mut tunnel = world.adit.connect().await?;
    tunnel.send(UPGRADE).await?;
    assert_eq!(tunnel.response_head().await?.status, 101);
    assert_eq!(get(&world.adit).await?, 503);
    drop(tunnel);
    world.is_free_again().await
}

#[tokio::test]
async fn a_request_that_fails_counts_no_longer() -> Result<()> {
    let world = World::new("1", json!({}), Then::Close).await?;
    for request in [GET, UPGRADE] {
        let mut client = world.adit.connect().await?;
        client.send(request).await?;
        world.arrives().await?;
        assert_eq!(get(&world.adit).await?, 503);
        world.go.add_permits(1);
        assert_eq!(client.response("GET").await?.status, 502);
    }
    world.is_free_again().await
}

#[tokio::test]
async fn a_request_whose_client_leaves_counts_no_longer() -> Result<()> {
    for request in [GET, UPGRADE] {
        let world = World::new("1", json!({}), Then::Answer(OK)).await?;
        let mut client = world.adit.connect().await?;
        client.send(request).await?;
        world.arrives().await?;
        assert_eq!(get(&world.adit).await?, 503);
        drop(client);
        world.is_free_again().await?;
    }
    Ok(())
}
