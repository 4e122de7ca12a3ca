//! Requests of HTTP/2 from clients: many at once, large bodies, and those that end before their time.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::{Adit, manifests};
use tests::backend::scripted;
use tests::http2::{Http2, piece};
use tests::tls::Offer;
use tests::wire::header;
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;

pub(super) const URL: &str = "http://h/";
pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub(super) async fn adit(backend: SocketAddr, config: Value) -> Result<Adit> {
    Adit::start(&manifests(&[backend], &config)).await
}

pub(super) fn named(name: &str) -> Offer {
    Offer { server_name: Some(name.to_owned()), ..Offer::default() }
}

/// One connection over TLS and one by prior knowledge.
pub(super) async fn both(adit: &Adit) -> Result<[Http2; 2]> {
    Ok([Http2::open_tls(adit.https_address()?, named("h")).await?, Http2::open(adit.address()?).await?])
}

/// A backend that answers with the length of the request's body.
async fn measuring() -> Result<SocketAddr> {
    scripted(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            let length = connection.request_body(&head).await?.len().to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", length.len());
            connection.send(head + &length).await?;
        }
        Ok(())
    })
    .await
}

/// A backend that answers each request once it is let go. Tells when a request has arrived.
pub(super) async fn held(arrived: &Arc<Notify>, go: &Arc<Notify>) -> Result<SocketAddr> {
    let (arrived, go) = (arrived.clone(), go.clone());
    scripted(move |_, mut connection| {
        let (arrived, go) = (arrived.clone(), go.clone());
        async move {
            while connection.request().await?.is_some() {
                arrived.notify_one();
                go.notified().await;
                connection.send(OK).await?;
            }
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn a_hundred_requests_are_served_at_once() -> Result<()> {
    const REQUESTS: usize = 100;
    let all_there = Arc::new(Barrier::new(REQUESTS));
    let backend = scripted(move |_, mut connection| {
        let all_there = all_there.clone();
        async move {
            while connection.request().await?.is_some() {
                all_there.wait().await;
                connection.send(OK).await?;
            }
            Ok(())
        }
    });
    let adit = adit(backend.await?, json!({})).await?;
    for connection in both(&adit).await? {
        let mut streams = Vec::new();
        for _ in 0..REQUESTS {
            streams.push(connection.start(http::Request::get(URL).body(())?, true).await?);
        }
        for stream in streams {
            let response = stream.response().await?;
            assert_eq!((response.status, &*response.body), (200, &b"ok"[..]));
        }
        assert_eq!(connection.end().await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn no_more_requests_at_once_than_the_setting_says() -> Result<()> {
    let (arrived, go) = Default::default();
    let adit = adit(held(&arrived, &go).await?, json!({"http2-max-concurrent-streams": "2"})).await?;
    let connection = Http2::open(adit.address()?).await?;
    go.notify_one();
    // By its answer the settings are there, too.
    assert_eq!(connection.get(URL).await?.status, 200);
    arrived.notified().await;
    let (first, second) = (connection.start(get()?, true).await?, connection.start(get()?, true).await?);
    arrived.notified().await;
    arrived.notified().await;
    let third = connection.get(URL);
    tokio::pin!(third);
    tokio::select! {
        biased;
        _ = &mut third => panic!("a third request is answered beside two that are not"),
        () = tokio::task::yield_now() => {}
    }
    go.notify_one();
    go.notify_one();
    assert_eq!((first.response().await?.status, second.response().await?.status), (200, 200));
    arrived.notified().await;
    go.notify_one();
    assert_eq!(third.await?.status, 200);
    Ok(())
}

pub(super) fn get() -> Result<http::Request<()>> {
    Ok(http::Request::get(URL).body(())?)
}

#[tokio::test]
async fn uploads_larger_than_any_window_arrive_side_by_side() -> Result<()> {
    const SIZE: usize = 3 << 20;
    let adit = adit(measuring().await?, json!({"proxy-body-size": "0"})).await?;
    for connection in both(&adit).await? {
        let connection = Arc::new(connection);
        let mut uploads = JoinSet::new();
        for announced in [true, false, true, false] {
            let connection = connection.clone();
            uploads.spawn(async move {
                let mut request = http::Request::post(URL);
                if announced {
                    request = request.header("content-length", SIZE);
                }
                let mut stream = connection.start(request.body(())?, false).await?;
                stream.body(Bytes::from(vec![b'x'; SIZE]), true).await?;
                stream.response().await
            });
        }
        while let Some(response) = uploads.join_next().await {
            assert_eq!(response??.body, SIZE.to_string().as_bytes());
        }
    }
    Ok(())
}

#[tokio::test]
async fn downloads_come_as_they_are_read() -> Result<()> {
    const SIZE: usize = 8 << 20;
    let backend = scripted(|_, mut connection| async move {
        while connection.request().await?.is_some() {
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")).await?;
            connection.send(vec![b'x'; SIZE]).await?;
        }
        Ok(())
    });
    let adit = adit(backend.await?, json!({})).await?;
    for connection in both(&adit).await? {
        let stalled = connection.start(get()?, true).await?;
        let (head, mut unread) = stalled.head().await?;
        assert_eq!(header(&head.headers, "content-length").as_deref(), Some("8388608"));
        // It has filled its window by now or will, and is in nobody's way.
        let first = piece(&mut unread).await?.context("a first piece")?;
        let (_, mut body) = connection.start(get()?, true).await?.head().await?;
        let mut length = first.len();
        while let Some(piece) = piece(&mut unread).await? {
            length += piece.len();
        }
        assert_eq!(length, SIZE);
        let mut length = 0;
        while let Some(piece) = piece(&mut body).await? {
            length += piece.len();
        }
        assert_eq!(length, SIZE);
    }
    Ok(())
}

#[tokio::test]
async fn fault_f18_an_answer_before_the_end_of_the_body_comes_without_a_reset() -> Result<()> {
    let adit = adit(measuring().await?, json!({"proxy-body-size": "1k"})).await?;
    for connection in both(&adit).await? {
        let request = http::Request::post(URL).header("content-length", 4096).body(())?;
        let mut stream = connection.start(request, false).await?;
        let head = stream.begun().await?;
        assert_eq!(head, 413);
        // Its stream is still open, and takes the body.
        stream.body(Bytes::from_static(&[b'x'; 4096]), true).await?;
        assert_eq!(connection.get(URL).await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn attack_41_a_body_that_ends_in_an_empty_frame_leaves_its_backends_connection_clean() -> Result<()> {
    let backend = scripted(|number, mut connection| async move {
        let mut requests = 0;
        while let Some(head) = connection.request().await? {
            requests += 1;
            let length = connection.request_body(&head).await?.len();
            let answer = format!("{number} {requests} {length}");
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())).await?;
        }
        Ok(())
    });
    let adit = adit(backend.await?, json!({})).await?;
    let connection = Http2::open(adit.address()?).await?;
    let mut stream = connection.start(http::Request::post(URL).body(())?, false).await?;
    stream.body(Bytes::from_static(b"abc"), false).await?;
    stream.body(Bytes::new(), true).await?;
    assert_eq!(stream.response().await?.body, b"1 1 3");
    // A second terminating chunk would now be the next request on the backend's connection.
    for number in 2..5 {
        assert_eq!(connection.get(URL).await?.body, format!("1 {number} 0").as_bytes());
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_stream_that_is_reset() -> Result<()> {
    let backend = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbut no more").await
    });
    let adit = adit(backend.await?, json!({})).await?;
    let connection = Http2::open(adit.address()?).await?;
    for _ in 0..2 {
        let error = connection.get(URL).await.expect_err("the answer has no end");
        let error = error.downcast_ref::<h2::Error>().context("an error of the stream")?;
        assert!(error.is_reset() && error.is_remote(), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_connection_stays() -> Result<()> {
    let adit = adit(measuring().await?, json!({"proxy-body-size": "1k"})).await?;
    let connection = Http2::open(adit.address()?).await?;
    for announced in [true, false] {
        let mut request = http::Request::post(URL);
        if announced {
            request = request.header("content-length", 4 << 20);
        }
        let mut stream = connection.start(request.body(())?, false).await?;
        // It may be told before it has sent all.
        let _ = stream.body(Bytes::from(vec![b'x'; 4 << 20]), true).await;
        assert_eq!(stream.response().await?.status, 413);
    }
    assert_eq!(connection.get(URL).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn fault_f04_calls_that_a_client_ends_do_not_end_its_connection() -> Result<()> {
    let backend = scripted(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            if head.target == "/" {
                connection.send(OK).await?;
                continue;
            }
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n").await?;
            connection.is_closed().await;
            break;
        }
        Ok(())
    });
    let adit = adit(backend.await?, json!({})).await?;
    let connection = Http2::open(adit.address()?).await?;
    for _ in 0..250 {
        let stream = connection.start(http::Request::get("http://h/stream").body(())?, true).await?;
        let (head, mut body) = stream.head().await?;
        assert_eq!(head.status, 200);
        piece(&mut body).await?.context("a message")?;
        drop(body); // it is reset
    }
    assert_eq!(connection.get(URL).await?.status, 200);
    assert_eq!(connection.end().await?, None);
    Ok(())
}

#[tokio::test]
async fn an_upload_that_stalls_is_ended() -> Result<()> {
    let adit = adit(measuring().await?, json!({"client-body-timeout": "1"})).await?;
    let connection = Http2::open(adit.address()?).await?;
    let mut stream = connection.start(http::Request::post(URL).body(())?, false).await?;
    stream.body(Bytes::from_static(b"a beginning"), false).await?;
    assert_eq!(stream.response().await?.status, 408);
    assert_eq!(connection.get(URL).await?.status, 200);
    Ok(())
}
