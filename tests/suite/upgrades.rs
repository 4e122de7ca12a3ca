//! Requests that ask for an upgrade, byte for byte: what reaches the backend, and what comes of its answer.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, documents, manifests};
use tests::backend::{answering, refusing, scripted};
use tests::connection::{Connection, PATIENCE};
use tests::wire::{Headers, header};
use tokio::sync::mpsc;

const UPGRADE: &str = "GET /ws?a=b HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn adit(backends: &[SocketAddr]) -> Result<Adit> {
    Adit::start(&manifests(backends, &json!({}))).await
}

/// A backend that switches, says at once what `first` says, and then sends back what it hears.
async fn echo(first: &'static str) -> Result<SocketAddr> {
    scripted(move |_, mut connection| async move {
        connection.request().await?;
        connection.send(format!("{SWITCH}{first}")).await?;
        echo_bytes(connection).await
    })
    .await
}

async fn echo_bytes(mut connection: Connection) -> Result<()> {
    while !connection.is_closed().await {
        let byte = connection.bytes(1).await?;
        connection.send(byte).await?;
    }
    Ok(())
}

/// A backend that sends what it has received to the test, and gives every request this answer.
async fn witness(answer: &'static str) -> Result<(SocketAddr, mpsc::UnboundedReceiver<Received>)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let address = scripted(move |_, mut connection| {
        let sender = sender.clone();
        async move {
            while let Some(head) = connection.request().await? {
                let body = connection.request_body(&head).await?;
                sender.send(Received {
                    line: format!("{} {}", head.method, head.target),
                    headers: head.headers,
                    body,
                })?;
                connection.send(answer).await?;
            }
            Ok(())
        }
    });
    Ok((address.await?, receiver))
}

struct Received {
    line: String,
    headers: Headers,
    body: Vec<u8>,
}

async fn upgraded(adit: &Adit) -> Result<Connection> {
    let mut client = adit.connect().await?;
    client.send(UPGRADE).await?;
    let head = client.response_head().await?;
    assert_eq!(head.status, 101);
    Ok(client)
}

