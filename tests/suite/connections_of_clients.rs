//! Connections of clients: how long they live, what may be sent on them, and how they end.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::{Adit, manifests};
use tests::backend::{answering, scripted};
use tests::client::Response;
use tests::connection::Connection;
use tests::wire::header;
use tokio::sync::Notify;

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";

async fn adit(backend: SocketAddr, config: Value) -> Result<Adit> {
    Adit::start(&manifests(&[backend], &config)).await
}

async fn get(connection: &mut Connection) -> Result<Response> {
    connection.send(GET).await?;
    connection.response("GET").await
}

fn says_close(response: &Response) -> bool {
    header(&response.headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

/// A backend that answers each request with its target, once it is let go. Tells when a request has arrived.
async fn held(arrived: &Arc<Notify>, go: &Arc<Notify>) -> Result<SocketAddr> {
    let (arrived, go) = (arrived.clone(), go.clone());
    scripted(move |_, mut connection| {
        let (arrived, go) = (arrived.clone(), go.clone());
        async move {
            while let Some(head) = connection.request().await? {
                arrived.notify_one();
                go.notified().await;
                let length = head.target.len();
                connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}", head.target)).await?;
            }
            arrived.notify_one();
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn an_idle_connection_ends_after_keep_alive_whatever_it_has_served() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({"keep-alive": "1"})).await?;
    for requests in [1, 2] {
        let mut connection = adit.connect().await?;
        for _ in 0..requests {
            let response = get(&mut connection).await?;
            assert_eq!((response.status, says_close(&response)), (200, false));
        }
        assert!(connection.is_closed().await, "after {requests} requests");
    }
    Ok(())
}

#[tokio::test]
async fn a_head_that_does_not_end_is_answered_408() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({"client-header-timeout": "1"})).await?;
    for whole_requests in [0, 1] {
        let mut connection = adit.connect().await?;
        for _ in 0..whole_requests {
            assert_eq!(get(&mut connection).await?.status, 200);
        }
        connection.send("GET / HTTP/1.1\r\nHost: h\r\n").await?;
        let response = connection.response("GET").await?;
        assert_eq!((response.status, response.closed), (408, true));
    }
    // Who says nothing at all hears nothing.
    assert!(adit.connect().await?.is_closed().await);
    Ok(())
}

#[tokio::test]
async fn a_connection_ends_with_its_last_request() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({"keep-alive-requests": "3"})).await?;
    let mut connection = adit.connect().await?;
    for _ in 0..2 {
        assert!(!says_close(&get(&mut connection).await?));
    }
    let last = get(&mut connection).await?;
    assert_eq!((last.status, last.closed), (200, true));
    Ok(())
}

#[tokio::test]
async fn no_keep_alive_ends_every_connection_with_its_first_request() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({"keep-alive": "0"})).await?;
    assert!(get(&mut adit.connect().await?).await?.closed);
    Ok(())
}

