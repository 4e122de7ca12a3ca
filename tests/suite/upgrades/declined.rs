//! Requests whose upgrade nobody agrees to.

use super::{GET, OK, SWITCH, UPGRADE, adit, echo, echoes, line, logging, upgraded, witness};
use anyhow::{Context, Result};
use serde_json::json;
use tests::adit::{Adit, manifests};
use tests::backend::{answering, refusing, scripted};
use tests::wire::header;
use tokio::sync::mpsc;

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
        (UPGRADE, "HTTP/1.0 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
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
async fn an_ambiguous_answer_is_a_bad_gateway() -> Result<()> {
    for lines in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 2\r\nX-Folded: a\r\n b\r\n",
        "Transfer-Encoding: gzip\r\n",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{lines}\r\nok");
        let backend = scripted(move |_, mut connection| {
            let answer = answer.clone();
            async move {
                connection.request().await?;
                connection.send(answer).await
            }
        });
        let adit = adit(&[backend.await?]).await?;
        let mut client = adit.connect().await?;
        client.send(UPGRADE).await?;
        let response = client.response("GET").await?;
        assert_eq!((response.status, response.closed), (502, true), "{lines}");
    }
    Ok(())
}

#[tokio::test]
async fn another_endpoint_is_asked_as_for_any_request() -> Result<()> {
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
    for (words, times) in [("error", 2), ("off", 1)] {
        let config = json!({"proxy-next-upstream": words});
        let adit = Adit::start(&manifests(&[dying().await?, dying().await?], &config)).await?;
        let mut client = adit.connect().await?;
        client.send(UPGRADE).await?;
        assert_eq!(client.response("GET").await?.status, 502);
        for _ in 0..times {
            asked.recv().await.context("nobody was asked")?;
        }
        assert!(asked.try_recv().is_err(), "the request was sent again: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn failures_are_answered_as_for_any_request() -> Result<()> {
    let (_socket, refused) = refusing()?;
    let (silent, _received) = witness("").await?;
    for (backends, config, status, closed) in [
        (&[refused][..], json!({}), 502, true),
        (&[silent], json!({"proxy-read-timeout": "1"}), 504, true),
        // No endpoint has been asked, so that nothing is in doubt.
        (&[], json!({}), 503, false),
    ] {
        let adit = Adit::start(&manifests(backends, &config)).await?;
        let mut pages = Vec::new();
        for request in [GET, UPGRADE] {
            let mut client = adit.connect().await?;
            client.send(request).await?;
            let mut response = client.response("GET").await?;
            assert_eq!((response.status, response.closed), (status, closed));
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
