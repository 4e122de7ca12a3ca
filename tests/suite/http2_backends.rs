//! Backends of HTTP/2: how they are reached, how their connections are shared, and what is believed of their responses.

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::Reason;
use h2::server::{self, SendResponse};
use http::{Request, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::{Adit, annotated};
use tests::backend::accept;
use tests::connection::PATIENCE;
use tests::frames::{END_HEADERS, END_STREAM, Kind, frame, literal};
use tests::http2::Http2;
use tests::tls_server;
use tests::wire::header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::timeout;

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const URL: &str = "http://h/";

/// An Adit with one backend of this protocol.
async fn adit(protocol: &str, backend: SocketAddr, config: Value) -> Result<Adit> {
    Adit::start(&annotated(&[("backend-protocol", protocol)], &[backend], &config)).await
}

async fn get(adit: &Adit) -> Result<tests::client::Response> {
    let mut client = adit.connect().await?;
    client.send(GET).await?;
    client.final_response("GET").await
}

fn numbered(connection: usize, mut respond: SendResponse<Bytes>) -> Result<()> {
    let response = Response::builder().header("connection-number", connection).body(())?;
    respond.send_response(response, true)?;
    Ok(())
}

fn number(response: &tests::client::Response) -> Option<String> {
    header(&response.headers, "connection-number")
}

#[tokio::test]
async fn a_backend_of_grpcs_has_to_agree_on_http2() -> Result<()> {
    for (protocols, status) in [(&["h2"][..], 200), (&["http/1.1"], 502), (&[], 502)] {
        let acceptor = tls_server::acceptor(protocols)?;
        let backend = accept(move |number, stream| {
            let acceptor = acceptor.clone();
            async move {
                let mut streams = server::handshake(acceptor.accept(stream).await?).await?;
                while let Some(stream) = streams.accept().await {
                    numbered(number, stream?.1)?;
                }
                Ok(())
            }
        });
        let adit = adit("GRPCS", backend.await?, json!({})).await?;
        assert_eq!(get(&adit).await?.status, status, "{protocols:?}");
    }
    Ok(())
}

/// A backend that takes so many streams on a connection at a time. It answers `/` at once, and other paths as `go` lets it.
async fn holding(most: u32, arrived: &Arc<Semaphore>, go: &Arc<Semaphore>) -> Result<SocketAddr> {
    let (arrived, go) = (arrived.clone(), go.clone());
    accept(move |number, stream| {
        let (arrived, go) = (arrived.clone(), go.clone());
        async move {
            let mut streams = server::Builder::new().max_concurrent_streams(most).handshake(stream).await?;
            while let Some(stream) = streams.accept().await {
                let (request, respond) = stream?;
                let (is_held, go) = (request.uri().path() != "/", go.clone());
                arrived.add_permits(1);
                tokio::spawn(async move {
                    if is_held {
                        go.acquire().await?.forget();
                    }
                    numbered(number, respond)
                });
            }
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_has_as_many_requests_as_its_backend_takes() -> Result<()> {
    let (arrived, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let adit = adit("GRPC", holding(2, &arrived, &go).await?, json!({})).await?;
    let client = Http2::open(adit.address()?).await?;
    // From now on Adit knows what the backend takes.
    assert_eq!(number(&client.get(URL).await?).as_deref(), Some("1"));
    arrived.acquire().await?.forget();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(client.start(Request::get("http://h/held").body(())?, true).await?);
        timeout(PATIENCE, arrived.acquire()).await.context("a request does not arrive")??.forget();
    }
    go.add_permits(held.len());
    let mut numbers = Vec::new();
    for stream in held {
        numbers.extend(number(&stream.response().await?));
    }
    assert_eq!(numbers, ["1", "1", "2", "2"]);
    // Those that have ended make room.
    assert_eq!(number(&client.get(URL).await?).as_deref(), Some("1"));
    Ok(())
}

#[tokio::test]
async fn a_connection_that_goes_away_serves_what_has_begun() -> Result<()> {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begun, released) = (arrived.clone(), go.clone());
    let backend = accept(move |number, stream| {
        let (begun, released) = (begun.clone(), released.clone());
        async move {
            let mut streams = server::handshake(stream).await?;
            let mut held = None;
            loop {
                tokio::select! {
                    stream = streams.accept() => {
                        let Some(stream) = stream else { return Ok(()) };
                        let (request, respond) = stream?;
                        if request.uri().path() == "/" {
                            numbered(number, respond)?;
                            continue;
                        }
                        held = Some(respond);
                        streams.graceful_shutdown();
                        begun.notify_one();
                    }
                    () = released.notified(), if held.is_some() => {
                        held.take().map(|respond| numbered(number, respond)).transpose()?;
                    }
                }
            }
        }
    });
    let adit = adit("GRPC", backend.await?, json!({})).await?;
    let client = Http2::open(adit.address()?).await?;
    let held = client.start(Request::get("http://h/held").body(())?, true).await?;
    arrived.notified().await;
    // The first few may be on their way before the GOAWAY is read.
    let others = async {
        while number(&client.get(URL).await?).as_deref() != Some("2") {}
        Ok::<_, anyhow::Error>(())
    };
    timeout(PATIENCE, others).await.context("no other connection is opened")??;
    go.notify_one();
    assert_eq!(number(&held.response().await?).as_deref(), Some("1"));
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_idle_for_long_is_closed() -> Result<()> {
    let (closed, mut ends) = mpsc::unbounded_channel();
    let backend = accept(move |number, stream| {
        let closed = closed.clone();
        async move {
            let mut streams = server::handshake(stream).await?;
            while let Some(stream) = streams.accept().await {
                numbered(number, stream?.1)?;
            }
            Ok(closed.send(number)?)
        }
    });
    let adit = adit("GRPC", backend.await?, json!({"upstream-keepalive-timeout": "1"})).await?;
    assert_eq!(get(&adit).await?.status, 200);
    assert_eq!(timeout(PATIENCE, ends.recv()).await?, Some(1));
    assert_eq!(number(&get(&adit).await?).as_deref(), Some("2"));
    Ok(())
}

/// Reads one frame, whatever is in it, and returns its type.
async fn received(stream: &mut TcpStream) -> Result<u8> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]]))?];
    stream.read_exact(&mut payload).await?;
    Ok(head[3])
}

