//! Fields behind a body: which are passed on, and to whom.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use h2::server;
use http::{HeaderMap, Response};
use serde_json::json;
use std::net::SocketAddr;
use tests::adit::{Adit, annotated, documents, slice};
use tests::backend::{accept, answering, scripted};
use tests::connection::{Connection, PATIENCE};
use tests::http2::Http2;
use tests::objects::{auth_service, config_map};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Fields that a recipient might take for headers, and one that is a trailer.
const SENT: &str =
    "Content-Length: 7\r\nSet-Cookie: a=b\r\nHost: evil\r\nX-Hidden: evil\r\nX-Added: evil\r\nX-Sum: 1\r\n";
const PASSED: &str = "x-sum: 1\r\n";
const RESPONSE: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 7\r\n\
    Set-Cookie: a=b\r\nHost: evil\r\nX-Hidden: evil\r\nX-Added: evil\r\nX-Sum: 1\r\n\r\n";

fn fields(lines: &str) -> Result<HeaderMap> {
    let mut fields = HeaderMap::new();
    for line in lines.lines() {
        let (name, value) = line.split_once(": ").context("a field")?;
        fields.append(http::HeaderName::from_bytes(name.as_bytes())?, value.parse()?);
    }
    Ok(fields)
}

/// A backend of HTTP/2 that answers with trailers. Those of requests come out of the receiver.
async fn http2() -> Result<(SocketAddr, mpsc::UnboundedReceiver<Option<HeaderMap>>)> {
    let (seen, requests) = mpsc::unbounded_channel();
    let address = accept(move |_, stream| {
        let seen = seen.clone();
        async move {
            let mut streams = server::handshake(stream).await?;
            while let Some(stream) = streams.accept().await {
                let (request, mut respond) = stream?;
                let seen = seen.clone();
                tokio::spawn(async move {
                    let mut body = request.into_body();
                    while let Some(piece) = body.data().await {
                        body.flow_control().release_capacity(piece?.len())?;
                    }
                    seen.send(body.trailers().await?)?;
                    let mut body = respond.send_response(Response::new(()), false)?;
                    body.send_data(Bytes::from_static(b"hello"), false)?;
                    body.send_trailers(fields(SENT)?)?;
                    anyhow::Ok(())
                });
            }
            Ok(())
        }
    });
    Ok((address.await?, requests))
}

async fn serve(protocol: &str, backend: SocketAddr) -> Result<Adit> {
    serve_buffering("off", protocol, backend).await
}

async fn serve_buffering(buffering: &str, protocol: &str, backend: SocketAddr) -> Result<Adit> {
    let annotations = [("backend-protocol", protocol), ("proxy-buffering", buffering)];
    let config = json!({"hide-headers": "X-Hidden", "add-headers": "adit/added", "proxy-request-buffering": "off"});
    let added = config_map("added", &json!({"X-Added": "ours"}));
    let manifests = annotated(&annotations, &[backend], &config) + &documents([added]);
    Adit::start(&manifests).await
}

/// What follows the head of a response over HTTP/1.1.
async fn body(adit: &Adit, headers: &str, expected: &str) -> Result<()> {
    let mut connection = adit.connect().await?;
    connection.send(format!("GET / HTTP/1.1\r\nHost: h\r\n{headers}\r\n")).await?;
    ensure!(connection.response_head().await?.status == 200);
    let body = String::from_utf8(connection.bytes(expected.len() as u64).await?)?;
    assert_eq!(body, expected, "{headers}");
    // The connection goes on where it should.
    connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(connection.response("GET").await?.body, b"hello");
    Ok(())
}

#[tokio::test]
async fn those_of_responses_go_to_who_takes_them() -> Result<()> {
    let (plain, (grpc, _requests)) = (answering(RESPONSE).await?, http2().await?);
    for (buffering, protocol, backend) in [("off", "HTTP", plain), ("on", "HTTP", plain), ("on", "GRPC", grpc)] {
        let adit = serve_buffering(buffering, protocol, backend).await?;
        body(&adit, "TE: trailers\r\n", &format!("5\r\nhello\r\n0\r\n{PASSED}\r\n")).await.context(protocol)?;
        body(&adit, "", "5\r\nhello\r\n0\r\n\r\n").await.context(protocol)?;
        let request = http::Request::get("http://h/").body(())?;
        let (_, mut body) = Http2::open(adit.address()?).await?.start(request, true).await?.head().await?;
        while let Some(piece) = timeout(PATIENCE, body.data()).await? {
            body.flow_control().release_capacity(piece?.len())?;
        }
        let trailers = timeout(PATIENCE, body.trailers()).await??.context("no trailers")?;
        assert_eq!((trailers.len(), trailers["x-sum"].as_bytes()), (1, &b"1"[..]), "{protocol}");
    }
    Ok(())
}

/// The version in which a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Http1,
    Http2,
}

impl Client {
    const BOTH: [Self; 2] = [Self::Http1, Self::Http2];

    /// Sends a request with these trailers, and returns the status of the response.
    async fn send(self, adit: &Adit, trailers: &str) -> Result<u16> {
        if self == Self::Http2 {
            let request = http::Request::post("http://h/").body(())?;
            let mut stream = Http2::open(adit.address()?).await?.start(request, false).await?;
            stream.body("hello".into(), false).await?;
            stream.trailers(fields(trailers)?)?;
            return Ok(stream.response().await?.status);
        }
        let mut connection = adit.connect().await?;
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        connection.send(format!("{head}5\r\nhello\r\n0\r\n{trailers}\r\n")).await?;
        Ok(connection.response("POST").await?.status)
    }
}

