//! Clients that take their time, or ask for much: others are served meanwhile, and who does not go on is given up.

use super::world::{DOORS, OK, World};
use anyhow::Result;
use serde_json::json;
use tests::connection::Connection;
use tests::wire::header;

/// How many are slow at a time.
const CLIENTS: usize = 20;

/// Clients at both doors that send these bytes, and no more.
async fn stalled(world: &World, bytes: &str) -> Result<Vec<Connection>> {
    let mut clients = Vec::new();
    for door in DOORS.into_iter().cycle().take(CLIENTS) {
        let mut client = world.connect(door).await?;
        client.send(bytes).await?;
        clients.push(client);
    }
    Ok(clients)
}

/// Each is answered with 408 and closed.
async fn given_up(world: &mut World, clients: Vec<Connection>) -> Result<()> {
    for mut client in clients {
        let response = client.response("POST").await?;
        assert_eq!((response.status, response.closed), (408, true));
        world.logs(408).await?;
    }
    world.serves_others().await
}

#[tokio::test]
async fn attack_44_heads_that_do_not_end() -> Result<()> {
    let mut world = World::with(&[], json!({"client-header-timeout": "2"})).await?;
    let clients = stalled(&world, "GET / HTTP/1.1\r\nHost: h\r\nX: ").await?;
    world.serves_others().await?;
    given_up(&mut world, clients).await
}

/// The time is for all of a head: who sends it byte by byte gets no more of it.
#[tokio::test]
async fn attack_44_a_head_byte_by_byte() -> Result<()> {
    let mut world = World::with(&[], json!({"client-header-timeout": "1", "keep-alive-requests": "1000000"})).await?;
    for door in DOORS {
        let mut slow = world.connect(door).await?;
        slow.send("GET / HTTP/1.1\r\nHost: h\r\nX: ").await?;
        let mut other = world.connect(door).await?;
        loop {
            let _ = slow.send("x").await;
            assert_eq!(world.get(&mut other).await?.status, 200);
            if world.line().await?.contains("\" 408 ") {
                break;
            }
        }
        world.logs(200).await?;
        let response = slow.response("GET").await?;
        assert_eq!((response.status, response.closed), (408, true), "{door:?}");
    }
    Ok(())
}

#[tokio::test]
async fn attack_44_bodies_that_do_not_end() -> Result<()> {
    let mut world = World::with(&[], json!({"client-body-timeout": "2"})).await?;
    for body in ["Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"] {
        let clients = stalled(&world, &format!("POST / HTTP/1.1\r\nHost: h\r\n{body}")).await?;
        world.serves_others().await?;
        given_up(&mut world, clients).await?;
    }
    let requests = world.recording.connections();
    let is_reused = |bytes: &String| bytes.split_once("POST").is_some_and(|(_, behind)| behind.contains("GET"));
    assert!(!requests.iter().any(is_reused), "{requests:?}");
    assert!(!requests.iter().any(|bytes| bytes.ends_with("\r\n0\r\n\r\n")), "{requests:?}");
    Ok(())
}

#[tokio::test]
async fn attack_44_handshakes_that_do_not_begin_or_end() -> Result<()> {
    let mut world = World::new().await?;
    let mut clients = Vec::new();
    for number in 0..100 {
        let mut client = Connection::open(world.adit.https_address()?).await?;
        if number % 2 == 0 {
            client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await?;
        }
        clients.push(client);
    }
    for door in DOORS {
        let mut other = world.connect(door).await?;
        assert_eq!(world.get(&mut other).await?.status, 200);
        world.logs(200).await?;
    }
    drop(clients);
    world.serves_others().await
}

/// Ranges are up to the backend, however many.
#[tokio::test]
async fn attack_44_a_hundred_ranges() -> Result<()> {
    let mut world = World::new().await?;
    for count in [100, 1000] {
        let ranges: Vec<_> = (0..count).map(|start| format!("{start}-")).collect();
        let line = format!("range: bytes={}", ranges.join(","));
        let request = format!("GET / HTTP/1.1\r\nHost: h\r\n{line}\r\n\r\n");
        assert_eq!(world.forwards_headers(request.as_bytes(), &["range"]).await?, [[line.clone()], [line]]);
    }
    world.serves_others().await
}

/// Nobody gets a coding that it has ruled out: Adit passes on what the backend chose.
#[tokio::test]
async fn attack_44_codings_that_are_ruled_out() -> Result<()> {
    let mut world = World::with(&[], json!({"use-gzip": "true"})).await?;
    for value in ["gzip;q=0", "gzip;q=0.000, identity", "*;q=0", "identity;q=0, gzip;q=0"] {
        let line = format!("accept-encoding: {value}");
        let request = format!("GET / HTTP/1.1\r\nHost: h\r\n{line}\r\n\r\n");
        assert_eq!(world.forwards_headers(request.as_bytes(), &["accept-encoding"]).await?, [[line.clone()], [line]]);
        for door in DOORS {
            let mut connection = world.connect(door).await?;
            connection.send(&request).await?;
            let response = connection.response("GET").await?;
            let encoding = header(&response.headers, "content-encoding");
            assert!(encoding.is_none() && OK.as_bytes().ends_with(&response.body), "{value}: {encoding:?}");
            world.logs(200).await?;
        }
    }
    world.serves_others().await
}
