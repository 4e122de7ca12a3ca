//! Bodies of responses: a backend is free once it has sent one, however slow its client is.

use super::{next, temp_bytes};
use crate::ADIT;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, annotated};
use tests::backend::{accept, scripted};
use tests::connection::Connection;
use tests::fastcgi::{body, end, output, params};
use tests::http2::Http2;
use tests::process::Process;
use tests::wire::{Remaining, header};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

/// More than all sockets on the way hold.
const LENGTH: usize = 20 << 20;
/// A response that no buffer in memory could hide.
const LARGE: usize = 256 << 20;
/// Memory that Adit may take for it: pieces on their way, and what its allocator keeps.
const GROWTH: usize = 32 << 20;
/// Bytes that a backend sends at a time.
const PIECE: usize = 64 << 10;
const ON: (&str, &str) = ("proxy-buffering", "on");
const OFF: (&str, &str) = ("proxy-buffering", "off");

/// What a backend does.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    /// It has got a request for so many bytes, on the connection with this number.
    Asked(usize, usize),
    /// It has sent so many bytes.
    Sent(usize),
}

type Does = mpsc::UnboundedReceiver<Done>;

/// A backend whose responses have this header and as many bytes as the target says. Only its first connection is kept.
async fn backend(more: &'static str) -> Result<(SocketAddr, Does)> {
    let (done, does) = mpsc::unbounded_channel();
    let address = scripted(move |number, mut connection| {
        let done = done.clone();
        async move {
            let close = if number > 1 { "Connection: close\r\n" } else { "" };
            while let Some(head) = connection.request().await? {
                let length = head.target.trim_start_matches('/').parse()?;
                done.send(Done::Asked(number, length))?;
                connection.send(format!("HTTP/1.1 200 OK\r\n{more}{close}Content-Length: {length}\r\n\r\n")).await?;
                for start in (0..length).step_by(PIECE) {
                    connection.send(content(start, length.min(start + PIECE))).await?;
                }
                done.send(Done::Sent(length))?;
                if number > 1 {
                    break;
                }
            }
            Ok(())
        }
    });
    Ok((address.await?, does))
}

/// The bytes of a response between these places, which tell where they belong.
fn content(start: usize, end: usize) -> Vec<u8> {
    const RUN: usize = 1000;
    let mut bytes = Vec::with_capacity(end - start);
    while start + bytes.len() < end {
        let at = start + bytes.len();
        let run = (RUN - at % RUN).min(end - at);
        bytes.resize(bytes.len() + run, (at / RUN % 251) as u8);
    }
    bytes
}

fn is_content(body: &[u8]) -> bool {
    body == content(0, body.len())
}

fn get(length: usize) -> String {
    format!("GET /{length} HTTP/1.1\r\nHost: h\r\n\r\n")
}

async fn adit(annotations: &[(&str, &str)], backend: SocketAddr, config: &Value) -> Result<Adit> {
    Adit::start(&annotated(annotations, &[backend], config)).await
}

/// A client that has asked for so many bytes and takes none of them.
async fn slow(server: SocketAddr, length: usize) -> Result<Connection> {
    let mut slow = Connection::open(server).await?;
    slow.send(get(length)).await?;
    Ok(slow)
}

/// Makes other requests until the backend's first connection serves one.
async fn until_first_is_free(adit: &Adit, does: &mut Does) -> Result<()> {
    let mut other = adit.connect().await?;
    loop {
        other.send(get(5)).await?;
        ensure!(is_content(&other.response("GET").await?.body));
        let Done::Asked(number, 5) = next(does).await? else { anyhow::bail!("another request") };
        ensure!(next(does).await? == Done::Sent(5));
        if number == 1 {
            return Ok(());
        }
    }
}

/// Makes another request, for which the backend's first connection is not free.
async fn while_first_is_busy(adit: &Adit, does: &mut Does) -> Result<()> {
    let mut other = adit.connect().await?;
    other.send(get(5)).await?;
    ensure!(is_content(&other.response("GET").await?.body));
    assert_eq!((next(does).await?, next(does).await?), (Done::Asked(2, 5), Done::Sent(5)));
    Ok(())
}

