//! Connections to backends: what crosses them in both directions, and what is tried again.

use anyhow::Result;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, manifests};
use tests::backend::{Methods, answering, forget, refusing, scripted};
use tests::wire::header;

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn adit(backends: &[SocketAddr]) -> Result<Adit> {
    Adit::start(&manifests(backends, &json!({}))).await
}

/// A backend that answers with what it received: method, headers, body.
async fn mirror() -> Result<SocketAddr> {
    scripted(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            let body = connection.request_body(&head).await?;
            let body = String::from_utf8_lossy(&body);
            let received = json!({"method": head.method, "headers": head.headers, "body": body}).to_string();
            let length = received.len();
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{received}")).await?;
        }
        Ok(())
    })
    .await
}

/// A backend whose connections end without an answer at their second request, and the methods of all requests.
async fn forgetful() -> Result<(SocketAddr, Methods)> {
    let methods = Methods::default();
    let arrived = methods.clone();
    Ok((scripted(move |_, connection| forget(connection, OK, arrived.clone())).await?, methods))
}

#[tokio::test]
async fn a_get_is_sent_again_when_a_connection_that_was_kept_is_stale() -> Result<()> {
    let (backend, methods) = forgetful().await?;
    let adit = adit(&[backend]).await?;
    let mut client = adit.connect().await?;
    for request in 1..=4 {
        client.send(GET).await?;
        assert_eq!(client.response("GET").await?.status, 200, "request {request}");
    }
    // Every connection but the first took its predecessor's second request over.
    assert_eq!(*methods.lock(), ["GET"; 7]);
    Ok(())
}

#[tokio::test]
async fn a_connection_serves_no_more_requests_than_it_may() -> Result<()> {
    let backend = scripted(|number, mut connection| async move {
        while connection.request().await?.is_some() {
            let text = number.to_string();
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())).await?;
        }
        Ok(())
    });
    let adit = Adit::start(&manifests(&[backend.await?], &json!({"upstream-keepalive-requests": "2"}))).await?;
    let mut client = adit.connect().await?;
    for expected in ["1", "1", "2", "2", "3"] {
        client.send(GET).await?;
        assert_eq!(client.response("GET").await?.body, expected.as_bytes());
    }
    Ok(())
}

#[tokio::test]
async fn a_post_is_never_sent_again() -> Result<()> {
    const POST: &str = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
    let (backend, methods) = forgetful().await?;
    let adit = adit(&[backend]).await?;
    let mut client = adit.connect().await?;
    client.send(GET).await?;
    assert_eq!(client.response("GET").await?.status, 200);
    client.send(POST).await?;
    assert_eq!(client.response("POST").await?.status, 502);
    assert_eq!(*methods.lock(), ["GET", "POST"]);
    Ok(())
}

