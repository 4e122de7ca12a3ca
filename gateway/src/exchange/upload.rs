//! Bodies that are held back until they have ended, since the endpoint has to be told their length first.

use super::machine::Exchange;
use super::progress::State;
use crate::policy::body_limit;
use crate::request::{Reason, Reply};
use std::ops::ControlFlow;

/// Bytes of such a body at most.
const MAX_UPLOAD: usize = 16 << 20;

const LENGTH_REQUIRED: Reply = Reply::new(411, Reason::LengthRequired);
const BUSY: Reply = Reply::new(503, Reason::UploadsBusy);

impl Exchange {
    /// So many bytes are held back of a body without a length. After `Break` no more is to be read of it.
    pub(crate) fn hold_upload(&mut self, bytes: usize) -> ControlFlow<()> {
        let limit = self.decision.route.as_ref().and_then(|route| route.policies.body_limit);
        let refused = match body_limit::received(bytes as u64, limit) {
            ControlFlow::Break(reply) => reply,
            ControlFlow::Continue(()) if bytes > MAX_UPLOAD => LENGTH_REQUIRED,
            ControlFlow::Continue(()) => return ControlFlow::Continue(()),
        };
        self.state = State::Replying(refused);
        ControlFlow::Break(())
    }

    /// There is no room for more of such a body.
    pub(crate) fn refuse_upload(&mut self) {
        self.state = State::Replying(BUSY);
    }
}
