//! Requests that go to another endpoint, because the first one breaks, is slow or talks nonsense.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, annotated};
use tests::backend::{Methods, accept, answering, scripted};
use tests::client;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// How often each request is made: two endpoints take turns to be the first.
const ROUNDS: usize = 4;

/// What a backend does with its first bytes of an answer, once it has got a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It closes the connection.
    Leaves,
    /// It says nothing.
    IsSilent,
    /// It answers with what is no head of HTTP/1.
    TalksNonsense,
    /// It answers with a head, and leaves before the body is whole.
    LeavesInItsBody,
    /// It sends an interim response, and leaves.
    LeavesAfterInterim,
}

/// A backend with a fault, and the methods of the requests that it has got.
async fn faulty(fault: Fault) -> Result<(SocketAddr, Methods)> {
    let methods = Methods::default();
    let arrived = methods.clone();
    let backend = scripted(move |_, mut connection| {
        let arrived = arrived.clone();
        async move {
            let Some(head) = connection.request().await? else { return Ok(()) };
            connection.request_body(&head).await?;
            arrived.lock().push(head.method);
            match fault {
                Fault::Leaves => Ok(()),
                Fault::IsSilent => connection.request().await.map(|_| ()),
                Fault::TalksNonsense => connection.send("nonsense\r\n\r\n").await,
                Fault::LeavesInItsBody => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart").await,
                Fault::LeavesAfterInterim => connection.send("HTTP/1.1 103 Early Hints\r\n\r\n").await,
            }
        }
    });
    Ok((backend.await?, methods))
}

/// A backend that answers with the body of each request.
async fn mirror() -> Result<SocketAddr> {
    scripted(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            let body = connection.request_body(&head).await?;
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())).await?;
            connection.send(body).await?;
        }
        Ok(())
    })
    .await
}

async fn adit(annotations: &[(&str, &str)], backends: &[SocketAddr], config: Value) -> Result<Adit> {
    Adit::start(&annotated(annotations, backends, &config)).await
}

