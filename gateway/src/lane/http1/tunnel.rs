//! A connection that has been upgraded: from now on its bytes are relayed without being parsed.

use crate::connection::Deadline;
use crate::exchange::{Exchange, Sent};
use crate::lane::endpoint::Io;
use crate::lane::pingora::session::view;
use crate::relay::{Early, RelayEnd, RelayedBytes, relay};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use pingora_http::RequestHeader;
use std::time::Duration;

/// An upgraded connection, and the one to the endpoint that agreed. It holds its route and nothing of the table, so that
/// it outlives every change of the configuration.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(super) exchange: Exchange,
    /// The client's request.
    pub(super) request: Box<RequestHeader>,
    pub(super) client: Stream,
    pub(super) endpoint: Io,
    /// What the endpoint has sent right behind its 101.
    pub(super) early: BytesMut,
    /// How long the connection may be idle.
    pub(super) idle: Duration,
    pub(super) relayed: RelayedBytes,
}

impl Tunnel {
    /// Relays bytes until both sides have ended, one has failed, or no byte comes for too long. `early` is what the client
    /// has sent right behind its head.
    pub(crate) async fn carry(mut self: Box<Self>, early: BytesMut, deadline: &Deadline) {
        self.exchange.arrival().connection.hold_input(false);
        let early = Early { from_client: early, from_endpoint: std::mem::take(&mut self.early) };
        let Self { client, endpoint, idle, relayed, .. } = &mut *self;
        let end = relay(early, client, endpoint, *idle, deadline, relayed).await;
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
        self.exchange.finish(&view(&self.request), Sent { status: Some(101), bytes, body: sent });
    }
}
