//! Programs that break off, or are none: 502 or a response that is cut, and nothing else is disturbed.

use super::{FCGI, GET, adit, ask, mirror, program, saying};
use crate::ADIT;
use anyhow::Result;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::adit::{Adit, annotated};
use tests::backend::accept;
use tests::connection::Connection;
use tests::fastcgi::{end, error_output, output, record};
use tests::http2::Http2;
use tests::process::Process;
use tests::wire::header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn what_is_no_answer_is_502() -> Result<()> {
    let huge = format!("X: {}\n\n", "x".repeat(70_000));
    for (what, records) in [
        ("nothing", Vec::new()),
        ("no head", end()),
        ("half a head", [output("Status: 200\n"), end()].concat()),
        ("half a head, and the connection's end", output("Status: 200\n")),
        ("half a record", output("Status: 200\n\nbody")[..12].to_vec()),
        ("another protocol", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ("a record of another type", record(10, b"", 0)),
        ("a record for another request", vec![1, 6, 0, 9, 0, 0, 0, 0]),
        ("an end that says too little", record(3, &[0; 4], 0)),
        ("overloaded", record(3, &[0, 0, 0, 0, 2, 0, 0, 0], 0)),
        ("a huge head", [output(huge), end()].concat()),
        ("many headers", [output("a: b\n".repeat(300) + "\n"), end()].concat()),
        ("a return in a header", [output("A: b\rSet-Cookie: c\n\n"), end()].concat()),
        ("a NUL in a header", [output("A: b\0c\n\n"), end()].concat()),
        ("no header", [output("<html>\n\n"), end()].concat()),
        ("no status", [output("Status: fine\n\n"), end()].concat()),
        ("an interim status", [output("Status: 103 Early Hints\n\n"), end()].concat()),
        ("two lengths", [output("Content-Length: 1\nContent-Length: 2\n\nab"), end()].concat()),
        ("no length", [output("Content-Length: -1\n\n"), end()].concat()),
    ] {
        let adit = adit(saying(records).await?).await?;
        let mut client = adit.connect().await?;
        assert_eq!(ask(&mut client, GET).await?.status, 502, "{what}");
        assert_eq!(Http2::open(adit.address()?).await?.get("http://h/").await?.status, 502, "{what} over HTTP/2");
    }
    Ok(())
}

#[tokio::test]
async fn a_response_that_breaks_off_is_cut() -> Result<()> {
    for (what, records) in [
        ("the connection's end", output("A: b\n\nbody")),
        ("less than its length", [output("Content-Length: 9\n\nbody"), end()].concat()),
        ("a malformed record", [output("A: b\n\nbody"), b"nonsense".to_vec()].concat()),
        ("a failure", [output("A: b\n\nbody"), record(3, &[0, 0, 0, 1, 3, 0, 0, 0], 0)].concat()),
    ] {
        let adit = adit(saying(records).await?).await?;
        let mut client = adit.connect().await?;
        client.send(GET).await?;
        assert!(client.response("GET").await.is_err(), "{what}");
        let client = Http2::open(adit.address()?).await?;
        assert!(client.get("http://h/").await.is_err(), "{what} over HTTP/2");
        assert!(client.get("http://h/").await.is_err(), "{what}: its connection serves others");
    }
    Ok(())
}

/// As nginx: what is behind the length is nobody's.
#[tokio::test]
async fn a_response_that_is_too_long_ends_at_its_length() -> Result<()> {
    let adit =
        adit(saying([output("Content-Length: 4\n\nbodyHTTP/1.1 200 OK\r\n\r\n"), end()].concat()).await?).await?;
    let mut client = adit.connect().await?;
    for _ in 0..3 {
        let response = ask(&mut client, GET).await?;
        assert_eq!((response.status, &*response.body), (200, &b"body"[..]));
    }
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_silent_is_504() -> Result<()> {
    let program = accept(|_, mut stream| async move {
        stream.read_to_end(&mut Vec::new()).await?;
        Ok(())
    });
    let annotations = [FCGI, ("proxy-read-timeout", "1")];
    let adit = Adit::start(&annotated(&annotations, &[program.await?], &json!({}))).await?;
    assert_eq!(ask(&mut adit.connect().await?, GET).await?.status, 504);
    Ok(())
}

#[tokio::test]
async fn error_output_without_end_is_cut_off() -> Result<()> {
    let program = program(|_, _, mut stream| async move {
        loop {
            stream.write_all(&error_output([b'x'; 30_000])).await?;
        }
    });
    let adit = adit(program.await?).await?;
    assert_eq!(ask(&mut adit.connect().await?, GET).await?.status, 502);
    Ok(())
}

/// A response without end is read as fast as its client takes it.
#[tokio::test]
async fn a_slow_client_holds_no_memory() -> Result<()> {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let program = program(move |_, _, mut stream| {
        let counter = counter.clone();
        async move {
            stream.write_all(&output("A: b\n\n")).await?;
            loop {
                let piece = output([b'x'; 8000]);
                stream.write_all(&piece).await?;
                counter.fetch_add(piece.len(), Ordering::Relaxed);
            }
        }
    });
    let process = Process::start(ADIT, &[], &annotated(&[FCGI], &[program.await?], &json!({}))).await?;
    let mut client = Connection::open_narrow(process.http).await?;
    client.send(GET).await?;
    client.response_head().await?;
    let before = process.memory()?;
    client.bytes(10 << 20).await?;
    assert!(sent.load(Ordering::Relaxed) < 40 << 20, "the program is not slowed down");
    assert!(process.memory()? < before + (8 << 20));
    Ok(())
}

/// In one line, whatever it says.
#[tokio::test]
async fn error_output_is_logged() -> Result<()> {
    let text = "PHP Fatal error:  Uncaught \"x\"\nWARN a line of its own\n";
    let records = [error_output(text), output("Status: 500\n\nsorry"), error_output("again"), end()].concat();
    let manifests = annotated(&[FCGI], &[saying(records).await?], &json!({}));
    let mut process = Process::start(ADIT, &[], &manifests).await?;
    let response = ask(&mut Connection::open(process.http).await?, GET).await?;
    assert_eq!((response.status, header(&response.headers, "status")), (500, None));
    let line = process.says("a FastCGI program reports an error").await?;
    assert!(line.contains(r#"Uncaught \"x\"\nWARN a line of its own\nagain"#), "{line}");
    Ok(())
}

/// The other routes do not notice.
#[tokio::test]
async fn a_bad_program_disturbs_nobody_else() -> Result<()> {
    let (bad, good) = (saying(b"nonsense".to_vec()).await?, mirror().await?);
    let adit = Adit::start(&annotated(&[FCGI], &[bad, good], &json!({}))).await?;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(ask(&mut adit.connect().await?, GET).await?.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 4, "{statuses:?}");
    Ok(())
}
