//! Bodies in chunks: what is accepted is what a simple-minded reader takes it for, however it comes.

use bytes::BytesMut;
use gateway::connection::{BodyFramer, BodyFraming};
use memchr::memmem;
use regex::bytes::Regex;
use std::sync::LazyLock;

/// The line of a chunk's size (RFC 9112, section 7.1), without blanks at its end.
static SIZE: LazyLock<Regex> = LazyLock::new(|| {
    const TOKEN: &str = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
    const QUOTED: &str = r#""([\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*""#;
    pattern(&format!("([0-9A-Fa-f]{{1,16}})([ \t]*;[ \t]*{TOKEN}([ \t]*=[ \t]*({TOKEN}|{QUOTED}))?)*"))
});

/// A trailer.
static FIELD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*"));

fn pattern(text: &str) -> Regex {
    Regex::new(&format!("(?s-u)^(?:{text})$")).expect("a pattern")
}

/// The input is a body, and what comes behind it.
pub fn fuzz(input: &[u8]) {
    chunks_are_read_one_way(input);
}

/// A body of a client's or of a backend's ends where a simple-minded reader finds its end, has the same data, or is refused.
pub fn chunks_are_read_one_way(bytes: &[u8]) {
    if bytes.len() > 4 << 10 {
        return; // extensions and trailers are bounded
    }
    for (padded, framer) in
        [(false, BodyFramer::new(BodyFraming::Chunked)), (true, BodyFramer::of_answer(BodyFraming::Chunked))]
    {
        let expected = read(bytes, padded);
        assert_eq!(
            taken(framer.clone(), bytes, bytes.len().max(1)),
            expected,
            "at once: {:?}",
            bytes.escape_ascii().to_string()
        );
        for step in [1, 2, 7] {
            assert_eq!(
                taken(framer.clone(), bytes, step),
                expected,
                "by {step}: {:?}",
                bytes.escape_ascii().to_string()
            );
            let data = expected.map(|length| data(&bytes[..length]));
            assert_eq!(decoded(framer.clone(), bytes, step), data, "by {step}: {:?}", bytes.escape_ascii().to_string());
        }
    }
}

/// The length of the body at the start of these bytes, which come in pieces; `None` if there is none.
fn taken(mut framer: BodyFramer, bytes: &[u8], step: usize) -> Option<usize> {
    let mut length = 0;
    for piece in bytes.chunks(step) {
        length += framer.take(piece).ok()?;
    }
    framer.is_done().then_some(length)
}

/// The data of that body.
fn decoded(mut framer: BodyFramer, bytes: &[u8], step: usize) -> Option<Vec<u8>> {
    let (mut read, mut data) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(step) {
        read.extend_from_slice(piece);
        while let Some(piece) = framer.decode(&mut read).ok()? {
            data.extend_from_slice(&piece);
        }
    }
    framer.is_done().then_some(data)
}

/// What a simple-minded reader takes for the length of the body.
fn read(bytes: &[u8], padded: bool) -> Option<usize> {
    let mut rest = bytes;
    while let Some(size) = size(line(&mut rest)?, padded) {
        if size == 0 {
            while !rest.starts_with(b"\r\n") {
                FIELD.find(line(&mut rest)?)?;
            }
            return Some(bytes.len() - rest.len() + 2);
        }
        rest = rest.get(usize::try_from(size).ok()?..)?.strip_prefix(b"\r\n")?;
    }
    None
}

/// The data of a body that is one.
fn data(mut body: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    while let Some(size @ 1..) = line(&mut body).and_then(|line| size(line, true)) {
        let (chunk, rest) = body.split_at(usize::try_from(size).expect("a small chunk"));
        data.extend_from_slice(chunk);
        body = &rest[2..];
    }
    data
}

/// The size that a line gives.
fn size(line: &[u8], padded: bool) -> Option<u64> {
    let is_padding = |byte: &u8| padded && matches!(byte, b' ' | b'\t');
    let end = line.iter().rposition(|byte| !is_padding(byte)).map_or(0, |last| last + 1);
    let digits = SIZE.captures(&line[..end])?.get(1)?.as_bytes();
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Takes a line, without its end.
fn line<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memmem::find(bytes, b"\r\n")?;
    let line = &bytes[..end];
    *bytes = &bytes[end + 2..];
    Some(line)
}
