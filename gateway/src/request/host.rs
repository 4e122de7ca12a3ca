//! Hosts as requests and handshakes name them.

/// Longest host name that is looked up, in bytes. Longer ones are no DNS names, and served as if there were none.
pub const HOST_LIMIT: usize = 255;

/// The host of a `Host` header as it is looked up: in lower case, without port and without one trailing dot. Empty if
/// it is longer than [`HOST_LIMIT`]. `buffer` is written to only if something has to be made lower case.
pub fn canonical_host<'a>(header: &'a str, buffer: &'a mut [u8; HOST_LIMIT]) -> &'a str {
    let host = without_port(header);
    let Some(buffer) = buffer.get_mut(..host.len()) else { return "" };
    // Without an early end, so that several bytes are looked at at once.
    if !host.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase()) {
        return host;
    }
    buffer.copy_from_slice(host.as_bytes());
    buffer.make_ascii_lowercase();
    std::str::from_utf8(buffer).unwrap_or_default()
}

/// The host of a `Host` header as the client wrote it, without port and without one trailing dot.
pub(crate) fn without_port(header: &str) -> &str {
    let end = match header.strip_prefix('[') {
        Some(address) => address.find(']').map_or(header.len(), |bracket| bracket + 2),
        None => memchr::memchr(b':', header.as_bytes()).unwrap_or(header.len()),
    };
    let host = &header[..end];
    host.strip_suffix('.').unwrap_or(host)
}

/// A host with an optional port: a name, an IPv4 address or a bracketed IPv6 address, without userinfo. As in nginx it is
/// not empty: no URI of HTTP has an empty host (RFC 9110, section 4.2.1).
pub(crate) fn is_authority(host: &[u8]) -> bool {
    let (name, port, is_sound) = match host.strip_prefix(b"[") {
        Some(rest) => {
            let Some(end) = memchr::memchr(b']', rest) else { return false };
            let address = &rest[..end];
            (address, &rest[end + 1..], address.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')))
        }
        None => {
            let (name, port) = host.split_at(memchr::memchr(b':', host).unwrap_or(host.len()));
            let is_sound = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~');
            (name, port, name.iter().all(is_sound))
        }
    };
    let port_is_sound = match port {
        [] => true,
        [b':', digits @ ..] => digits.is_empty() || is_port(digits),
        _ => false,
    };
    is_sound && port_is_sound && !matches!(name, [] | [b'.'])
}

/// Whether a text is the number of a port.
pub(crate) fn is_port(text: &[u8]) -> bool {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.is_some_and(|digits| digits.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_port_dot_and_case() {
        for (header, host) in [
            ("shop.example.com", "shop.example.com"),
            ("Shop.EXAMPLE.com:8080", "shop.example.com"),
            ("h.", "h"),
            ("h.:80", "h"),
            ("h..", "h."),
            ("[::1]:8443", "[::1]"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("[broken", "[broken"),
            ("192.0.2.10:80", "192.0.2.10"),
            (":80", ""),
            ("", ""),
            ("\u{c9}X", "\u{c9}x"),
        ] {
            assert_eq!(canonical_host(header, &mut [0; HOST_LIMIT]), host, "{header}");
        }
    }

    #[test]
    fn authorities_have_a_host() {
        for sound in ["h", "h.", "H:80", "h:", "a_b~c-d.e:65535", "192.0.2.1", "[::1]", "[::ffff:1.2.3.4]:443"] {
            assert!(is_authority(sound.as_bytes()), "{sound}");
        }
        for unsound in
            ["", ":80", ".", ".:80", "[]", "[]:80", "[::1", "[::1]x", "[h]", "h:x", "h:65536", "u@h", "h/", "\u{e9}"]
        {
            assert!(!is_authority(unsound.as_bytes()), "{unsound}");
        }
    }

    #[test]
    fn a_host_that_is_too_long_is_none() {
        let longest = "a".repeat(HOST_LIMIT);
        assert_eq!(canonical_host(&longest, &mut [0; HOST_LIMIT]), longest);
        assert_eq!(canonical_host(&format!("{longest}a"), &mut [0; HOST_LIMIT]), "");
    }
}
