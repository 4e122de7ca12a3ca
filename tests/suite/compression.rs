//! Compressed responses on their way: piece by piece, to their end, and only where they are whole.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use h2::{RecvStream, server};
use http::{Response, header};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::{Adit, annotated};
use tests::backend::{accept, answering, scripted};
use tests::connection::{Connection, PATIENCE};
use tests::decoded::{Decoded, decode};
use tests::http2::{Http2, piece};
use tests::wire::{self, Remaining};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];
const CHUNKS: [&str; 3] = ["first ", "second ", "third"];
const WHOLE: &str = "first second third";

/// Each coding is on, and all types are compressed.
fn config() -> Value {
    json!({
        "use-gzip": "true", "enable-brotli": "true", "enable-zstd": "true",
        "gzip-types": "*", "brotli-types": "*", "zstd-types": "*",
    })
}

async fn adit(protocol: &str, backend: SocketAddr) -> Result<Adit> {
    buffering("off", protocol, backend).await
}

async fn buffering(buffering: &str, protocol: &str, backend: SocketAddr) -> Result<Adit> {
    let annotations = [("backend-protocol", protocol), ("proxy-buffering", buffering)];
    Adit::start(&annotated(&annotations, &[backend], &config())).await
}

/// A backend that sends each chunk when it is let, of a body of this type.
async fn slow(media_type: &'static str, go: &Arc<Semaphore>) -> Result<SocketAddr> {
    let go = go.clone();
    scripted(move |_, mut connection| {
        let go = go.clone();
        async move {
            while connection.request().await?.is_some() {
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
                connection.send(head).await?;
                for chunk in CHUNKS {
                    go.acquire().await?.forget();
                    connection.send(format!("{:x}\r\n{chunk}\r\n", chunk.len())).await?;
                }
                connection.send("0\r\n\r\n").await?;
            }
            Ok(())
        }
    })
    .await
}

/// The same in HTTP/2, with a trailer.
async fn slow_http2(go: &Arc<Semaphore>) -> Result<SocketAddr> {
    let go = go.clone();
    accept(move |_, stream| {
        let go = go.clone();
        async move {
            let mut streams = server::handshake(stream).await?;
            while let Some(stream) = streams.accept().await {
                let (mut respond, go) = (stream?.1, go.clone());
                tokio::spawn(async move {
                    let head = Response::builder().header(header::CONTENT_TYPE, "text/plain").body(())?;
                    let mut body = respond.send_response(head, false)?;
                    for chunk in CHUNKS {
                        go.acquire().await?.forget();
                        body.send_data(Bytes::from_static(chunk.as_bytes()), false)?;
                    }
                    body.send_trailers([(header::WARNING, "x".parse()?)].into_iter().collect())?;
                    anyhow::Ok(())
                });
            }
            Ok(())
        }
    })
    .await
}

fn request(coding: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: {coding}\r\n\r\n")
}

/// A body as a client gets it, over either version of HTTP.
enum Body<'c> {
    Http1(&'c mut Connection, Remaining),
    Http2(RecvStream),
}

impl Body<'_> {
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        match self {
            Self::Http1(connection, remaining) => Ok(connection.piece(remaining).await?.map(Bytes::from)),
            Self::Http2(body) => piece(body).await,
        }
    }

    /// Reads a body of which each chunk is sent when the one before has been read.
    async fn read_as_it_comes(&mut self, coding: &str, go: &Semaphore) -> Result<Decoded> {
        let (mut encoded, mut expected) = (Vec::new(), String::new());
        for chunk in CHUNKS {
            go.add_permits(1);
            expected.push_str(chunk);
            while plain(coding, &encoded)?.body != expected.as_bytes() {
                encoded.extend(self.piece().await?.context("the body ends too early")?);
            }
        }
        while let Some(piece) = self.piece().await? {
            encoded.extend(piece);
        }
        plain(coding, &encoded)
    }
}

fn plain(coding: &str, encoded: &[u8]) -> Result<Decoded> {
    match coding {
        "identity" => Ok(Decoded { body: encoded.to_vec(), is_whole: true }),
        _ => decode(coding, encoded),
    }
}

fn whole() -> Decoded {
    Decoded { body: WHOLE.into(), is_whole: true }
}

