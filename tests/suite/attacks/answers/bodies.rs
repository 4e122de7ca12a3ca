//! Answers whose bodies are not what their heads say.

use super::{Backend, ok};
use anyhow::Result;

#[tokio::test]
async fn attack_43_a_length_or_an_encoding_that_is_none() -> Result<()> {
    let mut backend = Backend::start().await?;
    for (lines, body) in [
        ("Content-Length: 2\r\nContent-Length: 3\r\n", "abc"),
        ("Content-Length: 2, 3\r\n", "abc"),
        ("Content-Length: +2\r\n", "ab"),
        ("Content-Length: \r\n", ""),
        ("Content-Length: 18446744073709551616\r\n", ""),
        ("Transfer-Encoding: gzip\r\n", "ab"),
        ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ] {
        backend.refused(&ok(lines, body)).await?;
    }
    backend.refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await
}

#[tokio::test]
async fn fault_l2_two_equal_lengths_in_an_answer() -> Result<()> {
    let mut backend = Backend::start().await?;
    backend.refused(&ok("Content-Length: 2\r\nContent-Length: 2\r\n", "ok")).await?;
    backend.refused(&ok("Content-Length: 2, 2\r\n", "ok")).await
}

#[tokio::test]
async fn attack_43_a_body_where_there_is_none() -> Result<()> {
    let mut backend = Backend::start().await?;
    for (status, method) in [(204, "GET"), (304, "GET"), (200, "HEAD")] {
        for body in ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"] {
            backend.ends(&format!("HTTP/1.1 {status} x\r\n{body}"), method, status, "").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn attack_43_bytes_after_the_end() -> Result<()> {
    let mut backend = Backend::start().await?;
    let next = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned";
    backend.ends(&ok("Content-Length: 2\r\n", &format!("ok{next}")), "GET", 200, "ok").await?;
    backend.ends(&ok("Content-Length: 0\r\n", next), "GET", 200, "").await?;
    backend.ends(&ok("Transfer-Encoding: chunked\r\n", &format!("2\r\nok\r\n0\r\n\r\n{next}")), "GET", 200, "ok").await
}

/// What is none of a body in chunks.
const MALFORMED: &[&str] = &[
    "\r\n\r\n",
    ";x\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-1\r\n",
    "5_\r\nhello\r\n0\r\n\r\n",
    "00000000000000005\r\nhello\r\n0\r\n\r\n",
    "10000000000000000\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "5;a\0b\r\nhello\r\n0\r\n\r\n",
    "5;a\rb\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloX\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "0\r\n\n",
    "0\r\nno field\r\n\r\n",
    "0\r\na: b\n\r\n",
    "0\r\na b: c\r\n\r\n",
    "0\r\na: \0\r\n\r\n",
    "0\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
];

#[tokio::test]
async fn fault_m5_chunks_and_trailers_that_are_none_in_an_answer() -> Result<()> {
    let mut backend = Backend::start().await?;
    for chunks in MALFORMED {
        backend.refused(&ok("Transfer-Encoding: chunked\r\n", &format!("2\r\nok\r\n{chunks}"))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_m5_chunks_and_trailers_that_are_none_behind_a_part_of_an_answer() -> Result<()> {
    let mut backend = Backend::start().await?;
    for chunks in MALFORMED {
        backend.cut(&ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n"), chunks).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_m5_a_length_beside_chunks_in_an_answer() -> Result<()> {
    let mut backend = Backend::start().await?;
    let (length, chunked) = ("Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n");
    for lines in [[length, chunked], [chunked, length]] {
        backend.refused(&ok(&lines.concat(), "2\r\nok\r\n0\r\n\r\n")).await?;
    }
    // So it is where it hides from a reader of whole heads.
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    backend.refused(&format!("{interim}{}", ok(&[length, chunked].concat(), "2\r\nok\r\n0\r\n\r\n"))).await
}

/// What some backends write, and no two readers read in two ways.
#[tokio::test]
async fn fault_m5_chunks_that_are_some_in_an_answer() -> Result<()> {
    let mut backend = Backend::start().await?;
    for chunks in ["2\r\nok\r\n0\r\n\r\n", "2  \r\nok\r\n0  \r\n\r\n", "2;a=\"b\"\r\nok\r\n00\r\nA: b\r\n\r\n"] {
        let answer = ok("Connection: close\r\nTransfer-Encoding: chunked\r\n", chunks);
        backend.ends(&answer, "GET", 200, "ok").await?;
    }
    Ok(())
}
