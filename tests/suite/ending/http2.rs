//! HTTP/2 at the end.

use super::{FOREVER, SHORT, holding, refused};
use anyhow::Result;
use tests::http2::Http2;
use tests::tls::Offer;

const URL: &str = "http://h/";

#[tokio::test]
async fn nobody_is_asked_to_go_during_the_grace_period() -> Result<()> {
    let (mut adit, held) = holding(&[FOREVER]).await?;
    let encrypted = Http2::open_tls(adit.https, Offer::default()).await?;
    let before = [Http2::open(adit.http).await?, encrypted];
    adit.terminate().await?;
    let after = [Http2::open(adit.http).await?, Http2::open_tls(adit.https, Offer::default()).await?];
    for connection in before.iter().chain(&after) {
        // A client that was asked to go makes no second request.
        for _ in 0..3 {
            held.go.notify_one();
            assert_eq!(connection.get(URL).await?.status, 200);
        }
    }
    Ok(())
}

#[tokio::test]
async fn streams_finish_after_the_grace_period() -> Result<()> {
    let (mut adit, held) = holding(&[SHORT]).await?;
    let [busy, idle, unused] =
        [Http2::open(adit.http).await?, Http2::open(adit.http).await?, Http2::open(adit.http).await?];
    held.go.notify_one();
    assert_eq!(idle.get(URL).await?.status, 200);
    held.arrived().await?;
    let running = busy.start(http::Request::get(URL).body(())?, true).await?;
    held.arrived().await?;
    adit.terminate().await?;
    refused(adit.http).await?;
    for ended in [idle, unused] {
        assert_eq!(ended.ended_by_server().await?, None);
    }
    assert!(!adit.has_ended()?, "it waits for the stream");
    held.go.notify_one();
    assert_eq!(running.response().await?.status, 200);
    assert_eq!(busy.ended_by_server().await?, None);
    assert!(adit.ended().await?.success());
    Ok(())
}
