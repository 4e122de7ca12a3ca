//! One client connection: what every request on it shares.

use super::facts::Connection;
use http::HeaderValue;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::net::TcpStream;

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
    broken_off: AtomicBool,
    hold_input: AtomicBool,
    left: Mutex<Option<TcpStream>>,
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
            broken_off: AtomicBool::new(false),
            hold_input: AtomicBool::new(false),
            left: Mutex::default(),
        }
    }

    /// Says that the client may still be sending what we do not read: the socket must linger when it closes. It does so
    /// without being told where something unread has come by then.
    pub fn leave_input_unread(&self) {
        self.unread_input.store(true, Ordering::Relaxed);
    }

    /// Whether [`ClientConnection::leave_input_unread`] was called.
    pub(crate) fn unread_input(&self) -> bool {
        self.unread_input.load(Ordering::Relaxed)
    }

    /// Says that the answer breaks off where its client would take the end of the connection for the answer's own: the
    /// connection must be reset.
    pub(crate) fn break_off(&self) {
        self.broken_off.store(true, Ordering::Relaxed);
    }

    /// Whether [`ClientConnection::break_off`] was called.
    pub(crate) fn is_broken_off(&self) -> bool {
        self.broken_off.load(Ordering::Relaxed)
    }

    /// Leaves the socket of a stream that has ended, for as long as the client should read what we said last.
    pub(crate) fn leave(&self, socket: TcpStream) {
        *self.left.lock() = Some(socket);
    }

    /// The socket that was left, if any.
    pub(crate) fn left(&self) -> Option<TcpStream> {
        self.left.lock().take()
    }

    /// Whether what the client sends from now on belongs to its next request, which waits for its turn.
    pub(crate) fn hold_input(&self, hold: bool) {
        self.hold_input.store(hold, Ordering::Relaxed);
    }

    pub(crate) fn holds_input(&self) -> bool {
        self.hold_input.load(Ordering::Relaxed)
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

    /// A part of a request has arrived, head or body.
    pub(crate) fn count_requested(&self, bytes: usize) {
        add(&self.requested, bytes as u64);
    }

    /// Bytes of requests so far: their heads, as HTTP/1 would write them, and their bodies.
    pub(crate) fn requested(&self) -> u64 {
        self.requested.load(Ordering::Relaxed)
    }

    /// The client has given up a request before its answer ended.
    pub(crate) fn count_abandoned(&self) {
        add(&self.abandoned, 1);
    }

    /// Requests that the client has given up so far.
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
