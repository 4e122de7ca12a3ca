//! HTTP/2 on a client's connection: its streams, each served by Pingora like a request of HTTP/1, and their bounds.
//!
//! The loop is ours because Pingora's has neither a budget of requests nor a graceful end of idle connections, and does
//! not count streams that clients give up. Its own checks of a head stay in force; ours come on top.

mod connection;
mod head;
mod limits;
mod refusal;

pub(super) use connection::serve;

use crate::connection::ClientConnection;
use crate::listener::worker::Worker;
use crate::telemetry::Event;

/// What a client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether the first bytes of a connection are those of HTTP/2, as far as they go.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let length = bytes.len().min(PREFACE.len());
    bytes[..length] == PREFACE[..length]
}

/// Whether the first line of a connection names a protocol that is no HTTP. To a port that speaks HTTP/2 as well this is an
/// invalid preface, which gets no answer (RFC 9113, section 3.4); what may be meant as HTTP/1 gets one.
pub(super) fn is_foreign(bytes: &[u8]) -> bool {
    let line = &bytes[..memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len())];
    let protocol = line.split(|byte| *byte == b' ').skip(2).last();
    protocol.is_some_and(|protocol| !protocol.starts_with(b"HTTP/"))
}

/// Writes down a connection whose client [`is_foreign`].
pub(super) fn end_foreign(connection: &ClientConnection, worker: &Worker) {
    end(connection, "invalid-preface", worker);
}

/// Writes down that a connection has ended for what its client did.
fn end(connection: &ClientConnection, reason: &'static str, worker: &Worker) {
    tracing::debug!(client = %connection.peer, reason, "HTTP/2 connection ended");
    worker.context.telemetry().event(Event::Http2Error, reason);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_is_known_by_any_part_of_it() {
        assert!(begins(b"PRI * HTTP/2.0\r\n"));
        assert!(begins(PREFACE));
        assert!(begins(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04"));
        assert!(!begins(b"PRI * HTTP/2.0\r\nHost: a\r\n\r\n"));
        assert!(!begins(b"GET / HTTP/2.0\r\n"));
    }

    #[test]
    fn what_may_be_meant_as_http_1_is_not_foreign() {
        let http = ["GET / HTTP/1.1\r\n", "GET / HTTP/7", "GET /a b HTTP/1.1\r\n", "GET /\r\n", "GET", ""];
        assert!(!http.into_iter().any(|line| is_foreign(line.as_bytes())));
        assert!(["INVALID CONNECTION PREFACE\r\n", "a b c"].into_iter().all(|line| is_foreign(line.as_bytes())));
    }
}
