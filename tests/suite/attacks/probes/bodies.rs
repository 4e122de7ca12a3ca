//! Where a request's body ends.

use super::refused;
use crate::attacks::world::{DOORS, World};
use anyhow::{Context, Result};
use serde_json::json;

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn probe_lengths_that_are_no_numbers() -> Result<()> {
    let mut world = World::new().await?;
    for value in ["abc", "5x", "1Z", "0o5", "-1", "-48", "5, 5, 5", ", 5", "\"5\"", "5 5", "5.0", "\u{665}"] {
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {value}\r\n\r\nhello");
        world.refuses(head.as_bytes(), 400).await?;
    }
    for lines in ["Content-Length: \r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: \r\n"] {
        world.refuses(format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\nhello").as_bytes(), 400).await?;
    }
    Ok(())
}

/// A length is decimal whatever stands before it, and the backend gets it so that no one reads it otherwise.
#[tokio::test]
async fn probe_lengths_with_blanks_and_zeros() -> Result<()> {
    let mut world = World::new().await?;
    for line in
        ["Content-Length:\t5", "Content-Length:  5", "Content-Length: 5 ", "content-length:5\t", "CONTENT-LENGTH: 5"]
    {
        for got in world.forwards(format!("POST / HTTP/1.1\r\nHost: h\r\n{line}\r\n\r\nhello")).await? {
            let got = String::from_utf8_lossy(&got).to_ascii_lowercase();
            assert!(got.contains("\r\ncontent-length: 5\r\n") && got.ends_with("\r\n\r\nhello"), "{line:?}: {got}");
        }
    }
    for (length, bytes) in [("005", 5), ("010", 10), ("0200", 200), ("00", 0)] {
        let body = "x".repeat(bytes);
        let request = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}");
        for got in world.forwards(request).await? {
            let got = String::from_utf8_lossy(&got).into_owned();
            assert!(got.ends_with(&format!("\r\n\r\n{body}")), "{length}: {got}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn probe_codings_that_are_not_chunked() -> Result<()> {
    let mut world = World::new().await?;
    for value in [
        &b", chunked"[..],
        b",chunked",
        b"chunked,",
        b"chunked, gzip",
        b"gzip, chunked",
        b"gzip",
        b"blegh",
        b"\x0cchunked",
        b"chunked\0",
        b"\xffchunked\xff",
        b"chun ked",
        b"'chunked'",
    ] {
        for length in ["", "Content-Length: 5\r\n"] {
            let head =
                [b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ", value, b"\r\n", length.as_bytes(), b"\r\n"];
            world.refuses(&[&head.concat()[..], b"0\r\n\r\n"].concat(), 400).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn probe_chunked_in_other_words() -> Result<()> {
    let mut world = World::with(&[], json!({"proxy-request-buffering": "off"})).await?;
    for line in [
        "Transfer-Encoding: Chunked",
        "TRANSFER-ENCODING:\tchunked",
        "transfer-encoding: CHUNKED \t",
        "Transfer-Encoding:chunked",
    ] {
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\n{line}\r\n\r\n");
        for got in world.forwards(format!("{head}A\r\nhelloworld\r\n3\r\nabc\r\n0\r\n\r\n")).await? {
            let got = String::from_utf8_lossy(&got).to_ascii_lowercase();
            assert_eq!(got.matches("transfer-encoding: chunked\r\n").count(), 1, "{line:?}: {got}");
            assert!(got.contains("helloworld") && got.ends_with("\r\n0\r\n\r\n"), "{line:?}: {got}");
        }
        let both = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n{line}\r\n\r\n0\r\n\r\n");
        world.refuses(both.as_bytes(), 400).await?;
    }
    Ok(())
}

/// What only resembles a header that frames the body is none, and does not reach a backend that reads it as one.
#[tokio::test]
async fn probe_names_that_resemble_those_of_framing() -> Result<()> {
    let mut world = World::new().await?;
    for line in
        ["Content_Length: 99", "Transfer_Encoding: chunked", "Content.Length: 99", "Transfer\u{e9}Encoding: chunked"]
    {
        let request = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n{line}\r\n\r\nhello");
        for got in world.forwards(request).await? {
            let got = String::from_utf8_lossy(&got).into_owned();
            assert!(!got.contains(line) && got.ends_with("\r\n\r\nhello"), "{line}: {got}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn probe_chunks_that_are_none() -> Result<()> {
    let bodies = [
        "5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\n",
        "2\r\r;a\r\n02\r\n41\r\n0\r\n\r\n",
        "5;a=b\r\rXXXXX\r\n0\r\n\r\n",
        "5 \r;a\r\nhello\r\n0\r\n\r\n",
        "5;bad[=x\r\nhello\r\n0\r\n\r\n",
        "5;;a\r\nhello\r\n0\r\n\r\n",
        "17\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        "1these-bytes\r\nZ\r\n0\r\n\r\n",
        "0_2e\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "           0\r\n\r\n",
        "+0\r\n\r\nX",
        "-0x0\r\n\r\n",
        "Z\r\nZZ\r\nZZZ\r\n\r\n",
        "INVALID!!!\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "1\r0\n",
        "ffffffffffffffff1\r\nx",
        "0\r\n\r",
    ];
    let (complete, partial) = bodies.split_at(bodies.len() - 1);
    let requests: Vec<_> = complete.iter().map(|body| format!("{CHUNKED}{body}")).collect();
    refused(requests.iter().map(String::as_bytes)).await?;
    // The last may still become one, until it is followed by something else.
    let requests: Vec<_> = partial.iter().map(|body| format!("{CHUNKED}{body}X")).collect();
    refused(requests.iter().map(String::as_bytes)).await
}

/// What stands behind the last chunk is a trailer, whatever it looks like, and dropped where it says how to read the body.
#[tokio::test]
async fn probe_trailers_that_look_like_requests() -> Result<()> {
    let mut world = World::with(&[], json!({"proxy-request-buffering": "off"})).await?;
    for (trailer, passed) in [
        ("X:POST /evil HTTP/1.1", "x: POST /evil HTTP/1.1\r\n"),
        ("Transfer-Encoding: chunked", ""),
        ("Content-Type: text/evil", ""),
        ("Content-Length: 50", ""),
    ] {
        for got in world.forwards(format!("{CHUNKED}5\r\nhello\r\n0\r\n{trailer}\r\n\r\n")).await? {
            let got = String::from_utf8_lossy(&got);
            let (_, body) = got.split_once("\r\n\r\n").context("no body")?;
            assert_eq!(body, format!("5\r\nhello\r\n0\r\n{passed}\r\n"), "{trailer}");
        }
    }
    Ok(())
}

/// A client that ends within its request: no backend takes what has come for all of it, and none serves another on the
/// connection.
#[tokio::test]
async fn probe_requests_that_end_too_early() -> Result<()> {
    let mut world = World::new().await?;
    for door in DOORS {
        for head in ["GET / HTTP/1.1\r\nHost: h\r\nX: y", "GET / HTTP/1.1\r\nHost: h\r\n", "GET /", ""] {
            let mut connection = world.connect(door).await?;
            connection.send(head).await?;
            connection.finish().await?;
            assert!(connection.is_closed().await, "{head:?} at {door:?}");
        }
        assert_eq!(world.recording.all(), "", "{door:?}");
        for body in ["Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
            let mut connection = world.connect(door).await?;
            connection.send(format!("POST / HTTP/1.1\r\nHost: h\r\n{body}")).await?;
            connection.finish().await?;
            let answer = connection.response("POST").await.map(|answer| answer.status);
            assert!(answer.as_ref().map_or(true, |status| *status == 400), "{body:?} at {door:?}: {answer:?}");
            let line = world.line().await?;
            assert!(line.contains("\" 400 ") || line.contains("\" 499 "), "{body:?} at {door:?}: {line}");
            world.serves_others().await?;
            let requests = world.recording.connections();
            assert!(!requests.iter().any(|bytes| bytes.ends_with("\r\n0\r\n\r\n")), "{requests:?}");
            let is_reused = |bytes: &String| bytes.split_once("POST").is_some_and(|(_, behind)| behind.contains("GET"));
            assert!(!requests.iter().any(is_reused), "{requests:?}");
            world.recording.clear();
        }
    }
    Ok(())
}

/// Where the body ends is where the next request begins, for each way to say so.
#[tokio::test]
async fn probe_what_follows_a_body_is_the_next_request() -> Result<()> {
    let mut world = World::new().await?;
    for first in [
        "POST / HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        "OPTIONS / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 29\r\n\r\nGET /behind HTTP/1.1\r\nHost: h",
    ] {
        for door in DOORS {
            world.recording.clear();
            let mut connection = world.connect(door).await?;
            connection.send(format!("{first}GET /next HTTP/1.1\r\nHost: h\r\n\r\n\0\r\n\r\n")).await?;
            for _ in 0..2 {
                assert_eq!(connection.final_response("GET").await?.status, 200, "{first:?} at {door:?}");
                world.logs(200).await?;
            }
            assert_eq!(connection.response("GET").await?.status, 400, "a byte is no request");
            world.logs(400).await?;
            let got = world.recording.all();
            assert_eq!(got.matches("GET /next HTTP/1.1\r\n").count(), 1, "{first:?} at {door:?}: {got}");
        }
    }
    Ok(())
}
