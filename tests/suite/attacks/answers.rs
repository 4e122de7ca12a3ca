//! Answers of backends that are not what HTTP allows.

use super::world::{DOORS, Door, OK, World};
use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;
use tests::client::Response;
use tests::connection::PATIENCE;
use tests::http2::Http2;
use tests::recorder::recorded;
use tests::wire::header;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// A backend that answers `/bad` as it is told, and everything else [`OK`].
struct Backend {
    world: World,
    answer: Arc<Mutex<String>>,
    /// For each answer to `/bad`, whether its connection has then ended without another request.
    left: UnboundedReceiver<bool>,
}

/// What a client made of an answer; `None` if it was cut.
type Got = Option<Response>;

impl Backend {
    async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    async fn start_with(annotations: &[(&str, &str)]) -> Result<Self> {
        let answer = Arc::<Mutex<String>>::default();
        let (leave, left) = unbounded_channel();
        let bad = answer.clone();
        let backend = recorded(move |_, mut connection| {
            let (bad, leave) = (bad.clone(), leave.clone());
            async move {
                while let Some(head) = connection.request().await? {
                    connection.request_body(&head).await?;
                    if head.target != "/bad" {
                        connection.send(OK).await?;
                        continue;
                    }
                    let answer = bad.lock().clone();
                    let _ = connection.send(answer).await; // of one that is too long, only a part is read
                    leave.send(connection.is_closed().await)?;
                    return Ok(());
                }
                Ok(())
            }
        });
        // A connection that is kept stays for longer than a test waits for its end.
        let config = json!({"upstream-keepalive-timeout": (2 * PATIENCE.as_secs()).to_string()});
        Ok(Self { world: World::before(backend.await?, annotations, config).await?, answer, left })
    }

