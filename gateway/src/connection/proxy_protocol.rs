//! The PROXY protocol, versions 1 and 2: a load balancer sends the client's addresses before the client's first byte.
//!
//! [`parse`] and [`encode`] implement the format; [`accept`] reads a header from a connection, and no byte behind it.

use super::deadline::Deadline;
use super::facts::{Connection, ProxiedAddresses, canonical};
use super::stage::Stage;
use crate::config::Forwarded;
use ppp::{v1, v2};
use smallvec::SmallVec;
use std::io;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The longest header of version 1 in bytes, its line's end included.
pub const V1_LIMIT: usize = 107;
/// The longest header of version 2 in bytes, its TLVs included (nginx: `NGX_PROXY_PROTOCOL_MAX_HEADER`).
pub const V2_LIMIT: usize = 4096;
/// What a header of version 2 has before its addresses: the signature, version, command, family and length.
const V2_FIXED: usize = v2::PROTOCOL_PREFIX.len() + 4;
/// Bytes that are peeked at once. Most headers fit in.
const CHUNK: usize = 128;

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its bytes.
    pub length: usize,
    /// The addresses of the proxied connection. `None` if the sender connects for itself: version 1's `UNKNOWN`,
    /// version 2's `LOCAL`, and, as with nginx, every protocol but TCP.
    pub addresses: Option<ProxiedAddresses>,
}

/// Why bytes do not start with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// They start like neither version.
    #[error("there is no PROXY header")]
    Missing,
    /// They start like a header, but violate its format.
    #[error("the PROXY header is malformed")]
    Malformed,
    /// The header is longer than [`V1_LIMIT`] or [`V2_LIMIT`].
    #[error("the PROXY header is too long")]
    TooLong,
}

/// Parses the header at the start of `bytes`. `None` if more bytes are needed: then all of these belong to it.
///
/// # Errors
/// The bytes begin with no PROXY header, or the header is malformed or too long.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, BadHeader> {
    if begins(bytes, v2::PROTOCOL_PREFIX) {
        parse_v2(bytes)
    } else if begins(bytes, b"PROXY ") {
        parse_v1(bytes)
    } else {
        Err(BadHeader::Missing)
    }
}

/// Whether `bytes` begin with `prefix`, or with a part of it where they are shorter.
fn begins(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.iter().zip(prefix).all(|(byte, expected)| byte == expected)
}

fn parse_v1(bytes: &[u8]) -> Result<Option<Header>, BadHeader> {
    let Some(end) = memchr::memchr(b'\n', &bytes[..bytes.len().min(V1_LIMIT)]) else {
        return if bytes.len() < V1_LIMIT { Ok(None) } else { Err(BadHeader::TooLong) };
    };
    let line = &bytes[..=end];
    let header = v1::Header::try_from(line).map_err(|_| BadHeader::Malformed)?;
    let addresses = match header.addresses {
        v1::Addresses::Unknown => None,
        v1::Addresses::Tcp4(ip) => Some(ProxiedAddresses {
            source: (ip.source_address, ip.source_port).into(),
            destination: (ip.destination_address, ip.destination_port).into(),
        }),
        v1::Addresses::Tcp6(ip) => Some(ProxiedAddresses {
            source: (ip.source_address, ip.source_port).into(),
            destination: (ip.destination_address, ip.destination_port).into(),
        }),
    };
    Ok(Some(Header { length: line.len(), addresses }))
}

fn parse_v2(bytes: &[u8]) -> Result<Option<Header>, BadHeader> {
    let Some(&[.., high, low]) = bytes.get(..V2_FIXED) else { return Ok(None) };
    let length = V2_FIXED + usize::from(u16::from_be_bytes([high, low]));
    if length > V2_LIMIT {
        return Err(BadHeader::TooLong);
    }
    let Some(whole) = bytes.get(..length) else { return Ok(None) };
    let header = v2::Header::try_from(whole).map_err(|_| BadHeader::Malformed)?;
    let is_proxied = header.command == v2::Command::Proxy && header.protocol == v2::Protocol::Stream;
    let addresses = match header.addresses {
        v2::Addresses::IPv4(ip) => Some(ProxiedAddresses {
            source: (ip.source_address, ip.source_port).into(),
            destination: (ip.destination_address, ip.destination_port).into(),
        }),
        v2::Addresses::IPv6(ip) => Some(ProxiedAddresses {
            source: (ip.source_address, ip.source_port).into(),
            destination: (ip.destination_address, ip.destination_port).into(),
        }),
        v2::Addresses::Unspecified | v2::Addresses::Unix(_) => None,
    };
    Ok(Some(Header { length, addresses: addresses.filter(|_| is_proxied) }))
}

