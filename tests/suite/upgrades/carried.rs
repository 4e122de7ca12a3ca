//! Requests whose upgrade a backend agrees to.

use super::{SWITCH, UPGRADE, adit, echo, echo_bytes, echoes, line, logging, upgraded, witness};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, documents, manifests, slice};
use tests::backend::{scripted, scripted_tls};
use tests::objects::config_map;
use tests::wire::header;

#[tokio::test]
async fn bytes_that_come_with_a_head_are_not_lost() -> Result<()> {
    let adit = adit(&[echo("hello").await?]).await?;
    // With the head in one piece, and cut within it.
    for cut in [0, 20, UPGRADE.len(), UPGRADE.len() + 2] {
        let mut client = adit.connect().await?;
        let all = format!("{UPGRADE}\0GET / HTTP/1.1\r\n\r\n");
        let (first, second) = all.split_at(cut);
        client.send(first).await?;
        client.send(second).await?;
        let head = client.response_head().await?;
        assert_eq!(head.status, 101);
        assert_eq!(header(&head.headers, "connection").as_deref(), Some("upgrade"));
        assert_eq!(header(&head.headers, "upgrade").as_deref(), Some("websocket"));
        assert_eq!(client.bytes(5).await?, b"hello");
        let early = &all[UPGRADE.len()..];
        assert_eq!(client.bytes(early.len() as u64).await?, early.as_bytes(), "cut at {cut}");
        echoes(&mut client, "later").await?;
    }
    Ok(())
}

#[tokio::test]
async fn more_than_any_buffer_may_come_with_the_head() -> Result<()> {
    let adit = adit(&[echo("").await?]).await?;
    let mut client = adit.connect().await?;
    let early = "x".repeat(100 << 10);
    client.send(format!("{UPGRADE}{early}")).await?;
    assert_eq!(client.response_head().await?.status, 101);
    assert_eq!(client.bytes(early.len() as u64).await?, early.as_bytes());
    Ok(())
}

#[tokio::test]
async fn either_side_may_end_it() -> Result<()> {
    let adit = adit(&[echo("").await?]).await?;
    let mut client = upgraded(&adit).await?;
    echoes(&mut client, "bye").await?;
    client.finish().await?;
    assert!(client.is_closed().await);

    let dying = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send(SWITCH).await
    });
    let adit = Adit::start(&manifests(&[dying.await?], &json!({}))).await?;
    assert!(upgraded(&adit).await?.is_closed().await);
    Ok(())
}

