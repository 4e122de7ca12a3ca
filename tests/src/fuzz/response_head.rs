//! Response heads: what is passed on can be read in one way only, and is what a backend has said.

use gateway::connection::BodyFraming;
use gateway::lane::{CheckedResponse, check_response};
use memchr::{memchr, memmem};

/// The input is what a backend sends.
pub fn fuzz(input: &[u8]) {
    heads_are_passed_on_as_read(input);
}

/// A head that is passed on is what a simple-minded reader takes the backend's for, however much of it or after it has arrived.
pub fn heads_are_passed_on_as_read(bytes: &[u8]) {
    let Some(Some(head)) = checked(bytes) else { return };
    let text = &bytes[..head.length];
    assert_eq!(checked(text), Some(Some(head.clone())), "without what follows");
    assert_eq!(checked(&[bytes, b"\n\0 HTTP/1.1\r\n\r\n"].concat()), Some(Some(head.clone())), "with more after it");
    for cut in (0..head.length).step_by(1 + head.length / 64) {
        assert_eq!(checked(&text[..cut]), Some(None), "the first {cut} bytes");
    }
    let said = said(text);
    assert_eq!(passed_on(&head.passed_on), said);
    assert_eq!(head.body, body(&said, is_http_10(text)));
}

/// `None` if it is refused.
fn checked(bytes: &[u8]) -> Option<Option<CheckedResponse>> {
    check_response(bytes).ok()
}

/// A head as it is understood: its status, its reason, and its headers with their names in lower case.
#[derive(Debug, PartialEq)]
struct Understood<'t> {
    status: &'t [u8],
    reason: &'t [u8],
    headers: Vec<(Vec<u8>, &'t [u8])>,
}

/// What a backend says, whose lines may end without a carriage return.
fn said(text: &[u8]) -> Understood<'_> {
    let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut lines = lines.skip_while(|line| line.is_empty());
    let first = lines.next().expect("a status line");
    let (status, reason) = first["HTTP/1.1 ".len()..].split_at(3);
    Understood {
        status,
        // What is no ASCII is left out, for nobody reads it.
        reason: if reason.is_ascii() { reason.strip_prefix(b" ").unwrap_or(reason) } else { b"" },
        headers: lines.take_while(|line| !line.is_empty()).map(header).collect(),
    }
}

fn is_http_10(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"HTTP/1.0")
}

/// What a strict reader takes for a head: lines with both their bytes at the end, words without blanks, and no control bytes.
fn passed_on(text: &[u8]) -> Understood<'_> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = memmem::find(rest, b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    assert!(rest.is_empty(), "the last line ends");
    let is_text = |line: &&[u8]| line.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f));
    assert!(lines.iter().all(is_text), "no line has a control byte, and so no bare line feed");
    let (first, headers) = lines.split_first().expect("a status line");
    let (start, reason) = first.split_at(13);
    assert!(start.starts_with(b"HTTP/1.1 ") && start[9..12].iter().all(u8::is_ascii_digit) && start[12] == b' ');
    for line in headers {
        let name = &line[..memchr(b':', line).expect("a colon")];
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        assert!(!name.is_empty() && name.iter().all(is_token), "{:?}", line.escape_ascii().to_string());
    }
    Understood { status: &start[9..12], reason, headers: headers.iter().copied().map(header).collect() }
}

fn header(line: &[u8]) -> (Vec<u8>, &[u8]) {
    let colon = memchr(b':', line).expect("a header has a colon");
    (line[..colon].trim_ascii_end().to_ascii_lowercase(), line[colon + 1..].trim_ascii())
}

/// Where the body ends; it is said once.
fn body(said: &Understood<'_>, is_http_10: bool) -> BodyFraming {
    let named = |name: &str| {
        said.headers.iter().filter(|(found, _)| found == name.as_bytes()).map(|(_, value)| *value).collect::<Vec<_>>()
    };
    let (lengths, encodings) = (named("content-length"), named("transfer-encoding"));
    assert!(lengths.len() + encodings.len() <= 1, "one way to find the body's end");
    let length = lengths.first().map(|length| {
        assert!(!length.is_empty() && length.iter().all(u8::is_ascii_digit));
        std::str::from_utf8(length).expect("digits").parse().expect("a number")
    });
    assert!(encodings.iter().all(|encoding| encoding.eq_ignore_ascii_case(b"chunked") && !is_http_10));
    match (said.status, length) {
        ([b'1', ..] | b"204" | b"304", _) | (_, Some(0)) => BodyFraming::None,
        (_, Some(length)) => BodyFraming::Length(length),
        (_, None) if encodings.is_empty() => BodyFraming::UntilClose,
        (_, None) => BodyFraming::Chunked,
    }
}