/// As nginx: all but those that change something anew each time.
#[tokio::test]
async fn fault_f06_all_but_three_methods_are_sent_again() -> Result<()> {
    let sent = async |method: &str, body: &str| {
        let (backend, methods) = forgetful().await?;
        let adit = adit(&[backend]).await?;
        let mut client = adit.connect().await?;
        client.send(GET).await?;
        assert_eq!(client.response("GET").await?.status, 200);
        let length = body.len();
        client.send(format!("{method} / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}")).await?;
        let status = client.response(method).await?.status;
        let count = methods.lock().iter().filter(|arrived| *arrived == method).count();
        anyhow::Ok((status, count))
    };
    for method in ["PROPFIND", "REPORT", "MKCOL", "UNLOCK", "PUT", "DELETE", "OPTIONS", "ANYTHING"] {
        assert_eq!(sent(method, "hi").await?, (200, 2), "{method}");
    }
    for method in ["POST", "LOCK", "PATCH"] {
        assert_eq!(sent(method, "").await?, (502, 1), "{method}");
    }
    // However large their bodies are, since these are held back.
    assert_eq!(sent("PROPFIND", &"x".repeat(100 << 10)).await?, (200, 2));
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_sent_again_counts_once() -> Result<()> {
    const PUT: &str = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789";
    let (backend, methods) = forgetful().await?;
    let adit = Adit::start(&manifests(&[backend], &json!({"proxy-body-size": "15"}))).await?;
    let mut client = adit.connect().await?;
    for request in 1..=3 {
        client.send(PUT).await?;
        assert_eq!(client.response("PUT").await?.status, 200, "request {request}");
    }
    assert!(methods.lock().len() > 3, "nothing was sent again");
    Ok(())
}

#[tokio::test]
async fn a_backend_may_close_after_every_answer() -> Result<()> {
    let backend = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send(OK).await
    });
    let adit = adit(&[backend.await?]).await?;
    let mut client = adit.connect().await?;
    for _ in 0..50 {
        client.send(GET).await?;
        assert_eq!(client.response("GET").await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn who_cannot_be_reached_is_passed_over_whatever_the_method() -> Result<()> {
    let (_socket, refused) = refusing()?;
    let adit = adit(&[refused, mirror().await?]).await?;
    let mut client = adit.connect().await?;
    for _ in 0..4 {
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello").await?;
        let response = client.response("POST").await?;
        assert_eq!((response.status, &received(&response.body)?["body"]), (200, &json!("hello")));
    }
    Ok(())
}

fn received(body: &[u8]) -> Result<Value> {
    Ok(serde_json::from_slice(body)?)
}

#[tokio::test]
async fn a_body_may_come_byte_by_byte() -> Result<()> {
    let adit = adit(&[mirror().await?]).await?;
    for (framing, body) in [
        ("Content-Length: 11", "hello world"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"),
    ] {
        let mut client = adit.connect().await?;
        client.send(format!("PUT / HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n")).await?;
        for byte in body.bytes() {
            client.send([byte]).await?;
            tokio::task::yield_now().await;
        }
        let response = client.response("PUT").await?;
        assert_eq!((response.status, &received(&response.body)?["body"]), (200, &json!("hello world")), "{framing}");
    }
    Ok(())
}

#[tokio::test]
async fn headers_with_underscores_stay_here() -> Result<()> {
    let adit = adit(&[mirror().await?]).await?;
    let mut client = adit.connect().await?;
    client.send("GET / HTTP/1.1\r\nHost: h\r\nX_Real_IP: 6.6.6.6\r\nX-Kept: 1\r\n\r\n").await?;
    let received = received(&client.response("GET").await?.body)?;
    let headers: Vec<(String, String)> = serde_json::from_value(received["headers"].clone())?;
    assert_eq!(header(&headers, "x_real_ip"), None);
    assert_eq!(header(&headers, "x-kept").as_deref(), Some("1"));
    Ok(())
}

#[tokio::test]
async fn who_waits_for_100_continue_gets_it_from_us() -> Result<()> {
    let adit = adit(&[mirror().await?]).await?;
    let mut client = adit.connect().await?;
    for _ in 0..2 {
        client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await?;
        assert_eq!(client.response_head().await?.status, 100);
        client.send("hello").await?;
        let response = client.response("PUT").await?;
        assert_eq!((response.status, &received(&response.body)?["body"]), (200, &json!("hello")));
    }
    Ok(())
}

#[tokio::test]
async fn who_waits_for_100_continue_and_is_not_wanted_is_told_so() -> Result<()> {
    let adit = adit(&[mirror().await?]).await?;
    for (host, length, status) in [("nobody", 5, 404), ("h", 2 << 20, 413)] {
        let mut client = adit.connect().await?;
        let head = format!("PUT / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n");
        client.send(format!("{head}Expect: 100-continue\r\n\r\n")).await?;
        let response = client.response("PUT").await?;
        assert_eq!((response.status, response.closed), (status, true));
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_after_an_interim_answer_is_told() -> Result<()> {
    const PUT: &str = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n";
    let (_socket, refused) = refusing()?;
    let hinting = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n").await
    });
    let (hinting, mirror) = (hinting.await?, mirror().await?);
    let expecting = format!("{PUT}Expect: 100-continue\r\n\r\n");
    for (backend, request, interim, status) in
        [(refused, &*expecting, 100, 502), (mirror, &*expecting, 100, 413), (hinting, GET, 103, 502)]
    {
        let config = json!({"proxy-body-size": "4", "proxy-request-buffering": "off"});
        let adit = Adit::start(&manifests(&[backend], &config)).await?;
        let mut client = adit.connect().await?;
        client.send(request).await?;
        assert_eq!(client.response_head().await?.status, interim);
        if request != GET {
            client.send("5\r\nhello\r\n0\r\n\r\n").await?;
        }
        assert_eq!(client.response("GET").await?.status, status, "after {interim}");
    }
    Ok(())
}

#[tokio::test]
async fn early_hints_pass_but_not_to_http_1_0() -> Result<()> {
    const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n\
                         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let adit = adit(&[answering(HINTS).await?]).await?;
    let mut client = adit.connect().await?;
    client.send(GET).await?;
    let hints = client.response_head().await?;
    assert_eq!(hints.status, 103);
    assert_eq!(header(&hints.headers, "link").as_deref(), Some("</a.css>; rel=preload"));
    let response = client.response("GET").await?;
    assert_eq!((response.status, &*response.body), (200, &b"ok"[..]));
    let mut old = adit.connect().await?;
    old.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n").await?;
    assert_eq!(old.response("GET").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn answers_without_a_body_leave_the_connection_in_step() -> Result<()> {
    let backend = scripted(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            connection
                .send(match head.target.as_str() {
                    "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
                    "/304" => "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n",
                    "/head" => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
                    _ => OK,
                })
                .await?;
        }
        Ok(())
    });
    let adit = adit(&[backend.await?]).await?;
    let mut client = adit.connect().await?;
    for (method, target, status, length) in
        [("GET", "/204", 204, None), ("GET", "/304", 304, Some("5")), ("HEAD", "/head", 200, Some("5"))]
    {
        client.send(format!("{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
        let response = client.response(method).await?;
        assert_eq!(response.status, status);
        assert_eq!(header(&response.headers, "content-length").as_deref(), length, "{target}");
        assert_eq!(header(&response.headers, "transfer-encoding"), None, "{target}");
        client.send(GET).await?;
        assert_eq!(client.response("GET").await?.body, b"ok", "after {target}");
    }
    Ok(())
}

#[tokio::test]
async fn headers_of_the_backends_connection_stay_there() -> Result<()> {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Secret, close\r\nX-Secret: 1\r\n\
                          Keep-Alive: timeout=5\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\nX-Kept: 1\r\n\r\nok";
    let backend = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send(ANSWER).await
    });
    let adit = adit(&[backend.await?]).await?;
    let mut client = adit.connect().await?;
    for _ in 0..2 {
        client.send(GET).await?;
        let response = client.response("GET").await?;
        for name in ["x-secret", "keep-alive", "te", "trailer", "upgrade"] {
            assert_eq!(header(&response.headers, name), None, "{name}");
        }
        assert_eq!(header(&response.headers, "x-kept").as_deref(), Some("1"));
    }
    Ok(())
}
