//! The body of a request as it comes: counted, bounded, and shown to mirrors.

use super::machine::Exchange;
use super::progress::{BodyPath, State};
use crate::headers::Fields;
use crate::policy::body_limit;
use crate::request::RequestView;
use std::ops::ControlFlow;

/// Bytes of a body that are read and thrown away to keep the connection, when we answer ourselves.
const DISCARDED: u64 = 64 << 10;

impl Exchange {
    /// A piece of the request's body has arrived. After `Break` no more is to be read of it.
    pub fn request_body(&mut self, bytes: usize) -> ControlFlow<()> {
        self.body_received += bytes as u64;
        self.arrival.connection.count_requested(bytes);
        let limit = self.decision.route.as_ref().and_then(|route| route.policies.body_limit);
        body_limit::received(self.body_received, limit).map_break(|reply| self.state = State::Replying(reply))
    }

    /// The same of a piece that is passed on, and whether it is the last: mirrors get it, too.
    pub fn request_piece(&mut self, piece: &[u8], is_last: bool) -> ControlFlow<()> {
        let position = self.body_passed;
        self.body_passed += piece.len() as u64;
        if self.body_path != BodyPath::Buffered {
            self.request_body(piece.len())?;
        }
        self.tees.take_if(|tees| !tees.pass(position, piece, is_last));
        ControlFlow::Continue(())
    }

    /// After an upgrade, so many bytes have come from the client. No limit on bodies applies to them.
    pub fn tunnelled(&mut self, bytes: u64) {
        self.body_received = bytes;
    }

    /// Whether a reply of ours leaves a body unread that is too large, or too far off, to be read and thrown away.
    pub fn leaves_body(&self, request: &RequestView<'_>) -> bool {
        let waits = request.headers.has("expect");
        request.has_body() && (waits || request.content_length().is_none_or(|length| length > DISCARDED))
    }
}