/// A backend that answers the first stream of each connection with these frames.
async fn answering(frames: Vec<u8>) -> Result<SocketAddr> {
    accept(move |_, mut stream| {
        let frames = frames.clone();
        async move {
            let mut preface = [0; 24];
            stream.read_exact(&mut preface).await?;
            stream.write_all(&frame(Kind::Settings, 0, 0, &[])).await?;
            while received(&mut stream).await? != Kind::Headers as u8 {}
            stream.write_all(&frames).await?;
            while received(&mut stream).await.is_ok() {}
            Ok(())
        }
    })
    .await
}

/// HEADERS with these fields in plain literals.
fn headers(flags: u8, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(0, name.as_bytes(), value)).collect();
    frame(Kind::Headers, flags | END_HEADERS, 1, &block)
}

#[tokio::test]
async fn a_response_that_violates_http_is_a_bad_gateway() -> Result<()> {
    for fields in [
        &[("content-length", &b"0"[..]), ("content-length", b"0")][..],
        &[("content-length", b"+1")],
        &[("content-length", b"1, 1")],
        &[("content-length", b"1"), ("content-length", b"2")],
        &[("transfer-encoding", b"chunked")],
        &[("connection", b"close")],
        &[("keep-alive", b"1")],
        &[("upgrade", b"h2c")],
        &[("X-Upper", b"1")],
        &[("x y", b"1")],
        &[("x-a", b"a\r\nb")],
        &[("x-a", b"\0")],
        &[(":status", b"200")],
    ] {
        let head = headers(END_STREAM, &[&[(":status", &b"200"[..])], fields].concat());
        let adit = adit("GRPC", answering(head).await?, json!({})).await?;
        assert_eq!(get(&adit).await?.status, 502, "{fields:?}");
    }
    for status in [&b"101"[..], b"20", b"2000", b"abc", b""] {
        let head = headers(END_STREAM, &[(":status", status)]);
        let adit = adit("GRPC", answering(head).await?, json!({})).await?;
        assert_eq!(get(&adit).await?.status, 502, "{status:?}");
    }
    let adit = adit("GRPC", answering(headers(END_STREAM, &[("x-a", b"1")])).await?, json!({})).await?;
    assert_eq!(get(&adit).await?.status, 502, "without a status");
    Ok(())
}

#[tokio::test]
async fn a_body_of_another_length_than_said_is_never_whole() -> Result<()> {
    let head = headers(0, &[(":status", b"200"), ("content-length", b"5")]);
    let data = |flags: u8, data: &[u8]| frame(Kind::Data, flags, 1, data);
    let trailers = headers(END_STREAM, &[("x-a", b"1")]);
    let reset = frame(Kind::RstStream, 0, 1, &0_u32.to_be_bytes());
    for (what, rest) in [
        ("short", data(END_STREAM, b"abc")),
        ("long", [data(0, b"abc"), data(END_STREAM, b"defg")].concat()),
        ("trailers", [data(0, b"abc"), trailers].concat()),
        ("reset", [data(0, b"abc"), reset].concat()),
    ] {
        let adit = adit("GRPC", answering([&head[..], &rest].concat()).await?, json!({})).await?;
        let response = get(&adit).await;
        assert!(response.as_ref().map_or(true, |response| response.status == 502), "{what}: {response:?}");
    }
    let adit = adit("GRPC", answering([head, data(END_STREAM, b"abcde")].concat()).await?, json!({})).await?;
    assert_eq!(get(&adit).await?.body, b"abcde");
    Ok(())
}