#[tokio::test]
async fn a_slow_client_holds_no_connection_of_its_backend() -> Result<()> {
    const IGNORED: (&str, &str) = ("configuration-snippet", "proxy_ignore_headers X-Accel-Buffering;");
    let config = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    for (annotations, more, is_free) in [
        (&[ON][..], "", true),
        (&[OFF], "", false),
        (&[], "", false),
        (&[OFF], "X-Accel-Buffering: Yes\r\n", true),
        (&[ON], "X-Accel-Buffering: no\r\n", false),
        (&[ON], "X-Accel-Buffering: maybe\r\n", true),
        (&[ON, IGNORED], "X-Accel-Buffering: no\r\n", true),
    ] {
        let (backend, mut does) = backend(more).await?;
        let adit = adit(annotations, backend, &config).await?;
        let mut slow = slow(adit.address()?, LENGTH).await?;
        assert_eq!(next(&mut does).await?, Done::Asked(1, LENGTH), "{annotations:?} {more}");
        match is_free {
            true => {
                assert_eq!(next(&mut does).await?, Done::Sent(LENGTH), "{annotations:?} {more}");
                until_first_is_free(&adit, &mut does).await?;
            }
            false => while_first_is_busy(&adit, &mut does).await?,
        }
        let response = slow.response("GET").await?;
        ensure!(response.body.len() == LENGTH && is_content(&response.body), "{annotations:?} {more}");
        ensure!(header(&response.headers, "x-accel-buffering").is_none());
        while temp_bytes(adit.admin_address()?).await? > 0 {}
    }
    Ok(())
}

#[tokio::test]
async fn nor_does_one_over_http2() -> Result<()> {
    let (backend, mut does) = backend("").await?;
    let adit = adit(&[ON], backend, &json!({})).await?;
    let client = Http2::open(adit.address()?).await?;
    let slow = client.start(http::Request::get(format!("http://h/{LENGTH}")).body(())?, true).await?;
    assert_eq!((next(&mut does).await?, next(&mut does).await?), (Done::Asked(1, LENGTH), Done::Sent(LENGTH)));
    until_first_is_free(&adit, &mut does).await?;
    let body = slow.response().await?.body;
    ensure!(body.len() == LENGTH && is_content(&body));
    Ok(())
}

#[tokio::test]
async fn a_slow_client_holds_no_fastcgi_program() -> Result<()> {
    let (done, mut does) = mpsc::unbounded_channel();
    let program = accept(move |_, mut stream| {
        let done = done.clone();
        async move {
            params(&mut stream).await?;
            body(&mut stream).await?;
            stream.write_all(&output("Content-Type: text/plain\n\n")).await?;
            for start in (0..LENGTH).step_by(PIECE / 2) {
                stream.write_all(&output(content(start, start + PIECE / 2))).await?;
            }
            stream.write_all(&end()).await?;
            Ok(done.send(())?)
        }
    });
    let adit = adit(&[ON, ("backend-protocol", "FCGI")], program.await?, &json!({})).await?;
    let mut slow = slow(adit.address()?, LENGTH).await?;
    next(&mut does).await?;
    let body = slow.response("GET").await?.body;
    ensure!(body.len() == LENGTH && is_content(&body));
    Ok(())
}

