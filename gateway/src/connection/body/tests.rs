use super::*;
use proptest::prelude::*;

/// Takes the bytes in two pieces. Returns how many belong to the body, and whether it has ended.
fn cut(framing: BodyFraming, bytes: &[u8], at: usize) -> Result<(usize, bool), MalformedBody> {
    let mut framer = BodyFramer::new(framing);
    let (first, second) = bytes.split_at(at);
    let mut taken = framer.take(first)?;
    if taken == first.len() {
        taken += framer.take(second)?;
    }
    Ok((taken, framer.is_done()))
}

/// The same however the bytes are cut.
fn chunked(bytes: impl AsRef<[u8]>) -> Result<(usize, bool), MalformedBody> {
    let bytes = bytes.as_ref();
    let whole = cut(BodyFraming::Chunked, bytes, 0);
    for at in 0..bytes.len().min(100) {
        assert_eq!(cut(BodyFraming::Chunked, bytes, at), whole, "{:?} cut at {at}", bytes.escape_ascii().to_string());
    }
    whole
}

#[test]
fn a_length_is_kept_to_the_byte() {
    for at in 0..=8 {
        assert_eq!(cut(BodyFraming::Length(5), b"helloGET", at), Ok((5, true)));
        assert_eq!(cut(BodyFraming::Length(9), b"helloGET", at), Ok((8, false)));
    }
    for none in [BodyFraming::None, BodyFraming::Length(0)] {
        assert_eq!(cut(none, b"GET", 1), Ok((0, true)));
    }
    assert_eq!(cut(BodyFraming::UntilClose, b"hello", 2), Ok((5, false)));
}

#[test]
fn takes_what_is_sound_and_no_more() {
    let bodies = [
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "0000000000000005\r\nhello\r\n000\r\n\r\n",
        "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "5;a\r\nhello\r\n0;b=c;d=\"e;\\\"\"\r\n\r\n",
        "5;a=\"q\\\"; \u{e9}\";b=c\r\nhello\r\n0\r\n\r\n",
        "5 ; a = b\r\nhello\r\n0\r\n\r\n",
        "0\r\nX: y\r\nEmpty:\r\nZ:\u{e9}\t \r\n\r\n",
    ];
    for body in bodies {
        assert_eq!(chunked(format!("{body}GET")), Ok((body.len(), true)), "{body:?}");
        assert_eq!(chunked(&body[..body.len() - 1]), Ok((body.len() - 1, false)), "{body:?}");
    }
}

#[test]
fn refuses_what_two_servers_read_in_two_ways() {
    let sizes = [
        "",
        "0x5",
        "+5",
        "-5",
        "5 ",
        " 5",
        "5_",
        "5.0",
        "g",
        "00000000000000005",
        "5\n",
        "5\r",
        "5\0",
        "5\u{a0}",
        "5;",
        "5;=",
        "5;a=",
        "5; ",
        "5;a ",
        "5;a=b ",
        "5;a[",
        "5;a\nb",
        "5;a\rb",
        "5;a\0",
        "5;a=\"b",
        "5;a=\"b\n\"",
        "5;a=\"b\r\"",
        "5;a=\"b\"c",
        "5,5",
    ];
    for size in sizes {
        assert_eq!(chunked(format!("{size}\r\nhello\r\n0\r\n\r\n")), Err(MalformedBody), "{size:?}");
    }
    let bodies = [
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello!!\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        "0\r\nX\r\n\r\n",
        "0\r\n: x\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX: y\r\n z\r\n\r\n",
        "0\r\nX: y\rz\r\n\r\n",
        "0\r\nGET / HTTP/1.1\r\n\r\n",
    ];
    for body in bodies {
        assert_eq!(chunked(body), Err(MalformedBody), "{body:?}");
    }
}

#[test]
fn extensions_and_trailers_are_bounded() {
    let extended = |length| chunked(format!("0;{}\r\n\r\n", "a".repeat(length)));
    assert!(extended(EXTENSIONS - 1).is_ok());
    assert_eq!(extended(EXTENSIONS), Err(MalformedBody));
    let chunk = format!("1;{}\r\nx\r\n", "a".repeat(EXTENSIONS - 1));
    assert!(chunked(format!("{}0\r\n\r\n", chunk.repeat(4))).is_ok(), "each chunk has its own");
    assert!(chunked(format!("0\r\n{}\r\n", "a:b\r\n".repeat(MAX_TRAILERS / 5))).is_ok());
    assert_eq!(chunked(format!("0\r\n{}\r\n", "a:b\r\n".repeat(MAX_TRAILERS / 5 + 1))), Err(MalformedBody));
}

