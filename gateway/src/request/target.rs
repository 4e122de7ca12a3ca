//! Request targets as `http::Uri` takes them.

use percent_encoding::{AsciiSet, percent_encode};

/// Bytes that clients send and nginx forwards, but that [`http::Uri`] refuses: in a query, in a path, or in both.
const REFUSED: &[u8; 4] = b"\"<>`";
const ESCAPED: &AsciiSet = &AsciiSet::EMPTY.add(REFUSED[0]).add(REFUSED[1]).add(REFUSED[2]).add(REFUSED[3]);
/// The longest target that it takes, in bytes.
pub(crate) const LIMIT: usize = u16::MAX as usize - 1;

/// Whether it takes the target as it stands.
pub(crate) fn is_uri(target: &[u8]) -> bool {
    !target.iter().any(|byte| is_refused(*byte)) && (target.is_ascii() || std::str::from_utf8(target).is_ok())
}

/// The target with those bytes escaped that it refuses.
pub(crate) fn escape(target: &[u8]) -> Vec<u8> {
    percent_encode(target, ESCAPED).flat_map(str::bytes).collect()
}

/// The length of the target once it is [escaped](escape) whole, in bytes.
pub(crate) fn escaped_length(target: &[u8]) -> usize {
    target.len() + 2 * target.iter().filter(|byte| is_refused(**byte) || !byte.is_ascii()).count()
}

/// The authority of an absolute `http` or `https` URI, and what follows it.
pub(crate) fn authority(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let scheme = memchr::memmem::find(target, b"://")?;
    let rest = &target[scheme + 3..];
    let is_http = [&b"http"[..], b"https"].iter().any(|name| target[..scheme].eq_ignore_ascii_case(name));
    let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    is_http.then(|| rest.split_at(end))
}

/// The target with its bytes above ASCII escaped.
pub(crate) fn escape_non_ascii(target: &[u8]) -> Vec<u8> {
    percent_encode(target, &AsciiSet::EMPTY).flat_map(str::bytes).collect()
}

fn is_refused(byte: u8) -> bool {
    REFUSED.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Uri;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_a_uri_is_one(target in "/([!-\"$-~]|\u{e9}){0,12}") {
            if is_uri(target.as_bytes()) {
                prop_assert_eq!(target.parse::<Uri>().expect("a URI").to_string(), target);
            }
        }

        #[test]
        fn what_is_escaped_is_a_uri(bytes in prop::collection::vec(b'!'..=255, 0..12)) {
            prop_assume!(!bytes.contains(&b'#') && !bytes.contains(&0x7f));
            let target = [b"/", &*bytes].concat();
            let escaped = escape(&target);
            prop_assert!(is_uri(&escaped));
            prop_assert!(Uri::try_from(&*escaped).is_ok());
        }
    }
}
