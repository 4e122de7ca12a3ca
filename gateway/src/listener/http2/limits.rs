//! Limits of one HTTP/2 connection.

use crate::config::GatewaySettings;
use crate::connection::ClientConnection;
use h2::Reason;
use h2::server::Builder;
use std::time::{Duration, Instant};

/// Bytes of a body that a client may send ahead of its backend: on one stream, and on all of them.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Bytes of a response that a stream buffers while the client's socket is full.
const SEND_BUFFER: usize = 32 << 10;
/// Requests refused on one connection at most. Pingora's own loop has this limit.
const REFUSED: u64 = 32;
/// Requests that a client may cancel within [`PERIOD`] before their responses begin; beyond that, at most half of its
/// requests. A call with a response that has begun may end in no other way (gRPC's server streams). The number is that of
/// Apache Traffic Server (`max_rst_stream_frames_per_minute`), the share that of Envoy (`premature_reset`).
const ABANDONED: u64 = 200;
const PERIOD: Duration = Duration::from_secs(60);
/// Bytes of frames that carry no request: beyond this many, at most seven for each byte of a request, as nginx
/// (ngx_http_v2_read_handler, "http2 flood detected").
const IDLE_BYTES: u64 = 1 << 20;

/// The SETTINGS for a client, and the limits that h2 enforces. What h2 limits by itself has its defaults:
/// streams reset before they are accepted (20), errors that reset a stream (1,024), CONTINUATION frames (by the size of the
/// head), small and empty DATA frames that wait (by the window).
pub(super) fn options(settings: &GatewaySettings) -> Builder {
    let mut options = Builder::new();
    options
        .max_concurrent_streams(settings.http2.streams)
        .max_header_list_size(u32::try_from(settings.client.head_limit()).unwrap_or(u32::MAX))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER);
    options
}

/// Requests on a connection until a GOAWAY is sent.
pub(super) fn requests(settings: &GatewaySettings) -> u64 {
    let client = &settings.client;
    if client.keep_alive.is_zero() { 1 } else { client.keep_alive_requests.into() }
}

/// Requests of a client on one connection.
#[derive(Debug)]
pub(super) struct Tally {
    /// Requests, refused ones included.
    pub(super) requests: u64,
    /// Requests that were refused for their heads.
    pub(super) refused: u64,
    period: Period,
}

/// What there was when the current [`PERIOD`] began.
#[derive(Debug)]
struct Period {
    began: Instant,
    requests: u64,
    abandoned: u64,
}

/// Why a connection is closed at once: a fixed label, and the error code for the client.
pub(super) type Abuse = (&'static str, Reason);

impl Tally {
    /// That of a connection which begins now.
    pub(super) fn new(now: Instant) -> Self {
        Self { requests: 0, refused: 0, period: Period { began: now, requests: 0, abandoned: 0 } }
    }

    /// Counts a request that has come now.
    pub(super) fn count_request(&mut self, connection: &ClientConnection, now: Instant) {
        if now.duration_since(self.period.began) >= PERIOD {
            self.period = Period { began: now, requests: self.requests, abandoned: connection.abandoned() };
        }
        self.requests += 1;
    }

    /// The limit that the client has exceeded, if any.
    pub(super) fn abuse(&self, connection: &ClientConnection) -> Option<Abuse> {
        let abandoned = connection.abandoned() - self.period.abandoned;
        let requests = self.requests - self.period.requests;
        if self.refused >= REFUSED {
            Some(("malformed-requests", Reason::PROTOCOL_ERROR))
        } else if abandoned > ABANDONED && abandoned * 2 > requests {
            Some(("rapid-reset", Reason::ENHANCE_YOUR_CALM))
        } else if floods(connection) {
            Some(("flood", Reason::ENHANCE_YOUR_CALM))
        } else {
            None
        }
    }
}

/// Whether too many bytes were received that are neither part of a request nor an acknowledgement of a response.
fn floods(connection: &ClientConnection) -> bool {
    let received = connection.received();
    // Bytes sent beyond those received are responses, not the acknowledgements of pings and settings.
    let answered = connection.sent().saturating_sub(received);
    received / 8 > connection.requested() + answered + IDLE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Connection;

    fn connection() -> ClientConnection {
        let address = "127.0.0.1:1".parse().expect("an address");
        ClientConnection::new(Connection {
            id: 1,
            peer: address,
            local: address,
            advertised_port: 80,
            proxied: None,
            own_port: None,
            tls: None,
        })
    }

    fn tally(requests: u64, refused: u64) -> Tally {
        Tally { requests, refused, ..Tally::new(Instant::now()) }
    }

    fn reason(tally: &Tally, connection: &ClientConnection) -> Option<&'static str> {
        tally.abuse(connection).map(|(reason, _)| reason)
    }

    #[test]
    fn refused_requests_are_limited() {
        assert_eq!(reason(&tally(1000, 31), &connection()), None);
        assert_eq!(reason(&tally(1000, 32), &connection()), Some("malformed-requests"));
    }

    #[test]
    fn a_client_that_cancels_more_than_half_exceeds_the_limit() {
        let connection = connection();
        (0..200).for_each(|_| connection.count_abandoned());
        assert_eq!(reason(&tally(200, 0), &connection), None);
        connection.count_abandoned();
        assert_eq!(reason(&tally(402, 0), &connection), None);
        assert_eq!(reason(&tally(401, 0), &connection), Some("rapid-reset"));
    }

    #[test]
    fn what_was_cancelled_long_ago_does_not_count() {
        let (connection, began) = (connection(), Instant::now());
        let mut tally = Tally::new(began);
        let abandon = |tally: &mut Tally, after: Duration| {
            (0..150).for_each(|_| {
                tally.count_request(&connection, began + after);
                connection.count_abandoned();
            });
            reason(tally, &connection)
        };
        assert_eq!(abandon(&mut tally, Duration::ZERO), None);
        assert_eq!(abandon(&mut tally, PERIOD), None);
        assert_eq!(abandon(&mut tally, PERIOD + PERIOD / 2), Some("rapid-reset"));
    }

    #[test]
    fn frames_without_requests_are_limited() {
        let tally = tally(0, 0);
        let connection = connection();
        connection.count_received(8 << 20);
        connection.count_sent(8 << 20);
        assert_eq!(reason(&tally, &connection), None, "pings and their echoes");
        connection.count_received(8);
        assert_eq!(reason(&tally, &connection), Some("flood"));
        connection.count_requested(1);
        assert_eq!(reason(&tally, &connection), None, "requests count");
        connection.count_received(1 << 20);
        assert_eq!(reason(&tally, &connection), Some("flood"));
        connection.count_sent(2 << 20);
        assert_eq!(reason(&tally, &connection), None, "answers count");
    }
}
