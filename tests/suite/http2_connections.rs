//! Connections of HTTP/2 from clients: when they end, who may use them, and which hosts they are for.

use super::http2::{OK, URL, adit, both, get, held, named};
use anyhow::{Result, ensure};
use h2::Reason;
use serde_json::json;
use std::sync::Arc;
use tests::backend::answering;
use tests::connection::{Connection, PATIENCE};
use tests::frames::PREFACE;
use tests::http2::Http2;
use tests::tls::Offer;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_connection_ends_with_its_last_request() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({"keep-alive-requests": "3"})).await?;
    for connection in both(&adit).await? {
        for _ in 0..3 {
            assert_eq!(connection.get(URL).await?.status, 200);
        }
        assert_eq!(connection.ended_by_server().await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn no_keep_alive_ends_a_connection_with_its_first_request() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({"keep-alive": "0"})).await?;
    let connection = Http2::open(adit.address()?).await?;
    assert_eq!(connection.get(URL).await?.status, 200);
    assert_eq!(connection.ended_by_server().await?, None);
    Ok(())
}

#[tokio::test]
async fn an_idle_connection_ends_and_a_busy_one_does_not() -> Result<()> {
    let (arrived, go) = Default::default();
    let adit = adit(held(&arrived, &go).await?, json!({"keep-alive": "1", "client-header-timeout": "1"})).await?;
    let (busy, idle, unused) =
        (Http2::open(adit.address()?).await?, Http2::open(adit.address()?).await?, Http2::open(adit.address()?).await?);
    go.notify_one();
    assert_eq!(idle.get(URL).await?.status, 200);
    arrived.notified().await;
    let running = busy.start(get()?, true).await?;
    arrived.notified().await;
    assert_eq!(unused.ended_by_server().await?, None);
    assert_eq!(idle.ended_by_server().await?, None);
    go.notify_one();
    assert_eq!(running.response().await?.status, 200);
    assert_eq!(busy.ended_by_server().await?, None);
    Ok(())
}

#[tokio::test]
async fn shutting_down_asks_clients_to_go_and_finishes_their_requests() -> Result<()> {
    let (arrived, go) = Default::default();
    let adit = adit(held(&arrived, &go).await?, json!({})).await?;
    let [busy, idle] = both(&adit).await?;
    go.notify_one();
    assert_eq!(idle.get(URL).await?.status, 200);
    arrived.notified().await;
    let running = busy.start(get()?, true).await?;
    arrived.notified().await;
    let shut_down = tokio::spawn(adit.shut_down());
    assert_eq!(idle.ended_by_server().await?, None);
    go.notify_one();
    assert_eq!(running.response().await?.status, 200);
    assert_eq!(busy.ended_by_server().await?, None);
    assert_eq!(shut_down.await??, 0);
    Ok(())
}

#[tokio::test]
async fn attack_36_a_connection_is_for_the_hosts_of_its_certificate() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({})).await?;
    let https = adit.https_address()?;
    // The default certificate covers none of these names.
    for (name, status) in [(named("h"), 200), (named("other"), 421), (Offer::default(), 200)] {
        let connection = Http2::open_tls(https, name.clone()).await?;
        assert_eq!(connection.get("https://h/").await?.status, status, "{name:?}");
    }
    // HTTP/1 has no connections for several hosts, and what a client means by one is its own affair.
    let mut connection = Connection::open_tls(https, &named("other")).await?;
    connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(connection.response("GET").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn where_http2_is_off_nobody_offers_or_takes_it() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({"use-http2": "false"})).await?;
    let offer = Offer { protocols: vec!["h2", "http/1.1"], ..named("h") };
    let mut connection = Connection::open_tls(adit.https_address()?, &offer).await?;
    assert_eq!(connection.tls().and_then(|tls| tls.protocol.as_deref()), Some("http/1.1"));
    connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(connection.response("GET").await?.status, 200);
    let mut connection = adit.connect().await?;
    connection.send(PREFACE).await?;
    assert_eq!(connection.response("GET").await?.status, 505);
    Ok(())
}

#[tokio::test]
async fn over_tls_http2_is_for_those_who_have_agreed_on_it() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({})).await?;
    for protocols in [vec![], vec!["http/1.1"]] {
        let mut connection = Connection::open_tls(adit.https_address()?, &Offer { protocols, ..named("h") }).await?;
        connection.send(PREFACE).await?;
        let response = connection.response("GET").await?;
        assert_eq!((response.status, response.closed), (505, true));
    }
    Ok(())
}

#[tokio::test]
async fn many_connections_come_and_go() -> Result<()> {
    let adit = Arc::new(adit(answering(OK).await?, json!({})).await?);
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let adit = adit.clone();
        clients.spawn(async move {
            for _ in 0..3 {
                for connection in both(&adit).await? {
                    ensure!(connection.get(URL).await?.status == 200);
                    ensure!(connection.end().await? != Some(Reason::INTERNAL_ERROR));
                }
            }
            Ok(())
        });
    }
    let all = async {
        while let Some(client) = clients.join_next().await {
            client??;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, all).await?
}
