//! Answers arrive whole, whatever the client still sends, however slowly it reads, and though the backend has gone.

use anyhow::Result;
use bytes::Bytes;
use h2::server;
use http::Response;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use tests::adit::{Adit, annotated, manifests};
use tests::backend::{accept, answering, scripted};
use tests::connection::{Connection, PATIENCE};
use tests::frames::{ACK, END_HEADERS, END_STREAM, Frame, Kind, PREFACE, beginning, frame, head, next};
use tests::http2::{Http2, piece};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// An answer with a body of so many bytes.
fn answer(length: usize) -> &'static str {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length)).leak()
}

/// A backend that answers before the body of a request has come, and then hears no more.
async fn hasty() -> Result<SocketAddr> {
    scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").await?;
        connection.finish().await
    })
    .await
}

/// The same in HTTP/2: it gives the stream up without a fault.
async fn hasty_http2() -> Result<SocketAddr> {
    accept(|_, stream| async move {
        let mut streams = server::handshake(stream).await?;
        while let Some(stream) = streams.accept().await {
            let mut respond = stream?.1;
            let mut body = respond.send_response(Response::builder().status(413).body(())?, false)?;
            body.send_data(Bytes::from_static(b"no"), true)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn of_a_backend_that_answers_before_the_end_of_the_body() -> Result<()> {
    let config = json!({"proxy-body-size": "0", "proxy-request-buffering": "off"});
    for (protocol, backend) in [("HTTP", hasty().await?), ("GRPC", hasty_http2().await?)] {
        let adit = Adit::start(&annotated(&[("backend-protocol", protocol)], &[backend], &config)).await?;
        let mut connection = adit.connect().await?;
        // More than sockets hold of it, so that it is not whole when the backend answers.
        connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 33554432\r\n\r\n").await?;
        connection.send(vec![b'x'; 32 << 20]).await?;
        let response = connection.response("POST").await?;
        assert_eq!((response.status, &*response.body, response.closed), (413, &b"no"[..], true), "{protocol}");

        let connection = Http2::open(adit.address()?).await?;
        let mut stream = connection.start(http::Request::post("http://h/").body(())?, false).await?;
        // It may be told before it has sent all.
        let _ = stream.body(Bytes::from(vec![b'x'; 4 << 20]), true).await;
        let response = stream.response().await?;
        assert_eq!((response.status, &*response.body), (413, &b"no"[..]), "{protocol}");
    }
    Ok(())
}

#[tokio::test]
async fn to_a_client_that_asks_more_than_it_may() -> Result<()> {
    const LENGTH: usize = 1 << 20;
    let adit =
        Adit::start(&manifests(&[answering(answer(LENGTH)).await?], &json!({"keep-alive-requests": "1"}))).await?;
    let mut connection = Connection::open_narrow(adit.address()?).await?;
    connection.send(GET.repeat(2000)).await?;
    let response = connection.response("GET").await?;
    assert_eq!((response.status, response.body.len(), response.closed), (200, LENGTH, true));
    Ok(())
}

#[tokio::test]
async fn to_a_client_that_talks_to_a_backend_that_has_left_the_tunnel() -> Result<()> {
    // More than the client takes unread, and little enough that all of it has left the backend before the backend does.
    const LENGTH: u64 = 40 << 10;
    let backend = scripted(|_, mut connection| async move {
        connection.request().await?;
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n").await?;
        connection.send(vec![b'x'; LENGTH as usize]).await?;
        connection.finish().await?;
        // Those who have said their last word to Adit are read for a while, and then no more.
        connection.bytes(64 << 10).await.map(drop)
    });
    let adit = Adit::start(&manifests(&[backend.await?], &json!({}))).await?;
    let mut connection = Connection::open_narrow(adit.address()?).await?;
    connection.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n").await?;
    assert_eq!(connection.response_head().await?.status, 101);
    connection.send(vec![b'x'; 1 << 20]).await?;
    assert_eq!(connection.bytes(LENGTH).await?.len() as u64, LENGTH);
    Ok(())
}

/// A beginning of HTTP/2 that leaves the server as much room for answers as there can be.
fn roomy() -> Vec<u8> {
    const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];
    const MOST: u32 = i32::MAX as u32;
    let settings = [&INITIAL_WINDOW_SIZE[..], &MOST.to_be_bytes()].concat();
    let room = (MOST - 65_535).to_be_bytes();
    [PREFACE, &frame(Kind::Settings, 0, 0, &settings), &frame(Kind::WindowUpdate, 0, 0, &room)].concat()
}

#[tokio::test]
async fn to_a_client_that_reads_nothing_for_a_while_and_is_asked_to_go() -> Result<()> {
    const LENGTH: usize = 100 << 10;
    const REQUESTS: usize = 100;
    let answered = Arc::new(Semaphore::new(0));
    let counter = answered.clone();
    let backend = scripted(move |_, mut connection| {
        let counter = counter.clone();
        async move {
            while connection.request().await?.is_some() {
                connection.send(answer(LENGTH)).await?;
                counter.add_permits(1);
            }
            Ok(())
        }
    });
    let adit = Adit::start(&manifests(&[backend.await?], &json!({"keep-alive": "1"}))).await?;
    let mut slow = Connection::open_narrow(adit.address()?).await?;
    let requests = (0..REQUESTS).flat_map(|number| {
        let stream = u32::try_from(2 * number + 1).expect("a small number");
        frame(Kind::Headers, END_HEADERS | END_STREAM, stream, &head("GET", "h"))
    });
    slow.send([roomy(), requests.collect()].concat()).await?;
    timeout(PATIENCE, answered.acquire_many(REQUESTS as u32)).await??.forget();
    // Who is asked to go later, and neither goes nor says so, tells by its end how long Adit waits for those who have all.
    let mut idle = Connection::open(adit.address()?).await?;
    idle.send([roomy(), frame(Kind::Headers, END_HEADERS | END_STREAM, 1, &head("GET", "h"))].concat()).await?;
    while next(&mut idle).await.is_ok() {}
    let mut received = 0;
    while received < REQUESTS * LENGTH {
        let frame = next(&mut slow).await?;
        match frame.kind {
            kind if kind == Kind::Data as u8 => received += frame.payload.len(),
            kind if kind == Kind::Ping as u8 && frame.flags & ACK == 0 => {
                slow.send(tests::frames::frame(Kind::Ping, ACK, 0, &frame.payload)).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[tokio::test]
async fn to_a_client_that_talks_while_it_reads() -> Result<()> {
    // What a client may receive unasked: it is sent at once, and then Adit has nothing left to do but to close.
    const LENGTH: usize = 65_535;
    let objects = manifests(&[answering(answer(LENGTH)).await?], &json!({"keep-alive-requests": "1"}));
    let adit = Adit::start(&objects).await?;
    let mut client = Connection::open_narrow(adit.address()?).await?;
    let request = frame(Kind::Headers, END_HEADERS | END_STREAM, 1, &head("GET", "h"));
    client.send([beginning(), request].concat()).await?;
    while talking(&mut client).await?.kind != Kind::Headers as u8 {}
    let shut_down = tokio::spawn(adit.shut_down());
    let mut received = 0;
    while received < LENGTH {
        received += talking(&mut client).await?.payload.len();
    }
    drop(client);
    assert_eq!(shut_down.await??, 0);
    Ok(())
}

/// The next frame but for PINGs, which are answered; and the client says something of its own after each.
async fn talking(client: &mut Connection) -> Result<Frame> {
    loop {
        let frame = next(client).await?;
        client.send(ping(0, b"are you?")).await?;
        match frame.kind {
            kind if kind != Kind::Ping as u8 => return Ok(frame),
            _ if frame.flags & ACK == 0 => client.send(ping(ACK, &frame.payload)).await?,
            _ => {}
        }
    }
}

fn ping(flags: u8, payload: &[u8]) -> Vec<u8> {
    frame(Kind::Ping, flags, 0, payload)
}

#[tokio::test]
async fn or_are_not_taken_for_whole_in_http_1_0() -> Result<()> {
    let begun = Arc::new(Semaphore::new(0));
    let has_begun = begun.clone();
    let backend = scripted(move |_, mut connection| {
        let has_begun = has_begun.clone();
        async move {
            connection.request().await?;
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n").await?;
            has_begun.acquire().await?.forget();
            connection.send("this is no chunk\r\n").await
        }
    });
    let adit = Adit::start(&manifests(&[backend.await?], &json!({}))).await?;
    let mut connection = adit.connect().await?;
    connection.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n").await?;
    assert_eq!(connection.response_head().await?.status, 200);
    assert_eq!(connection.bytes(5).await?, b"begun");
    begun.add_permits(1);
    let end = connection.bytes(1).await.expect_err("there is no more");
    assert!(end.is::<std::io::Error>(), "it ends as a whole answer would: {end}");
    Ok(())
}

/// Backends that break an answer off behind this: one that closes its connection, and one of HTTP/2 that resets the stream.
async fn breaking_off(begun: &'static str) -> Result<[(&'static str, SocketAddr); 2]> {
    let http1 = scripted(move |_, mut connection| async move {
        connection.request().await?;
        connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{begun}", begun.len() + 1)).await
    });
    let http2 = accept(move |_, stream| async move {
        let mut streams = server::handshake(stream).await?;
        while let Some(stream) = streams.accept().await {
            let mut body = stream?.1.send_response(Response::new(()), false)?;
            body.send_data(Bytes::from_static(begun.as_bytes()), false)?;
            // All of it has gone out, or would be lost with the stream.
            body.reserve_capacity(1 << 30);
            tokio::spawn(async move {
                while body.capacity() < 1 {
                    std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
                }
                body.send_reset(h2::Reason::INTERNAL_ERROR);
            });
        }
        Ok(())
    });
    Ok([("HTTP", http1.await?), ("GRPC", http2.await?)])
}

#[tokio::test]
async fn fault_f14_what_came_before_a_backend_breaks_off() -> Result<()> {
    const TRIES: usize = 20;
    for length in [5, 50_000] {
        let begun: &str = "x".repeat(length).leak();
        for (protocol, backend) in breaking_off(begun).await? {
            let adit = Adit::start(&annotated(&[("backend-protocol", protocol)], &[backend], &json!({}))).await?;
            for attempt in 0..TRIES {
                let client = Http2::open(adit.address()?).await?;
                let stream = client.start(http::Request::get("http://h/").body(())?, true).await?;
                let (_, mut rest) = stream.head().await?;
                let mut received = 0;
                let end = loop {
                    match piece(&mut rest).await {
                        Ok(Some(piece)) => received += piece.len(),
                        Ok(None) => break None,
                        Err(error) => break Some(error),
                    }
                };
                assert_eq!(received, length, "{protocol}, try {attempt}: {end:?}");
                assert!(end.is_some(), "{protocol}: it is taken for whole");
            }
        }
    }
    Ok(())
}

/// nginx writes its own, too, in place of the backend's.
#[tokio::test]
async fn have_one_date() -> Result<()> {
    const DATED: &str = "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
    let adit = Adit::start(&manifests(&[answering(DATED).await?], &json!({}))).await?;
    let mut connection = adit.connect().await?;
    connection.send(GET).await?;
    let response = connection.response("GET").await?;
    let dates: Vec<_> = response.headers.iter().filter(|(name, _)| name == "date").map(|(_, value)| value).collect();
    assert!(matches!(dates[..], [date] if !date.contains("1970")), "{dates:?}");
    Ok(())
}