/// The header of version 1 that describes a client's connection to an endpoint, as nginx sends it.
pub fn encode(source: SocketAddr, destination: SocketAddr) -> String {
    let addresses = match (source, destination) {
        (SocketAddr::V4(source), SocketAddr::V4(destination)) => {
            v1::Addresses::new_tcp4(*source.ip(), *destination.ip(), source.port(), destination.port())
        }
        (SocketAddr::V6(source), SocketAddr::V6(destination)) => {
            v1::Addresses::new_tcp6(*source.ip(), *destination.ip(), source.port(), destination.port())
        }
        _ => v1::Addresses::Unknown,
    };
    addresses.to_string()
}

/// Why a connection has no header. Such a connection is closed without an answer, as nginx does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyHeaderError {
    /// The client closed without a byte, as health checks of load balancers do: no error.
    #[error("the client sent nothing")]
    Silent,
    /// The header did not come in time.
    #[error("the PROXY header did not come in time")]
    Timeout,
    /// The connection ended within the header.
    #[error("the connection ended within the PROXY header")]
    Closed,
    /// What came is no header.
    #[error(transparent)]
    Bad(#[from] BadHeader),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

impl ProxyHeaderError {
    /// A fixed label for metrics and logs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Timeout => "timeout",
            Self::Closed | Self::Io(_) => "closed",
            Self::Bad(BadHeader::Missing) => "missing",
            Self::Bad(BadHeader::Malformed) => "malformed",
            Self::Bad(BadHeader::TooLong) => "too-long",
        }
    }
}

/// Reads the header of a connection that must start with one, within `proxy-protocol-header-timeout`. The addresses of a
/// trusted sender replace the connection's own; those of other senders are ignored.
pub(crate) async fn accept(
    tcp: &mut TcpStream,
    connection: &mut Connection,
    forwarded: &Forwarded,
    deadline: &Deadline,
) -> Result<(), ProxyHeaderError> {
    deadline.arm(forwarded.proxy_header_timeout);
    let header = deadline.limit(Stage::Stopped, read(tcp)).await.unwrap_or(Err(ProxyHeaderError::Timeout));
    deadline.disarm();
    let Some(ProxiedAddresses { source, destination }) = header?.addresses else { return Ok(()) };
    let (source, destination) = (canonical(source), canonical(destination));
    connection.proxied = Some(Box::new(ProxiedAddresses { source, destination }));
    if forwarded.trusts(connection.peer.ip()) {
        connection.peer = source;
        connection.local = destination;
        connection.advertised_port = destination.port();
    }
    Ok(())
}