#[tokio::test]
async fn without_room_a_backend_waits_and_nothing_is_lost() -> Result<()> {
    for (annotations, config) in [
        (&[ON][..], json!({"max-temp-files-size": "1m"})),
        (&[ON, ("proxy-max-temp-file-size", "1m")], json!({})),
        (&[ON, ("proxy-max-temp-file-size", "0")], json!({})),
    ] {
        let (backend, mut does) = backend("").await?;
        let adit = adit(annotations, backend, &config).await?;
        let mut slow = slow(adit.address()?, LENGTH).await?;
        assert_eq!(next(&mut does).await?, Done::Asked(1, LENGTH));
        while_first_is_busy(&adit, &mut does).await?;
        ensure!(temp_bytes(adit.admin_address()?).await? <= 1 << 20);
        let body = slow.response("GET").await?.body;
        ensure!(body.len() == LENGTH && is_content(&body), "{annotations:?} {config}");
        assert_eq!(next(&mut does).await?, Done::Sent(LENGTH));
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_goes_away_gives_its_file_back() -> Result<()> {
    let (backend, mut does) = backend("").await?;
    let adit = adit(&[ON], backend, &json!({})).await?;
    let gone = slow(adit.address()?, LENGTH).await?;
    assert_eq!((next(&mut does).await?, next(&mut does).await?), (Done::Asked(1, LENGTH), Done::Sent(LENGTH)));
    let admin = adit.admin_address()?;
    ensure!(temp_bytes(admin).await? > 0);
    drop(gone);
    while temp_bytes(admin).await? > 0 {}
    Ok(())
}

#[tokio::test]
async fn what_has_come_of_a_broken_response_is_passed_on() -> Result<()> {
    let backend = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", LENGTH + 1)).await?;
        connection.send(content(0, LENGTH)).await
    });
    let adit = adit(&[ON], backend.await?, &json!({})).await?;
    let mut slow = slow(adit.address()?, LENGTH).await?;
    assert_eq!(slow.response_head().await?.status, 200);
    ensure!(is_content(&slow.bytes(LENGTH as u64).await?) && slow.is_closed().await);
    Ok(())
}

#[tokio::test]
async fn a_large_response_lies_in_a_file_and_takes_no_memory() -> Result<()> {
    let (backend, mut does) = backend("").await?;
    let folder = tempfile::tempdir()?;
    let temp_path = format!("--temp-path={}", folder.path().display());
    let adit = Process::start(ADIT, &[&temp_path], &annotated(&[ON], &[backend], &json!({}))).await?;
    let before = adit.memory()?;
    let mut slow = slow(adit.http, LARGE).await?;
    assert_eq!((next(&mut does).await?, next(&mut does).await?), (Done::Asked(1, LARGE), Done::Sent(LARGE)));
    let held = temp_bytes(adit.admin).await?;
    ensure!(held > LARGE / 2, "{held} bytes in files");
    ensure!(adit.memory()? < before + GROWTH, "from {before} to {} bytes", adit.memory()?);
    assert_eq!(slow.response_head().await?.status, 200);
    let (mut at, mut rest) = (0, Remaining::Bytes(LARGE as u64));
    while let Some(piece) = slow.piece(&mut rest).await? {
        ensure!(piece == content(at, at + piece.len()), "at {at}");
        at += piece.len();
    }
    ensure!(adit.memory()? < before + GROWTH, "from {before} to {} bytes", adit.memory()?);
    while temp_bytes(adit.admin).await? > 0 {}
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0, "files have no names");
    Ok(())
}

#[tokio::test]
async fn a_long_head_needs_a_large_buffer() -> Result<()> {
    for (annotations, kilobytes, status) in [
        (&[][..], 60, 200),
        (&[], 100, 502),
        (&[("proxy-buffer-size", "8k")], 60, 200),
        (&[("proxy-buffer-size", "128k")], 100, 200),
        (&[("proxy-buffer-size", "128k")], 130, 502),
        (&[("proxy-buffer-size", "1m")], 250, 200),
        (&[("proxy-buffer-size", "1m")], 260, 502),
    ] {
        let backend = scripted(move |_, mut connection| async move {
            connection.request().await?;
            let long = "x".repeat(kilobytes << 10);
            connection.send(format!("HTTP/1.1 200 OK\r\nX-Long: {long}\r\nContent-Length: 0\r\n\r\n")).await
        });
        let adit = adit(annotations, backend.await?, &json!({})).await?;
        let mut client = adit.connect().await?;
        client.send(get(0)).await?;
        let response = client.response("GET").await?;
        assert_eq!(response.status, status, "{annotations:?} {kilobytes}");
        ensure!(status != 200 || header(&response.headers, "x-long").is_some_and(|long| long.len() == kilobytes << 10));
    }
    Ok(())
}
