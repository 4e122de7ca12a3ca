//! Heads of HTTP/2 that HTTP/1 would read otherwise, or that the library for HTTP/2 cannot read: each is an error of its
//! stream, and of no other.

use super::world::{Door, World};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use tests::connection::Connection;
use tests::frames::{Answer, END_HEADERS, END_STREAM, Kind, answers, beginning, block, frame, literal};

const SOUND: Answer = Answer::Status(200);
const REFUSED: Answer = Answer::Status(400);
const PROTOCOL_ERROR: Answer = Answer::Reset(1);
/// To have a field in the dynamic table, and its last entry.
const INDEXING: u8 = 0x40;
const LAST: u8 = 0x80 | 62;

type Fields<'a> = &'a [(&'a str, &'a [u8])];

async fn begun(world: &World) -> Result<Connection> {
    let mut connection = world.connect(Door::Http).await?;
    connection.send(beginning()).await?;
    Ok(connection)
}

fn get(stream: u32, fields: Fields<'_>) -> Vec<u8> {
    frame(Kind::Headers, END_HEADERS | END_STREAM, stream, &block("GET", fields))
}

fn sound(stream: u32) -> Vec<u8> {
    get(stream, &[(":path", b"/")])
}

/// Sends a head between two sound ones, which are answered. Returns its own answer.
async fn between(world: &World, head: Vec<u8>) -> Result<Answer> {
    let mut connection = begun(world).await?;
    connection.send([sound(1), head, sound(5)].concat()).await?;
    let answers = answers(&mut connection, 3).await?;
    assert_eq!((answers.get(&1), answers.get(&5)), (Some(&SOUND), Some(&SOUND)));
    answers.get(&3).copied().context("no answer")
}

#[tokio::test]
async fn fault_f03_an_unsound_field_is_an_error_of_its_stream() -> Result<()> {
    let world = World::new().await?;
    let odd: [Fields<'_>; 12] = [
        &[(":path", b"/odd"), ("x@y", b"1")],
        &[(":path", b"/odd"), ("X-Upper", b"1")],
        &[(":path", b"/odd"), ("x y", b"1")],
        &[(":path", b"/odd"), ("x-é", b"1")],
        &[(":path", b"/odd"), ("x-a", b"a\0b")],
        &[(":path", b"/odd"), ("x-a", b"a\r\nx-b: c")],
        &[(":path", b"/odd"), ("user-agent", b"\x7f")],
        &[(":path", b"/odd\r\nx: y")],
        &[(":path", b"/odd HTTP/1.1")],
        &[(":path", b"/odd\x01")],
        &[(":path", b"odd\xff")],
        &[(":path", b"/odd"), ("!note", b"/other")],
    ];
    for fields in odd {
        let answer = between(&world, get(3, fields)).await.with_context(|| format!("{fields:?}"))?;
        assert_eq!(answer, PROTOCOL_ERROR, "{fields:?}");
    }
    let received = world.recording.all();
    assert!(!received.contains("odd") && !received.contains("/other"), "{received}");
    world.counts("adit_refused_heads_total", "malformed-head").await?;
    Ok(())
}

#[tokio::test]
async fn fault_f03_an_unsound_head_is_logged_as_one_of_http_1_is() -> Result<()> {
    let mut world = World::new().await?;
    let mut connection = begun(&world).await?;
    connection.send(get(1, &[(":path", b"/odd"), ("x@y", b"1")])).await?;
    assert_eq!(answers(&mut connection, 1).await?, BTreeMap::from([(1, PROTOCOL_ERROR)]));
    world.logs(400).await?;
    world.serves_others().await
}

#[tokio::test]
async fn fault_f03_a_head_in_pieces_and_odd_trailers() -> Result<()> {
    let world = World::new().await?;
    let odd = block("GET", &[(":path", b"/odd"), ("x@y", b"1")]);
    for cut in [0, 1, 20, odd.len() - 1] {
        let head = frame(Kind::Headers, END_STREAM, 3, &odd[..cut]);
        let rest = frame(Kind::Continuation, END_HEADERS, 3, &odd[cut..]);
        assert_eq!(between(&world, [head, rest].concat()).await?, PROTOCOL_ERROR, "cut after {cut} bytes");
    }
    let head = frame(Kind::Headers, END_HEADERS, 3, &block("POST", &[(":path", b"/")]));
    let trailers = frame(Kind::Headers, END_HEADERS | END_STREAM, 3, &literal(0, b"x@y", b"1"));
    assert_eq!(between(&world, [head, trailers].concat()).await?, PROTOCOL_ERROR);
    Ok(())
}

#[tokio::test]
async fn fault_f03_a_head_byte_by_byte() -> Result<()> {
    let world = World::new().await?;
    let mut connection = world.connect(Door::Http).await?;
    let odd = get(3, &[(":path", b"/odd"), ("x@y", b"1")]);
    for byte in [beginning(), sound(1), odd, sound(5)].concat() {
        connection.send([byte]).await?;
        tokio::task::yield_now().await;
    }
    let expected = BTreeMap::from([(1, SOUND), (3, PROTOCOL_ERROR), (5, SOUND)]);
    assert_eq!(answers(&mut connection, 3).await?, expected);
    Ok(())
}