#[tokio::test]
async fn any_protocol_but_http_may_be_asked_for() -> Result<()> {
    for (head, line, asked) in [
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n", "GET /", "SPDY/3.1"),
        (
            "POST /exec HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c, tcp\r\nContent-Length: 0\r\n\r\n",
            "POST /exec",
            "tcp",
        ),
    ] {
        let backend = scripted(move |_, mut connection| async move {
            let request = connection.request().await?.context("no request")?;
            let got = header(&request.headers, "upgrade").unwrap_or_default();
            connection
                .send(format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: {got}\r\n\r\n{} {}",
                    request.method, request.target
                ))
                .await?;
            echo_bytes(connection).await
        });
        let adit = adit(&[backend.await?]).await?;
        let mut client = adit.connect().await?;
        client.send(head).await?;
        let response = client.response_head().await?;
        assert_eq!((response.status, header(&response.headers, "upgrade").as_deref()), (101, Some(asked)));
        assert_eq!(client.bytes(line.len() as u64).await?, line.as_bytes());
        echoes(&mut client, "\0\r\n\r\n").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_tunnel_ends_when_nothing_moves_for_the_read_timeout() -> Result<()> {
    let adit = Adit::start(&manifests(&[echo("").await?], &json!({"proxy-read-timeout": "1"}))).await?;
    let mut client = upgraded(&adit).await?;
    echoes(&mut client, "hello").await?;
    assert!(client.is_closed().await);
    Ok(())
}

#[tokio::test]
async fn a_tunnel_is_logged_at_its_end_with_its_bytes() -> Result<()> {
    let (adit, mut log) = logging(echo("first").await?).await?;
    let mut client = adit.connect().await?;
    client.send(format!("{UPGRADE}early")).await?;
    let head = client.response_head().await?;
    let head: usize = head.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let head = head + "HTTP/1.1 101 Switching Protocols\r\n\r\n".len();
    assert_eq!(client.bytes(10).await?, b"firstearly");
    echoes(&mut client, "0123456789").await?;
    assert!(log.is_empty(), "logged before its end");
    client.finish().await?;
    assert!(client.is_closed().await);
    let (received, sent) = (UPGRADE.len() + 15, 20);
    assert_eq!(line(&mut log).await?, format!("101 {received} {sent} {} 101 {sent}", head + sent));

    // Also a tunnel that the end of the gateway cuts off.
    let mut client = upgraded(&adit).await?;
    assert_eq!(client.bytes(5).await?, b"first");
    drop(adit);
    assert!(client.is_closed().await);
    assert!(line(&mut log).await?.starts_with("101 "));
    Ok(())
}

#[tokio::test]
async fn heads_are_edited_as_for_any_request() -> Result<()> {
    let (backend, mut received) = witness(SWITCH).await?;
    let adit = Adit::start(&edited(backend)).await?;
    let mut client = adit.connect().await?;
    client.send(UPGRADE.replace("/ws", "/sockets/ws").replace("\r\n\r\n", "\r\nTE: x\r\nX_Bad: 1\r\n\r\n")).await?;
    let answer = client.response_head().await?;
    assert_eq!((answer.status, header(&answer.headers, "x-added").as_deref()), (101, Some("yes")));
    let received = received.recv().await.context("nothing received")?;
    assert_eq!(received.line, "GET /ws?a=b");
    for (name, value) in [
        ("host", Some("inner")),
        ("connection", Some("upgrade")),
        ("upgrade", Some("websocket")),
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-forwarded-host", Some("h")),
        ("x-set", Some("/ws")),
        ("sec-websocket-version", Some("13")),
        ("te", None),
        ("x_bad", None),
        ("keep-alive", None),
    ] {
        assert_eq!(header(&received.headers, name).as_deref(), value, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_backend_may_speak_tls() -> Result<()> {
    let backend = scripted_tls(|_, mut connection| async move {
        connection.request().await?;
        connection.send(format!("{SWITCH}hello")).await?;
        echo_bytes(connection).await
    });
    let annotation = json!({"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"});
    let adit = Adit::start(&annotated(backend.await?, &annotation, "/")).await?;
    let mut client = upgraded(&adit).await?;
    assert_eq!(client.bytes(5).await?, b"hello");
    echoes(&mut client, "later").await?;
    client.finish().await?;
    assert!(client.is_closed().await);
    Ok(())
}

#[tokio::test]
async fn names_of_headers_are_written_as_they_came() -> Result<()> {
    const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                          Sec-WebSocket-Accept: x\r\nx-lower: y\r\n\r\n";
    let backend = scripted(|_, mut connection| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(connection.bytes(1).await?);
        }
        connection.send(ANSWER).await?;
        connection.send(head).await
    });
    let adit = adit(&[backend.await?]).await?;
    let mut client = adit.connect().await?;
    client.send(UPGRADE).await?;
    let answer = String::from_utf8(client.bytes(ANSWER.len() as u64).await?)?;
    for line in ANSWER.lines() {
        assert!(answer.contains(line), "{line} is not in {answer}");
    }
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.extend(client.bytes(1).await?);
    }
    assert!(String::from_utf8(request)?.contains("\r\nSec-WebSocket-Version: 13\r\n"));
    Ok(())
}

#[tokio::test]
async fn connection_proxy_header_is_obeyed_though_it_breaks_websockets() -> Result<()> {
    let (backend, mut received) = witness("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await?;
    let annotation = json!({"nginx.ingress.kubernetes.io/connection-proxy-header": "keep-alive"});
    let adit = Adit::start(&annotated(backend, &annotation, "/")).await?;
    let mut client = adit.connect().await?;
    client.send(UPGRADE).await?;
    assert_eq!(client.response("GET").await?.status, 400);
    let received = received.recv().await.context("nothing received")?;
    assert_eq!(header(&received.headers, "connection").as_deref(), Some("keep-alive"));
    assert_eq!(header(&received.headers, "upgrade").as_deref(), Some("websocket"));
    Ok(())
}

/// Host `h`, whose requests and answers are edited in many ways.
fn edited(backend: SocketAddr) -> String {
    let annotations = json!({
        "nginx.ingress.kubernetes.io/rewrite-target": "/$1",
        "nginx.ingress.kubernetes.io/use-regex": "true",
        "nginx.ingress.kubernetes.io/upstream-vhost": "inner",
    });
    annotated(backend, &annotations, "/sockets/(.*)")
        + &documents([
            config_map("adit", &json!({"proxy-set-headers": "adit/set", "add-headers": "adit/add"})),
            config_map("set", &json!({"X-Set": "$uri"})),
            config_map("add", &json!({"X-Added": "yes"})),
        ])
}

/// Host `h` with one path, whose Ingress has annotations.
fn annotated(backend: SocketAddr, annotations: &Value, path: &str) -> String {
    let service = json!({"service": {"name": "backend", "port": {"number": 80}}});
    let path = json!({"path": path, "pathType": "ImplementationSpecific", "backend": service});
    documents([
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "h", "annotations": annotations},
            "spec": {"rules": [{"host": "h", "http": {"paths": [path]}}]},
        }),
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "backend"},
            "spec": {"ports": [{"port": 80}]},
        }),
        slice("backend", 0, backend),
    ])
}