#[tokio::test]
async fn a_head_has_its_limit() -> Result<()> {
    for (size, status) in [(32 << 10, 200), (64 << 10, 502), (1 << 20, 502)] {
        let backend = accept(move |_, stream| async move {
            let mut streams = server::handshake(stream).await?;
            while let Some(stream) = streams.accept().await {
                let response = Response::builder().header("x-large", "x".repeat(size)).body(())?;
                stream?.1.send_response(response, true)?;
            }
            anyhow::Ok(())
        });
        let adit = adit("GRPC", backend.await?, json!({})).await?;
        assert_eq!(get(&adit).await?.status, status, "{size}");
    }
    Ok(())
}

#[tokio::test]
async fn interim_responses_are_passed_on_up_to_a_limit() -> Result<()> {
    for (count, status) in [(1, 200), (16, 200), (17, 502)] {
        let backend = accept(move |number, stream| async move {
            let mut streams = server::handshake(stream).await?;
            while let Some(stream) = streams.accept().await {
                let (_request, mut respond) = stream?;
                for _ in 0..count {
                    respond.send_informational(Response::builder().status(103).header("link", "</a.css>").body(())?)?;
                }
                numbered(number, respond)?;
            }
            anyhow::Ok(())
        });
        let adit = adit("GRPC", backend.await?, json!({})).await?;
        let mut client = adit.connect().await?;
        client.send(GET).await?;
        let hints = client.response_head().await?;
        assert_eq!((hints.status, header(&hints.headers, "link").as_deref()), (103, Some("</a.css>")));
        assert_eq!(client.final_response("GET").await?.status, status, "{count}");
    }
    Ok(())
}

/// A server that knows the outcome does not wait for the rest of the call: it ends the stream, and asks for no more with
/// NO_ERROR.
#[tokio::test]
async fn a_call_may_end_before_its_client_has_sent_all() -> Result<()> {
    let head = [(":status", &b"200"[..]), ("content-type", b"application/grpc"), ("grpc-status", b"7")];
    let reset = frame(Kind::RstStream, 0, 1, &u32::from(Reason::NO_ERROR).to_be_bytes());
    let answer = [headers(END_STREAM, &head), reset].concat();
    let adit = async || adit("GRPC", answering(answer.clone()).await?, json!({})).await;

    let first = adit().await?;
    let client = Http2::open(first.address()?).await?;
    let mut stream = client.start(Request::post("http://h/a.B/C").body(())?, false).await?;
    stream.body(Bytes::from_static(b"a beginning"), false).await?;
    let response = stream.response().await?;
    assert_eq!((response.status, header(&response.headers, "grpc-status").as_deref()), (200, Some("7")));

    let second = adit().await?;
    let mut client = second.connect().await?;
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhi").await?;
    assert_eq!(header(&client.response("POST").await?.headers, "grpc-status").as_deref(), Some("7"));
    Ok(())
}

#[tokio::test]
async fn clients_of_http1_get_responses_that_end() -> Result<()> {
    let backend = accept(|_, stream| async move {
        let mut streams = server::handshake(stream).await?;
        while let Some(stream) = streams.accept().await {
            let (request, mut respond) = stream?;
            match request.uri().path() {
                "/empty" => drop(respond.send_response(Response::new(()), true)?),
                "/trailers" => {
                    let mut body = respond.send_response(Response::new(()), false)?;
                    body.send_data(Bytes::from_static(b"hello"), false)?;
                    body.send_trailers([(http::header::ETAG, "1".parse()?)].into_iter().collect())?;
                }
                _ => respond.send_response(Response::new(()), false)?.send_data(Bytes::from_static(b"hello"), true)?,
            }
        }
        anyhow::Ok(())
    });
    let adit = adit("GRPC", backend.await?, json!({})).await?;
    let mut client = adit.connect().await?;
    for (target, body) in [("/", &b"hello"[..]), ("/trailers", b"hello"), ("/empty", b""), ("/", b"hello")] {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
        let response = client.response("GET").await?;
        assert_eq!((response.status, &*response.body, response.closed), (200, body, false), "{target}");
        client.send(format!("HEAD {target} HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
        assert_eq!(client.response("HEAD").await?.status, 200, "{target}");
    }
    // Who has not heard of chunks gets them not; and may name no host.
    for (target, body) in [("/", &b"hello"[..]), ("/empty", b"")] {
        let mut old = adit.connect().await?;
        old.send(format!("GET {target} HTTP/1.0\r\nHost: h\r\n\r\n")).await?;
        let response = old.response("GET").await?;
        assert_eq!((response.status, &*response.body), (200, body), "{target}");
        assert_eq!(header(&response.headers, "transfer-encoding"), None);
    }
    Ok(())
}
