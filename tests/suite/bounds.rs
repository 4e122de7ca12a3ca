//! What a client may take of Adit at most: `docs/bounds.md`.

use crate::ADIT;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, manifests};
use tests::backend::{answering, scripted};
use tests::connection::{Connection, PATIENCE};
use tests::frames::{ACK, END_HEADERS, END_STREAM, Kind, PREFACE, frame, head, next};
use tests::http2::Http2;
use tests::process::Process;
use tokio::time::timeout;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
/// What a backend answers to every request.
const SIZE: usize = 4 << 20;

/// A backend that answers with `SIZE` bytes.
async fn large() -> Result<SocketAddr> {
    scripted(|_, mut connection| async move {
        while connection.request().await?.is_some() {
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")).await?;
            connection.send(vec![b'x'; SIZE]).await?;
        }
        Ok(())
    })
    .await
}

/// The memory of the process, once it does not change while others are served: its one worker has then done all that it can
/// for those who wait.
async fn memory_at_rest(process: &Process) -> Result<usize> {
    let at_rest = async {
        loop {
            let before = process.memory()?;
            for _ in 0..20 {
                let mut other = Connection::open(process.http).await?;
                other.send("GET / HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n").await?;
                other.response("GET").await?;
            }
            let now = process.memory()?;
            if now.abs_diff(before) < 64 << 10 {
                return anyhow::Ok(now);
            }
        }
    };
    timeout(PATIENCE, at_rest).await.context("its memory does not come to rest")?
}

/// A connection of HTTP/2 whose client opens no window and asks for `streams` responses.
async fn closed_windows(server: SocketAddr, streams: u32) -> Result<Connection> {
    const INITIAL_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0];
    let mut connection = Connection::open(server).await?;
    let settings = [PREFACE, &frame(Kind::Settings, 0, 0, &INITIAL_WINDOW), &frame(Kind::Settings, ACK, 0, &[])];
    connection.send(settings.concat()).await?;
    for number in 0..streams {
        let stream = frame(Kind::Headers, END_HEADERS | END_STREAM, 2 * number + 1, &head("GET", "h"));
        connection.send(stream).await?;
    }
    // Each has its head, and so all that it may have without a window.
    let mut heads = 0;
    while heads < streams {
        heads += u32::from(next(&mut connection).await?.kind == Kind::Headers as u8);
    }
    Ok(connection)
}

#[tokio::test]
async fn fault_h3_a_stalled_stream_holds_little_of_its_response() -> Result<()> {
    const STREAMS: u32 = 128;
    // Of this, the answer is a third: Pingora's state of a request takes about 30 KiB.
    const MOST: usize = 2 * STREAMS as usize * (80 << 10);
    let process = Process::start(ADIT, &[], &manifests(&[large().await?], &json!({}))).await?;
    drop(closed_windows(process.http, 1).await?);
    let before = memory_at_rest(&process).await?;
    let connections = [closed_windows(process.http, STREAMS).await?, closed_windows(process.http, STREAMS).await?];
    let grown = memory_at_rest(&process).await?.saturating_sub(before);
    assert!(grown < MOST, "{grown} bytes, and not {MOST}");
    drop(connections);
    Ok(())
}

#[tokio::test]
async fn fault_h3_a_client_of_http_1_that_never_reads_holds_little_of_its_response() -> Result<()> {
    const CLIENTS: usize = 300;
    const MOST: usize = 30_000_000;
    let process = Process::start(ADIT, &[], &manifests(&[large().await?], &json!({}))).await?;
    let before = memory_at_rest(&process).await?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Connection::open_narrow(process.http).await?;
        client.send(GET).await?;
        client.response_head().await?;
        clients.push(client);
    }
    let grown = memory_at_rest(&process).await?.saturating_sub(before);
    assert!(grown < MOST, "{grown} bytes, and not {MOST}");
    drop(clients);
    Ok(())
}

#[tokio::test]
async fn attack_39_a_window_that_opens_by_single_bytes_does_not_hold_a_response() -> Result<()> {
    let config = json!({"send-timeout": "1", "keep-alive-requests": "1000000"});
    let adit = Adit::start(&manifests(&[large().await?], &config)).await?;
    let mut connection = closed_windows(adit.address()?, 1).await?;
    let one_more = frame(Kind::WindowUpdate, 0, 1, &1_u32.to_be_bytes());
    let other = Http2::open(adit.address()?).await?;
    let until_reset = async {
        loop {
            connection.send(&one_more).await?;
            assert_eq!(other.get("http://other/").await?.status, 404);
            if next(&mut connection).await?.kind == Kind::RstStream as u8 {
                return anyhow::Ok(());
            }
        }
    };
    timeout(PATIENCE, until_reset).await.context("the stream goes on")?
}

#[tokio::test]
async fn attack_44_a_client_that_reads_nothing_is_given_up() -> Result<()> {
    let (adit, mut log) = Adit::start_logging(&manifests(&[large().await?], &json!({"send-timeout": "1"}))).await?;
    let mut client = Connection::open_narrow(adit.address()?).await?;
    client.send(GET).await?;
    let line = timeout(PATIENCE, log.recv()).await.context("the request goes on")?.context("a log")?;
    assert!(line.contains("GET / HTTP/1.1"), "{line}");
    assert!(client.response("GET").await.is_err(), "all of the response came");
    Ok(())
}

async fn status(adit: &Adit, headers: usize) -> Result<u16> {
    let mut connection = adit.connect().await?;
    let headers: String = (1..headers).map(|number| format!("X-{number}: 1\r\n")).collect();
    connection.send(format!("GET / HTTP/1.1\r\nHost: h\r\n{headers}\r\n")).await?;
    Ok(connection.response("GET").await?.status)
}

async fn status_of_crumbs(adit: &Adit, crumbs: usize) -> Result<u16> {
    let request = (0..crumbs).fold(http::Request::get("http://h/"), |request, _| request.header("cookie", "a=1"));
    let connection = Http2::open(adit.address()?).await?;
    Ok(connection.send(request.body(())?).await?.status)
}

#[tokio::test]
async fn attack_39_the_pieces_of_a_cookie_count_as_headers() -> Result<()> {
    for (config, most) in [(json!({}), 128), (json!({"max-headers": "3"}), 3), (json!({"max-headers": "256"}), 256)] {
        let adit = with(config).await?;
        assert_eq!((status_of_crumbs(&adit, most).await?, status_of_crumbs(&adit, most + 1).await?), (200, 400));
    }
    Ok(())
}

#[tokio::test]
async fn fault_h3_the_headers_of_a_request_are_bounded() -> Result<()> {
    for (config, most) in [(json!({}), 128), (json!({"max-headers": "3"}), 3), (json!({"max-headers": "200"}), 200)] {
        let adit = with(config).await?;
        assert_eq!((status(&adit, most).await?, status(&adit, most + 1).await?), (200, 400));
    }
    Ok(())
}

async fn with(config: Value) -> Result<Adit> {
    Adit::start(&manifests(&[answering(OK).await?], &config)).await
}
