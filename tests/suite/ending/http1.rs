//! HTTP/1.1 at the end.

use super::{FOREVER, SHORT, ask, get, holding, refused, serve, status};
use anyhow::Result;
use serde_json::json;
use tests::adit::manifests;
use tests::connection::Connection;
use tests::tls::Offer;
use tests::wire::header;

#[tokio::test]
async fn j24_the_health_check_fails_during_the_grace_period_and_readiness_does_not() -> Result<()> {
    let mut adit = serve(&[FOREVER], &manifests(&[], &json!({}))).await?;
    assert_eq!((status(adit.admin, "/healthz").await?, status(adit.admin, "/readyz").await?), (200, 200));
    adit.terminate().await?;
    assert_eq!((status(adit.admin, "/healthz").await?, status(adit.admin, "/readyz").await?), (500, 200));
    Ok(())
}

#[tokio::test]
async fn from_the_signal_on_every_answer_ends_its_connection() -> Result<()> {
    let (mut adit, held) = holding(&[FOREVER]).await?;
    let (mut idle, mut busy) = (Connection::open(adit.http).await?, Connection::open(adit.http).await?);
    held.go.notify_one();
    let before = get(&mut idle, "/").await?;
    assert_eq!((before.status, header(&before.headers, "connection").as_deref()), (200, Some("keep-alive")));
    held.arrived().await?;
    ask(&mut busy, "/").await?;
    held.arrived().await?;
    adit.terminate().await?;
    held.go.notify_one();
    let during = busy.response("GET").await?;
    assert!(during.status == 200 && during.closed, "the request came before the signal: {during:?}");
    // An answer of the gateway's own, and one to somebody who asks for an upgrade in vain.
    assert!(get(&mut idle, "/../").await?.closed);
    let mut upgrading = Connection::open(adit.http).await?;
    held.go.notify_one();
    upgrading.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await?;
    assert!(upgrading.response("GET").await?.closed);
    // New connections are served, and each serves one request.
    let mut encrypted = Connection::open_tls(adit.https, &Offer::default()).await?;
    for new in [&mut Connection::open(adit.http).await?, &mut encrypted] {
        held.go.notify_one();
        let after = get(new, "/").await?;
        assert!(after.status == 200 && after.closed, "{after:?}");
    }
    Ok(())
}

#[tokio::test]
async fn b23_a_slow_request_is_answered_by_a_process_that_ends_meanwhile() -> Result<()> {
    let (mut adit, held) = holding(&[SHORT]).await?;
    let mut client = Connection::open(adit.http).await?;
    ask(&mut client, "/sleep/30").await?;
    held.arrived().await?;
    adit.terminate().await?;
    refused(adit.http).await?;
    refused(adit.https).await?;
    assert_eq!((status(adit.admin, "/healthz").await?, adit.has_ended()?), (500, false));
    held.go.notify_one();
    let answer = client.response("GET").await?;
    assert!(answer.status == 200 && answer.closed, "{answer:?}");
    assert!(adit.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn idle_connections_end_last_and_hold_nothing_up() -> Result<()> {
    let (mut adit, held) = holding(&[SHORT]).await?;
    let (mut used, mut fresh) = (Connection::open(adit.http).await?, Connection::open(adit.http).await?);
    held.go.notify_one();
    assert_eq!(get(&mut used, "/").await?.status, 200);
    adit.terminate().await?;
    assert!(used.is_closed().await && fresh.is_closed().await);
    assert!(adit.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn where_nothing_is_open_the_grace_period_is_all() -> Result<()> {
    let mut adit = serve(&[SHORT], &manifests(&[], &json!({}))).await?;
    adit.terminate().await?;
    assert!(adit.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_second_signal_ends_at_once_whatever_is_open() -> Result<()> {
    let (mut adit, held) = holding(&[SHORT]).await?;
    let mut client = Connection::open(adit.http).await?;
    ask(&mut client, "/").await?;
    held.arrived().await?;
    adit.terminate().await?;
    refused(adit.http).await?;
    assert!(!adit.has_ended()?, "it waits for the request");
    adit.signal("TERM").await?;
    assert_eq!(adit.ended().await?.code(), Some(1));
    Ok(())
}

#[tokio::test]
async fn an_interrupt_has_no_grace_but_finishes_requests() -> Result<()> {
    let (mut adit, held) = holding(&[FOREVER]).await?;
    let (mut idle, mut busy) = (Connection::open(adit.http).await?, Connection::open(adit.http).await?);
    ask(&mut busy, "/").await?;
    held.arrived().await?;
    adit.signal("INT").await?;
    refused(adit.http).await?;
    assert!(idle.is_closed().await);
    held.go.notify_one();
    assert_eq!(busy.response("GET").await?.status, 200);
    assert!(adit.ended().await?.success());
    Ok(())
}
