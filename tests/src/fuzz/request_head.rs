//! Request heads: what is accepted can be read in one way only.

use gateway::config::ClientSettings;
use gateway::connection::Head;
use gateway::listener::http1::check;
use gateway::listener::{HeadLimits, Refusal};
use memchr::memmem;

/// The input is what a client sends.
pub fn fuzz(input: &[u8]) {
    heads_are_read_one_way(input);
}

/// An accepted head is what a simple-minded reader takes it for, however much of it or after it has arrived.
pub fn heads_are_read_one_way(bytes: &[u8]) {
    let Ok(Some(head)) = checked(bytes) else { return };
    let text = &bytes[..head.length];
    is_sound(text, head);
    assert_eq!(checked(text), Ok(Some(head)), "without what follows");
    assert_eq!(checked(&[bytes, b"\n\0 HTTP/1.1\r\n\r\n"].concat()), Ok(Some(head)), "with more after it");
    for cut in (0..head.length).step_by(1 + head.length / 64) {
        assert_eq!(checked(&text[..cut]), Ok(None), "the first {cut} bytes");
    }
}

fn checked(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    check(bytes, HeadLimits::from(&ClientSettings::default()))
}

fn is_sound(text: &[u8], head: Head) {
    let mut text = text;
    while let Some(rest) = text.strip_prefix(b"\r\n") {
        text = rest;
    }
    assert_eq!(memmem::find(text, b"\r\n\r\n"), Some(text.len() - 4), "the first blank line ends it");
    let mut lines = Vec::new();
    while let Some(end) = memmem::find(text, b"\r\n") {
        lines.push(&text[..end]);
        text = &text[end + 2..];
    }
    let is_text = |line: &&[u8]| line.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f));
    assert!(lines.iter().all(is_text), "no line has a control byte, and so no bare line feed");
    let words: Vec<_> = lines[0].split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else { panic!("three words with single spaces: {words:?}") };
    assert!(!method.is_empty() && !target.is_empty());
    assert!(matches!(version, b"HTTP/1.0" | b"HTTP/1.1"));

    let headers: Vec<_> = lines[1..lines.len() - 1].iter().map(|line| header(line)).collect();
    let named =
        |name: &str| headers.iter().filter(|(found, _)| found == name).map(|(_, value)| *value).collect::<Vec<_>>();
    let (hosts, lengths, encodings) = (named("host"), named("content-length"), named("transfer-encoding"));
    assert!(hosts.len() == 1 || (hosts.is_empty() && version == b"HTTP/1.0"));
    assert!(lengths.len() + encodings.len() <= 1, "one way to find the body's end");
    assert!(lengths.iter().all(|length| !length.is_empty() && length.iter().all(u8::is_ascii_digit)));
    assert!(encodings.iter().all(|encoding| encoding.eq_ignore_ascii_case(b"chunked")));
    let is_usual = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    assert!(!head.plain || headers.iter().all(|(name, _)| is_usual(name)), "invalid names are noticed");
    assert!(!head.plain || matches!(target[0], b'/' | b'*') && !target.contains(&b'"'), "so are odd targets");
}

/// A header's name in lower case, and its value.
fn header(line: &[u8]) -> (String, &[u8]) {
    let colon = memchr::memchr(b':', line).expect("a header has a colon");
    assert!(colon > 0 && line[..colon].iter().all(|byte| *byte > b' '), "a name is a word, without blanks around it");
    (String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase(), line[colon + 1..].trim_ascii())
}
