//! Backends that speak TLS or HTTP/2 and break off: what is tried again, and what never is.

use anyhow::Result;
use bytes::Bytes;
use h2::Reason;
use h2::server::{self, SendResponse};
use http::Response;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::adit::{Adit, annotated};
use tests::backend::{Methods, accept, answering, forget, scripted_tls};
use tests::connection::Connection;
use tests::wire::header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An Adit with one backend of this protocol.
async fn adit(protocol: &str, backend: SocketAddr) -> Result<Adit> {
    Adit::start(&annotated(&[("backend-protocol", protocol)], &[backend], &json!({}))).await
}

async fn status(client: &mut Connection, request: &str) -> Result<u16> {
    let method = request.split(' ').next().unwrap_or_default();
    client.send(request).await?;
    Ok(client.response(method).await?.status)
}

#[tokio::test]
async fn a_get_is_sent_again_when_a_connection_with_tls_is_stale_and_a_post_is_not() -> Result<()> {
    let requests = Methods::default();
    let arrived = requests.clone();
    // It ends without TLS's farewell.
    let backend = scripted_tls(move |_, connection| forget(connection, OK, arrived.clone())).await?;
    let adit = adit("HTTPS", backend).await?;
    let mut client = adit.connect().await?;
    for number in 1..=4 {
        assert_eq!(status(&mut client, GET).await?, 200, "request {number}");
    }
    assert_eq!(requests.lock().len(), 7);
    assert_eq!(status(&mut client, POST).await?, 502);
    assert_eq!(requests.lock().len(), 8);
    Ok(())
}

#[tokio::test]
async fn connections_with_tls_are_kept() -> Result<()> {
    let backend = scripted_tls(|connections, mut connection| async move {
        while let Some(_head) = connection.request().await? {
            let number = connections.to_string();
            connection
                .send(format!("HTTP/1.1 200 OK\r\nConnection-Number: {number}\r\nContent-Length: 0\r\n\r\n"))
                .await?;
        }
        Ok(())
    });
    let adit = adit("HTTPS", backend.await?).await?;
    let mut client = adit.connect().await?;
    for _ in 0..3 {
        client.send(GET).await?;
        let response = client.response("GET").await?;
        assert_eq!(header(&response.headers, "connection-number").as_deref(), Some("1"));
    }
    Ok(())
}

/// A backend of HTTP/2 that does `answer` with each stream, with its number from 1 on its connection.
async fn http2<A>(answer: A) -> Result<SocketAddr>
where
    A: Fn(usize, usize, SendResponse<Bytes>) -> Result<()> + Clone + Send + Sync + 'static,
{
    accept(move |connection, stream| {
        let answer = answer.clone();
        async move {
            let mut streams = server::handshake(stream).await?;
            let mut number = 0;
            while let Some(stream) = streams.accept().await {
                let (_request, respond) = stream?;
                number += 1;
                answer(connection, number, respond)?;
            }
            Ok(())
        }
    })
    .await
}

fn ok(mut respond: SendResponse<Bytes>) -> Result<()> {
    respond.send_response(Response::new(()), true)?;
    Ok(())
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_whatever_the_method() -> Result<()> {
    let streams = Arc::new(AtomicUsize::new(0));
    let counter = streams.clone();
    let backend = http2(move |_, _, mut respond| {
        if counter.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            respond.send_reset(Reason::REFUSED_STREAM);
            return Ok(());
        }
        ok(respond)
    });
    let adit = adit("GRPC", backend.await?).await?;
    let mut client = adit.connect().await?;
    for number in 1..=3 {
        assert_eq!(status(&mut client, POST).await?, 200, "request {number}");
    }
    assert_eq!(streams.load(Ordering::Relaxed), 6);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_reset_may_have_been_acted_on() -> Result<()> {
    let streams = Arc::new(AtomicUsize::new(0));
    let counter = streams.clone();
    let backend = http2(move |_, _, mut respond| {
        counter.fetch_add(1, Ordering::Relaxed);
        respond.send_reset(Reason::INTERNAL_ERROR);
        Ok(())
    });
    let adit = adit("GRPC", backend.await?).await?;
    let mut client = adit.connect().await?;
    assert_eq!(status(&mut client, POST).await?, 502);
    assert_eq!(streams.load(Ordering::Relaxed), 1);
    Ok(())
}

#[tokio::test]
async fn streams_share_a_connection_of_http2() -> Result<()> {
    let backend = http2(|connection, _, mut respond| {
        let response = Response::builder().header("connection-number", connection).body(())?;
        respond.send_response(response, true)?;
        Ok(())
    });
    let adit = adit("GRPC", backend.await?).await?;
    let mut client = adit.connect().await?;
    for _ in 0..3 {
        client.send(GET).await?;
        let response = client.response("GET").await?;
        assert_eq!(header(&response.headers, "connection-number").as_deref(), Some("1"));
    }
    Ok(())
}

/// Reads one frame of HTTP/2, whatever is in it, and returns its type.
async fn frame(stream: &mut TcpStream) -> Result<u8> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut payload).await?;
    Ok(head[3])
}

/// Answers the first stream of a connection with this frame, and ends the connection.
async fn end_first_stream(mut stream: TcpStream, farewell: &[u8]) -> Result<()> {
    const PREFACE: usize = 24;
    const HEADERS: u8 = 1;
    let mut preface = [0; PREFACE];
    stream.read_exact(&mut preface).await?;
    stream.write_all(&SETTINGS).await?;
    while frame(&mut stream).await? != HEADERS {}
    stream.write_all(farewell).await?;
    stream.shutdown().await?;
    // Until the other end has gone, too: what is still to be read would make the system reset the connection.
    while frame(&mut stream).await.is_ok() {}
    Ok(())
}

const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// GOAWAY: the last stream that will be answered, and why.
fn goaway(last: u8, reason: Reason) -> Vec<u8> {
    let reason = u32::from(reason).to_be_bytes();
    [&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last][..], &reason].concat()
}

/// A backend whose first connection says `farewell` to its first stream; the next ones answer.
async fn leaving(farewell: Vec<u8>, connections: &Arc<AtomicUsize>) -> Result<SocketAddr> {
    let connections = connections.clone();
    accept(move |number, stream| {
        connections.fetch_add(1, Ordering::Relaxed);
        let farewell = farewell.clone();
        async move {
            if number == 1 {
                return end_first_stream(stream, &farewell).await;
            }
            let mut streams = server::handshake(stream).await?;
            while let Some(stream) = streams.accept().await {
                ok(stream?.1)?;
            }
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn what_a_backend_that_leaves_has_not_begun_is_sent_again_whatever_the_method() -> Result<()> {
    for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM] {
        let connections = Arc::default();
        let adit = adit("GRPC", leaving(goaway(0, reason), &connections).await?).await?;
        let mut client = adit.connect().await?;
        assert_eq!(status(&mut client, POST).await?, 200, "{reason:?}");
        assert_eq!(connections.load(Ordering::Relaxed), 2, "{reason:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_backend_that_leaves_may_have_begun_is_not_sent_again() -> Result<()> {
    let connections = Arc::default();
    let adit = adit("GRPC", leaving(goaway(1, Reason::NO_ERROR), &connections).await?).await?;
    let mut client = adit.connect().await?;
    assert_eq!(status(&mut client, POST).await?, 502);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    Ok(())
}

#[tokio::test]
async fn a_backend_that_speaks_http1_only_gets_no_grpc() -> Result<()> {
    let adit = adit("GRPC", answering(OK).await?).await?;
    let mut client = adit.connect().await?;
    assert_eq!(status(&mut client, GET).await?, 502);
    Ok(())
}
