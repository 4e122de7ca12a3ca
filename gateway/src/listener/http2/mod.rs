//! HTTP/2 on a client's connection: its streams on h2, each served like a request of HTTP/1, and their bounds.
//!
//! The loop is ours because Pingora's has neither a limit of requests nor a graceful shutdown of idle connections, and does
//! not count streams that clients cancel; its sessions read no trailers.

mod checked;
mod connection;
mod fields;
mod frames;
mod head;
mod limits;
mod refusal;

pub(super) use connection::serve;

use crate::connection::ClientConnection;
use crate::listener::worker::Worker;
use crate::telemetry::Event;

/// The connection preface: what a client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether the first bytes of a connection are the preface of HTTP/2, or a prefix of it.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let length = bytes.len().min(PREFACE.len());
    bytes[..length] == PREFACE[..length]
}

/// Whether the first line of a connection names a protocol, and not HTTP. On a port that serves HTTP/2 as well this is an
/// invalid preface, which gets no response (RFC 9113, section 3.4); what may be meant as HTTP/1 gets one.
pub(super) fn is_other_protocol(bytes: &[u8]) -> bool {
    let line = &bytes[..memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len())];
    let is_http = |word: &[u8]| word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"HTTP/"));
    let mut words = line.split(|byte| *byte == b' ').skip(2).peekable();
    words.peek().is_some() && !words.any(is_http)
}

/// Counts and logs a connection whose client [`is_other_protocol`].
pub(super) fn end_other_protocol(connection: &ClientConnection, worker: &Worker) {
    end(connection, "invalid-preface", worker);
}

/// Counts and logs that a connection was closed because of an error of its client.
fn end(connection: &ClientConnection, reason: &'static str, worker: &Worker) {
    tracing::debug!(client = %connection.peer, reason, "HTTP/2 connection ended");
    worker.context.telemetry().event(Event::Http2Error, reason);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_is_recognized_by_any_prefix() {
        assert!(begins(b"PRI * HTTP/2.0\r\n"));
        assert!(begins(PREFACE));
        assert!(begins(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04"));
        assert!(!begins(b"PRI * HTTP/2.0\r\nHost: a\r\n\r\n"));
        assert!(!begins(b"GET / HTTP/2.0\r\n"));
    }

    #[test]
    fn what_may_be_meant_as_http_1_is_no_other_protocol() {
        let http = [
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/7",
            "GET /a b HTTP/1.1\r\n",
            "GET / http/ 1\r\n",
            "GET /\r\n",
            "GET",
            "",
        ];
        assert!(!http.into_iter().any(|line| is_other_protocol(line.as_bytes())));
        assert!(["INVALID CONNECTION PREFACE\r\n", "a b c"].into_iter().all(|line| is_other_protocol(line.as_bytes())));
    }
}