#[tokio::test]
async fn what_has_come_of_a_backend_goes_out_at_once() -> Result<()> {
    let go = Arc::new(Semaphore::new(0));
    let (plain, grpc) = (slow("text/plain", &go).await?, slow_http2(&go).await?);
    for (is_on, protocol, backend) in [("off", "HTTP", plain), ("on", "HTTP", plain), ("on", "GRPC", grpc)] {
        let adit = buffering(is_on, protocol, backend).await?;
        let (mut http1, http2) = (adit.connect().await?, Http2::open(adit.address()?).await?);
        for coding in CODINGS {
            http1.send(request(coding)).await?;
            let head = http1.response_head().await?;
            assert_eq!(wire::header(&head.headers, "content-encoding").as_deref(), Some(coding));
            let mut body = Body::Http1(&mut http1, Remaining::of_response("GET", &head));
            assert_eq!(body.read_as_it_comes(coding, &go).await?, whole(), "{protocol} {coding}");

            let request = http::Request::get("http://h/").header(header::ACCEPT_ENCODING, coding).body(())?;
            let (head, body) = http2.start(request, true).await?.head().await?;
            assert_eq!(wire::header(&head.headers, "content-encoding").as_deref(), Some(coding));
            let mut body = Body::Http2(body);
            assert_eq!(body.read_as_it_comes(coding, &go).await?, whole(), "{protocol} {coding}");
            if let (Body::Http2(mut body), "GRPC") = (body, protocol) {
                let trailers = timeout(PATIENCE, body.trailers()).await??;
                assert!(trailers.is_some_and(|trailers| trailers.contains_key(header::WARNING)), "{coding}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn events_stay_as_they_are() -> Result<()> {
    let go = Arc::new(Semaphore::new(0));
    let backend = slow("text/event-stream", &go).await?;
    for is_on in ["off", "on"] {
        let adit = buffering(is_on, "HTTP", backend).await?;
        let mut client = adit.connect().await?;
        client.send(request("gzip, br, zstd")).await?;
        let head = client.response_head().await?;
        assert_eq!(wire::header(&head.headers, "content-encoding"), None);
        let mut body = Body::Http1(&mut client, Remaining::of_response("GET", &head));
        assert_eq!(body.read_as_it_comes("identity", &go).await?, whole());
    }
    Ok(())
}

/// All that a client can read of a response that is cut off; an error if it looks whole.
async fn cut_off(mut body: Body<'_>, coding: &str) -> Result<Decoded> {
    let mut encoded = Vec::new();
    loop {
        match body.piece().await {
            Ok(Some(piece)) => encoded.extend(piece),
            Ok(None) => anyhow::bail!("the body ends as if it were whole"),
            Err(_) => return decode(coding, &encoded),
        }
    }
}

#[tokio::test]
async fn a_response_that_is_cut_off_does_not_look_whole() -> Result<()> {
    for framing in ["Content-Length: 1000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let backend = scripted(move |_, mut connection| async move {
            connection.request().await?;
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{framing}")).await
        });
        let backend = backend.await?;
        let (off, on) = (adit("HTTP", backend).await?, buffering("on", "HTTP", backend).await?);
        for (adit, coding) in [&off, &on].into_iter().flat_map(|adit| CODINGS.map(|coding| (adit, coding))) {
            let expected = Decoded { body: b"abc".to_vec(), is_whole: false };
            let mut client = adit.connect().await?;
            client.send(request(coding)).await?;
            let head = client.response_head().await?;
            let body = Body::Http1(&mut client, Remaining::of_response("GET", &head));
            assert_eq!(cut_off(body, coding).await?, expected, "{framing:?} {coding}");

            let client = Http2::open(adit.address()?).await?;
            let request = http::Request::get("http://h/").header(header::ACCEPT_ENCODING, coding).body(())?;
            let (_, body) = client.start(request, true).await?.head().await?;
            assert_eq!(cut_off(Body::Http2(body), coding).await?, expected, "{framing:?} {coding} over HTTP/2");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_backends_work() -> Result<()> {
    let left = Arc::new(Semaphore::new(0));
    let seen = left.clone();
    let backend = scripted(move |_, mut connection| {
        let seen = seen.clone();
        async move {
            connection.request().await?;
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nabc").await?;
            ensure!(connection.is_closed().await, "Adit says more");
            seen.add_permits(1);
            Ok(())
        }
    });
    let adit = adit("HTTP", backend.await?).await?;
    for coding in CODINGS {
        let mut client = adit.connect().await?;
        client.send(request(coding)).await?;
        let head = client.response_head().await?;
        assert!(client.piece(&mut Remaining::of_response("GET", &head)).await?.is_some());
        drop(client);
        timeout(PATIENCE, left.acquire()).await.context("the backend is not left")??.forget();
    }
    Ok(())
}

#[tokio::test]
async fn a_tunnel_carries_bytes_as_they_come() -> Result<()> {
    let switch =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: any\r\nContent-Type: text/plain\r\n\r\n";
    let backend = scripted(move |_, mut connection| async move {
        connection.request().await?;
        connection.send(format!("{switch}plain bytes")).await?;
        connection.finish().await
    });
    let adit = adit("HTTP", backend.await?).await?;
    let mut client = adit.connect().await?;
    client
        .send("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n")
        .await?;
    let head = client.response_head().await?;
    assert_eq!((head.status, wire::header(&head.headers, "content-encoding")), (101, None));
    assert_eq!(client.bytes(11).await?, b"plain bytes");
    Ok(())
}

/// A connection goes on after a compressed response, and after one without a body.
#[tokio::test]
async fn a_connection_is_kept() -> Result<()> {
    let text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 300\r\n\r\n";
    let backend = answering(format!("{text}{}", "x".repeat(300)).leak());
    let adit = adit("HTTP", backend.await?).await?;
    let mut client = adit.connect().await?;
    for coding in CODINGS {
        client.send(request(coding)).await?;
        let response = client.response("GET").await?;
        let decoded = decode(coding, &response.body)?;
        assert_eq!((decoded.body.len(), decoded.is_whole, response.closed), (300, true, false), "{coding}");
    }
    Ok(())
}
