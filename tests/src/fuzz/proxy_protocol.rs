//! PROXY headers: where one ends is the same whatever follows, and known as soon as it is there.

use gateway::connection::ProxiedAddresses;
use gateway::connection::proxy_protocol::{V1_LIMIT, V2_LIMIT, encode, parse};

/// The input is what a load balancer sends.
pub fn fuzz(input: &[u8]) {
    headers_have_one_end(input);
}

/// A header is read in one way, however much of it or after it has arrived; what it tells can be told again.
pub fn headers_have_one_end(bytes: &[u8]) {
    let Ok(Some(header)) = parse(bytes) else { return };
    let limit = if bytes[0] == b'P' { V1_LIMIT } else { V2_LIMIT };
    assert!(header.length <= limit.min(bytes.len()));
    let text = &bytes[..header.length];
    assert_eq!(parse(text), Ok(Some(header)), "without what follows");
    assert_eq!(parse(&[bytes, b"\r\nPROXY "].concat()), Ok(Some(header)), "with more after it");
    for cut in (0..header.length).step_by(1 + header.length / 64) {
        assert_eq!(parse(&text[..cut]), Ok(None), "the first {cut} bytes");
    }
    if let Some(ProxiedAddresses { source, destination }) = header.addresses {
        let again = parse(encode(source, destination).as_bytes());
        assert_eq!(again.map(|header| header.map(|header| header.addresses)), Ok(Some(header.addresses)));
    }
}
