//! PROXY headers that are late, broken, missing or in pieces: what becomes of their connections, and what is counted.

use anyhow::Result;
use serde_json::json;
use std::collections::BTreeMap;
use tests::adit::{Adit, manifests};
use tests::backend::scripted;
use tests::connection::Connection;

const HEADER: &str = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Adit behind load balancers; its backend answers with the client's address.
async fn adit(timeout: &str) -> Result<Adit> {
    adit_that_trusts("127.0.0.0/8", timeout).await
}

async fn adit_that_trusts(balancers: &str, timeout: &str) -> Result<Adit> {
    let backend = scripted(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            let client = head.headers.iter().find(|(name, _)| name == "x-real-ip").map_or("", |(_, value)| value);
            let length = client.len();
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{client}")).await?;
        }
        Ok(())
    });
    let config = json!({"use-proxy-protocol": "true", "proxy-protocol-header-timeout": timeout, "proxy-real-ip-cidr": balancers});
    Adit::start(&manifests(&[backend.await?], &config)).await
}

/// The client's address, as the backend sees it.
async fn client(connection: &mut Connection) -> Result<String> {
    let response = connection.response("GET").await?;
    assert_eq!(response.status, 200);
    Ok(String::from_utf8(response.body)?)
}

/// How many connections were closed for want of a header, by the reason.
async fn failures(adit: &Adit) -> Result<BTreeMap<String, u64>> {
    let mut failures = BTreeMap::new();
    for line in adit.metrics().await?.lines().filter(|line| line.starts_with("adit_proxy_protocol_failures_total{")) {
        let reason = line.split("reason=\"").nth(1).and_then(|rest| rest.split('"').next());
        let count = line.rsplit(' ').next().and_then(|count| count.parse().ok());
        failures.extend(reason.map(str::to_owned).zip(count));
    }
    Ok(failures)
}

fn v2(command: u8, family: u8, length: u16) -> Vec<u8> {
    [SIGNATURE, &[0x20 | command, family], &length.to_be_bytes()].concat()
}

#[tokio::test]
async fn what_follows_the_header_is_left_to_http() -> Result<()> {
    let adit = adit("5s").await?;
    let mut connection = adit.connect().await?;
    connection.send(format!("{HEADER}{GET}{GET}")).await?;
    for _ in 0..2 {
        assert_eq!(client(&mut connection).await?, "192.0.2.1");
    }
    // TLVs are skipped, however many.
    let mut connection = adit.connect().await?;
    let addresses = [192, 0, 2, 1, 192, 0, 2, 2, 220, 4, 0, 80];
    connection.send([&*v2(1, 0x11, 4080), &addresses, &[4; 4068], GET.as_bytes()].concat()).await?;
    assert_eq!(client(&mut connection).await?, "192.0.2.1");
    assert!(failures(&adit).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn attack_42_a_header_may_come_byte_by_byte_and_be_cut_anywhere() -> Result<()> {
    let adit = adit("5s").await?;
    let mut connection = adit.connect().await?;
    for byte in HEADER.bytes().chain(GET.bytes()) {
        connection.send([byte]).await?;
        tokio::task::yield_now().await;
    }
    assert_eq!(client(&mut connection).await?, "192.0.2.1");
    for cut in 1..HEADER.len() {
        let mut connection = adit.connect().await?;
        connection.send(&HEADER[..cut]).await?;
        tokio::task::yield_now().await;
        connection.send([&HEADER[cut..], GET].concat()).await?;
        assert_eq!(client(&mut connection).await?, "192.0.2.1", "cut after {cut} bytes");
    }
    Ok(())
}

#[tokio::test]
async fn attack_42_who_is_not_trusted_names_no_other_client() -> Result<()> {
    let adit = adit_that_trusts("192.0.2.0/24", "5s").await?;
    let addresses = [192, 0, 2, 1, 192, 0, 2, 2, 220, 4, 0, 80];
    for header in [HEADER.as_bytes(), &[&*v2(1, 0x11, 12), &addresses].concat()] {
        let mut connection = adit.connect().await?;
        connection.send([header, GET.as_bytes()].concat()).await?;
        assert_eq!(client(&mut connection).await?, "127.0.0.1");
    }
    // It needs one nevertheless: a listener for load balancers serves nobody else.
    let mut connection = adit.connect().await?;
    connection.send(GET).await?;
    assert!(connection.is_closed().await);
    Ok(())
}

#[tokio::test]
async fn attack_42_without_a_sound_header_the_connection_closes_without_an_answer() -> Result<()> {
    let adit = adit("5s").await?;
    let broken: [(&str, Vec<u8>); 8] = [
        ("missing", GET.into()),
        ("missing", b"\x16\x03\x01\x02\0".to_vec()),
        ("malformed", format!("PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n{GET}").into_bytes()),
        ("malformed", format!("PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\n{GET}").into_bytes()),
        ("malformed", [&*v2(3, 0x11, 12), &[0; 12], GET.as_bytes()].concat()),
        ("malformed", [&*v2(1, 0x11, 4), &[0; 4], GET.as_bytes()].concat()),
        ("too-long", format!("PROXY UNKNOWN {}", "x".repeat(200)).into_bytes()),
        ("too-long", v2(1, 0x11, u16::MAX)),
    ];
    let mut expected = BTreeMap::new();
    for (reason, bytes) in broken {
        for address in [adit.address()?, adit.https_address()?] {
            let mut connection = Connection::open(address).await?;
            connection.send(&bytes).await?;
            assert!(connection.is_closed().await, "{reason}");
            *expected.entry(reason.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(failures(&adit).await?, expected);
    Ok(())
}

#[tokio::test]
async fn attack_42_a_header_that_does_not_come_in_time_ends_its_connection() -> Result<()> {
    let adit = adit("100ms").await?;
    for start in ["", "PROXY TCP4 192.0"] {
        let mut connection = adit.connect().await?;
        connection.send(start).await?;
        assert!(connection.is_closed().await, "{start:?}");
    }
    let mut ended = adit.connect().await?;
    ended.send("PROXY TCP4").await?;
    ended.finish().await?;
    assert!(ended.is_closed().await);
    // A health check that only connects is no failure.
    let mut silent = adit.connect().await?;
    silent.finish().await?;
    assert!(silent.is_closed().await);
    let expected = [("closed", 1), ("timeout", 2)].map(|(reason, count)| (reason.to_owned(), count));
    assert_eq!(failures(&adit).await?, BTreeMap::from(expected));
    Ok(())
}