#[tokio::test]
async fn http_1_0_gets_no_chunks_and_the_end_of_the_connection() -> Result<()> {
    let adit = adit(answering(CHUNKED).await?, json!({})).await?;
    for connection_header in ["", "Connection: keep-alive\r\n"] {
        let mut connection = adit.connect().await?;
        connection.send(format!("GET / HTTP/1.0\r\nHost: h\r\n{connection_header}\r\n")).await?;
        let response = connection.response("GET").await?;
        assert_eq!(header(&response.headers, "transfer-encoding"), None);
        assert_eq!(String::from_utf8_lossy(&response.body), "abcde");
    }
    Ok(())
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() -> Result<()> {
    const SECOND: &str = "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
    let (arrived, go) = Default::default();
    let adit = adit(held(&arrived, &go).await?, json!({})).await?;
    // The second request comes with the first, while the first is served, or a byte with it and the rest while it is.
    for (with, while_served) in [(SECOND, ""), ("", SECOND), SECOND.split_at(1)] {
        let mut connection = adit.connect().await?;
        connection.send(format!("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n{with}")).await?;
        arrived.notified().await;
        connection.send(while_served).await?;
        go.notify_one();
        let response = connection.response("GET").await?;
        assert_eq!((response.status, &*response.body), (200, &b"/1"[..]), "{with:?}, {while_served:?}");
        arrived.notified().await;
        go.notify_one();
        let response = connection.response("GET").await?;
        assert_eq!((response.status, &*response.body, response.closed), (200, &b"/2"[..], false));
    }
    Ok(())
}

#[tokio::test]
async fn fault_f12_what_comes_behind_a_body_is_the_next_request() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({})).await?;
    let bodies = ["Content-Length: 2\r\n\r\nhi", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"];
    for first in bodies {
        for second in bodies {
            for blank in ["", "\r\n"] {
                let request = |body| format!("POST / HTTP/1.1\r\nHost: h\r\n{body}");
                let pipelined = format!("{}{blank}{}{blank}{GET}", request(first), request(second));
                for at in 0..pipelined.len() {
                    let mut connection = adit.connect().await?;
                    let (beginning, rest) = pipelined.split_at(at);
                    connection.send(beginning).await?;
                    connection.send(rest).await?;
                    for method in ["POST", "POST", "GET"] {
                        let response = connection.response(method).await?;
                        assert_eq!((response.status, says_close(&response)), (200, false), "{beginning:?}, {rest:?}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_sends_all_of_a_body_that_nobody_wants_still_reads_the_answer() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({})).await?;
    let announced = format!("Content-Length: {}\r\n", 4 << 20);
    for (host, framing, status) in [
        ("h", announced.as_str(), 413),
        ("h", "Transfer-Encoding: chunked\r\n", 413),
        ("nobody", announced.as_str(), 404),
        ("nobody", "Transfer-Encoding: chunked\r\n", 404),
    ] {
        let mut connection = adit.connect().await?;
        connection.send(format!("POST / HTTP/1.1\r\nHost: {host}\r\n{framing}\r\n")).await?;
        send_body(&mut connection, framing.starts_with("Transfer-Encoding")).await.context(framing.to_owned())?;
        let response = connection.response("POST").await.with_context(|| format!("{host} {framing}"))?;
        assert_eq!((response.status, response.closed), (status, true));
        assert!(response.body.ends_with(b"</html>\r\n"));
    }
    Ok(())
}

/// 4 MiB with a length, or 10 MiB in chunks.
async fn send_body(connection: &mut Connection, chunked: bool) -> Result<()> {
    let piece = vec![b'x'; 1 << 20];
    if !chunked {
        return connection.send(piece.repeat(4)).await;
    }
    for _ in 0..10 {
        connection.send(format!("{:x}\r\n", piece.len())).await?;
        connection.send(&piece).await?;
        connection.send("\r\n").await?;
    }
    connection.send("0\r\n\r\n").await
}

#[tokio::test]
async fn an_answer_that_comes_before_the_end_of_the_body_is_read() -> Result<()> {
    let backend = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await?;
        while !connection.bytes(1 << 20).await?.is_empty() {}
        Ok(())
    });
    let config = json!({"proxy-body-size": "0", "proxy-request-buffering": "off"});
    let adit = adit(backend.await?, config).await?;
    let mut connection = adit.connect().await?;
    connection.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
    send_body(&mut connection, true).await?;
    let response = connection.response("POST").await?;
    assert_eq!((response.status, &*response.body, response.closed), (403, &b"no"[..], true));
    Ok(())
}

#[tokio::test]
async fn a_small_body_that_nobody_wants_does_not_cost_the_connection() -> Result<()> {
    let adit = adit(answering(OK).await?, json!({})).await?;
    let mut connection = adit.connect().await?;
    connection.send("POST / HTTP/1.1\r\nHost: nobody\r\nContent-Length: 5\r\n\r\nhello").await?;
    let response = connection.response("POST").await?;
    assert_eq!((response.status, says_close(&response)), (404, false));
    assert_eq!(get(&mut connection).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_client_that_says_no_more_is_a_client_that_has_gone() -> Result<()> {
    let (arrived, go) = Default::default();
    let adit = adit(held(&arrived, &go).await?, json!({})).await?;
    let mut idle = adit.connect().await?;
    idle.finish().await?;
    assert!(idle.is_closed().await);
    // What we answer ourselves is faster than the client's end of the connection.
    let mut unrouted = adit.connect().await?;
    unrouted.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n").await?;
    unrouted.finish().await?;
    assert_eq!(unrouted.response("GET").await?.status, 404);
    // As nginx without `proxy_ignore_client_abort`: it gives the request up, and the backend learns of it.
    let mut waiting = adit.connect().await?;
    waiting.send(GET).await?;
    arrived.notified().await;
    waiting.finish().await?;
    assert!(waiting.is_closed().await);
    go.notify_one();
    arrived.notified().await;
    Ok(())
}

#[tokio::test]
async fn shutting_down_ends_idle_connections_and_finishes_requests() -> Result<()> {
    let (arrived, go) = Default::default();
    let adit = adit(held(&arrived, &go).await?, json!({})).await?;
    let (mut fresh, mut idle, mut busy) = (adit.connect().await?, adit.connect().await?, adit.connect().await?);
    go.notify_one();
    assert_eq!(get(&mut idle).await?.status, 200);
    arrived.notified().await;
    busy.send(GET).await?;
    arrived.notified().await;
    let shut_down = tokio::spawn(adit.shut_down());
    assert!(fresh.is_closed().await);
    assert!(idle.is_closed().await);
    go.notify_one();
    assert_eq!(busy.response("GET").await?.status, 200);
    assert!(busy.is_closed().await);
    assert_eq!(shut_down.await??, 0);
    Ok(())
}