/// Reads a header. What follows it stays in the socket: bytes are peeked first, then only those of the header are read.
async fn read(tcp: &mut TcpStream) -> Result<Header, ProxyHeaderError> {
    let mut held = SmallVec::<[u8; CHUNK]>::new();
    loop {
        let mut chunk = [0; CHUNK];
        let seen = tcp.peek(&mut chunk).await?;
        if seen == 0 {
            return Err(if held.is_empty() { ProxyHeaderError::Silent } else { ProxyHeaderError::Closed });
        }
        let before = held.len();
        held.extend_from_slice(&chunk[..seen]);
        let header = parse(&held)?;
        let its = header.map_or(seen, |header| header.length - before);
        tcp.read_exact(&mut chunk[..its]).await?;
        if let Some(header) = header {
            return Ok(header);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::IpAddr;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("a short one").to_be_bytes();
        [v2::PROTOCOL_PREFIX, &[0x20 | command, family], &length, rest].concat()
    }

    fn addresses_of(bytes: &[u8]) -> Result<Option<(String, String)>, BadHeader> {
        let header = parse(bytes)?.expect("a whole header");
        assert_eq!(header.length, bytes.len());
        Ok(header.addresses.map(|addresses| (addresses.source.to_string(), addresses.destination.to_string())))
    }

    fn pair(source: &str, destination: &str) -> Result<Option<(String, String)>, BadHeader> {
        Ok(Some((source.to_owned(), destination.to_owned())))
    }

    #[test]
    fn version_1_has_both_addresses() {
        let tcp4 = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 1234\r\n";
        assert_eq!(addresses_of(tcp4), pair("192.168.0.1:56324", "192.168.0.11:1234"));
        let tcp6 = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 443\r\n";
        assert_eq!(addresses_of(tcp6), pair("[2001:db8::1]:1", "[2001:db8::2]:443"));
        assert_eq!(addresses_of(b"PROXY UNKNOWN\r\n"), Ok(None));
        assert_eq!(addresses_of(b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), Ok(None));
    }

    #[test]
    fn version_2_has_both_addresses() {
        let ipv4 = [192, 168, 0, 1, 192, 168, 0, 11, 0xdc, 4, 4, 0xd2];
        assert_eq!(addresses_of(&v2(1, 0x11, &ipv4)), pair("192.168.0.1:56324", "192.168.0.11:1234"));
        let tlvs = [&ipv4[..], &[0x04, 0, 3, 0, 0, 0], &[0xff; 9]].concat();
        assert_eq!(addresses_of(&v2(1, 0x11, &tlvs)), pair("192.168.0.1:56324", "192.168.0.11:1234"));
        let ipv6 = [&[0x20; 16][..], &[0x21; 16], &[0, 1, 1, 0xbb]].concat();
        let expected = ("[2020:2020:2020:2020:2020:2020:2020:2020]:1", "[2121:2121:2121:2121:2121:2121:2121:2121]:443");
        assert_eq!(addresses_of(&v2(1, 0x21, &ipv6)), pair(expected.0, expected.1));
        for (command, family, why) in [(0, 0x11, "LOCAL"), (1, 0x00, "unspecified"), (1, 0x12, "UDP")] {
            assert_eq!(addresses_of(&v2(command, family, &ipv4)), Ok(None), "{why}");
        }
        assert_eq!(addresses_of(&v2(1, 0x31, &[b'/'; 216])), Ok(None), "a Unix socket");
    }

    #[test]
    fn what_is_no_header_is_an_error() {
        let too_long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_LIMIT));
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n"[..], BadHeader::Missing),
            (b"\x16\x03\x01", BadHeader::Missing),
            (b"PROXYTCP4", BadHeader::Missing),
            (b"\r\n\r\n\0\r\nQUIX", BadHeader::Missing),
            (b"PROXY \r\n", BadHeader::Malformed),
            (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n", BadHeader::Malformed),
            (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 65536\r\n", BadHeader::Malformed),
            (b"PROXY TCP4 192.168.0.1 192.168.0.256 56324 1\r\n", BadHeader::Malformed),
            (b"PROXY TCP4 ::1 ::1 56324 1\r\n", BadHeader::Malformed),
            (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 1234\n", BadHeader::Malformed),
            (b"PROXY UDP4 192.168.0.1 192.168.0.11 56324 1234\r\n", BadHeader::Malformed),
            (too_long.as_bytes(), BadHeader::TooLong),
            (&v2(2, 0x11, &[0; 12]), BadHeader::Malformed),
            (&v2(1, 0x41, &[0; 12]), BadHeader::Malformed),
            (&v2(1, 0x11, &[0; 11]), BadHeader::Malformed),
            (&v2(1, 0x11, &[0; V2_LIMIT - V2_FIXED + 1]), BadHeader::TooLong),
        ] {
            assert_eq!(parse(bytes), Err(expected), "{:?}", String::from_utf8_lossy(bytes));
        }
        assert!(addresses_of(&v2(1, 0x11, &[0; V2_LIMIT - V2_FIXED])).is_ok(), "the longest one");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read(source: (IpAddr, u16), destination: (IpAddr, u16), after: Vec<u8>) {
            let (source, destination) = (SocketAddr::from(source), SocketAddr::from(destination));
            let text = encode(source, destination);
            let whole = [text.as_bytes(), &after].concat();
            let expected = (source.is_ipv4() == destination.is_ipv4()).then_some(ProxiedAddresses { source, destination });
            prop_assert_eq!(parse(&whole), Ok(Some(Header { length: text.len(), addresses: expected })));
            for end in 0..text.len() {
                prop_assert_eq!(parse(&whole[..end]), Ok(None));
            }
        }

        #[test]
        fn nothing_panics_and_limits_hold(start in 0..3_usize, rest: Vec<u8>) {
            let bytes = [[&b""[..], b"PROXY ", v2::PROTOCOL_PREFIX][start], &rest].concat();
            if let Ok(Some(header)) = parse(&bytes) {
                prop_assert!(header.length <= bytes.len().min(V2_LIMIT));
                prop_assert_eq!(parse(&bytes[..header.length]), Ok(Some(header)));
            }
        }
    }
}
