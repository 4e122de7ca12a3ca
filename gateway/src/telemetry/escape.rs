//! How values are escaped in the access log.

use crate::config::Escape;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Escapes what was appended to `line` since it was `start` bytes long.
pub(super) fn escape(line: &mut Vec<u8>, start: usize, escape: Escape) {
    match escape {
        Escape::Default => replace(line, start, is_special, |byte, out| {
            out.extend_from_slice(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }),
        Escape::Json => replace(line, start, is_special_in_json, json),
        Escape::None => {}
    }
}

/// As nginx: ngx_http_log_escape.
fn is_special(byte: u8) -> bool {
    !(32..127).contains(&byte) || byte == b'"' || byte == b'\\'
}

/// As nginx: ngx_escape_json, which lets bytes from 128 on pass.
fn is_special_in_json(byte: u8) -> bool {
    byte < 32 || byte == b'"' || byte == b'\\'
}

fn json(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        8 => b'b',
        12 => b'f',
        32.. => byte,
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Nearly all values have nothing to escape and stay where they are.
fn replace(line: &mut Vec<u8>, start: usize, special: impl Fn(u8) -> bool, write: impl Fn(u8, &mut Vec<u8>)) {
    // All bytes are looked at, whatever the first ones are: so the compiler looks at many at once.
    if !line[start..].iter().fold(false, |any, &byte| any | special(byte)) {
        return;
    }
    for byte in line.split_off(start) {
        if special(byte) {
            write(byte, line);
        } else {
            line.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(value: &[u8], how: Escape) -> Vec<u8> {
        let mut line = b"\"kept\\ ".to_vec();
        line.extend_from_slice(value);
        escape(&mut line, 7, how);
        assert!(line.starts_with(b"\"kept\\ "), "what was there before stays");
        line.split_off(7)
    }

    #[test]
    fn default_is_nginx_default() {
        assert_eq!(escaped(b"plain ~!", Escape::Default), b"plain ~!");
        assert_eq!(escaped(b"a\"b\\c\n\x7f\xc3\xa9", Escape::Default), b"a\\x22b\\x5Cc\\x0A\\x7F\\xC3\\xA9");
    }

    #[test]
    fn json_is_nginx_json() {
        assert_eq!(
            escaped(b"a\"b\\c\n\r\t\x08\x0c\x01\x1f\x7f\xc3\xa9", Escape::Json),
            b"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001F\x7f\xc3\xa9"
        );
    }

    #[test]
    fn none_changes_nothing() {
        assert_eq!(escaped(b"a\"b\\\n\xff", Escape::None), b"a\"b\\\n\xff");
    }

    /// The inverse of the default escape.
    fn unescaped(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some((&first, after)) = rest.split_first() {
            let byte;
            (byte, rest) = match after {
                [b'x', high, low, after @ ..] if first == b'\\' => {
                    let hex = std::str::from_utf8(&[*high, *low]).expect("hex").to_owned();
                    (u8::from_str_radix(&hex, 16).expect("hex"), after)
                }
                _ => (first, after),
            };
            out.push(byte);
        }
        out
    }

    proptest! {
        #[test]
        fn default_is_printable_and_reversible(value: Vec<u8>) {
            let text = escaped(&value, Escape::Default);
            prop_assert!(text.iter().all(|&byte| (32..127).contains(&byte) && byte != b'"'));
            prop_assert_eq!(unescaped(&text), value);
        }

        #[test]
        fn json_strings_parse_back(value: String) {
            let text = String::from_utf8(escaped(value.as_bytes(), Escape::Json)).expect("stays text");
            prop_assert_eq!(serde_json::from_str::<String>(&format!("\"{text}\"")).expect("valid JSON"), value);
        }
    }
}
