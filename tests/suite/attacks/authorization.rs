//! Requests that an auth server must allow.

use super::world::{DOORS, OK, World};
use anyhow::Result;
use serde_json::json;
use tests::connection::Connection;
use tests::recorder::{Recording, recorded, recorded_answering};
use tests::wire::header;

const ALLOWED: &str = "HTTP/1.1 200 OK\r\nX-Auth-User: real\r\nContent-Length: 0\r\n\r\n";
const NAMES: (&str, &str) = ("auth-response-headers", "X-Auth-User");

fn get(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n").into_bytes()
}

#[tokio::test]
async fn attack_27_other_names_for_what_the_auth_server_says() -> Result<()> {
    let (auth, _) = recorded_answering(ALLOWED).await?;
    for config in [json!({}), json!({"ignore-invalid-headers": "false", "enable-underscores-in-headers": "true"})] {
        let mut world = World::guarded(auth, &[NAMES], config).await?;
        let lines = "X-Auth-User: evil\r\nX_Auth_User: evil\r\nX.Auth.User: evil\r\nX~Auth~User: evil\r\n\
                     XAuth-User: evil\r\n";
        for upgrade in ["", "Connection: upgrade\r\nUpgrade: echo\r\n", "Connection: X-Auth-User\r\n"] {
            for got in world.forwards(get(&[lines, upgrade].concat())).await? {
                let got = String::from_utf8(got)?;
                assert!(got.contains("X-Auth-User: real\r\n") && !got.contains("evil"), "{got}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn attack_28_what_an_auth_server_may_believe() -> Result<()> {
    let (auth, asked) = recorded_answering(ALLOWED).await?;
    let mut world = World::guarded(auth, &[], json!({})).await?;
    let lines = "ssl-client-verify: evil\r\nX-Original-URL: /evil\r\nX-Original-URI: /evil\r\nX-Original-Method: EVIL\r\n\
                 X-Auth-Request-Redirect: /evil\r\nX-Forwarded-Prefix: /evil\r\nX-Forwarded-Host: evil\r\n\
                 X-Forwarded-Proto: evil\r\nX-Real-IP: evil\r\nX-Sent-From: evil\r\nX_Original_URL: /evil\r\n";
    world.forwards(get(lines)).await?;
    let asked = asked.all();
    assert!(
        asked.matches("X-Original-Url: http").count() + asked.matches("x-original-url: http").count() == 2,
        "{asked}"
    );
    assert!(!asked.to_ascii_lowercase().contains("evil"), "{asked}");
    Ok(())
}

/// An auth server that allows who shows the word `good`.
async fn judging() -> Result<(std::net::SocketAddr, Recording)> {
    recorded(|_, mut connection: Connection| async move {
        while let Some(head) = connection.request().await? {
            let is_good = header(&head.headers, "authorization").as_deref() == Some("good");
            let status = if is_good { "200 OK" } else { "401 Unauthorized" };
            connection.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn attack_22_pipelined_requests_are_each_authorised() -> Result<()> {
    let (auth, asked) = judging().await?;
    let mut world = World::guarded(auth, &[], json!({})).await?;
    for door in DOORS {
        asked.clear();
        world.recording.clear();
        let mut connection = world.connect(door).await?;
        let request = |path, word| format!("GET /{path} HTTP/1.1\r\nHost: h\r\nAuthorization: {word}\r\n\r\n");
        connection.send([request("1", "good"), request("2", "bad"), request("3", "good")].concat()).await?;
        for status in [200, 401, 200] {
            assert_eq!(connection.response("GET").await?.status, status, "{door:?}");
            world.logs(status).await?;
        }
        let got = world.recording.all();
        assert!(got.contains("GET /1 ") && !got.contains("GET /2 ") && got.contains("GET /3 "), "{got}");
        assert_eq!(asked.all().matches("GET /check ").count(), 3, "{}", asked.all());
    }
    Ok(())
}

/// Whatever does not allow a request refuses it, and no error page makes it an answer of the backend.
#[tokio::test]
async fn attack_33_an_auth_server_that_does_not_allow() -> Result<()> {
    let large: &'static str =
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "a".repeat(2 << 20)).leak();
    for (answer, status) in [
        ("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 500),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 500),
        ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", 500),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
        ("HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n", 500),
        ("nothing\r\n\r\n", 500),
        ("", 500),
        (large, 500),
    ] {
        let (auth, _) = recorded(move |_, mut connection: Connection| async move {
            connection.request().await?;
            connection.send(answer).await
        })
        .await?;
        let config = json!({"custom-http-errors": "500,403,404"});
        let mut world = World::guarded(auth, &[], config).await?;
        world.answers(&get(""), status).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_33_an_auth_server_that_is_silent() -> Result<()> {
    let (auth, _) = recorded(|_, mut connection: Connection| async move {
        connection.request().await?;
        std::future::pending().await
    })
    .await?;
    let mut world = World::guarded(auth, &[], json!({"proxy-read-timeout": "1"})).await?;
    world.answers(&get(""), 500).await
}

#[tokio::test]
async fn attack_34_a_broken_setting_beside_auth_url() -> Result<()> {
    let (auth, _) = recorded_answering(OK).await?;
    for broken in [
        ("auth-method", "NO METHOD"),
        ("auth-response-headers", "a b"),
        ("whitelist-source-range", "nowhere"),
        ("auth-type", "basic"),
    ] {
        let mut world = World::guarded(auth, &[broken], json!({})).await?;
        world.answers(&get(""), 503).await?;
    }
    Ok(())
}

/// Nor does it get their passwords and cookies.
#[tokio::test]
async fn attack_35_no_default_backend_gets_who_is_refused() -> Result<()> {
    for (answer, status) in [
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 500),
    ] {
        let (auth, _) = recorded_answering(answer).await?;
        let mut world = World::guarded(auth, &[("default-backend", "backend")], json!({})).await?;
        world.answers(&get("Authorization: Basic c2VjcmV0\r\nCookie: secret=1\r\n"), status).await?;
    }
    Ok(())
}
