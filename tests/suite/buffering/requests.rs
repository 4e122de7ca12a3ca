//! Bodies of requests: a backend gets all of one or nothing.

use super::{Seen, adit, backend, next, temp_bytes, upload};
use crate::ADIT;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use controller::settings::ServeSettings;
use serde_json::json;
use std::path::PathBuf;
use tests::adit::{Adit, annotated, on_loopback};
use tests::backend::scripted;
use tests::connection::Connection;
use tests::http2::Http2;
use tests::process::Process;

/// More than a worker reads at once, and than stays in memory.
const LENGTH: usize = 500_000;
/// Bytes of a body that stay in memory at most: `client-body-buffer-size`.
const MEMORY: usize = 8 << 10;
/// An upload that no buffer in memory could hide.
const LARGE: usize = 256 << 20;
/// Memory that Adit may take for it: pieces on their way, and what its allocator keeps.
const GROWTH: usize = 32 << 20;
const UNLIMITED: (&str, &str) = ("proxy-body-size", "0");
const STREAMED: (&str, &str) = ("proxy-request-buffering", "off");

#[tokio::test]
async fn a_slow_upload_reaches_the_backend_as_a_whole() -> Result<()> {
    for (framing, sent) in [("Content-Length: 500000", "x".repeat(LENGTH)), ("Transfer-Encoding: chunked", chunked())] {
        let (backend, mut sees) = backend().await?;
        let adit = adit(&[], backend).await?;
        let mut slow = adit.connect().await?;
        slow.send(format!("PUT /slow HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n")).await?;
        let (start, end) = sent.split_at(sent.len() - 1);
        slow.send(start).await?;
        assert_eq!(upload(&adit, "/other", 10).await?.status, 200);
        assert_eq!(
            (next(&mut sees).await?, next(&mut sees).await?),
            (Seen::Head("/other".into(), Some(10)), Seen::Body(10))
        );
        slow.send(end).await?;
        assert_eq!(slow.response("PUT").await?.status, 200);
        let whole = (Seen::Head("/slow".into(), Some(LENGTH)), Seen::Body(LENGTH));
        assert_eq!((next(&mut sees).await?, next(&mut sees).await?), whole);
    }
    Ok(())
}

/// A body in chunks of `LENGTH` bytes.
fn chunked() -> String {
    format!("{}0\r\n\r\n", format!("{:x}\r\n{}\r\n", LENGTH / 10, "x".repeat(LENGTH / 10)).repeat(10))
}

#[tokio::test]
async fn without_buffering_an_upload_passes_as_it_comes() -> Result<()> {
    let (backend, mut sees) = backend().await?;
    let adit = adit(&[STREAMED], backend).await?;
    let mut slow = adit.connect().await?;
    slow.send("PUT /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx").await?;
    assert_eq!(next(&mut sees).await?, Seen::Head("/slow".into(), Some(2)));
    slow.send("x").await?;
    assert_eq!((slow.response("PUT").await?.status, next(&mut sees).await?), (200, Seen::Body(2)));
    Ok(())
}

#[tokio::test]
async fn an_upload_that_is_cut_off_reaches_no_backend() -> Result<()> {
    let (backend, mut sees) = backend().await?;
    let adit = adit(&[], backend).await?;
    for length in [10, LENGTH] {
        let mut gone = adit.connect().await?;
        gone.send(format!("PUT /gone HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", length + 1)).await?;
        gone.send("x".repeat(length)).await?;
        drop(gone);
    }
    assert_eq!(upload(&adit, "/other", 10).await?.status, 200);
    assert_eq!(next(&mut sees).await?, Seen::Head("/other".into(), Some(10)));
    // Its files are given back, too.
    while temp_bytes(adit.admin_address()?).await? > 0 {}
    Ok(())
}

