//! Heads that two servers could read in two ways.

use super::world::{DOORS, World};
use anyhow::Result;
use serde_json::json;
use tests::connection::Connection;
use tests::http2::Http2;
use tests::tls::Offer;
use tests::wire::header;

/// A request for `/` with these lines, which end as they are given.
fn get(lines: &[u8]) -> Vec<u8> {
    [b"GET / HTTP/1.1\r\nHost: h\r\n", lines, b"\r\n"].concat()
}

fn post(lines: &[u8]) -> Vec<u8> {
    [b"POST / HTTP/1.1\r\nHost: h\r\n", lines, b"\r\n0\r\n\r\n"].concat()
}

#[tokio::test]
async fn attack_03_lengths_that_are_no_numbers() -> Result<()> {
    let mut world = World::new().await?;
    for value in ["+5", "-0", " 5 5", "0x5", "1_0", "", "5,", "99999999999999999999", "00000000000000000005"] {
        world.refuses(&post(format!("Content-Length: {value}\r\n").as_bytes()), 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_04_codings_that_are_not_chunked() -> Result<()> {
    let mut world = World::new().await?;
    for value in [
        &b"xchunked"[..],
        b"chunked, identity",
        b"chunked, chunked",
        b"chunked;a=b",
        b"\x0bchunked",
        b"\"chunked\"",
        b"chunked\xa0",
        b"\x85chunked",
        b"identity",
        b"",
    ] {
        world.refuses(&post(&[b"Transfer-Encoding: ", value, b"\r\n"].concat()), 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_05_codings_twice_or_hidden() -> Result<()> {
    let mut world = World::new().await?;
    for lines in [
        &b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"[..],
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n",
        b"X: y\r\n Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding\x85: chunked\r\n",
    ] {
        world.refuses(&post(lines), 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_06_chunks_in_http_1_0() -> Result<()> {
    let mut world = World::new().await?;
    let chunked = b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    world.refuses(chunked, 400).await
}

#[tokio::test]
async fn attack_10_lines_that_end_otherwise() -> Result<()> {
    let mut world = World::new().await?;
    for head in [
        &b"GET / HTTP/1.1\nHost: h\r\n\r\n"[..],
        b"GET / HTTP/1.1\rHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n\n",
        b"\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ] {
        world.refuses(head, 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_11_bytes_that_end_a_value_or_a_name() -> Result<()> {
    let mut world = World::new().await?;
    for lines in [
        &b"X: a\0b\r\n"[..],
        b"X: a\rb\r\n",
        b"X\0: a\r\n",
        b"X\r: a\r\n",
        b"X\x85: a\r\n",
        b"X\xa0: a\r\n",
        b"Content-Length: 5\xa0\r\n",
        b"Host: \x85h\r\n",
    ] {
        world.refuses(&get(lines), 400).await?;
    }
    // Elsewhere in a value they are text, of Latin-1 or a part of UTF-8, and pass unchanged, as in nginx.
    let line = b"X-Name: voil\xc3\xa0\r\n";
    for got in world.forwards(get(line)).await? {
        assert!(got.windows(line.len()).any(|window| window == line), "{:?}", String::from_utf8_lossy(&got));
    }
    Ok(())
}

#[tokio::test]
async fn attack_12_lines_that_are_no_headers() -> Result<()> {
    let mut world = World::new().await?;
    for lines in [
        &b"X: a\r\n b\r\n"[..],
        b"X: a\r\n\tb\r\n",
        b"X : a\r\n",
        b"X\t: a\r\n",
        b"X Y: a\r\n",
        b"x@y : a\r\n",
        b"x@y: a\r\n b\r\n",
        b"nothing\r\n",
        b"x@y\r\n",
        b": a\r\n",
    ] {
        world.refuses(&get(lines), 400).await?;
    }
    world.refuses(b"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400).await?;
    world.refuses(b"GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n", 400).await
}

#[tokio::test]
async fn attack_20_an_upgrade_to_http2_in_cleartext() -> Result<()> {
    let mut world = World::new().await?;
    let lines = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n";
    let got = world.forwards_headers(&get(lines), &["upgrade", "http2-settings"]).await?;
    assert_eq!(got, [[""; 0]; 2]);
    Ok(())
}

#[tokio::test]
async fn attack_21_methods_that_are_not_for_a_gateway() -> Result<()> {
    let mut world = World::new().await?;
    for head in [
        &b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"[..],
        b"CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab",
    ] {
        world.refuses(head, 405).await?;
    }
    Ok(())
}

/// As curl has it with --http1.0.
#[tokio::test]
async fn fault_f09_a_client_that_speaks_http_1_0_only() -> Result<()> {
    let world = World::new().await?;
    let offer = Offer { server_name: Some("h".to_owned()), protocols: vec!["http/1.0"], ..Offer::default() };
    let mut connection = Connection::open_tls(world.adit.https_address()?, &offer).await?;
    let protocol = connection.tls().and_then(|tls| tls.protocol.clone());
    assert_eq!(protocol.as_deref(), Some("http/1.0"));
    connection.send(b"GET / HTTP/1.0\r\nHost: h\r\n\r\n").await?;
    assert_eq!(connection.response("GET").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn fault_f16_a_refusal_has_a_date() -> Result<()> {
    let world = World::new().await?;
    for door in DOORS {
        let mut connection = world.connect(door).await?;
        connection.send(b"GET / HTTP/1.1\r\n\r\n").await?;
        let refused = connection.response("GET").await?;
        let served = world.get(&mut world.connect(door).await?).await?;
        let length = |headers| header(headers, "date").map(|date| date.len());
        assert_eq!((refused.status, length(&refused.headers)), (400, length(&served.headers)), "{door:?}");
        assert_eq!(length(&refused.headers), Some("Sun, 06 Nov 1994 08:49:37 GMT".len()));
    }
    Ok(())
}

#[tokio::test]
async fn fault_f17_headers_with_invalid_names_are_dropped() -> Result<()> {
    let mut world = World::new().await?;
    let names = ["x@a", "x.b", "x_c", "x(d", "x-e", "\u{fffd}"];
    let request = get(b"x@a: 1\r\nx.b: 2\r\nx_c: 3\r\nx(d: 4\r\nX-E: 5\r\n\xff: 6\r\n\xc3\xa9: 7\r\n");
    let got = world.forwards_headers(&request, &names).await?;
    assert_eq!(got, [["x-e: 5"]; 2]);
    let upgrade = b"Connection: upgrade\r\nUpgrade: echo\r\nx@a: 1\r\nx.b: 2\r\nX-E: 5\r\n";
    assert_eq!(world.forwards_headers(&get(upgrade), &names).await?, [["x-e: 5"]; 2]);
    Ok(())
}

#[tokio::test]
async fn fault_f17_headers_with_invalid_names_are_dropped_over_http2() -> Result<()> {
    let world = World::new().await?;
    let client = Http2::open(world.adit.address()?).await?;
    let request = http::Request::get("http://h/").header("x.b", "2").header("x_c", "3").header("x-e", "5");
    assert_eq!(client.send(request.body(())?).await?.status, 200);
    let got = world.recording.all().to_ascii_lowercase();
    assert!(got.contains("x-e: 5") && !got.contains("x.b") && !got.contains("x_c"), "{got}");
    Ok(())
}

#[tokio::test]
async fn fault_f17_headers_with_invalid_names_pass_where_that_is_wanted() -> Result<()> {
    let mut world = World::with(&[], json!({"ignore-invalid-headers": "false"})).await?;
    let got = world.forwards_headers(&get(b"x.b: 2\r\nx_c: 3\r\n"), &["x.b", "x_c"]).await?;
    assert_eq!(got, [["x.b: 2", "x_c: 3"]; 2]);
    world.refuses(&get(b"x@a: 1\r\n"), 400).await?;

    let mut world = World::with(&[], json!({"enable-underscores-in-headers": "true"})).await?;
    let got = world.forwards_headers(&get(b"x.b: 2\r\nx_c: 3\r\n"), &["x.b", "x_c"]).await?;
    assert_eq!(got, [["x_c: 3"]; 2]);
    Ok(())
}
