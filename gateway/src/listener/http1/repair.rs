//! Heads that are sound, but that the parser would refuse, or that are not in the form that lanes expect.

use crate::grammar::{is_text, is_token};
use crate::request::{NameRules, target};
use bytes::{Bytes, BytesMut};

/// A head, or the beginning of one, as the parser takes it.
#[derive(Debug)]
pub(super) struct Readable {
    /// Without the headers whose names are invalid, and with the bytes above ASCII in its target escaped.
    pub(super) text: Vec<u8>,
    /// How many bytes this was made of.
    pub(super) length: usize,
}

/// What is handed on in place of a head that is sound, but not plain.
#[derive(Debug)]
pub(super) struct Repaired {
    /// The head with its target in origin form and escaped, the target's authority as its `Host`, and without the headers
    /// that are dropped.
    pub(super) head: BytesMut,
    /// The target in origin form, as the client sent it.
    pub(super) target: Bytes,
}

/// How many of these bytes are of a head: all, unless it ends before.
pub(super) fn length(buffer: &[u8]) -> usize {
    let mut lines = Lines::of(buffer);
    lines.by_ref().for_each(drop);
    lines.read
}

/// Makes a head readable. What is wrong beyond that stays, for the parser to refuse.
pub(super) fn readable(buffer: &[u8], names: NameRules) -> Readable {
    let mut lines = Lines::of(buffer);
    let mut text = Vec::with_capacity(buffer.len() + 64);
    let line = lines.next().unwrap_or_default();
    match words(line) {
        Some((method, target, rest)) => text.extend([method, &target::escape_non_ascii(target), rest].join(&b' ')),
        None => text.extend_from_slice(line),
    }
    for line in &mut lines {
        let is_whole = line.ends_with(b"\n");
        if is_whole && !(names.ignore_invalid && is_invalid_but_harmless(line)) {
            text.extend_from_slice(line);
        }
    }
    Readable { text, length: lines.read }
}

/// Repairs a head that has been checked. `None` if it has not.
pub(super) fn repaired(head: &[u8], names: NameRules) -> Option<Repaired> {
    let mut lines = Lines::of(head);
    let (method, target, version) = words(lines.next()?)?;
    let (authority, path) = match target::authority(target) {
        Some((authority, path)) if !target.starts_with(b"/") => (Some(authority), path),
        _ => (None, target),
    };
    let slash: &[u8] = if path.starts_with(b"/") || path == b"*" { b"" } else { b"/" };
    let target = Bytes::from([slash, path].concat());
    let mut repaired = BytesMut::with_capacity(head.len() + 64);
    repaired.extend_from_slice(&[method, &target::escape(&target), version].join(&b' '));
    if let Some(authority) = authority {
        repaired.extend_from_slice(&[b"Host: ", authority, b"\r\n"].concat());
    }
    for line in lines {
        let name = name(line).unwrap_or_default();
        let is_replaced = authority.is_some() && name.eq_ignore_ascii_case(b"host");
        if !is_replaced && !names.drops(name) {
            repaired.extend_from_slice(line);
        }
    }
    Some(Repaired { head: repaired, target })
}

/// Method, target, and what follows: the end of a line too.
fn words(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut words = line.splitn(3, |byte| *byte == b' ');
    Some((words.next()?, words.next()?, words.next()?))
}

/// The name of a header line; `None` if it has none.
fn name(line: &[u8]) -> Option<&[u8]> {
    Some(&line[..memchr::memchr(b':', line)?])
}

/// Whether a line is a header that no server could take for another one, or for two: only its name has bytes that no name
/// may have. As nginx, no blanks or control bytes are among these, and not those that are blanks in Latin-1.
fn is_invalid_but_harmless(line: &[u8]) -> bool {
    let Some((name, value)) = name(line).map(|name| (name, &line[name.len()..])) else { return false };
    let is_word = !name.is_empty() && name.iter().all(|byte| *byte > b' ' && !matches!(byte, 0x7f | 0x85 | 0xa0));
    let is_value = |value: &[u8]| value.iter().all(|byte| is_text(*byte));
    is_word && !name.iter().all(|byte| is_token(*byte)) && value.strip_suffix(b"\r\n").is_some_and(is_value)
}

/// The lines of a head with their ends, up to the blank line that ends it; blank lines before it are skipped.
struct Lines<'a> {
    rest: &'a [u8],
    /// How many bytes have been taken.
    read: usize,
    ended: bool,
}

impl<'a> Lines<'a> {
    fn of(buffer: &'a [u8]) -> Self {
        let mut rest = buffer;
        while let Some(after) = rest.strip_prefix(b"\r\n") {
            rest = after;
        }
        Self { rest, read: buffer.len() - rest.len(), ended: false }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.ended || self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |end| end + 1);
        let line;
        (line, self.rest) = self.rest.split_at(end);
        self.read += end;
        self.ended = matches!(line, b"\r\n" | b"\n");
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: NameRules = NameRules { ignore_invalid: true, underscores: false };

    fn repair(head: &str) -> (String, String) {
        let repaired = repaired(head.as_bytes(), NAMES).expect("a head");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        (text(&repaired.head), text(&repaired.target))
    }

    #[test]
    fn an_absolute_target_becomes_a_path_and_the_host() {
        let (head, target) = repair("GET http://b:80?x HTTP/1.1\r\nAccept: a\r\nhost: a\r\n\r\n");
        assert_eq!(head, "GET /?x HTTP/1.1\r\nHost: b:80\r\nAccept: a\r\n\r\n");
        assert_eq!(target, "/?x");
        let (head, _) = repair("GET http://b HTTP/1.0\r\n\r\n");
        assert_eq!(head, "GET / HTTP/1.0\r\nHost: b\r\n\r\n");
    }

    #[test]
    fn a_path_with_a_url_in_it_stays() {
        let (head, target) = repair("GET /http://b/\"? HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(head, "GET /http://b/%22? HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(target, "/http://b/\"?");
    }

    #[test]
    fn headers_with_invalid_names_are_left_out() {
        let (head, _) = repair("\r\nGET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nx@b: 2\r\nX-C: 3\r\n\r\n");
        assert_eq!(head, "GET / HTTP/1.1\r\nHost: a\r\nX-C: 3\r\n\r\n");
    }

    #[test]
    fn only_what_is_harmless_becomes_readable() {
        let text = |head: &[u8]| String::from_utf8(readable(head, NAMES).text).expect("text");
        let head = b"GET /\xff HTTP/1.1\r\nx@b: 1\r\nX Y: 1\r\n\r\nmore";
        assert_eq!(text(head), "GET /%FF HTTP/1.1\r\nX Y: 1\r\n\r\n");
        assert_eq!(readable(head, NAMES).length, head.len() - 4);
        assert_eq!(text(b"GET /\x01\" HTTP/1.1\r\n"), "GET /\x01\" HTTP/1.1\r\n");
        for line in [
            "\u{85}: 1\r\n",
            "\u{e9} : 1\r\n",
            "x@y\r\n",
            ": 1\r\n",
            " x@y: 1\r\n",
            "x@y: \0\r\n",
            "x@y: 1\n",
            "x@y: 1\r2\r\n",
        ] {
            assert_eq!(text(line.as_bytes()), line);
            let after = ["GET / HTTP/1.1\r\n", line].concat();
            assert_eq!(text(after.as_bytes()), after);
        }
    }
}