#[tokio::test]
async fn uploads_over_http2_are_held_back_and_get_a_length() -> Result<()> {
    let (backend, mut sees) = backend().await?;
    let adit = adit(&[], backend).await?;
    let client = Http2::open(adit.address()?).await?;
    let mut slow = client.start(http::Request::put("http://h/slow").body(())?, false).await?;
    slow.body(Bytes::from(vec![b'x'; LENGTH]), false).await?;
    assert_eq!(client.get("http://h/other").await?.status, 200);
    slow.body(Bytes::new(), true).await?;
    assert_eq!(slow.response().await?.status, 200);
    let seen = [next(&mut sees).await?, next(&mut sees).await?, next(&mut sees).await?, next(&mut sees).await?];
    let other = [Seen::Head("/other".into(), None), Seen::Body(0)];
    let [first, second] = other;
    assert_eq!(seen, [first, second, Seen::Head("/slow".into(), Some(LENGTH)), Seen::Body(LENGTH)]);
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_held_back_can_be_sent_to_another_endpoint() -> Result<()> {
    let breaks = scripted(|_, mut connection| async move {
        let head = connection.request().await?.context("a request")?;
        connection.request_body(&head).await.map(drop)
    });
    let (backend, mut sees) = backend().await?;
    let adit = Adit::start(&annotated(&[], &[breaks.await?, backend], &json!({}))).await?;
    for _ in 0..2 {
        let mut client = adit.connect().await?;
        client.send(format!("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {LENGTH}\r\n\r\n")).await?;
        client.send("x".repeat(LENGTH)).await?;
        assert_eq!(client.response("PUT").await?.status, 200);
        assert_eq!(next(&mut sees).await?, Seen::Head("/".into(), Some(LENGTH)));
        assert_eq!(next(&mut sees).await?, Seen::Body(LENGTH));
    }
    let metrics = adit.metrics().await?;
    assert!(metrics.lines().any(|line| line.starts_with("adit_retries_total{") && line.ends_with(" 1")), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn a_full_room_refuses_an_upload_and_harms_no_other() -> Result<()> {
    let (backend, mut sees) = backend().await?;
    let config = json!({"max-temp-files-size": "1m"});
    let adit = Adit::start(&annotated(&[UNLIMITED], &[backend], &config)).await?;
    let mut slow = adit.connect().await?;
    slow.send(format!("PUT /slow HTTP/1.1\r\nHost: h\r\nContent-Length: {LENGTH}\r\n\r\n")).await?;
    let sent = LENGTH - 1;
    slow.send("x".repeat(sent)).await?;
    // It has its room before the large one comes.
    while temp_bytes(adit.admin_address()?).await? < sent - MEMORY {}
    assert_eq!(upload(&adit, "/large", 2 << 20).await?.status, 503);
    assert_eq!(upload(&adit, "/small", 1000).await?.status, 200);
    slow.send("x").await?;
    assert_eq!(slow.response("PUT").await?.status, 200);
    while temp_bytes(adit.admin_address()?).await? > 0 {}
    assert_eq!(upload(&adit, "/after", 900_000).await?.status, 200);
    for (target, length) in [("/small", 1000), ("/slow", LENGTH), ("/after", 900_000)] {
        assert_eq!(next(&mut sees).await?, Seen::Head(target.into(), Some(length)));
        assert_eq!(next(&mut sees).await?, Seen::Body(length));
    }
    let metrics = adit.metrics().await?;
    assert!(metrics.lines().any(|line| line.contains("reason=\"buffers-full\"") && line.ends_with(" 1")), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn without_a_folder_only_large_uploads_fail() -> Result<()> {
    let (backend, _sees) = backend().await?;
    let serve = ServeSettings { temp_path: Some(PathBuf::from("/nowhere")), ..ServeSettings::default() };
    let adit = Adit::start_on(on_loopback(serve), &annotated(&[], &[backend], &json!({}))).await?;
    assert_eq!(upload(&adit, "/", 5000).await?.status, 200);
    assert_eq!(upload(&adit, "/", LENGTH).await?.status, 500);
    assert_eq!(upload(&adit, "/", 5000).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_large_upload_lies_in_a_file_and_takes_no_memory() -> Result<()> {
    for buffering in ["on", "off"] {
        let (backend, mut sees) = backend().await?;
        let annotations = [UNLIMITED, ("proxy-request-buffering", buffering)];
        let folder = tempfile::tempdir()?;
        let temp_path = format!("--temp-path={}", folder.path().display());
        let adit = Process::start(ADIT, &[&temp_path], &annotated(&annotations, &[backend], &json!({}))).await?;
        let mut client = Connection::open(adit.http).await?;
        let before = adit.memory()?;
        client.send(format!("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {LARGE}\r\n\r\n")).await?;
        let piece = vec![b'x'; 1 << 20];
        let mut most = before;
        for number in 1..=LARGE / piece.len() {
            if number == LARGE / piece.len() {
                most = most.max(adit.memory()?);
                let held = temp_bytes(adit.admin).await?;
                ensure!((held > LARGE / 2) == (buffering == "on"), "{buffering}: {held} bytes in files");
            }
            client.send(&piece).await?;
        }
        assert_eq!(client.response("PUT").await?.status, 200);
        most = most.max(adit.memory()?);
        ensure!(most < before + GROWTH, "{buffering}: from {before} to {most} bytes");
        assert_eq!(next(&mut sees).await?, Seen::Head("/".into(), Some(LARGE)));
        assert_eq!(next(&mut sees).await?, Seen::Body(LARGE));
        while temp_bytes(adit.admin).await? > 0 {}
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 0, "files have no names");
    }
    Ok(())
}
