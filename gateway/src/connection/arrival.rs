//! A request's head as it arrived on its connection.

use super::body::BodyFraming;
use super::client::ClientConnection;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;

/// A request that has arrived: what the head reader passes to the exchange.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The connection it came on.
    pub connection: Arc<ClientConnection>,
    /// What the check of its head found.
    pub head: Head,
    /// When its first byte was read.
    pub started: Instant,
    /// Its number on this connection, from 1.
    pub number: u64,
    /// Bytes that the connection had sent before it. 0 where a connection has several requests at once.
    pub sent_before: u64,
    /// Its target in origin form, byte for byte, where its head has had to be changed.
    pub target: Option<Bytes>,
}

/// What the check of a valid head found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its length in bytes, blank line included.
    pub length: usize,
    /// It may be handed on as it stands: its target is a path that `http` takes, and no header is dropped.
    pub plain: bool,
    /// How the end of the body is found. HTTP/2 has its own ways.
    pub body: BodyFraming,
    /// It asks for an upgrade that is allowed: it is HTTP/1.1, has no body, and names a protocol in `Upgrade`, which
    /// `Connection` lists.
    pub upgrade: bool,
}
