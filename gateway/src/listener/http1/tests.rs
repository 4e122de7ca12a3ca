//! What our check lets through, the lanes take, and read as it does.

use super::check;
use super::repair::repaired;
use crate::config::ClientSettings;
use crate::connection::Head;
use crate::lane::client::ClientHead;
use crate::listener::HeadLimits;
use bytes::BytesMut;
use proptest::prelude::*;

/// The head that is handed on, and the target that the exchange sees.
fn handed_on(text: &[u8], head: Head, limits: HeadLimits) -> (BytesMut, Option<Vec<u8>>) {
    if head.plain {
        return (BytesMut::from(text), None);
    }
    let repaired = repaired(text, limits.names).expect("a checked head");
    (repaired.head, Some(repaired.target.to_vec()))
}

fn target() -> impl Strategy<Value = Vec<u8>> {
    let path = prop::collection::vec(b'!'..=255, 0..16);
    prop_oneof![
        6 => path.clone().prop_map(|path| [b"/", &*path].concat()),
        2 => path.prop_map(|path| [b"http://B:80", &*path].concat()),
        1 => "(https?://(b|b:80|u@b|)[/?]?[a\"?]{0,3}|\\*|a:b)".prop_map(String::into_bytes),
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[!-9;-~]{1,6}: ?[ -~\t]{0,8}",
        2 => "(?i)(content-length|transfer-encoding|connection|upgrade|expect): ?([0-9]{0,21}|chunked|close|h2c|a)",
        1 => "[!-~\u{e9}]{1,3}:\u{e9}?",
    ]
    .prop_map(String::into_bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_accepted_is_taken(
        method in "(GET|POST|OPTIONS|[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8})",
        target in target(),
        version in "HTTP/1\\.[01]",
        host in "(a|A:80|a:|a\\.|\\[::1\\]:1|)",
        lines in prop::collection::vec(line(), 0..4),
    ) {
        let limits = HeadLimits::from(&ClientSettings::default());
        let mut text = [method.as_bytes(), b" ", &target, b" ", version.as_bytes(), b"\r\nHost: ", host.as_bytes(), b"\r\n"].concat();
        lines.iter().for_each(|line| text.extend([line, &b"\r\n"[..]].concat()));
        text.extend(b"\r\n");
        let Ok(Some(head)) = check(&text, limits) else { return Ok(()) };
        let (handed, seen) = handed_on(&text, head, limits);
        let read = ClientHead::parse(handed.clone().freeze(), None);
        prop_assert!(read.is_some(), "{:?} of {:?}", handed, String::from_utf8_lossy(&text));
        let read = read.expect("asserted");
        prop_assert_eq!(&read.method, method.as_str());
        let seen = seen.as_deref().unwrap_or_else(|| &*read.target);
        prop_assert!(target.ends_with(seen) || seen.starts_with(b"/?") || seen == b"/", "{:?}", seen);
        prop_assert!(read.headers.names().all(|name| !limits.names.drops(name)));
    }
}

#[test]
fn what_is_too_long_for_a_head_is_refused() {
    let client = ClientSettings {
        headers: 256,
        large_header_size: 1 << 20,
        large_header_buffers: 64,
        ..ClientSettings::default()
    };
    let limits = HeadLimits::from(&client);
    let accepted = |head: String| {
        let accepted = matches!(check(head.as_bytes(), limits), Ok(Some(_)));
        let taken = ClientHead::parse(head.clone().into(), None).is_some();
        assert!(taken || !accepted, "{} bytes", head.len());
        accepted
    };
    let longest = (1 << 16) - 2;
    for (length, fits) in [(longest, true), (longest + 1, false)] {
        assert_eq!(accepted(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length - 1))), fits);
    }
    for (length, fits) in [(longest, true), (longest + 2, false)] {
        assert_eq!(accepted(format!("GET / HTTP/1.1\r\nHost: a\r\n{}: a\r\n\r\n", "a".repeat(length))), fits);
    }
    for (length, fits) in [(900 << 10, true), (1000 << 10, false)] {
        assert_eq!(accepted(format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "a".repeat(length))), fits);
    }
    for (count, fits) in [(255, true), (256, false)] {
        assert_eq!(accepted(format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: a\r\n".repeat(count))), fits);
    }
}
