//! Mirrors that are slow, gone, endless or Adit itself: requests never notice.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::net::SocketAddr;
use tests::adit::{Adit, documents, slice};
use tests::backend::{answering, scripted};
use tests::connection::PATIENCE;
use tests::objects;
use tests::wire::header;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Bodies pass as they come, and their copies with them.
const STREAMED: (&str, &str) = ("proxy-request-buffering", "off");
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// Copies on their way at a time for one mirror.
const COPIES: usize = 128;

/// What a mirror has seen of a connection.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// The head of a request: its connection's number, and its path.
    Head(usize, String),
    /// So many bytes of a body, and then its end.
    Body(usize),
    /// The connection has ended, in the middle of something.
    End,
}

/// A host of its own for each of these mirrors, with the number as its name, and `alone` without one. All have one backend.
fn objects(backend: SocketAddr, mirrors: &[SocketAddr], annotations: &[(&str, &str)]) -> String {
    let service = |name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}});
    let of_mirror = |(number, address): (usize, &SocketAddr)| {
        let name = format!("mirror-{number}");
        let target = format!("http://{name}.default.svc$request_uri");
        let annotations: Vec<_> =
            [("mirror-target", &*target)].into_iter().chain(annotations.iter().copied()).collect();
        [objects::ingress(&number.to_string(), &annotations), service(&name), slice(&name, 0, *address)]
    };
    let others = [objects::backend(), slice("backend", 0, backend), objects::ingress("alone", &[])];
    documents(others.into_iter().chain(mirrors.iter().enumerate().flat_map(of_mirror)))
}

/// A mirror that reads requests to their ends, and says what it sees. It answers nothing.
async fn silent() -> Result<(SocketAddr, mpsc::UnboundedReceiver<Seen>)> {
    answering_heads("").await
}

/// The same, which sends this as soon as it has the head of a request.
async fn answering_heads(answer: &'static str) -> Result<(SocketAddr, mpsc::UnboundedReceiver<Seen>)> {
    let (seen, sees) = mpsc::unbounded_channel();
    let address = scripted(move |number, mut connection| {
        let seen = seen.clone();
        async move {
            while let Some(head) = connection.request().await? {
                connection.send(answer).await?;
                seen.send(Seen::Head(number, head.target.clone()))?;
                match connection.request_body(&head).await {
                    Ok(body) => seen.send(Seen::Body(body.len()))?,
                    Err(_) => seen.send(Seen::End)?,
                }
            }
            Ok(())
        }
    })
    .await?;
    Ok((address, sees))
}

async fn next(sees: &mut mpsc::UnboundedReceiver<Seen>) -> Result<Seen> {
    timeout(PATIENCE, sees.recv()).await.context("the mirror sees nothing")?.context("the mirror is gone")
}

async fn get(adit: &Adit, host: &str, path: &str) -> Result<u16> {
    let mut connection = adit.connect().await?;
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await?;
    Ok(connection.response("GET").await?.status)
}

/// Waits until so many copies have been lost for this reason.
async fn lost(adit: &Adit, reason: &str, copies: usize) -> Result<()> {
    let counted = async {
        loop {
            let metrics = adit.metrics().await?;
            let series = metrics.lines().find(|line| {
                line.starts_with("adit_mirror_lost_copies_total{") && line.contains(&format!("reason=\"{reason}\""))
            });
            let count = series.and_then(|line| line.rsplit_once(' ')?.1.parse::<usize>().ok()).unwrap_or(0);
            ensure!(count <= copies, "{count} copies lost for {reason}");
            if count == copies {
                return Ok(());
            }
        }
    };
    timeout(PATIENCE, counted).await.with_context(|| format!("not {copies} copies are lost for {reason}"))?
}