/// A backend of HTTP/1.1 that reports what follows the head of a request: as many bytes as these.
async fn http1(expected: &'static str) -> Result<(SocketAddr, mpsc::UnboundedReceiver<String>)> {
    let (seen, requests) = mpsc::unbounded_channel();
    let address = scripted(move |_, mut connection: Connection| {
        let seen = seen.clone();
        async move {
            while connection.request().await?.is_some() {
                seen.send(String::from_utf8(connection.bytes(expected.len() as u64).await?)?)?;
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
            }
            Ok(())
        }
    });
    Ok((address.await?, requests))
}

#[tokio::test]
async fn those_of_requests_go_to_backends() -> Result<()> {
    const EXPECTED: &str = "5\r\nhello\r\n0\r\nx-hidden: evil\r\nx-added: evil\r\nx-sum: 1\r\n\r\n";
    let (plain, mut seen_by_plain) = http1(EXPECTED).await?;
    let (grpc, mut seen_by_grpc) = http2().await?;
    let (to_plain, to_grpc) = (serve("HTTP", plain).await?, serve("GRPC", grpc).await?);
    for client in Client::BOTH {
        assert_eq!(client.send(&to_plain, SENT).await?, 200);
        let body = timeout(PATIENCE, seen_by_plain.recv()).await?.context("no request")?;
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(lines(&body), lines(EXPECTED), "{client:?}");

        assert_eq!(client.send(&to_grpc, SENT).await?, 200);
        let trailers = timeout(PATIENCE, seen_by_grpc.recv()).await?.flatten().context("no trailers")?;
        let names: Vec<_> = trailers.keys().map(http::HeaderName::as_str).collect();
        assert_eq!((names.len(), names.contains(&"x-sum")), (3, true), "{client:?}: {names:?}");
        assert_eq!(client.send(&to_grpc, "").await?, 200);
        assert!(timeout(PATIENCE, seen_by_grpc.recv()).await?.context("no request")?.is_none(), "{client:?}");
    }
    Ok(())
}

/// Behind a body of a length that is known before, HTTP/1.1 has no room for trailers.
#[tokio::test]
async fn a_body_of_a_known_length_ends_without_them() -> Result<()> {
    let (backend, mut seen) = http1("hello").await?;
    let adit = serve("HTTP", backend).await?;
    // The second one begins on the backend's connection where it should.
    for _ in 0..2 {
        let request = http::Request::post("http://h/").header("content-length", "5").body(())?;
        let mut stream = Http2::open(adit.address()?).await?.start(request, false).await?;
        stream.body("hello".into(), false).await?;
        stream.trailers(fields(SENT)?)?;
        assert_eq!(stream.response().await?.status, 200);
        assert_eq!(timeout(PATIENCE, seen.recv()).await?.context("no request")?, "hello");
    }
    Ok(())
}

#[tokio::test]
async fn more_than_8_kib_are_refused() -> Result<()> {
    let (backend, _seen) = http1("5\r\nhello\r\n").await?;
    let adit = serve("HTTP", backend).await?;
    for client in Client::BOTH {
        assert_eq!(client.send(&adit, &format!("X-Sum: {}\r\n", "1".repeat(8 << 10))).await?, 400, "{client:?}");
    }
    Ok(())
}

#[tokio::test]
async fn attack_13_trailers_claim_nothing_that_is_ours_to_say() -> Result<()> {
    const EXPECTED: &str = "5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n";
    let (backend, mut seen) = http1(EXPECTED).await?;
    let auth = answering("HTTP/1.1 200 OK\r\nX-User: alice\r\nContent-Length: 0\r\n\r\n").await?;
    let config = json!({"proxy-set-headers": "adit/set", "proxy-request-buffering": "off"});
    let annotations = [("auth-url", "http://auth.default.svc.cluster.local/"), ("auth-response-headers", "X-User")];
    let set = config_map("set", &json!({"X-Set": "ours"}));
    let more = documents([set, auth_service(), slice("auth", 0, auth)]);
    let adit = Adit::start(&(annotated(&annotations, &[backend], &config) + &more)).await?;
    // HTTP/2 has no room for these: h2 resets the stream.
    let of_http1 = ["Connection", "TE", "Transfer-Encoding"];
    for name in [
        "X-User",
        "X_User",
        "X.User",
        "X-Set",
        "X_SET",
        "X-Real-IP",
        "X-Forwarded-For",
        "X-Request-ID",
        "Authorization",
        "Cookie",
        "ssl-client-verify",
        "X-Original-URL",
        "X-Scheme",
        "Proxy",
        "Connection",
        "TE",
        "Trailer",
        "Expect",
        "Transfer-Encoding",
        "Content-Encoding",
        "If-Match",
        "Range",
        "traceparent",
        "Forwarded",
    ] {
        for client in Client::BOTH {
            if client == Client::Http2 && of_http1.contains(&name) {
                continue;
            }
            assert_eq!(client.send(&adit, &format!("{name}: evil\r\nX-Sum: 1\r\n")).await?, 200, "{name}");
            assert_eq!(timeout(PATIENCE, seen.recv()).await?.context("no request")?, EXPECTED, "{client:?}: {name}");
        }
    }
    Ok(())
}
