//! Bodies in chunks that two servers read in two ways.

use super::world::{DOORS, OK, World};
use anyhow::Result;
use serde_json::json;
use std::sync::Arc;
use tests::recorder::recorded;
use tokio::sync::Notify;

const HEAD: &str = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

/// These bodies are refused where they come with their heads: nothing of them reaches the backend. Where a head has
/// reached it already, no end of a body does, and its connection ends.
async fn refused(bodies: &[&str]) -> Result<()> {
    let mut world = World::new().await?;
    for body in bodies {
        world.refuses(format!("{HEAD}{body}").as_bytes(), 400).await?;
    }
    refused_late(bodies).await
}

async fn refused_late(bodies: &[&str]) -> Result<()> {
    let arrived = Arc::new(Notify::new());
    let of_backend = arrived.clone();
    let backend = recorded(move |_, mut connection| {
        let arrived = of_backend.clone();
        async move {
            while let Some(head) = connection.request().await? {
                arrived.notify_one();
                connection.request_body(&head).await?;
                connection.send(OK).await?;
            }
            Ok(())
        }
    })
    .await?;
    let mut world = World::before(backend, &[], json!({"proxy-request-buffering": "off"})).await?;
    for body in bodies {
        for door in DOORS {
            world.recording.clear();
            let mut connection = world.connect(door).await?;
            connection.send(HEAD).await?;
            arrived.notified().await;
            connection.send(body).await?;
            let response = connection.response("POST").await?;
            assert_eq!((response.status, response.closed), (400, true), "{body:?} at {door:?}");
            world.logs(400).await?;
            world.serves_others().await?;
            arrived.notified().await;
            let requests = world.recording.connections();
            assert!(requests.iter().all(|bytes| !bytes.contains("\r\n0\r\n\r\n")), "{body:?} ends: {requests:?}");
            let reused = requests.iter().any(|bytes| bytes.contains("POST") && bytes.contains("GET"));
            assert!(!reused, "{body:?}: {requests:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn fault_m5_chunks_and_trailers_that_are_none() -> Result<()> {
    refused(&[
        "\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\0\r\nhello\r\n0\r\n\r\n",
        "0\r\nno trailer\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
    ])
    .await
}

#[tokio::test]
async fn attack_07_chunk_sizes_that_are_none() -> Result<()> {
    refused(&[
        "0x5\r\nhello",
        "+5\r\nhello",
        "-5\r\nhello",
        "5 \r\nhello",
        "5_\r\nhello",
        " 5\r\n",
        "ffffffffffffffff0\r\n",
    ])
    .await
}

#[tokio::test]
async fn attack_08_chunk_extensions() -> Result<()> {
    let long = format!("5;{}", "a".repeat(1 << 20));
    refused(&["5;\r\nhello", "5;a\nhello", "5;a\rhello", "5;a[\r\nhello", "5;a=\"b\r\nhello"]).await?;
    refused_late(&[&long]).await?;
    let mut world = World::new().await?;
    for door in DOORS {
        let mut connection = world.connect(door).await?;
        connection.send(format!("{HEAD}5;secret=\"x\"\r\nhello\r\n0\r\n\r\n")).await?;
        assert_eq!(connection.response("POST").await?.status, 200);
        world.logs(200).await?;
    }
    assert!(!world.recording.all().contains("secret"), "{}", world.recording.all());
    Ok(())
}

#[tokio::test]
async fn attack_09_chunks_that_spill() -> Result<()> {
    refused(&["5\r\nhello!\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n"]).await
}

#[tokio::test]
async fn attack_10_bare_line_ends_of_chunks_and_trailers() -> Result<()> {
    refused(&["5\nhello", "5\rhello", "5\r\nhello\n0\r\n\r\n", "0\n\n", "0\r\n\n", "0\r\nX: y\n\r\n"]).await
}

#[tokio::test]
async fn attack_13_trailers_that_claim_something_are_dropped() -> Result<()> {
    let mut world = World::new().await?;
    let trailers =
        "Content-Length: 7\r\nHost: evil\r\nAuthorization: evil\r\nX-Forwarded-For: evil\r\nX_Auth_User: evil\r\n";
    for door in DOORS {
        let mut connection = world.connect(door).await?;
        connection.send(format!("{HEAD}5\r\nhello\r\n0\r\n{trailers}\r\n")).await?;
        assert_eq!(connection.response("POST").await?.status, 200);
        world.logs(200).await?;
        assert_eq!(world.get(&mut connection).await?.status, 200);
        world.logs(200).await?;
    }
    let all = world.recording.all();
    assert!(!all.contains("evil") && !all.contains("Content-Length: 7"), "{all}");
    Ok(())
}
