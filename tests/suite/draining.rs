//! Connections of a gateway that drains, while their clients still have something to say.

use anyhow::{Context, Result};
use gateway::listener::{DrainTimeouts, Gateway, HandshakeLimits, ListenSettings};
use gateway::table::Publisher;
use gateway::telemetry::{Identity, MetricsSettings, Telemetry};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tests::connection::{Connection, PATIENCE};
use tests::http2::Http2;
use tests::ports::refuses;
use tests::tls::Offer;
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// Connections at once: more than a worker accepts before it is told to drain.
const CLIENTS: usize = 100;

/// A gateway with one worker and without routes: it answers everything with 404.
fn gateway() -> Result<Gateway> {
    let publisher = Arc::new(Publisher::new(Arc::default()));
    let telemetry = Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(std::io::sink()))?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = ListenSettings {
        http: vec![any],
        advertised_http_port: None,
        https: vec![any],
        advertised_https_port: None,
        handshakes: HandshakeLimits::default(),
        workers: 1,
        temp_space: Arc::default(),
    };
    Ok(Gateway::start(&settings, &publisher, &telemetry)?)
}

/// Drains for as long as somebody is connected, in vain or not. Tells how many were cut off.
fn drain(gateway: Gateway) -> JoinHandle<usize> {
    spawn_blocking(move || gateway.drain(DrainTimeouts { idle: PATIENCE, busy: PATIENCE }))
}

/// Waits until the kernel has this many connections of a listener: a client is connected a moment before.
async fn completed(listener: SocketAddr, connections: usize) -> Result<()> {
    let port = format!(":{:04X}", listener.port());
    let is_established = |line: &&str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        matches!(&columns[..], [_, local, _, "01", ..] if local.ends_with(&port))
    };
    let completed = async {
        while std::fs::read_to_string("/proc/net/tcp")?.lines().filter(is_established).count() < connections {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, completed).await.context("the kernel does not complete the connections")?
}

/// Makes the last request of a connection.
async fn last(connection: &mut Connection) -> Result<()> {
    connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    let response = connection.response("GET").await?;
    assert!(response.status == 404 && response.closed, "{response:?}");
    Ok(())
}

#[tokio::test]
async fn whoever_has_connected_is_served_accepted_or_not() -> Result<()> {
    let gateway = gateway()?;
    let http = gateway.http_addresses()[0];
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Connection::open(http).await?);
    }
    let https = gateway.https_addresses()[0];
    let encrypted = TcpStream::connect(https).await?;
    completed(http, CLIENTS).await?;
    completed(https, 1).await?;
    let draining = drain(gateway);
    refuses(http).await?;
    for client in &mut clients {
        last(client).await?;
    }
    let (_, handshake) = tests::tls::handshake(encrypted, &Offer::default()).await?;
    assert!(!handshake.certificate.is_empty());
    assert_eq!(draining.await?, 0);
    Ok(())
}

#[tokio::test]
async fn idle_connections_may_make_one_more_request() -> Result<()> {
    let gateway = gateway()?;
    let http = gateway.http_addresses()[0];
    let (mut used, mut fresh) = (Connection::open(http).await?, Connection::open(http).await?);
    let multiplexed = Http2::open(http).await?;
    used.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    let first = used.response("GET").await?;
    assert!(first.status == 404 && !first.closed, "{first:?}");
    let draining = drain(gateway);
    refuses(http).await?;
    last(&mut used).await?;
    last(&mut fresh).await?;
    // Only after its first request is a client of HTTP/2 asked to go.
    assert_eq!(multiplexed.get("http://h/").await?.status, 404);
    assert_eq!(multiplexed.ended_by_server().await?, None);
    assert_eq!(draining.await?, 0);
    Ok(())
}
