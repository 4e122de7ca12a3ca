//! Requests that need a password.

use super::world::World;
use anyhow::Result;
use serde_json::json;

/// `alice:a`.
const RIGHT: &str = "Authorization: Basic YWxpY2U6YQ==\r\n";
/// `alice:b`.
const WRONG: &str = "Authorization: Basic YWxpY2U6Yg==\r\n";

fn get(path: &str, lines: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n{lines}\r\n").into_bytes()
}

/// Neither does it hide a password from us, nor does it bring one to the backend.
#[tokio::test]
async fn attack_26_a_password_that_a_client_calls_its_connections() -> Result<()> {
    let mut world = World::with_users(&[], json!({})).await?;
    for nominated in [
        "Connection: Authorization\r\n",
        "Connection: close, authorization\r\n",
        "Connection: upgrade, Authorization\r\nUpgrade: echo\r\n",
    ] {
        for got in world.forwards(get("/", &[RIGHT, nominated].concat())).await? {
            let got = String::from_utf8(got)?.to_ascii_lowercase();
            assert!(!got.contains("authorization") && !got.contains("ywxpy2u6yq"), "{got}");
        }
        for wrong in ["", WRONG] {
            world.answers(&get("/", &[wrong, nominated].concat()), 401).await?;
        }
    }
    Ok(())
}

/// A request that comes in by its password alone has no word of the auth server.
#[tokio::test]
async fn attack_27_names_of_the_auth_server_beside_a_password() -> Result<()> {
    let annotations = [
        ("satisfy", "any"),
        ("auth-url", "http://auth.default.svc.cluster.local/check"),
        ("auth-response-headers", "X-Auth-User"),
    ];
    let mut world = World::with_users(&annotations, json!({})).await?;
    let lines = "X-Auth-User: evil\r\nX_Auth_User: evil\r\nX.Auth.User: evil\r\n";
    for got in world.forwards(get("/", &[RIGHT, lines].concat())).await? {
        let got = String::from_utf8(got)?;
        assert!(!got.contains("evil"), "{got}");
    }
    world.answers(&get("/", lines), 500).await // there is no auth server to ask
}

#[tokio::test]
async fn attack_28_a_path_of_the_clients_own_opens_nothing() -> Result<()> {
    let mut world = World::with_users(&[], json!({"no-auth-locations": "/open"})).await?;
    for name in ["X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Forwarded-Prefix", "X-Forwarded-Uri"] {
        world.answers(&get("/", &format!("{name}: /open\r\n")), 401).await?;
    }
    for line in
        ["ssl-client-verify: SUCCESS\r\n", "X-Remote-User: alice\r\n", "Proxy-Authorization: Basic YWxpY2U6YQ==\r\n"]
    {
        world.answers(&get("/", line), 401).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_29_an_address_that_a_client_makes_up_is_no_password() -> Result<()> {
    let annotations = [("satisfy", "any"), ("whitelist-source-range", "10.0.0.0/8")];
    let mut world = World::with_users(&annotations, json!({})).await?;
    world.forwards(get("/", RIGHT)).await?;
    for lines in ["X-Forwarded-For: 10.0.0.1\r\n", "X-Real-IP: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\n", WRONG] {
        world.answers(&get("/", lines), 401).await?;
    }
    Ok(())
}

/// What needs no password is a rule's path, and a request belongs to the rule of its normal form.
#[tokio::test]
async fn attack_30_paths_around_those_that_need_no_password() -> Result<()> {
    let mut world = World::with_users(&[], json!({"no-auth-locations": "/open"})).await?;
    for path in ["/open", "/open/", "/open/x", "/x/../open", "/%6fpen", "//open"] {
        world.forwards(get(path, "")).await?;
    }
    for path in [
        "/",
        "/openly",
        "/OPEN",
        "/open/..",
        "/open/../admin",
        "/open/..%2fadmin",
        "/open/%2e%2e/admin",
        "/open%2f..%2fadmin",
        "/open/.././",
        "/admin?/open",
        "/admin/open",
        "/%2e/admin",
        "http://h/open/../admin",
    ] {
        world.answers(&get(path, ""), 401).await?;
    }
    for path in ["/open/../..", "/open/%00", "/open/%zz"] {
        world.answers(&get(path, ""), 400).await?;
    }
    Ok(())
}

/// Error pages of a default backend never take the place of a refusal.
#[tokio::test]
async fn attack_33_a_refusal_stays_one_with_custom_errors() -> Result<()> {
    let annotations = [("custom-http-errors", "401,403,503"), ("default-backend", "backend")];
    for annotations in [&annotations[..], &annotations[1..]] {
        let mut world = World::with_users(annotations, json!({"custom-http-errors": "401,403,404,500,503"})).await?;
        for lines in ["", WRONG, "Authorization: Basic\r\n", "Authorization: Bearer YWxpY2U6YQ==\r\n"] {
            world.answers(&get("/", lines), 401).await?;
        }
        world.answers(&get("/", &[RIGHT, RIGHT].concat()), 401).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_34_a_broken_setting_beside_a_password() -> Result<()> {
    for broken in [
        ("satisfy", "some"),
        ("whitelist-source-range", "nowhere"),
        ("auth-url", "nowhere"),
        ("auth-secret", "none"),
        ("auth-secret", "other/users"),
        ("auth-secret", "../users"),
        ("auth-secret", ""),
        ("auth-type", "Basic"),
        ("auth-type", ""),
    ] {
        let mut world = World::with_users(&[broken], json!({})).await?;
        for lines in ["", RIGHT] {
            world.answers(&get("/", lines), 503).await?;
        }
    }
    // Empty, it is the default: all have to allow a request.
    let mut world = World::with_users(&[("satisfy", "")], json!({})).await?;
    world.answers(&get("/", ""), 401).await?;
    world.forwards(get("/", RIGHT)).await?;
    // As in ingress-nginx, these take the whole Ingress away.
    for broken in [("auth-realm", "a\"b"), ("auth-realm", "a\r\nX: b"), ("auth-secret-type", "auth")] {
        let all_are_logged = json!({"enable-access-log-for-default-backend": "true"});
        let mut world = World::with_users(&[broken], all_are_logged).await?;
        world.answers(&get("/", RIGHT), 404).await?;
    }
    // In nginx `auth_basic off` asks for nothing. Here it is the name of a realm.
    let mut world = World::with_users(&[("auth-realm", "off")], json!({})).await?;
    world.answers(&get("/", ""), 401).await
}

#[tokio::test]
async fn attack_35_no_default_backend_gets_who_has_no_password() -> Result<()> {
    let mut world = World::with_users(&[("default-backend", "backend")], json!({})).await?;
    world.answers(&get("/", &[WRONG, "Cookie: secret=1\r\n"].concat()), 401).await
}
