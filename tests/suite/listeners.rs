//! Where Adit listens, and how many connections it takes.

use anyhow::{Context, Result, ensure};
use controller::settings::ServeSettings;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tests::adit::{Adit, manifests, on_loopback};
use tests::backend::{mirror, scripted};
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::wire::header;

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// A backend that answers with the client's address, as Adit tells it.
async fn who_asks() -> Result<SocketAddr> {
    scripted(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            let client = header(&head.headers, "x-real-ip").unwrap_or_default();
            let length = client.len();
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{client}")).await?;
        }
        Ok(())
    })
    .await
}

async fn get(connection: &mut Connection) -> Result<Response> {
    connection.send(GET).await?;
    connection.response("GET").await
}

async fn everywhere(config: Value) -> Result<Adit> {
    let serve = ServeSettings { bind_address: None, ..on_loopback(ServeSettings::default()) };
    Adit::start_on(serve, &manifests(&[who_asks().await?], &config)).await
}

async fn limited(config: Value) -> Result<Adit> {
    Adit::start(&manifests(&[who_asks().await?], &config)).await
}

async fn answer_at(adit: &Adit, address: IpAddr) -> Result<String> {
    let port = adit.address()?.port();
    let mut connection = Connection::open((address, port).into()).await?;
    Ok(String::from_utf8(get(&mut connection).await?.body)?)
}

/// Containers may not use low ports, and clients know nothing of that.
#[tokio::test]
async fn fault_f08_clients_of_https_have_come_to_443_unless_told_otherwise() -> Result<()> {
    let forwarded_port = async |advertised_https_port| -> Result<String> {
        let backend = mirror().await?;
        let serve = ServeSettings { advertised_https_port, ..on_loopback(ServeSettings::default()) };
        let adit = Adit::start_on(serve, &manifests(&[backend], &json!({"ssl-redirect": "false"}))).await?;
        let seen = String::from_utf8(get(&mut adit.connect_tls("h").await?).await?.body)?;
        let port = seen.lines().find_map(|line| line.strip_prefix("x-forwarded-port: "));
        port.map(str::to_owned).context(seen.clone())
    };
    assert_eq!(forwarded_port(None).await?, "443");
    assert_eq!(forwarded_port(Some(8443)).await?, "8443");
    Ok(())
}

#[tokio::test]
async fn ipv4_and_ipv6_are_served_on_one_port() -> Result<()> {
    let adit = everywhere(json!({})).await?;
    assert_eq!(answer_at(&adit, Ipv6Addr::LOCALHOST.into()).await?, "::1");
    assert_eq!(answer_at(&adit, Ipv4Addr::LOCALHOST.into()).await?, "127.0.0.1", "not as an IPv4-mapped address");
    Ok(())
}

#[tokio::test]
async fn ipv6_can_be_left_out() -> Result<()> {
    let adit = everywhere(json!({"disable-ipv6": "true"})).await?;
    assert_eq!(answer_at(&adit, Ipv4Addr::LOCALHOST.into()).await?, "127.0.0.1");
    assert!(answer_at(&adit, Ipv6Addr::LOCALHOST.into()).await.is_err());
    Ok(())
}

/// Holds two connections, the most there may be, and expects that a third is closed unserved, and counted. Then gives
/// one back.
async fn takes_two(adit: &Adit, reason: &str) -> Result<()> {
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut connection = adit.connect().await?;
        ensure!(get(&mut connection).await?.status == 200, "one of the first two");
        held.push(connection);
    }
    let mut third = adit.connect().await?;
    ensure!(third.is_closed().await, "a third is served");
    let metrics = adit.metrics().await?;
    let line =
        metrics.lines().find(|line| line.starts_with("adit_refused_connections_total{") && line.contains(reason));
    ensure!(line.is_some_and(|line| line.ends_with(" 1")), "not counted as {reason}: {line:?}");
    for connection in &mut held {
        ensure!(get(connection).await?.status == 200, "the first two are disturbed");
    }
    held.pop();
    let served_again = async {
        // The place is free once Adit has noticed; until then it refuses.
        while get(&mut adit.connect().await?).await.is_err() {}
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, served_again).await.context("the place is never given back")?
}

#[tokio::test]
async fn a_client_has_no_more_connections_than_it_may() -> Result<()> {
    let adit = limited(json!({"max-connections-per-client": "2"})).await?;
    takes_two(&adit, "client-limit").await
}

#[tokio::test]
async fn a_worker_has_no_more_connections_than_it_may() -> Result<()> {
    let adit = limited(json!({"max-worker-connections": "2"})).await?;
    takes_two(&adit, "worker-limit").await
}
