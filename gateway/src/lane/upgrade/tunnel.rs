//! A connection that has been upgraded: from here on its bytes are not ours to read.

use crate::connection::Deadline;
use crate::exchange::{Exchange, Sent};
use crate::lane::pingora::session::view;
use crate::relay::{Carried, Early, End, relay};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use pingora_http::RequestHeader;
use std::time::Duration;

/// An upgraded connection, and the one to the endpoint that agreed. It holds its route and nothing of the table, so that
/// it outlives every change of the configuration.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(super) exchange: Exchange,
    /// What the client asked for.
    pub(super) request: Box<RequestHeader>,
    pub(super) client: Stream,
    pub(super) endpoint: Stream,
    /// What the endpoint has sent right behind its agreement.
    pub(super) early: BytesMut,
    /// How long it may be silent.
    pub(super) idle: Duration,
    pub(super) carried: Carried,
}

impl Tunnel {
    /// Carries bytes until both sides have ended, one has failed, or both are silent for too long. `early` is what the
    /// client has sent right behind its head.
    pub(crate) async fn carry(mut self: Box<Self>, early: BytesMut, deadline: &Deadline) {
        self.exchange.arrival().connection.hold_input(false);
        let early = Early { of_client: early, of_endpoint: std::mem::take(&mut self.early) };
        let Self { client, endpoint, idle, carried, .. } = &mut *self;
        let end = relay(early, client, endpoint, *idle, deadline, carried).await;
        if let End::Client(error) | End::Endpoint(error) = &end {
            tracing::debug!(?end, %error, client = %self.exchange.arrival().connection.peer, "a tunnel broke");
        }
        if let End::Endpoint(_) = end {
            // It may be talking to somebody who has hung up, and is still to hear what that one said.
            self.exchange.arrival().connection.leave_input_unread();
        }
        self.client.shutdown().await;
    }
}

/// A tunnel is counted and logged however it ends, also when the gateway stops and cuts it off.
impl Drop for Tunnel {
    fn drop(&mut self) {
        let Carried { received, sent } = self.carried;
        self.exchange.tunnelled(received);
        let arrival = self.exchange.arrival();
        let bytes = arrival.connection.sent() - arrival.sent_before;
        self.exchange.finish(&view(&self.request), Sent { status: Some(101), bytes, body: sent });
    }
}
