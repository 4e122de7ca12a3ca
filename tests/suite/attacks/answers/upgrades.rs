//! Answers to requests for an upgrade, which another lane reads.

use super::{Backend, ok};
use crate::attacks::world::{DOORS, OK};
use anyhow::{Context, Result};
use tests::wire::header;

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
            let counted = backend.counted(status).await?;
            let mut connection = backend.world.connect(door).await?;
            connection.send(UPGRADE).await?;
            let got = connection.final_response("GET").await?;
            assert_eq!(got.status, status, "{answer:.80?} at {door:?}");
            assert_eq!(header(&got.headers, "transfer-encoding"), None, "{answer:.80?} at {door:?}");
            backend.ended(status, counted).await.with_context(|| format!("{answer:.80?} at {door:?}"))?;
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
            let (counted, broken) = (backend.counted(502).await?, backend.broken().await?);
            let mut connection = backend.world.connect(door).await?;
            connection.send(UPGRADE).await?;
            assert_eq!(connection.response("GET").await?.status, 502, "{chunks:?} at {door:?}");
            backend.ended(502, counted).await.with_context(|| format!("{chunks:?} at {door:?}"))?;
            assert_eq!(backend.broken().await?, broken + 1, "{chunks:?} at {door:?}");
        }
    }
    Ok(())
}
