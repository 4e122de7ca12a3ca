//! Which host is meant.

use super::world::World;
use anyhow::Result;

#[tokio::test]
async fn attack_25_a_host_that_is_none_or_two() -> Result<()> {
    let mut world = World::new().await?;
    for lines in [
        "",
        "Host: h\r\nHost: h\r\n",
        "Host: h\r\nhost: i\r\n",
        "Host: h,i\r\n",
        "Host: u@h\r\n",
        "Host: h/p\r\n",
        "Host: h?p\r\n",
        "Host: h#p\r\n",
        "Host: h:99999\r\n",
        "Host: h:65536\r\n",
        "Host: h:+80\r\n",
        "Host: h:80:80\r\n",
        "Host: h i\r\n",
    ] {
        world.refuses(format!("GET / HTTP/1.1\r\n{lines}\r\n").as_bytes(), 400).await?;
    }
    for host in ["H", "h.", "h:65535", "H.:80", "h:"] {
        world.forwards(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
    }
    Ok(())
}

/// The target's authority is the host, for the route as for the backend.
#[tokio::test]
async fn attack_23_a_target_with_another_host() -> Result<()> {
    let mut world = World::new().await?;
    for (target, host) in [("http://h/", "other"), ("HTTPS://H:80/", "h"), ("http://h", "other:1")] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let authority = target.split('/').nth(2).unwrap_or_default().to_ascii_lowercase();
        let got = world.forwards_headers(request.as_bytes(), &["host", "x-forwarded-host"]).await?;
        for lines in got {
            assert_eq!(lines, [format!("host: {authority}"), format!("x-forwarded-host: {authority}")]);
        }
    }
    for target in ["http://u@h/", "http://h:99999/", "http:///", "http://", "http:/h", "http:h"] {
        world.refuses(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes(), 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_l1_a_forwarded_host_where_none_is_asked_for() -> Result<()> {
    let mut world = World::catch_all().await?;
    let request = b"GET / HTTP/1.0\r\nX-Forwarded-Host: evil\r\n\r\n";
    let got = world.forwards_headers(request, &["host", "x-forwarded-host", "x-original-forwarded-host"]).await?;
    assert_eq!(got, [["x-original-forwarded-host: evil"]; 2]);
    Ok(())
}
