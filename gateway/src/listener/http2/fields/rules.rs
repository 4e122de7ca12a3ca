//! What h2 takes in a field. Anything else ends its connection, since it cannot read the rest of the header block.

use crate::grammar::is_text;
use http::uri::PathAndQuery;
use http::{HeaderName, Method};

/// The field that tells of a replaced one: its value is the `:path` as it came, or nothing if the head is malformed.
pub(in super::super) const NOTE: HeaderName = HeaderName::from_static("!note");

/// What h2 would end the connection for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// A field that no request may have.
    Malformed,
    /// A `:path` that is sound, but not for h2.
    Target(Box<[u8]>),
}

/// What the values of a name must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing will do: the name is none that a request may have.
    Never,
    Method,
    Path,
    Utf8,
    Value,
}

impl Rule {
    /// The rule for a name.
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b":method" => Self::Method,
            b":path" => Self::Path,
            b":scheme" | b":authority" | b":protocol" => Self::Utf8,
            [b':', ..] => Self::Never,
            name if name == NOTE.as_str().as_bytes() => Self::Never,
            name if HeaderName::from_lowercase(name).is_ok() => Self::Value,
            _ => Self::Never,
        }
    }

    /// What is odd about a value; `None` if h2 takes it, or answers it with an error of its stream.
    pub(super) fn odd(self, value: &[u8]) -> Option<Odd> {
        let sound = match self {
            Self::Never => false,
            Self::Method => Method::from_bytes(value).is_ok(),
            Self::Path => return odd_path(value),
            Self::Utf8 => std::str::from_utf8(value).is_ok(),
            Self::Value => value.iter().all(|byte| is_text(*byte)),
        };
        (!sound).then_some(Odd::Malformed)
    }

    /// A value of this length that h2 takes; `None` if there is none.
    pub(super) fn stand_in(self, length: usize) -> Option<Vec<u8>> {
        let mut value = vec![b'a'; length];
        match self {
            Self::Never => return None,
            Self::Method if length == 0 => return None,
            Self::Path => {
                value.fill(b'-'); // it is logged if the head is refused
                *value.first_mut()? = b'/';
            }
            Self::Method | Self::Utf8 | Self::Value => {}
        }
        Some(value)
    }
}

/// A target may have any bytes but blanks and control bytes, as with HTTP/1. h2 takes fewer.
fn odd_path(path: &[u8]) -> Option<Odd> {
    let plain =
        |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'$'..=b';' | b'=' | b'?' | b'@' | b'_' | b'~' | b'!');
    match path {
        [] => None,
        [b'/', rest @ ..] if rest.iter().all(plain) => None,
        path if PathAndQuery::try_from(path).is_ok() => None,
        [b'/', rest @ ..] if rest.iter().all(|byte| *byte > b' ' && *byte != 0x7f) => Some(Odd::Target(path.into())),
        _ => Some(Odd::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(name: &str, value: &[u8]) -> Option<Odd> {
        Rule::of(name.as_bytes()).odd(value)
    }

    #[test]
    fn what_h2_takes_is_not_odd() {
        for (name, value) in [
            (":method", &b"GET"[..]),
            (":method", b"PROPFIND"),
            (":path", b"/a/b?c=d"),
            (":path", "/ü\"?`".as_bytes()),
            (":path", b""),
            (":path", b"*"),
            (":authority", b"h:80"),
            ("x-a", b"a\tb \xff"),
            ("x!a", b""),
            ("connection", b"close"),
        ] {
            assert_eq!(odd(name, value), None, "{name}: {value:?}");
        }
    }

    #[test]
    fn h2_takes_every_path_that_passes() {
        for byte in 0..=255 {
            for path in [&[b'/', byte, b'a'][..], &[b'/', b'?', byte]] {
                assert!(odd_path(path).is_some() || PathAndQuery::try_from(path).is_ok(), "{path:?}");
            }
        }
    }

    #[test]
    fn what_ends_a_connection_is_odd() {
        for (name, value) in [
            (":method", &b"G T"[..]),
            (":method", b""),
            (":path", b"/a b"),
            (":path", b"/a\r\nb"),
            (":path", b"a\xff"),
            (":scheme", b"\xff"),
            (":authority", b"h\xff"),
            (":status", b"200"),
            (":unknown", b""),
            ("x@y", b"1"),
            ("X-A", b"1"),
            ("x a", b"1"),
            ("", b"1"),
            ("x-a", b"a\0b"),
            ("x-a", b"a\r\nb: c"),
            ("x-a", b"\x7f"),
            (NOTE.as_str(), b"/other"),
        ] {
            assert_eq!(odd(name, value), Some(Odd::Malformed), "{name}: {value:?}");
        }
        for target in [&b"/\xff"[..], b"/<a>", b"/?a=\""] {
            assert_eq!(odd(":path", target), Some(Odd::Target(target.into())));
        }
    }

    #[test]
    fn what_stands_in_is_sound() {
        for rule in [Rule::Method, Rule::Path, Rule::Utf8, Rule::Value] {
            let value = rule.stand_in(9).expect("a value");
            assert_eq!((value.len(), rule.odd(&value)), (9, None));
        }
        assert_eq!((Rule::Never.stand_in(1), Rule::Method.stand_in(0)), (None, None));
    }
}
