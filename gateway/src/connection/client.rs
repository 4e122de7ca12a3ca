//! One client connection: what every request on it shares.

use super::facts::Connection;
use http::HeaderValue;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// A client's connection while it lives. Derefs to the facts that logs print.
#[derive(Debug)]
pub struct ClientConnection {
    facts: Connection,
    /// The peer's address as a header: made once, sent with every request.
    pub(crate) peer_value: HeaderValue,
    sent: AtomicU64,
    received: AtomicU64,
    requested: AtomicU64,
    abandoned: AtomicU64,
    unread_input: AtomicBool,
    reset_on_close: AtomicBool,
    ends_soon: AtomicBool,
    lingering: Mutex<Option<TcpStream>>,
    /// Its next request waits until then, in milliseconds since `opened`.
    paused_until: AtomicU64,
    opened: Instant,
}

impl ClientConnection {
    /// A new connection.
    pub fn new(facts: Connection) -> Self {
        let peer_value = address_value(facts.peer.ip());
        Self {
            facts,
            peer_value,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            requested: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            unread_input: AtomicBool::new(false),
            reset_on_close: AtomicBool::new(false),
            ends_soon: AtomicBool::new(false),
            lingering: Mutex::default(),
            paused_until: AtomicU64::new(0),
            opened: Instant::now(),
        }
    }

    /// Marks that the client may still send input that we do not read: then the socket must linger when it closes. It
    /// also lingers without this mark if unread input is waiting when it closes.
    pub fn mark_input_unread(&self) {
        self.unread_input.store(true, Ordering::Relaxed);
    }

    /// Whether [`ClientConnection::mark_input_unread`] was called.
    pub(crate) fn unread_input(&self) -> bool {
        self.unread_input.load(Ordering::Relaxed)
    }

    /// The response is truncated, and its client would take the end of the connection for the end of the response: so
    /// the connection must be reset when it closes.
    pub(crate) fn reset_on_close(&self) {
        self.reset_on_close.store(true, Ordering::Relaxed);
    }

    /// Whether [`ClientConnection::reset_on_close`] was called.
    pub(crate) fn resets_on_close(&self) -> bool {
        self.reset_on_close.load(Ordering::Relaxed)
    }

    /// Keeps the socket of a closed stream open, so that it can linger until the client has read the last response.
    pub(crate) fn keep_lingering(&self, socket: TcpStream) {
        *self.lingering.lock() = Some(socket);
    }

    /// The socket that has to linger, if any.
    pub(crate) fn take_lingering(&self) -> Option<TcpStream> {
        self.lingering.lock().take()
    }

    /// A request has cost its worker more than most: those that follow on the connection wait for so long, so that it leaves
    /// time to other connections.
    pub(crate) fn pause(&self, time: Duration) {
        let now = self.opened.elapsed();
        let until = self.paused().max(now) + time;
        self.paused_until.store(until.as_millis() as u64, Ordering::Relaxed);
    }

    /// Waits while the connection is [paused](Self::pause).
    pub(crate) async fn wait_for_turn(&self) {
        if self.paused_until.load(Ordering::Relaxed) > 0 {
            sleep_until(self.opened + self.paused()).await;
        }
    }

    fn paused(&self) -> Duration {
        Duration::from_millis(self.paused_until.load(Ordering::Relaxed))
    }

    /// Takes no more requests than those that are there: the client can do better on a new connection.
    pub(crate) fn end_soon(&self) {
        self.ends_soon.store(true, Ordering::Relaxed);
    }

    /// Whether [`ClientConnection::end_soon`] was called, or its port is closed.
    pub(crate) fn ends_soon(&self) -> bool {
        self.ends_soon.load(Ordering::Relaxed) || self.facts.own_port.as_ref().is_some_and(|port| port.is_closed())
    }

    pub(crate) fn count_sent(&self, bytes: usize) {
        add(&self.sent, bytes as u64);
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        add(&self.received, bytes as u64);
    }

    /// Bytes received from the client so far: of an HTTP/2 connection, all of its frames.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Part of a request has arrived, of its head or body.
    pub(crate) fn count_requested(&self, bytes: usize) {
        add(&self.requested, bytes as u64);
    }

    /// Bytes of requests so far: their heads, as HTTP/1 would write them, and their bodies.
    pub(crate) fn requested(&self) -> u64 {
        self.requested.load(Ordering::Relaxed)
    }

    /// The client has cancelled a request before its response began.
    pub(crate) fn count_abandoned(&self) {
        add(&self.abandoned, 1);
    }

    /// Requests that the client has cancelled so far.
    pub(crate) fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Bytes sent to the client so far, heads included.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// A connection lives on one thread: no read-modify-write is needed.
fn add(count: &AtomicU64, more: u64) {
    count.store(count.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// An address as a header.
pub(crate) fn address_value(address: IpAddr) -> HeaderValue {
    HeaderValue::from_str(&address.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

impl Deref for ClientConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_costly_request_holds_up_those_that_follow() {
        let (peer, local) = (([192, 0, 2, 1], 40_000).into(), ([127, 0, 0, 1], 80).into());
        let facts = Connection { id: 1, peer, local, advertised_port: 80, proxied: None, own_port: None, tls: None };
        let connection = ClientConnection::new(facts);
        let waited = async || {
            let before = Instant::now();
            connection.wait_for_turn().await;
            before.elapsed().as_millis()
        };
        assert_eq!(waited().await, 0);
        connection.pause(Duration::from_millis(10));
        connection.pause(Duration::from_millis(10));
        assert!((20..=21).contains(&waited().await), "timers have a resolution of one millisecond");
        assert_eq!(waited().await, 0);
    }
}