/// A request on a connection of its own. The error is that of a response which is cut off.
async fn ask(adit: &Adit, method: &str, body: &str) -> Result<client::Response> {
    let mut client = adit.connect().await?;
    client.send(format!("{method} / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await?;
    client.final_response(method).await
}

/// The statuses of several requests. Each of two endpoints has been the first for one of them.
async fn statuses(adit: &Adit, method: &str, body: &str) -> Result<Vec<u16>> {
    let mut statuses = Vec::new();
    for _ in 0..ROUNDS {
        statuses.push(ask(adit, method, body).await?.status);
    }
    Ok(statuses)
}

#[tokio::test]
async fn an_endpoint_that_leaves_is_passed_over() -> Result<()> {
    let (leaves, methods) = faulty(Fault::Leaves).await?;
    let adit = adit(&[], &[leaves, mirror().await?], json!({})).await?;
    assert_eq!(statuses(&adit, "GET", "").await?, [200; ROUNDS]);
    assert_eq!(*methods.lock(), ["GET"; ROUNDS / 2]);
    let post = statuses(&adit, "POST", "hi").await?;
    assert_eq!(post.iter().filter(|status| **status == 502).count(), ROUNDS / 2, "it may have acted on them: {post:?}");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_is_silent_is_passed_over_after_the_timeout() -> Result<()> {
    for (words, expected) in [("timeout", 200), ("error", 504)] {
        let (silent, methods) = faulty(Fault::IsSilent).await?;
        let other = answering(OK).await?;
        let annotations = [("proxy-next-upstream", words), ("proxy-read-timeout", "1")];
        let adit = adit(&annotations, &[silent, other], json!({})).await?;
        while methods.lock().is_empty() {
            let status = ask(&adit, "GET", "").await?.status;
            let met = !methods.lock().is_empty();
            assert_eq!(status, if met { expected } else { 200 }, "{words}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_talks_nonsense_is_passed_over_where_its_word_is_there() -> Result<()> {
    for (words, passed_over) in [("error invalid_header", true), ("error timeout", false)] {
        let (nonsense, methods) = faulty(Fault::TalksNonsense).await?;
        let adit = adit(&[("proxy-next-upstream", words)], &[nonsense, mirror().await?], json!({})).await?;
        let statuses = statuses(&adit, "GET", "").await?;
        let failed = statuses.iter().filter(|status| **status == 502).count();
        assert_eq!(failed, if passed_over { 0 } else { ROUNDS / 2 }, "{words}: {statuses:?}");
        assert_eq!(methods.lock().len(), ROUNDS / 2);
    }
    Ok(())
}

#[tokio::test]
async fn a_body_comes_again_from_its_first_byte_while_it_is_held() -> Result<()> {
    let (leaves, methods) = faulty(Fault::Leaves).await?;
    let adit = adit(&[("proxy-request-buffering", "off")], &[leaves, mirror().await?], json!({})).await?;
    let body: String = (0..50 << 10).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
    for _ in 0..ROUNDS {
        let response = ask(&adit, "PUT", &body).await?;
        assert_eq!((response.status, response.body == body.as_bytes()), (200, true));
    }
    assert_eq!(methods.lock().len(), ROUNDS / 2);
    // Only so much of it is held.
    let statuses = statuses(&adit, "PUT", &"x".repeat(200 << 10)).await?;
    assert_eq!(statuses.iter().filter(|status| **status == 502).count(), ROUNDS / 2, "{statuses:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_is_tried_once_the_client_has_got_a_byte() -> Result<()> {
    for fault in [Fault::LeavesInItsBody, Fault::LeavesAfterInterim] {
        let (leaves, methods) = faulty(fault).await?;
        let words = "error timeout invalid_header non_idempotent";
        let adit = adit(&[("proxy-next-upstream", words)], &[leaves, mirror().await?], json!({})).await?;
        let mut whole = 0;
        for _ in 0..ROUNDS {
            whole += usize::from(ask(&adit, "GET", "").await.is_ok_and(|response| response.status == 200));
        }
        assert_eq!((whole, methods.lock().len()), (ROUNDS / 2, ROUNDS / 2), "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn off_leaves_the_first_endpoint_the_only_one() -> Result<()> {
    let (leaves, methods) = faulty(Fault::Leaves).await?;
    let config = json!({"proxy-next-upstream": "off", "retry-non-idempotent": "true"});
    let adit = adit(&[], &[leaves, mirror().await?], config).await?;
    let statuses = statuses(&adit, "GET", "").await?;
    assert_eq!(statuses.iter().filter(|status| **status == 502).count(), ROUNDS / 2, "{statuses:?}");
    assert_eq!(methods.lock().len(), ROUNDS / 2);
    Ok(())
}

#[tokio::test]
async fn a_backend_that_fails_altogether_is_not_asked_much_more_often() -> Result<()> {
    const REQUESTS: usize = 400;
    const UNAVAILABLE: &str = "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n";
    let backends = [answering(UNAVAILABLE).await?, answering(UNAVAILABLE).await?];
    let annotations = [("proxy-next-upstream", "http_503")];
    let adit = adit(&annotations, &backends, json!({"retry-budget": "10"})).await?;
    let mut client = adit.connect().await?;
    for _ in 0..REQUESTS {
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
        assert_eq!(client.response("GET").await?.status, 503, "the answer of the last endpoint");
    }
    let metrics = adit.metrics().await?;
    let counted = |name: &str| -> Result<usize> {
        let line = metrics.lines().find(|line| line.starts_with(name)).context("a counter")?;
        Ok(line.rsplit(' ').next().unwrap_or_default().parse()?)
    };
    let again = counted("adit_retries_total{reason=\"http_503\"")?;
    let refused = counted("adit_refused_retries_total{reason=\"budget\"")?;
    assert_eq!(again + refused, REQUESTS);
    // Those that are saved up, and one for each ten that come after the first.
    assert_eq!(again, 100 + REQUESTS / 10 - 1);
    Ok(())
}

/// A backend of HTTP/2 that does this with each stream.
async fn http2<A>(answer: A) -> Result<SocketAddr>
where
    A: Fn(SendResponse<Bytes>) -> Result<()> + Copy + Send + 'static,
{
    accept(move |_, stream| async move {
        let mut streams = server::handshake(stream).await?;
        while let Some(stream) = streams.accept().await {
            let (request, respond): (Request<RecvStream>, _) = stream?;
            tokio::spawn(async move {
                let mut body = request.into_body();
                while let Some(piece) = body.data().await {
                    body.flow_control().release_capacity(piece?.len())?;
                }
                answer(respond)
            });
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn streams_that_are_reset_go_to_another_endpoint() -> Result<()> {
    let well = http2(|mut respond| {
        respond.send_response(Response::new(()), true)?;
        Ok(())
    });
    let well = well.await?;
    let reset = |mut respond: SendResponse<Bytes>, reason| {
        respond.send_reset(reason);
        Ok(())
    };
    let refuses = http2(move |respond| reset(respond, Reason::REFUSED_STREAM)).await?;
    let breaks = http2(move |respond| reset(respond, Reason::INTERNAL_ERROR)).await?;
    let failures = async |faulty: SocketAddr, words: &str, method: &str| {
        let annotations = [("backend-protocol", "GRPC"), ("proxy-next-upstream", words)];
        let adit = adit(&annotations, &[faulty, well], json!({})).await?;
        let statuses = statuses(&adit, method, "").await?;
        ensure!(statuses.iter().all(|status| [200, 502].contains(status)), "{statuses:?}");
        anyhow::Ok(statuses.iter().filter(|status| **status == 502).count())
    };
    // An endpoint that refuses a stream has not touched the request.
    assert_eq!(failures(refuses, "error", "GET").await?, 0);
    assert_eq!(failures(refuses, "error", "POST").await?, 0);
    assert_eq!(failures(breaks, "error timeout", "GET").await?, ROUNDS / 2);
    assert_eq!(failures(breaks, "invalid_header", "GET").await?, 0);
    assert_eq!(failures(breaks, "invalid_header", "POST").await?, ROUNDS / 2);
    assert_eq!(failures(breaks, "invalid_header non_idempotent", "POST").await?, 0);
    Ok(())
}