    /// What clients get of this answer: at each door, and over HTTP/2. The backend's connection is not used again, the
    /// request is logged with the status, and others are served.
    async fn answers(&mut self, answer: &str, method: &str, status: u16) -> Result<Vec<Got>> {
        *self.answer.lock() = answer.to_owned();
        let mut all = Vec::new();
        for door in DOORS {
            let mut connection = self.world.connect(door).await?;
            connection.send(format!("{method} /bad HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
            let got = connection.final_response(method).await.ok();
            self.leaves(status).await.with_context(|| format!("{answer:.80?} at {door:?}"))?;
            all.push(got);
        }
        let connection = Http2::open(self.world.adit.address()?).await?;
        let request = http::Request::builder().method(method).uri("http://h/bad").body(())?;
        let got = connection.send(request).await.ok();
        self.leaves(status).await.with_context(|| format!("{answer:.80?} over HTTP/2"))?;
        all.push(got);
        self.world.serves_others().await?;
        Ok(all)
    }

    async fn leaves(&mut self, status: u16) -> Result<()> {
        self.world.logs(status).await?;
        let left = timeout(PATIENCE, self.left.recv()).await.context("the connection stays")?;
        ensure!(left == Some(true), "the connection is used again");
        Ok(())
    }

    /// This answer is refused.
    async fn refused(&mut self, answer: &str) -> Result<()> {
        for got in self.answers(answer, "GET", 502).await? {
            let got = got.with_context(|| format!("{answer:.80?} is cut"))?;
            assert_eq!(got.status, 502, "{answer:.80?}");
        }
        Ok(())
    }

    /// Clients get an answer with this body, and no more of the backend's.
    async fn ends(&mut self, answer: &str, method: &str, status: u16, body: &str) -> Result<()> {
        for got in self.answers(answer, method, status).await? {
            let got = got.with_context(|| format!("{answer:.80?} is cut"))?;
            assert_eq!((got.status, &*got.body), (status, body.as_bytes()), "{answer:.80?} to {method}");
        }
        Ok(())
    }

    /// Clients get the head, and see that there is not all of the body.
    async fn cut(&mut self, answer: &str) -> Result<()> {
        for got in self.answers(answer, "GET", 200).await? {
            assert!(got.is_none(), "{answer:.80?}: {got:?}");
        }
        Ok(())
    }
}

fn ok(lines: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n{body}")
}

#[tokio::test]
async fn attack_43_a_length_or_an_encoding_that_is_none() -> Result<()> {
    let mut backend = Backend::start().await?;
    for (lines, body) in [
        ("Content-Length: 2\r\nContent-Length: 3\r\n", "abc"),
        ("Content-Length: 2, 3\r\n", "abc"),
        ("Content-Length: +2\r\n", "ab"),
        ("Content-Length: \r\n", ""),
        ("Content-Length: 18446744073709551616\r\n", ""),
        ("Transfer-Encoding: gzip\r\n", "ab"),
        ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ] {
        backend.refused(&ok(lines, body)).await?;
    }
    backend.refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await
}

#[tokio::test]
async fn fault_l2_two_equal_lengths_in_an_answer() -> Result<()> {
    let mut backend = Backend::start().await?;
    backend.refused(&ok("Content-Length: 2\r\nContent-Length: 2\r\n", "ok")).await?;
    backend.refused(&ok("Content-Length: 2, 2\r\n", "ok")).await
}

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

#[tokio::test]
async fn attack_43_a_body_where_there_is_none() -> Result<()> {
    let mut backend = Backend::start().await?;
    for (status, method) in [(204, "GET"), (304, "GET"), (200, "HEAD")] {
        for body in ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"] {
            backend.ends(&format!("HTTP/1.1 {status} x\r\n{body}"), method, status, "").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn attack_43_bytes_after_the_end() -> Result<()> {
    let mut backend = Backend::start().await?;
    let next = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned";
    backend.ends(&ok("Content-Length: 2\r\n", &format!("ok{next}")), "GET", 200, "ok").await?;
    backend.ends(&ok("Content-Length: 0\r\n", next), "GET", 200, "").await?;
    backend.ends(&ok("Transfer-Encoding: chunked\r\n", &format!("2\r\nok\r\n0\r\n\r\n{next}")), "GET", 200, "ok").await
}

#[tokio::test]
async fn fault_m5_chunks_that_are_none_in_an_answer() -> Result<()> {
    let mut backend = Backend::start().await?;
    for chunks in [
        "0x5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        "-1\r\n",
        "00000000000000005\r\nhello\r\n",
        "5\nhello\r\n",
        "5\r\nhelloX\r\n",
        "5_\r\nhello\r\n",
    ] {
        backend.cut(&ok("Transfer-Encoding: chunked\r\n", &format!("2\r\nok\r\n{chunks}0\r\n\r\n"))).await?;
    }
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

const UPGRADE: &str = "GET /bad HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

/// Without a 101 there is no tunnel: what the client sent with its request is its next one, which is answered as any other.
#[tokio::test]
async fn attack_19_no_tunnel_without_a_101() -> Result<()> {
    let mut backend = Backend::start().await?;
    *backend.answer.lock() = OK.to_owned();
    for door in DOORS {
        backend.world.recording.clear();
        let mut connection = backend.world.connect(door).await?;
        connection.send(format!("{UPGRADE}GET /next HTTP/1.1\r\nHost: other\r\n\r\n")).await?;
        assert_eq!(&*connection.response("GET").await?.body, b"ok");
        backend.leaves(200).await?;
        assert_eq!(connection.response("GET").await?.status, 404, "it is for another host");
        backend.world.logs(404).await?;
        assert!(!backend.world.recording.all().contains("/next"), "{}", backend.world.recording.all());
        // A body makes it a request like any other.
        connection.send("POST /x HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nGET ").await?;
        assert_eq!(&*connection.response("POST").await?.body, b"ok");
        backend.world.logs(200).await?;
        let recorded = backend.world.recording.all().to_ascii_lowercase();
        let (_, request) = recorded.split_once("post /x http/1.1\r\n").context("it has not come")?;
        let (head, _) = request.split_once("\r\n\r\nget ").context("it has no body")?;
        assert!(!head.contains("upgrade"), "{head}");
    }
    Ok(())
}

/// What answers an upgrade is held to the same, and to more.
#[tokio::test]
async fn attack_19_answers_to_an_upgrade() -> Result<()> {
    let mut backend = Backend::start().await?;
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100);
    for (answer, status) in [
        ("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 502),
        ("HTTP/1.1 101 x\r\nContent-Length: 5\r\n\r\n", 502),
        ("HTTP/1.1 200 x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 502),
        ("HTTP/1.1 200 x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 502),
        ("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 204),
        (&interim, 502),
    ] {
        *backend.answer.lock() = answer.to_owned();
        for door in DOORS {
            let mut connection = backend.world.connect(door).await?;
            connection.send(UPGRADE).await?;
            let got = connection.final_response("GET").await?;
            assert_eq!(got.status, status, "{answer:.80?} at {door:?}");
            assert_eq!(header(&got.headers, "transfer-encoding"), None, "{answer:.80?} at {door:?}");
            backend.leaves(status).await.with_context(|| format!("{answer:.80?} at {door:?}"))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn fault_m5_chunks_that_are_none_in_the_answer_to_an_upgrade() -> Result<()> {
    let mut backend = Backend::start().await?;
    for chunks in [
        ";x\r\n\r\n",
        "\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\0b\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "0\r\nno field\r\n\r\n",
        "0\r\na: b\n\r\n\r\n",
        "0\r\na b: c\r\n\r\n",
    ] {
        *backend.answer.lock() = ok("Transfer-Encoding: chunked\r\n", &format!("2\r\nok\r\n{chunks}"));
        for door in DOORS {
            let mut connection = backend.world.connect(door).await?;
            connection.send(UPGRADE).await?;
            let got = connection.response("GET").await;
            assert!(got.is_err(), "{chunks:?} at {door:?}: {got:?}");
            backend.leaves(200).await.with_context(|| format!("{chunks:?} at {door:?}"))?;
        }
    }
    Ok(())
}
