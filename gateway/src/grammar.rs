//! Bytes in HTTP's grammar (RFC 9110, section 5.6).

/// Whether a byte may stand in a token, such as the name of a header.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a byte may stand in the value of a header: it controls nothing, or is a tab.
pub(crate) fn is_text(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}
