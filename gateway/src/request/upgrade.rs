//! Which requests ask for another protocol on their connection (RFC 9110 section 7.8), and which protocols they may ask
//! for.

use crate::grammar;

/// The protocols that an `Upgrade` header names, in its order.
///
/// HTTP itself is skipped (`h2c`, `h2`, `HTTP/2.0`): a tunnel of HTTP would carry requests to a backend that no route was
/// chosen for.
pub(crate) fn protocols(upgrade: &[u8]) -> impl Iterator<Item = &str> {
    let named = upgrade.split(|byte| *byte == b',').filter_map(|name| std::str::from_utf8(name.trim_ascii()).ok());
    named.filter(|protocol| is_protocol(protocol) && !is_http(protocol))
}

/// Whether a `Connection` header lists `upgrade`, so that `Upgrade` applies to this connection.
pub(crate) fn is_announced(connection: &[u8]) -> bool {
    grammar::lists(connection, "upgrade")
}

/// A name, with a version after a slash or without one.
fn is_protocol(text: &str) -> bool {
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(grammar::is_token);
    match text.split_once('/') {
        Some((name, version)) => is_token(name) && is_token(version),
        None => is_token(text),
    }
}

fn is_http(protocol: &str) -> bool {
    let name = protocol.split('/').next().unwrap_or_default();
    ["h2c", "h2", "http"].iter().any(|http| name.eq_ignore_ascii_case(http))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_neither_http_nor_invalid() {
        let of = |value: &'static str| protocols(value.as_bytes()).collect::<Vec<_>>();
        assert_eq!(of("websocket"), ["websocket"]);
        assert_eq!(of("SPDY/3.1 ,h2c,, tcp"), ["SPDY/3.1", "tcp"]);
        for none in ["h2c", "H2C", "HTTP/2.0", "h2", "", "a b", "/1", "x/", "x/1/2", "\u{e9}"] {
            assert!(of(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn the_option_stands_among_others() {
        assert!(is_announced(b"Upgrade") && is_announced(b"keep-alive, UPGRADE"));
        assert!(!is_announced(b"keep-alive") && !is_announced(b"upgraded, x-upgrade"));
    }
}
