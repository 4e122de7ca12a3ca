//! Bodies whose length is unclear, that nobody waits for, or that come late: what is behind them is never a request.

use super::world::{DOORS, OK, World};
use anyhow::Result;
use serde_json::json;
use tests::recorder::recorded;

fn post(lines: &str, body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n{body}").into_bytes()
}

#[tokio::test]
async fn attack_01_a_length_and_chunks() -> Result<()> {
    let mut world = World::new().await?;
    let (length, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    for lines in [[length, chunked], [chunked, length]] {
        world.refuses(&post(&lines.concat(), "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"), 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_02_two_lengths() -> Result<()> {
    let mut world = World::new().await?;
    for lengths in ["5\r\nContent-Length: 6", "5\r\nContent-Length: 5", "5, 5", "5, 6", "5,5", "5;6"] {
        world.refuses(&post(&format!("Content-Length: {lengths}\r\n"), "abcde"), 400).await?;
    }
    Ok(())
}

/// A backend that answers a head at once, and reads on.
async fn early() -> Result<(std::net::SocketAddr, tests::recorder::Recording)> {
    recorded(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            connection.send(OK).await?;
            connection.request_body(&head).await?;
        }
        Ok(())
    })
    .await
}

/// What each connection to the backend carried is whole requests, one behind the other.
fn assert_unmixed(world: &World) {
    for got in world.recording.connections() {
        let (head, rest) = got.split_once("\r\n\r\n").unwrap_or((&got, ""));
        if head.starts_with("POST") {
            let next =
                rest.strip_prefix("0123456789").map(|next| next.starts_with("GET ") || next.starts_with("POST "));
            assert!("0123456789".starts_with(rest) || next == Some(true), "{got}");
        }
    }
}

#[tokio::test]
async fn attack_14_a_backend_that_answers_before_the_body_comes() -> Result<()> {
    let mut world = World::before(early().await?, &[], json!({"proxy-request-buffering": "off"})).await?;
    for door in DOORS {
        let mut connection = world.connect(door).await?;
        connection.send(post("Content-Length: 10\r\n", "")).await?;
        assert_eq!(connection.response_head().await?.status, 200, "{door:?}");
        world.serves_others().await?;
        // What comes now is the rest of the body, and not a request.
        let _ = connection.send("GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n").await;
        world.serves_others().await?;
        assert!(!world.recording.all().contains("\r\nGET /smuggled"), "{}", world.recording.all());
    }
    Ok(())
}

#[tokio::test]
async fn attack_15_a_backend_gets_no_request_before_it_has_the_body() -> Result<()> {
    let mut world = World::before(early().await?, &[], json!({"proxy-request-buffering": "off"})).await?;
    for door in DOORS {
        let mut connection = world.connect(door).await?;
        connection.send(post("Content-Length: 10\r\n", "01234")).await?;
        assert_eq!(connection.response_head().await?.status, 200, "{door:?}");
        world.serves_others().await?;
        let _ = connection.send("56789GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        world.serves_others().await?;
        assert_unmixed(&world);
    }
    Ok(())
}

#[tokio::test]
async fn attack_16_expectations() -> Result<()> {
    let mut world = World::new().await?;
    for expectation in ["x", "100-continue, x", "100-continue\r\nExpect: x", "", "200-ok"] {
        let lines = format!("Content-Length: 2\r\nExpect: {expectation}\r\n");
        world.refuses(&post(&lines, ""), 417).await?;
    }
    for (lines, target) in [("", "/"), ("Expect: 100-continue\r\n", "/twice")] {
        for door in DOORS {
            world.recording.clear();
            let mut connection = world.connect(door).await?;
            let head = format!(
                "POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n{lines}\r\n"
            );
            connection.send(head).await?;
            assert_eq!(connection.response_head().await?.status, 100, "{door:?}");
            connection.send("ab").await?;
            assert_eq!(connection.response("POST").await?.status, 200, "{door:?}: one 100 is enough");
            let got = world.recording.all();
            assert!(got.ends_with("\r\n\r\nab") && !got.to_lowercase().contains("expect"), "{got}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn attack_16_a_body_that_nobody_waits_for() -> Result<()> {
    let world = World::with(&[("proxy-body-size", "1")], json!({})).await?;
    for door in DOORS {
        for (host, status) in [("h", 413), ("nobody", 404)] {
            let mut connection = world.connect(door).await?;
            connection
                .send(format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n"))
                .await?;
            let response = connection.response("POST").await?;
            assert_eq!((response.status, response.closed), (status, true), "{door:?}");
        }
    }
    assert_eq!(world.recording.all(), "");
    Ok(())
}

#[tokio::test]
async fn attack_17_bodies_of_methods_that_have_none() -> Result<()> {
    let world = World::new().await?;
    for door in DOORS {
        for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
            for (lines, body) in
                [("Transfer-Encoding: chunked\r\n", "5\r\nGET /\r\n0\r\n\r\n"), ("Content-Length: 5\r\n", "GET /")]
            {
                let mut connection = world.connect(door).await?;
                let first = format!("{method} / HTTP/1.1\r\nHost: h\r\n{lines}\r\n{body}");
                connection.send(first + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n").await?;
                assert_eq!(connection.response(method).await?.status, 200, "{method} {lines}");
                assert_eq!(connection.response("GET").await?.status, 200, "{method} {lines}");
            }
        }
    }
    let got = world.recording.all();
    assert_eq!(got.matches("GET /next HTTP/1.1\r\n").count(), 16, "{got}");
    assert_eq!(got.matches("\r\nHost: h\r\n").count(), 32, "{got}");
    Ok(())
}

#[tokio::test]
async fn attack_18_bytes_behind_the_last_request() -> Result<()> {
    let world = World::new().await?;
    for door in DOORS {
        for (lines, body) in
            [("", ""), ("Content-Length: 2\r\n", "ab"), ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n")]
        {
            let mut connection = world.connect(door).await?;
            let last = post(&format!("Connection: close\r\n{lines}"), body);
            connection.send([&last[..], b"GET /behind HTTP/1.1\r\nHost: h\r\n\r\n"].concat()).await?;
            let response = connection.response("POST").await?;
            assert_eq!((response.status, response.closed), (200, true), "{door:?} {lines}");
        }
    }
    assert!(!world.recording.all().contains("/behind"));
    Ok(())
}
