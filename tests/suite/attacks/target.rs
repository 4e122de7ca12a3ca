//! Targets: the bytes that a client sends, and the path that they mean.

use super::world::World;
use anyhow::Result;
use serde_json::json;

/// The backend gets this target of a request for `sent`, at each door.
async fn forwards(world: &mut World, sent: &[u8], target: &[u8]) -> Result<()> {
    for method in [&b"GET "[..], b"POST "] {
        let request = [method, sent, b" HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"].concat();
        let line = [method, target, b" HTTP/1.1\r\n"].concat();
        for got in world.forwards(&request).await? {
            assert!(
                got.starts_with(&line),
                "{:?} became {:?}",
                String::from_utf8_lossy(sent),
                String::from_utf8_lossy(&got)
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn fault_f02_targets_that_are_no_uris_are_forwarded() -> Result<()> {
    let mut world = World::new().await?;
    for target in ["/view?key=\"foo\"", "/?filter={\"a\":1}", "/a<b>`c", "/?a<b>`c", "/a\"b\\c^d|e{f}", "/[a]?b[]=c"] {
        forwards(&mut world, target.as_bytes(), target.as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_f02_with_a_body_such_targets_are_forwarded_too() -> Result<()> {
    let mut world = World::new().await?;
    for end in ["HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.0\r\nHost: h\r\n\r\n"] {
        for got in world.forwards(format!("POST /a<b>?c=\"d\" {end}")).await? {
            assert!(got.starts_with(b"POST /a<b>?c=\"d\" HTTP/1.1"), "{:?}", String::from_utf8_lossy(&got));
        }
    }
    Ok(())
}

#[tokio::test]
async fn fault_f11_targets_are_bytes() -> Result<()> {
    let mut world = World::new().await?;
    for target in [&b"/caf\xe9"[..], b"/?q=\xff\xfe", "/caf\u{e9}?\u{e9}".as_bytes()] {
        forwards(&mut world, target, target).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_f11_the_log_escapes_bytes_as_nginx() -> Result<()> {
    let mut world = World::new().await?;
    for (status, host) in [(200, "h"), (400, "h/")] {
        let mut connection = world.adit.connect().await?;
        connection.send([b"GET /\xe9\"? HTTP/1.1\r\nHost: ", host.as_bytes(), b"\r\n\r\n"].concat()).await?;
        connection.response("GET").await?;
        let line = world.line().await?;
        assert!(line.contains(&format!("\"GET /\\xE9\\x22? HTTP/1.1\" {status} ")), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_f11_a_rewrite_keeps_the_bytes_of_a_query() -> Result<()> {
    let annotations = [("use-regex", "true"), ("rewrite-target", "/new")];
    let mut world = World::with(&annotations, json!({})).await?;
    forwards(&mut world, b"/old?a=\xff\"", b"/new?a=\xff\"").await
}

#[tokio::test]
async fn fault_f15_absolute_targets_become_paths() -> Result<()> {
    let mut world = World::new().await?;
    for (target, path) in [
        ("http://h?x=1", "/?x=1"),
        ("http://h:80/", "/"),
        ("http://h", "/"),
        ("https://h/a?b=\"c\"", "/a?b=\"c\""),
        ("/a?b=http://h/c", "/a?b=http://h/c"),
    ] {
        forwards(&mut world, target.as_bytes(), path.as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_24_targets_that_are_no_paths() -> Result<()> {
    let mut world = World::new().await?;
    for target in ["foo:bar", "*", "h", "/a#b", "http://h/#b", "ftp://h/", "?a", "file:///a"] {
        world.refuses(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes(), 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_30_paths_that_hide_where_they_lead() -> Result<()> {
    let mut world = World::with_closed_path("/admin").await?;
    for path in [
        "/admin",
        "/pub/..%2fadmin",
        "/pub/%2e%2e/admin",
        "/pub/.%2e/admin/x",
        "//admin",
        "/./admin",
        "/%61dmin",
        "/pub//../admin",
        "http://h/pub/../admin",
        "/admin?a=\"b\"",
        "/admin/\u{ff}",
    ] {
        world.answers(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes(), 403).await?;
    }
    for path in ["/..", "/pub/../../admin", "/%2e%2e/admin", "/a%00", "/%", "/%zz"] {
        world.answers(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes(), 400).await?;
    }
    // Other servers may take these for something else; here they are other paths, for the route as for all policies.
    for path in ["/pub/..;/admin", "/pub\\..\\admin", "/pub/..%5cadmin", "/%c0%ae%c0%ae/admin", "/pub/%252e%252e/admin"]
    {
        world.forwards(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
    }
    Ok(())
}