async fn echoes(client: &mut Connection, text: &str) -> Result<()> {
    client.send(text).await?;
    assert_eq!(client.bytes(text.len() as u64).await?, text.as_bytes());
    Ok(())
}

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
async fn who_does_not_ask_properly_is_answered_plainly() -> Result<()> {
    let (backend, mut received) = witness(OK).await?;
    let adit = adit(&[backend]).await?;
    for (request, body) in [
        (
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n",
            "",
        ),
        ("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", ""),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\r\n", ""),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi",
            "hi",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nhi\r\n0\r\n\r\n",
            "hi",
        ),
        ("GET / HTTP/1.0\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", ""),
    ] {
        let mut client = adit.connect().await?;
        client.send(request).await?;
        let response = client.response("GET").await.context(request)?;
        assert_eq!((response.status, &*response.body), (200, &b"ok"[..]), "{request}");
        let got = received.recv().await.context("nothing received")?;
        assert_eq!(String::from_utf8_lossy(&got.body), body, "{request}");
        for gone in ["upgrade", "http2-settings"] {
            assert_eq!(header(&got.headers, gone), None, "{request}");
        }
        if request.contains("HTTP/1.1") {
            client.send(GET).await?;
            assert_eq!(client.response("GET").await?.status, 200, "after {request}");
            assert_eq!(received.recv().await.context("nothing received")?.line, "GET /");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_declines_is_passed_on_whole() -> Result<()> {
    for (answer, status, body) in [
        (OK, 200, "ok"),
        ("HTTP/1.1 400 Bad Request\r\nX-Why: bad key\r\nContent-Length: 3\r\n\r\nno!", 400, "no!"),
        ("HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nContent-Length: 0\r\n\r\n", 426, ""),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", 200, "abcde"),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, ""),
        ("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\n\r\nx", 103, ""),
    ] {
        let adit = adit(&[answering(answer).await?]).await?;
        let mut client = adit.connect().await?;
        // The client's connection goes on, also with what was sent before the answer.
        client.send(format!("{UPGRADE}{UPGRADE}")).await?;
        for _ in 0..2 {
            let response = client.response("GET").await.context(answer)?;
            assert_eq!((response.status, &*String::from_utf8_lossy(&response.body)), (status, body), "{answer}");
            if status == 103 {
                let last = client.response("GET").await?;
                assert_eq!((last.status, &*last.body), (403, &b"x"[..]));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_may_have_no_body_or_no_length() -> Result<()> {
    let head = adit(&[answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await?]).await?;
    let mut client = head.connect().await?;
    for _ in 0..2 {
        client.send(UPGRADE.replace("GET", "HEAD")).await?;
        let response = client.response("HEAD").await?;
        assert_eq!((response.status, header(&response.headers, "content-length").as_deref()), (200, Some("5")));
    }
    let until_close = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send("HTTP/1.0 200 OK\r\n\r\nall of it").await
    });
    let until_close = adit(&[until_close.await?]).await?;
    let mut client = until_close.connect().await?;
    for _ in 0..2 {
        client.send(UPGRADE).await?;
        let response = client.response("GET").await?;
        assert_eq!((response.status, &*response.body), (200, &b"all of it"[..]));
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_connection() -> Result<()> {
    let broken = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await
    });
    let adit = adit(&[broken.await?]).await?;
    let mut client = adit.connect().await?;
    client.send(UPGRADE).await?;
    assert!(client.response("GET").await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_switch_to_something_else_is_a_bad_gateway() -> Result<()> {
    for (request, answer) in [
        (UPGRADE, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"),
        (UPGRADE, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
        (UPGRADE, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket, other\r\n\r\n"),
        (GET, SWITCH),
        (UPGRADE, "nonsense\r\n\r\n"),
        (UPGRADE, "HTTP/1.1 101 Switch"),
    ] {
        let backend = scripted(move |_, mut connection| async move {
            connection.request().await?;
            connection.send(answer).await
        });
        let adit = adit(&[backend.await?]).await?;
        let mut client = adit.connect().await?;
        client.send(request).await?;
        let response = client.response("GET").await?;
        assert_eq!((response.status, response.closed), (502, true), "{answer}");
        assert!(response.body.ends_with(b"</html>\r\n"));
    }
    Ok(())
}

#[tokio::test]
async fn another_endpoint_is_asked_only_where_none_was_reached() -> Result<()> {
    let (_socket, refused) = refusing()?;
    let adit = adit(&[refused, echo("").await?]).await?;
    for _ in 0..4 {
        echoes(&mut upgraded(&adit).await?, "hello").await?;
    }
    let (sender, mut asked) = mpsc::unbounded_channel();
    let dying = || {
        let sender = sender.clone();
        scripted(move |_, mut connection| {
            let sender = sender.clone();
            async move {
                connection.request().await?;
                Ok(sender.send(())?)
            }
        })
    };
    let adit = Adit::start(&manifests(&[dying().await?, dying().await?], &json!({}))).await?;
    let mut client = adit.connect().await?;
    client.send(UPGRADE).await?;
    assert_eq!(client.response("GET").await?.status, 502);
    asked.recv().await.context("nobody was asked")?;
    assert!(asked.try_recv().is_err(), "the request was sent again");
    Ok(())
}

#[tokio::test]
async fn failures_are_answered_as_for_any_request() -> Result<()> {
    let (_socket, refused) = refusing()?;
    let (silent, _received) = witness("").await?;
    for (backends, config, status) in
        [(&[refused][..], json!({}), 502), (&[], json!({}), 503), (&[silent], json!({"proxy-read-timeout": "1"}), 504)]
    {
        let adit = Adit::start(&manifests(backends, &config)).await?;
        let mut pages = Vec::new();
        for request in [GET, UPGRADE] {
            let mut client = adit.connect().await?;
            client.send(request).await?;
            let mut response = client.response("GET").await?;
            assert_eq!((response.status, response.closed), (status, true));
            response.headers.retain(|(name, _)| name != "date");
            pages.push((response.headers, response.body));
        }
        assert_eq!(pages[0], pages[1]);
    }
    // What the gateway answers itself does not cost the connection.
    let adit = adit(&[]).await?;
    let mut client = adit.connect().await?;
    for _ in 0..2 {
        client.send(UPGRADE.replace("Host: h", "Host: nobody")).await?;
        let response = client.response("GET").await?;
        assert_eq!((response.status, response.closed), (404, false));
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
async fn a_client_that_goes_while_it_waits_is_logged_as_gone() -> Result<()> {
    let (silent, mut received) = witness("").await?;
    let (adit, mut log) = logging(silent).await?;
    let mut client = adit.connect().await?;
    client.send(UPGRADE).await?;
    received.recv().await.context("no request")?;
    client.finish().await?;
    assert!(client.is_closed().await);
    assert!(line(&mut log).await?.starts_with("499 "));
    Ok(())
}

async fn logging(backend: SocketAddr) -> Result<(Adit, mpsc::UnboundedReceiver<String>)> {
    let format = "$status $request_length $body_bytes_sent $bytes_sent $upstream_status $upstream_response_length";
    Adit::start_logging(&manifests(&[backend], &json!({"log-format-upstream": format}))).await
}

async fn line(log: &mut mpsc::UnboundedReceiver<String>) -> Result<String> {
    tokio::time::timeout(PATIENCE, log.recv()).await.context("no line in time")?.context("no line")
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
        ("x-set", Some("/sockets/ws")),
        ("sec-websocket-version", Some("13")),
        ("te", None),
        ("x_bad", None),
        ("keep-alive", None),
    ] {
        assert_eq!(header(&received.headers, name).as_deref(), value, "{name}");
    }
    Ok(())
}

/// Host `h`, whose requests and answers are edited in many ways.
fn edited(backend: SocketAddr) -> String {
    let annotations = json!({
        "nginx.ingress.kubernetes.io/rewrite-target": "/$1",
        "nginx.ingress.kubernetes.io/use-regex": "true",
        "nginx.ingress.kubernetes.io/upstream-vhost": "inner",
    });
    let path = json!({"path": "/sockets/(.*)", "pathType": "ImplementationSpecific",
                      "backend": {"service": {"name": "backend", "port": {"number": 80}}}});
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "edited", "annotations": annotations},
        "spec": {"rules": [{"host": "h", "http": {"paths": [path]}}]},
    });
    let headers = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "adit"}, "data": data});
    let objects = [ingress, headers("set", json!({"X-Set": "$uri"})), headers("add", json!({"X-Added": "yes"}))];
    manifests(&[backend], &json!({"proxy-set-headers": "adit/set", "add-headers": "adit/add"})) + &documents(objects)
}