#[tokio::test]
async fn a_mirror_that_answers_nothing_takes_neither_requests_nor_the_places_of_others() -> Result<()> {
    let (silent, mut sees) = silent().await?;
    let (heard, mut hears) = self::silent().await?;
    let adit = Adit::start(&objects(answering(OK).await?, &[silent, heard], &[])).await?;
    let mut client = adit.connect().await?;
    for _ in 0..COPIES + 10 {
        client.send("GET /a HTTP/1.1\r\nHost: 0\r\n\r\n").await?;
        assert_eq!(client.response("GET").await?.status, 200);
    }
    lost(&adit, "copies-limit", 10).await?;
    let mut heads = 0;
    while heads < COPIES {
        heads += usize::from(matches!(next(&mut sees).await?, Seen::Head(..)));
    }
    assert_eq!(get(&adit, "1", "/b").await?, 200);
    assert_eq!(next(&mut hears).await?, Seen::Head(1, "/b".to_owned()));
    // They do not hold up the end either.
    assert_eq!(adit.shut_down().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_mirror_that_takes_nothing_costs_its_copy_and_not_the_request() -> Result<()> {
    const SIZE: usize = 8 << 20;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let stuck = scripted(move |_, connection| {
        let begun = begun.clone();
        async move {
            begun.send(())?;
            std::future::pending::<()>().await;
            drop(connection);
            Ok(())
        }
    })
    .await?;
    let (length, mut lengths) = mpsc::unbounded_channel();
    let backend = scripted(move |_, mut connection| {
        let length = length.clone();
        async move {
            while let Some(head) = connection.request().await? {
                length.send(connection.request_body(&head).await?.len())?;
                connection.send(OK).await?;
            }
            Ok(())
        }
    })
    .await?;
    let adit = Adit::start(&objects(backend, &[stuck], &[("proxy-body-size", "0")])).await?;
    let mut client = adit.connect().await?;
    client.send(format!("POST / HTTP/1.1\r\nHost: 0\r\nContent-Length: {SIZE}\r\n\r\n")).await?;
    client.send(vec![b'x'; SIZE]).await?;
    assert_eq!(client.response("POST").await?.status, 200);
    assert_eq!(lengths.recv().await, Some(SIZE));
    begins.recv().await.context("the mirror is not asked")?;
    lost(&adit, "body-limit", 1).await
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() -> Result<()> {
    let (cut, mut cuts) = mpsc::unbounded_channel();
    let endless = scripted(move |_, mut connection| {
        let cut = cut.clone();
        async move {
            connection.request().await?;
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").await?;
            while connection.send(vec![b'x'; 16 << 10]).await.is_ok() {}
            Ok(cut.send(())?)
        }
    })
    .await?;
    let adit = Adit::start(&objects(answering(OK).await?, &[endless], &[])).await?;
    assert_eq!(get(&adit, "0", "/").await?, 200);
    timeout(PATIENCE, cuts.recv()).await.context("the mirror goes on")?.context("the mirror is gone")
}

#[tokio::test]
async fn a_mirror_that_is_adit_itself_gets_one_copy() -> Result<()> {
    let (path, mut paths) = mpsc::unbounded_channel();
    let backend = scripted(move |_, mut connection| {
        let path = path.clone();
        async move {
            while let Some(head) = connection.request().await? {
                path.send((head.target.clone(), header(&head.headers, "x-adit-mirrored")))?;
                connection.send(OK).await?;
            }
            Ok(())
        }
    })
    .await?;
    let mut adit = Adit::start(&documents([])).await?;
    let itself = adit.address()?;
    adit.replace(&objects(backend, &[itself, itself], &[("mirror-host", "1")])).await?;
    // A copy of 0 is copied for the mirror of 1, and no more.
    assert_eq!(get(&adit, "0", "/a").await?, 200);
    lost(&adit, "loop", 1).await?;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(timeout(PATIENCE, paths.recv()).await?.context("the backend is gone")?);
    }
    seen.sort();
    let mark = |mark: &str| ("/a".to_owned(), Some(mark.to_owned()));
    assert_eq!(seen, [("/a".to_owned(), None), mark("default/0"), mark("default/0, default/1")]);
    assert!(paths.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_request_that_its_client_gives_up_is_no_whole_copy() -> Result<()> {
    let (silent, mut sees) = silent().await?;
    let adit = Adit::start(&objects(answering(OK).await?, &[silent], &[STREAMED])).await?;
    let mut client = adit.connect().await?;
    client.send("POST /a HTTP/1.1\r\nHost: 0\r\nContent-Length: 10\r\n\r\n12345").await?;
    assert_eq!(next(&mut sees).await?, Seen::Head(1, "/a".to_owned()));
    drop(client);
    assert_eq!(next(&mut sees).await?, Seen::End);
    lost(&adit, "cut-off", 1).await
}

#[tokio::test]
async fn a_request_that_fails_is_copied_once() -> Result<()> {
    let (silent, mut sees) = silent().await?;
    let failing = scripted(|_, mut connection| async move {
        let head = connection.request().await?.context("a request")?;
        connection.request_body(&head).await.map(drop)
    })
    .await?;
    let adit = Adit::start(&objects(failing, &[silent], &[])).await?;
    let mut client = adit.connect().await?;
    client.send("PUT /a HTTP/1.1\r\nHost: 0\r\nContent-Length: 5\r\n\r\n12345").await?;
    assert_eq!(client.response("PUT").await?.status, 502);
    assert_eq!(next(&mut sees).await?, Seen::Head(1, "/a".to_owned()));
    assert_eq!(next(&mut sees).await?, Seen::Body(5));
    assert_eq!(get(&adit, "0", "/b").await?, 502);
    assert_eq!(next(&mut sees).await?, Seen::Head(2, "/b".to_owned()));
    Ok(())
}

/// Its mirror answers the first copy before that is whole.
#[tokio::test]
async fn an_early_answer_ends_the_copy_and_its_connection() -> Result<()> {
    let (early, mut sees) = answering_heads(OK).await?;
    let adit = Adit::start(&objects(answering(OK).await?, &[early], &[STREAMED])).await?;
    let mut client = adit.connect().await?;
    client.send("POST /a HTTP/1.1\r\nHost: 0\r\nContent-Length: 10\r\n\r\n12345").await?;
    assert_eq!([next(&mut sees).await?, next(&mut sees).await?], [Seen::Head(1, "/a".to_owned()), Seen::End]);
    client.send("67890").await?;
    assert_eq!(client.response("POST").await?.status, 200);
    assert_eq!(get(&adit, "0", "/b").await?, 200);
    assert_eq!(next(&mut sees).await?, Seen::Head(2, "/b".to_owned()));
    Ok(())
}

#[tokio::test]
async fn connections_to_a_mirror_are_kept_and_replaced_when_they_have_ended() -> Result<()> {
    let (seen, mut sees) = mpsc::unbounded_channel();
    let forgetful = scripted(move |_, mut connection| {
        let seen = seen.clone();
        async move {
            for number in [1, 2] {
                let Some(head) = connection.request().await? else { break };
                connection.send(OK).await?;
                seen.send((number, head.target))?;
            }
            Ok(())
        }
    })
    .await?;
    let adit = Adit::start(&objects(answering(OK).await?, &[forgetful], &[])).await?;
    let mut kept = 0;
    let reused = async {
        for number in 0.. {
            assert_eq!(get(&adit, "0", &format!("/{number}")).await?, 200);
            let (of_connection, path) = sees.recv().await.context("the mirror is gone")?;
            assert_eq!(path, format!("/{number}"));
            kept += usize::from(of_connection == 2);
            if kept == 3 {
                break;
            }
        }
        Ok(())
    };
    timeout(PATIENCE, reused).await.context("no connection is kept")?
}
