//! A connection that has been upgraded: from now on its bytes are relayed without being parsed.

use crate::connection::Deadline;
use crate::exchange::{Exchange, Sent};
use crate::lane::client::ClientHead;
use crate::lane::endpoint::Io;
use crate::relay::{Early, RelayEnd, RelayedBytes, relay};
use pingora_core::protocols::Stream;
use std::time::Duration;

/// An upgraded connection, and the one to the endpoint that agreed. It holds its route and nothing of the table, so that
/// it outlives every change of the configuration.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(super) exchange: Exchange,
    pub(super) head: ClientHead,
    pub(super) client: Stream,
    pub(super) endpoint: Io,
    /// What the client has sent right behind its head, and the endpoint right behind its 101.
    pub(super) early: Early,
    /// How long the connection may be idle.
    pub(super) idle: Duration,
    pub(super) relayed: RelayedBytes,
}

impl Tunnel {
    /// Relays bytes until both sides have ended, one has failed, or no byte comes for too long.
    pub(crate) async fn carry(mut self: Box<Self>, deadline: &Deadline) {
        let Self { client, endpoint, early, idle, relayed, .. } = &mut *self;
        let end = relay(std::mem::take(early), client, endpoint, *idle, deadline, relayed).await;
        if let RelayEnd::Client(error) | RelayEnd::Endpoint(error) = &end {
            tracing::debug!(?end, %error, client = %self.exchange.arrival().connection.peer, "a tunnel broke");
        }
        if let RelayEnd::Endpoint(_) = end {
            // The client may still be sending, and has to receive what the endpoint sent before it failed.
            self.exchange.arrival().connection.mark_input_unread();
        }
        self.client.shutdown().await;
    }
}

/// A tunnel is counted and logged however it ends, also when the gateway stops and cuts it off.
impl Drop for Tunnel {
    fn drop(&mut self) {
        let RelayedBytes { received, sent } = self.relayed;
        self.exchange.tunnelled(received);
        let arrival = self.exchange.arrival();
        let bytes = arrival.connection.sent() - arrival.sent_before;
        self.exchange.finish(&self.head.view(), Sent { status: Some(101), bytes, body: sent });
    }
}
