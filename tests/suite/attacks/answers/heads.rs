//! Answers with heads that are none, and what clients get of those that are some.

use super::{Backend, ok};
use crate::attacks::world::{DOORS, Door, OK};
use anyhow::{Context, Result};
use tests::wire::header;

#[tokio::test]
async fn attack_43_a_head_that_is_none() -> Result<()> {
    let mut backend = Backend::start().await?;
    for head in
        ["nonsense", "HTTP/1.1 99 x", "HTTP/1.1 099 x", "HTTP/1.1 1000 x", "HTTP/2 200 OK", "HTTP/1.1 200 OK\r\na\0: b"]
    {
        backend.refused(&format!("{head}\r\nContent-Length: 0\r\n\r\n")).await?;
    }
    backend.refused("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await?;
    for length in [64 << 10, 1 << 20] {
        let long = format!("X-Long: {}\r\n", "x".repeat(length));
        backend.refused(&ok(&format!("{long}Content-Length: 0\r\n"), "")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_l6_interim_answers_without_end() -> Result<()> {
    let mut backend = Backend::start().await?;
    backend.refused(&"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(100)).await?;
    backend.refused(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)).await?;
    let some = "HTTP/1.1 103 Early Hints\r\nConnection: close\r\nContent-Length: 5\r\n\r\n".repeat(3);
    backend.answers(&format!("{some}{}", ok("Content-Length: 2\r\nConnection: close\r\n", "ok")), "GET", 200).await?;
    Ok(())
}

/// The answers that say the same whatever a backend's said of its framing.
#[tokio::test]
async fn fault_f07_the_framing_is_ours() -> Result<()> {
    let mut backend = Backend::start().await?;
    for (answer, method, expected) in [
        ("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET", (None, None)),
        ("HTTP/1.1 204 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "GET", (None, None)),
        ("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET", (None, None)),
        ("HTTP/1.1 304 x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", "GET", (None, Some("5"))),
        ("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", "HEAD", (None, None)),
        ("HTTP/1.1 200 x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", "HEAD", (None, Some("5"))),
        ("HTTP/1.0 200 x\r\nContent-Length: 0\r\n\r\n", "GET", (None, Some("0"))),
        (
            "HTTP/1.1 200 x\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
            "GET",
            (Some("chunked"), None),
        ),
    ] {
        let status = answer[9..12].parse()?;
        let got = backend.answers(answer, method, status).await?;
        for (door, got) in got.into_iter().enumerate() {
            let got = got.with_context(|| format!("{answer:?} at {door}"))?;
            let http2 = door == DOORS.len();
            let value = |name| header(&got.headers, name);
            let encoding = expected.0.filter(|_| !http2);
            assert_eq!(value("transfer-encoding").as_deref(), encoding, "{answer:?} at {door}");
            assert_eq!(value("content-length").as_deref(), expected.1, "{answer:?} at {door}");
            assert_eq!(value("connection").as_deref(), (!http2).then_some("keep-alive"), "{answer:?} at {door}");
            assert!(value("date").is_some(), "{answer:?} at {door}");
        }
    }
    Ok(())
}

/// The first line is of HTTP/1.1 whatever the backend's or the client's is, as nginx's.
#[tokio::test]
async fn fault_f07_the_version_is_ours() -> Result<()> {
    let backend = Backend::start().await?;
    for (answer, version) in [("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "1.1"), (OK, "1.0"), (OK, "1.1")] {
        *backend.answer.lock() = answer.to_owned();
        let mut connection = backend.world.connect(Door::Http).await?;
        connection.send(format!("GET /bad HTTP/{version}\r\nHost: h\r\n\r\n")).await?;
        assert_eq!(connection.bytes(15).await?, b"HTTP/1.1 200 OK", "{answer:?} to {version}");
    }
    Ok(())
}

/// Who speaks HTTP/1.0 and wants to keep the connection learns that it ends, where that is the body's end.
#[tokio::test]
async fn fault_f07_http_1_0_and_no_length() -> Result<()> {
    let backend = Backend::start().await?;
    for answer in [
        ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"),
        ok("Connection: close\r\nContent-Length: 2\r\n", "ok"),
    ] {
        *backend.answer.lock() = answer.clone();
        let mut connection = backend.world.connect(Door::Http).await?;
        connection.send("GET /bad HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n").await?;
        let got = connection.response("GET").await?;
        let ends = answer.contains("chunked");
        assert_eq!((&*got.body, got.closed), (&b"ok"[..], ends), "{answer:?}");
        assert_eq!(header(&got.headers, "transfer-encoding"), None, "{answer:?}");
        let connection = header(&got.headers, "connection");
        assert_eq!(connection.as_deref(), Some(if ends { "close" } else { "keep-alive" }), "{answer:?}");
    }
    Ok(())
}
