//! Bytes and numbers in HTTP's grammar (RFC 9110, sections 5.6 and 8.6).

/// Whether a byte may stand in a token, such as the name of a header.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a byte may stand in the value of a header: it controls nothing, or is a tab.
pub(crate) fn is_text(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

/// Whether a list of tokens separated by commas, such as the value of `Connection`, has this one. Case does not matter.
pub(crate) fn lists(list: &[u8], token: &str) -> bool {
    let is = |listed: &[u8]| listed.trim_ascii().eq_ignore_ascii_case(token.as_bytes());
    // Most lists have one token.
    if memchr::memchr(b',', list).is_none() { is(list) } else { list.split(|byte| *byte == b',').any(is) }
}

/// The value of a `Content-Length`: digits, and few enough that all take them for the same number.
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    let is_length = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_length)?.parse().ok()
}
