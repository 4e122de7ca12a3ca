//! Whether a request's body is held back until all of it has come.

use super::machine::Exchange;
use super::progress::{BodyPath, State};
use super::step::EndpointProtocol;
use crate::buffer::{BufferError, BufferLimits};
use crate::connection::BodyFraming;
use crate::request::{Reason, Reply};
use bytes::Bytes;

const FULL: Reply = Reply::new(503, Reason::BuffersFull);
const FAILED: Reply = Reply::new(500, Reason::BufferFailed);

impl Exchange {
    /// Whether a lane has to ask how the body goes to its endpoint, or to the auth server before.
    pub(super) fn is_body_undecided(&self) -> bool {
        self.forwards_body() && self.body_path == BodyPath::Undecided && self.decision.route.is_some()
    }

    /// Decides whether the body, whose end is found so, is held back until all of it has come. Returns how much of it may be
    /// held where.
    pub fn buffer(&mut self, framing: BodyFraming) -> Option<BufferLimits> {
        self.body_path = BodyPath::Streamed;
        if let Some(memory) = self.auth_body_memory().filter(|_| framing != BodyFraming::None) {
            self.body_path = BodyPath::Buffered;
            return Some(BufferLimits { memory, files: 0 });
        }
        let own = self.decision.route.as_ref()?.policies.request_buffering;
        let is_held = match (EndpointProtocol::from(self.backend_policies()), framing) {
            // gRPC is a conversation, for which nginx does not wait either.
            (_, BodyFraming::None) | (EndpointProtocol::Http2, _) => false,
            (EndpointProtocol::Http11, _) | (_, BodyFraming::Length(_)) => own.on,
            // They have to be told its length first.
            (EndpointProtocol::Http10 | EndpointProtocol::FastCgi, _) => true,
        };
        if !is_held {
            return None;
        }
        self.body_path = BodyPath::Buffered;
        let memory = usize::try_from(own.memory).unwrap_or(usize::MAX);
        Some(BufferLimits { memory, files: self.decision.settings.temp_files })
    }

    /// The start of the body, or all of it, where the firewall has read that: it is held elsewhere from now on.
    pub(crate) fn take_inspected_body(&mut self) -> Option<Bytes> {
        self.inspection.as_mut().filter(|inspection| inspection.passed).map(|inspection| inspection.release())
    }

    /// No more of the body can be held back.
    pub(crate) fn buffer_failed(&mut self, error: &BufferError) {
        let reply = match error {
            BufferError::Full => FULL,
            BufferError::Io(_) => {
                tracing::warn!(%error, "a request is refused");
                FAILED
            }
        };
        self.state = State::Replying(reply);
    }
}