#[tokio::test]
async fn fault_f03_an_unsound_field_that_is_referred_to_later() -> Result<()> {
    let world = World::new().await?;
    let mut connection = begun(&world).await?;
    let path: Fields<'_> = &[(":path", b"/")];
    let with = |stream, field: &[u8]| {
        frame(Kind::Headers, END_HEADERS | END_STREAM, stream, &[&block("GET", path), field].concat())
    };
    let requests = [
        with(1, &literal(INDEXING, b"x@y", b"1")),
        with(3, &[LAST]),
        with(5, &literal(INDEXING, b"x-sound", b"v")),
        with(7, &[LAST]),
        with(9, &[LAST + 1]),
    ];
    connection.send(requests.concat()).await?;
    let expected =
        BTreeMap::from([(1, PROTOCOL_ERROR), (3, PROTOCOL_ERROR), (5, SOUND), (7, SOUND), (9, PROTOCOL_ERROR)]);
    assert_eq!(answers(&mut connection, 5).await?, expected);
    assert_eq!(world.recording.all().matches("x-sound: v").count(), 2);
    Ok(())
}

#[tokio::test]
async fn fault_l2_two_content_lengths_are_refused() -> Result<()> {
    let world = World::new().await?;
    for (lengths, expected) in [(&["2", "2"][..], REFUSED), (&["2", "3"], PROTOCOL_ERROR), (&["2, 2"], PROTOCOL_ERROR)]
    {
        let lengths = lengths.iter().map(|length| ("content-length", length.as_bytes()));
        let fields: Vec<_> = [(":path", &b"/odd"[..])].into_iter().chain(lengths).collect();
        let head = block("POST", &fields);
        let body = frame(Kind::Data, END_STREAM, 3, b"ab");
        let answer = between(&world, [frame(Kind::Headers, END_HEADERS, 3, &head), body].concat()).await?;
        assert_eq!(answer, expected, "{fields:?}");
    }
    assert!(!world.recording.all().contains("odd"));
    Ok(())
}

#[tokio::test]
async fn attack_41_heads_that_http_1_would_read_otherwise() -> Result<()> {
    let world = World::new().await?;
    let odd: [(Fields<'_>, Answer); 13] = [
        (&[(":path", b"/odd"), ("transfer-encoding", b"chunked")], PROTOCOL_ERROR),
        (&[(":path", b"/odd"), ("connection", b"x-real-ip")], PROTOCOL_ERROR),
        (&[(":path", b"/odd"), ("keep-alive", b"1")], PROTOCOL_ERROR),
        (&[(":path", b"/odd"), ("proxy-connection", b"close")], PROTOCOL_ERROR),
        (&[(":path", b"/odd"), ("upgrade", b"websocket")], PROTOCOL_ERROR),
        (&[(":path", b"/odd"), ("te", b"gzip")], PROTOCOL_ERROR),
        (&[(":path", b"/odd"), ("host", b"other")], REFUSED),
        (&[(":path", b"/odd"), ("host", b"h"), ("host", b"h")], REFUSED),
        (&[(":path", b"/odd"), (":path", b"/odd")], PROTOCOL_ERROR),
        (&[(":path", b"/odd"), (":method", b"POST")], PROTOCOL_ERROR),
        (&[(":path", b"/odd"), (":authority", b"h")], PROTOCOL_ERROR),
        (&[("x-a", b"1"), (":path", b"/odd")], PROTOCOL_ERROR),
        (&[(":path", b"http://other/odd")], PROTOCOL_ERROR),
    ];
    for (fields, expected) in odd {
        let answer = between(&world, get(3, fields)).await.with_context(|| format!("{fields:?}"))?;
        assert_eq!(answer, expected, "{fields:?}");
    }
    assert!(!world.recording.all().contains("odd"));
    Ok(())
}

#[tokio::test]
async fn attack_41_a_body_of_another_length_than_was_said() -> Result<()> {
    let world = World::new().await?;
    for body in [&b"abc"[..], b"abcdefg"] {
        let head = block("POST", &[(":path", b"/odd"), ("content-length", b"5")]);
        let request = [frame(Kind::Headers, END_HEADERS, 3, &head), frame(Kind::Data, END_STREAM, 3, body)].concat();
        assert_eq!(between(&world, request).await?, PROTOCOL_ERROR);
    }
    assert_eq!(between(&world, sound(3)).await?, SOUND);
    for received in world.recording.connections() {
        let behind = received.split_once("/odd").map_or("", |(_, behind)| behind);
        assert!(!behind.contains("GET /"), "a connection with half a request was used again: {received}");
    }
    Ok(())
}

/// What stands behind a body is never taken for a part of the head.
#[tokio::test]
async fn attack_13_trailers_of_http_2_are_no_headers() -> Result<()> {
    let mut world = World::new().await?;
    let evil = [
        (&b"content-length"[..], &b"7"[..]),
        (b"host", b"evil"),
        (b"authorization", b"evil"),
        (b"x-forwarded-for", b"evil"),
        (b"x_auth_user", b"evil"),
        (b"x-evil", b"1"),
    ];
    let trailers = evil.iter().flat_map(|(name, value)| literal(0, name, value)).collect::<Vec<_>>();
    for lengths in [&[][..], &[("content-length", &b"5"[..])]] {
        let fields = [&[(":path", &b"/"[..])], lengths].concat();
        let request = [
            frame(Kind::Headers, END_HEADERS, 3, &block("POST", &fields)),
            frame(Kind::Data, 0, 3, b"hello"),
            frame(Kind::Headers, END_HEADERS | END_STREAM, 3, &trailers),
        ];
        world.recording.clear();
        assert_eq!(between(&world, request.concat()).await?, SOUND);
        let received = world.recording.all();
        assert!(received.contains("hello") && !received.contains("evil"), "{received}");
        assert!(!received.to_ascii_lowercase().contains("content-length: 7"), "{received}");
        for _ in 0..3 {
            world.logs(200).await?;
        }
    }
    world.serves_others().await
}
