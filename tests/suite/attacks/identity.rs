//! Who a client is: only what we have found out ourselves is believed.

use super::world::World;
use anyhow::Result;
use serde_json::json;

fn get(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n").into_bytes()
}

/// What every backend may believe, at each door.
const IDENTITY: [&str; 4] = ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-scheme", "x-real-ip"];

fn identity(scheme: &str) -> Vec<String> {
    let scheme_lines = ["proto", "scheme"].map(|name| format!("x-forwarded-{name}: {scheme}"));
    [vec!["x-forwarded-host: h".to_owned()], scheme_lines.into(), vec!["x-real-ip: 127.0.0.1".to_owned()]].concat()
}

#[tokio::test]
async fn attack_26_headers_of_ours_that_a_client_calls_its_connections() -> Result<()> {
    let mut world = World::new().await?;
    for lines in [
        "Connection: X-Real-IP, Authorization, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Scheme\r\n",
        "Connection: close\r\nConnection: X-Real-IP\r\nConnection: x-forwarded-proto,x-forwarded-host\r\n",
        "Connection: upgrade, X-Real-IP, X-Forwarded-Proto, X-Forwarded-Host\r\nUpgrade: echo\r\n",
        "X-Real-IP: 1.1.1.1\r\nX-Forwarded-Proto: ftp\r\nX-Forwarded-Host: evil\r\nConnection: X-Real-IP\r\n",
    ] {
        let got = world.forwards_headers(&get(lines), &IDENTITY).await?;
        assert_eq!(got, [identity("http"), identity("https")], "{lines}");
    }
    Ok(())
}

#[tokio::test]
async fn attack_28_headers_that_only_a_proxy_may_set() -> Result<()> {
    let mut world = World::new().await?;
    let lines = "ssl-client-verify: SUCCESS\r\nSSL-Client-Subject-DN: CN=evil\r\nssl-client-cert: evil\r\n\
                 X-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\nX-Auth-Request-Redirect: /evil\r\n\
                 X-Forwarded-Prefix: /evil\r\nX-Forwarded-Port: 1\r\nX-Scheme: evil\r\nProxy: evil\r\n";
    for upgrade in ["", "Connection: upgrade\r\nUpgrade: echo\r\n"] {
        for got in world.forwards(get(&[lines, upgrade].concat())).await? {
            let got = String::from_utf8(got)?.to_ascii_lowercase();
            assert!(
                !got.contains("evil") && !got.contains("ssl-client") && !got.contains("x-forwarded-port: 1\r\n"),
                "{got}"
            );
        }
    }

    // Who trusts a proxy before this one trusts what that says, but for certificates, which it cannot have seen for us.
    let mut world = World::with(&[], json!({"use-forwarded-headers": "true"})).await?;
    let names = ["ssl-client-verify", "x-forwarded-prefix"];
    let got = world.forwards_headers(&get("ssl-client-verify: NONE\r\nX-Forwarded-Prefix: /a\r\n"), &names).await?;
    assert_eq!(got, [["x-forwarded-prefix: /a"]; 2]);
    Ok(())
}

#[tokio::test]
async fn attack_29_an_address_that_a_client_makes_up() -> Result<()> {
    let lists = [("whitelist-source-range", "10.0.0.0/8")];
    for config in [
        json!({}),
        json!({"use-forwarded-headers": "true", "proxy-real-ip-cidr": "192.0.2.0/24"}),
        json!({"enable-real-ip": "true", "proxy-real-ip-cidr": "192.0.2.0/24"}),
    ] {
        let mut world = World::with(&lists, config).await?;
        for lines in ["10.0.0.1", "10.0.0.1, 127.0.0.1", "127.0.0.1\r\nX-Forwarded-For: 10.0.0.1"] {
            let lines = format!("X-Forwarded-For: {lines}\r\nX-Real-IP: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\n");
            world.answers(&get(&lines), 403).await?;
        }
    }
    Ok(())
}

/// A chain in several lines is one chain, and so it is for every header that is read.
#[tokio::test]
async fn fault_f13_headers_in_several_lines() -> Result<()> {
    let mut world = World::new().await?;
    let lines = "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2, 3.3.3.3\r\nX-Forwarded-Host: a\r\n\
                 X-Forwarded-Host: b\r\nX-Request-ID: c\r\nX-Request-ID: d\r\n";
    let names = ["x-original-forwarded-for", "x-original-forwarded-host", "x-forwarded-for", "x-request-id"];
    let got = world.forwards_headers(&get(lines), &names).await?;
    let all = [
        "x-forwarded-for: 127.0.0.1",
        "x-original-forwarded-for: 1.1.1.1, 2.2.2.2, 3.3.3.3",
        "x-original-forwarded-host: a, b",
        "x-request-id: c, d",
    ];
    assert_eq!(got, [all; 2]);

    let trusting = json!({"use-forwarded-headers": "true", "compute-full-forwarded-for": "true"});
    let mut world = World::with(&[], trusting).await?;
    let lines = "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Host: \r\nX-Forwarded-Host: a, b\r\n\
                 X-Forwarded-Proto: ws\r\nX-Forwarded-Proto: http\r\n";
    let got =
        world.forwards_headers(&get(lines), &["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]).await?;
    let all = ["x-forwarded-for: 1.1.1.1, 2.2.2.2, 127.0.0.1", "x-forwarded-host: a", "x-forwarded-proto: ws, http"];
    assert_eq!(got, [all; 2]);
    Ok(())
}

/// It chooses among the endpoints of the backend, and never names an address.
#[tokio::test]
async fn attack_37_a_cookie_of_affinity_is_plain_data() -> Result<()> {
    for mode in ["balanced", "persistent"] {
        let mut world = World::with(&[("affinity", "cookie"), ("affinity-mode", mode)], json!({})).await?;
        for cookie in ["127.0.0.1:10254", "169.254.169.254", &"a".repeat(4000), "1700000000.1.1.1|other"] {
            let line = format!("cookie: INGRESSCOOKIE={cookie}");
            let got = world.forwards_headers(&get(&format!("{line}\r\n")), &["cookie"]).await?;
            assert_eq!(got, [[&*line.to_ascii_lowercase()]; 2], "{mode}");
        }
    }
    Ok(())
}