#[test]
fn only_a_backend_may_pad_the_size_of_a_chunk() {
    for size in ["5 ", "5 \t ", "5;a ", "5 ; a=b "] {
        let body = format!("{size}\r\nhello\r\n0   \r\n\r\n");
        assert_eq!(BodyFramer::of_answer(BodyFraming::Chunked).take(body.as_bytes()), Ok(body.len()), "{size:?}");
    }
    for size in [" 5", "5 5", "5; ", "5 \n", "+5 "] {
        let body = format!("{size}\r\nhello\r\n0\r\n\r\n");
        assert_eq!(BodyFramer::of_answer(BodyFraming::Chunked).take(body.as_bytes()), Err(MalformedBody), "{size:?}");
    }
}

/// What is decoded of bytes that come in pieces of this length, what is left of them, and whether the body has ended.
fn decode(framing: BodyFraming, bytes: &[u8], step: usize) -> Result<(Vec<u8>, Vec<u8>, bool), MalformedBody> {
    let (mut framer, mut read, mut data) = (BodyFramer::of_answer(framing), BytesMut::new(), Vec::new());
    for piece in bytes.chunks(step) {
        read.extend_from_slice(piece);
        while let Some(piece) = framer.decode(&mut read)? {
            data.extend_from_slice(&piece);
        }
    }
    Ok((data, read.to_vec(), framer.is_done()))
}

#[test]
fn data_is_decoded_up_to_the_end_of_the_body() {
    let decoded = |data: &str, rest: &str, done| Ok((data.into(), rest.into(), done));
    for step in [1, 2, 100] {
        assert_eq!(decode(BodyFraming::Length(3), b"abcd", step), decoded("abc", "d", true));
        assert_eq!(decode(BodyFraming::Length(3), b"ab", step), decoded("ab", "", false));
        assert_eq!(decode(BodyFraming::None, b"ab", step), decoded("", "ab", true));
        assert_eq!(decode(BodyFraming::UntilClose, b"ab", step), decoded("ab", "", false));
        let chunks = b"2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext";
        assert_eq!(decode(BodyFraming::Chunked, chunks, step), decoded("ab0123456789", "next", true));
        assert_eq!(decode(BodyFraming::Chunked, b"0\r\n", step), decoded("", "", false), "no empty line yet");
        assert_eq!(decode(BodyFraming::Chunked, b"2\r\nabc", step), Err(MalformedBody));
    }
}

#[test]
fn only_some_bodies_end_with_the_connection() {
    let close = |framing| BodyFramer::new(framing).close();
    assert_eq!((close(BodyFraming::UntilClose), close(BodyFraming::None)), (Ok(()), Ok(())));
    assert_eq!((close(BodyFraming::Length(1)), close(BodyFraming::Chunked)), (Err(MalformedBody), Err(MalformedBody)));
}

proptest! {
    #[test]
    fn chunks_of_any_data_end_where_they_end(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5), at in 0usize..300,
    ) {
        let mut body = Vec::new();
        for chunk in &chunks {
            body.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
        }
        body.extend(b"0\r\n\r\n");
        let length = body.len();
        body.extend(b"GET / HTTP/1.1");
        let at = at.min(body.len());
        prop_assert_eq!(cut(BodyFraming::Chunked, &body, at), Ok((length, true)));
        let decoded = Ok((chunks.concat(), b"GET / HTTP/1.1".to_vec(), true));
        prop_assert_eq!(decode(BodyFraming::Chunked, &body, at.max(1)), decoded);
    }

    #[test]
    fn no_cut_changes_what_arbitrary_bytes_are(bytes in "[0-9a-f;= \"\\\\\r\n:]{0,40}", at in 0usize..40) {
        let at = at.min(bytes.len());
        let (cut, whole) = (cut(BodyFraming::Chunked, bytes.as_bytes(), at), cut(BodyFraming::Chunked, bytes.as_bytes(), 0));
        prop_assert_eq!(cut, whole);
    }
}
