//! Bodies of requests: a program is told their length first, whether or not the client has said it.

use super::{FCGI, adit, ask, mirror, program, seen};
use anyhow::Result;
use bytes::Bytes;
use serde_json::json;
use tests::adit::{Adit, annotated};
use tests::backend::accept;
use tests::connection::Connection;
use tests::fastcgi::{end, output, params};
use tests::http2::Http2;
use tokio::io::AsyncWriteExt;

/// More than one record can hold.
const LENGTH: usize = 200_000;

fn chunked(length: usize) -> String {
    let chunk = format!("{:x}\r\n{}\r\n", 1000, "x".repeat(1000));
    format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(length / 1000))
}

#[tokio::test]
async fn a_program_knows_the_length_of_every_body() -> Result<()> {
    let adit = adit(mirror().await?).await?;
    let mut client = adit.connect().await?;
    let sized = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {LENGTH}\r\n\r\n{}", "x".repeat(LENGTH));
    let invited = sized.replace("Content-Length", "Expect: 100-continue\r\nContent-Length");
    for request in [sized, chunked(LENGTH)] {
        let seen = seen(&ask(&mut client, &request).await?)?;
        assert_eq!((&seen["body"], &seen["params"]["CONTENT_LENGTH"]), (&json!(LENGTH), &json!(LENGTH.to_string())));
        assert_eq!(seen["params"]["HTTP_CONTENT_LENGTH"], json!(LENGTH.to_string()));
        assert_eq!(seen["params"]["HTTP_TRANSFER_ENCODING"], json!(null));
    }
    client.send(&invited).await?;
    assert_eq!(seen(&client.final_response("POST").await?)?["body"], LENGTH);
    let seen = seen(&ask(&mut client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").await?)?;
    assert_eq!((&seen["body"], &seen["params"]["CONTENT_LENGTH"]), (&json!(0), &json!("0")));
    Ok(())
}

#[tokio::test]
async fn bodies_of_http2_may_have_no_length() -> Result<()> {
    let adit = adit(mirror().await?).await?;
    let client = Http2::open(adit.address()?).await?;
    for length in [None, Some(LENGTH)] {
        let mut request = http::Request::post("http://h/");
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        let mut stream = client.start(request.body(())?, false).await?;
        stream.body(Bytes::from(vec![b'x'; LENGTH]), true).await?;
        let seen = seen(&stream.response().await?)?;
        assert_eq!((&seen["body"], &seen["params"]["CONTENT_LENGTH"]), (&json!(LENGTH), &json!(LENGTH.to_string())));
    }
    Ok(())
}

#[tokio::test]
async fn bodies_have_limits() -> Result<()> {
    let start = async |limit| {
        Adit::start(&annotated(&[FCGI, ("proxy-body-size", limit)], &[mirror().await?], &json!({}))).await
    };
    let status = async |adit: &Adit, request: &str| -> Result<u16> {
        let mut client = adit.connect().await?;
        client.send(request).await?;
        Ok(client.response("POST").await?.status)
    };
    let limited = start("100k").await?;
    assert_eq!(status(&limited, &chunked(99_000)).await?, 200);
    assert_eq!(status(&limited, &chunked(110_000)).await?, 413);
    let unlimited = start("0").await?;
    assert_eq!(status(&unlimited, &chunked(17_000_000)).await?, 200);
    Ok(())
}

#[tokio::test]
async fn a_program_may_answer_before_it_has_read_the_body() -> Result<()> {
    let program = accept(|_, mut stream| async move {
        params(&mut stream).await?;
        stream.write_all(&[output("Status: 403\n\nno"), end()].concat()).await?;
        stream.shutdown().await?;
        // Until the gateway has gone, too: what is still to be read would make the system reset the connection.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
        Ok(())
    });
    let annotations = [FCGI, ("proxy-request-buffering", "off")];
    let adit = Adit::start(&annotated(&annotations, &[program.await?], &json!({}))).await?;
    let mut client = adit.connect().await?;
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nx").await?;
    let response = client.response("POST").await?;
    assert_eq!((response.status, &*response.body), (403, &b"no"[..]));
    Ok(())
}

/// A program must not take half of a body for all of it.
#[tokio::test]
async fn a_body_that_is_cut_ends_as_none() -> Result<()> {
    let (arrived, mut bodies) = tokio::sync::mpsc::unbounded_channel();
    let program = program(move |_, body, _| {
        let arrived = arrived.clone();
        async move { Ok(arrived.send(body.len())?) }
    })
    .await?;
    let adit = adit(program).await?;
    for head in ["Content-Length: 4", "Transfer-Encoding: chunked"] {
        let mut client: Connection = adit.connect().await?;
        client.send(format!("POST / HTTP/1.1\r\nHost: h\r\n{head}\r\n\r\n1\r\n")).await?;
        drop(client);
    }
    ask(&mut adit.connect().await?, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx").await?;
    assert_eq!(bodies.recv().await, Some(1));
    Ok(())
}
