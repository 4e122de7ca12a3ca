//! Answers of backends of HTTP/2 that are not what HTTP allows.

use super::world::{DOORS, World};
use anyhow::Result;
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;
use tests::connection::Connection;
use tests::frames::{ACK, END_HEADERS, END_STREAM, Kind, PREFACE, frame, next};
use tests::recorder::recorded;

/// An answer: its fields, and its body.
type Answer = (&'static [(&'static str, &'static str)], &'static str);

const OK: Answer = (&[(":status", "200"), ("content-length", "2")], "ok");

/// Frames of an answer on a stream. Its fields are literals (RFC 7541, section 6.2.2).
fn frames(stream: u32, (fields, body): Answer) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("a short text")], text.as_bytes()].concat();
    let block = fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat());
    let head = frame(Kind::Headers, END_HEADERS, stream, &block.collect::<Vec<_>>());
    [head, frame(Kind::Data, END_STREAM, stream, body.as_bytes())].concat()
}

/// Gives every request the answer that stands there then.
async fn serve(mut connection: Connection, answer: Arc<Mutex<Answer>>) -> Result<()> {
    connection.bytes(PREFACE.len() as u64).await?;
    connection.send(frame(Kind::Settings, 0, 0, &[])).await?;
    loop {
        let frame = next(&mut connection).await?;
        if frame.kind == Kind::Headers as u8 {
            let answer = *answer.lock();
            connection.send(frames(frame.stream, answer)).await?;
        } else if frame.kind == Kind::Settings as u8 && frame.flags & ACK == 0 {
            connection.send(tests::frames::frame(Kind::Settings, ACK, 0, &[])).await?;
        }
    }
}

#[tokio::test]
async fn attack_43_answers_of_http_2() -> Result<()> {
    let answer = Arc::new(Mutex::new(OK));
    let next = answer.clone();
    let backend = recorded(move |_, connection| serve(connection, next.clone()));
    let mut world = World::before(backend.await?, &[("backend-protocol", "GRPC")], json!({})).await?;
    let bad: &[Answer] = &[
        (&[("content-length", "2")], "ok"),
        (&[(":status", "99")], "ok"),
        (&[(":status", "1000")], "ok"),
        (&[(":status", "101")], "ok"),
        (&[(":status", "200"), ("transfer-encoding", "chunked")], "ok"),
        (&[(":status", "200"), ("connection", "close")], "ok"),
        (&[(":status", "200"), ("Upper", "case")], "ok"),
        (&[(":status", "200"), ("a", "b\r\nc: d")], "ok"),
        (&[(":status", "200"), ("content-length", "2"), ("content-length", "2")], "ok"),
        (&[(":status", "200"), ("content-length", "2, 2")], "ok"),
        (&[(":status", "200"), ("content-length", "3")], "ok"),
        (&[(":status", "200"), ("content-length", "1")], "ok"),
    ];
    for bad in bad {
        for door in DOORS {
            *answer.lock() = *bad;
            let broken = world.counter("adit_replies_total", "reason=\"upstream-failed\"").await?;
            let mut connection = world.connect(door).await?;
            let got = world.get(&mut connection).await;
            let refused = got.as_ref().map_or(true, |got| got.status == 502);
            assert!(refused, "{bad:?} at {door:?}: {got:?}");
            let status = got.map_or(200, |got| got.status);
            world.logs(status).await?;
            let counted = world.counter("adit_replies_total", "reason=\"upstream-failed\"").await?;
            assert_eq!(counted, broken + 1, "{bad:?} at {door:?} is not counted");
            *answer.lock() = OK;
            world.serves_others().await?;
        }
    }
    Ok(())
}
