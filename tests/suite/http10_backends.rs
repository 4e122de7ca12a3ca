//! Backends that get HTTP/1.0 (`proxy-http-version`): no chunks, and a connection for each request.

use anyhow::{Context, Result};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::adit::{Adit, annotated};
use tests::backend::accept;
use tests::client::Response;
use tests::connection::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HTTP_10: (&str, &str) = ("proxy-http-version", "1.0");
const LENGTH: usize = 200_000;

/// Reads a request whose body has a length: its head, and the length of the body.
async fn request(stream: &mut TcpStream) -> Result<(String, usize)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head)?.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let mut body = vec![0; length.map_or(Ok(0), str::parse)?];
    stream.read_exact(&mut body).await?;
    Ok((head, body.len()))
}

/// A backend of HTTP/1.0 that answers with the head of the request and the length of its body, to the connection's end.
/// `connections` counts.
async fn backend(connections: Arc<AtomicUsize>) -> Result<SocketAddr> {
    accept(move |_, mut stream| {
        connections.fetch_add(1, Ordering::Relaxed);
        async move {
            let (head, length) = request(&mut stream).await?;
            stream.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{head}{length}").as_bytes()).await?;
            Ok(stream.shutdown().await?)
        }
    })
    .await
}

async fn ask(client: &mut Connection, request: &str) -> Result<Response> {
    client.send(request).await?;
    client.response("POST").await
}

#[tokio::test]
async fn requests_are_sent_in_http_10() -> Result<()> {
    let connections = Arc::new(AtomicUsize::new(0));
    let backend = backend(connections.clone()).await?;
    for (annotations, config) in [(&[HTTP_10][..], json!({})), (&[], json!({"proxy-http-version": "1.0"}))] {
        let adit = Adit::start(&annotated(annotations, &[backend], &config)).await?;
        let mut client = adit.connect().await?;
        let before = connections.load(Ordering::Relaxed);
        let sized = format!("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: {LENGTH}\r\n\r\n{}", "x".repeat(LENGTH));
        let chunk = format!("{LENGTH:x}\r\n{}\r\n", "x".repeat(LENGTH));
        let chunked = format!("POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
        let upgrade = sized.replace("Host", "Connection: upgrade\r\nUpgrade: websocket\r\nHost");
        for request in [sized, chunked, upgrade] {
            let response = ask(&mut client, &request).await?;
            let body = String::from_utf8(response.body)?;
            let (head, length) = body.rsplit_once("\r\n\r\n").context("a head")?;
            assert!(head.starts_with("post /a?b http/1.0\r\n"), "{head}");
            assert!(head.contains("\r\nconnection: close"), "{head}");
            assert!(!head.contains("transfer-encoding") && !head.contains("upgrade"), "{head}");
            assert_eq!((response.status, length.parse()), (200, Ok(LENGTH)));
        }
        let empty = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert!(String::from_utf8(ask(&mut client, empty).await?.body)?.contains("\r\ncontent-length: 0"));
        assert_eq!(connections.load(Ordering::Relaxed) - before, 4);
    }
    Ok(())
}

/// Whatever the backend says of its connection: it was asked to close it.
#[tokio::test]
async fn no_connection_is_kept() -> Result<()> {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let backend = accept(move |_, mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            while let Ok((_, length)) = request(&mut stream).await {
                let answer =
                    format!("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n{}", length % 10);
                stream.write_all(answer.as_bytes()).await?;
            }
            Ok(())
        }
    });
    let adit = Adit::start(&annotated(&[HTTP_10], &[backend.await?], &json!({}))).await?;
    let mut client = adit.connect().await?;
    for number in 1..=3 {
        assert_eq!(ask(&mut client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx").await?.body, b"1");
        assert_eq!(connections.load(Ordering::Relaxed), number);
    }
    Ok(())
}
