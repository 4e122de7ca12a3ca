//! Whether an endpoint's response is read faster than its client takes it.

use super::edits::ResponseEdits;
use super::machine::Exchange;
use crate::buffer::{BodyQueue, QueueLimits};
use crate::config::ResponseBuffering;

impl Exchange {
    /// Where the body of a response waits for the client, so that its endpoint need not. The head is as it came: as in nginx, its
    /// `X-Accel-Buffering` goes before the route's setting.
    pub(crate) fn response_queue(&self, head: &impl ResponseEdits) -> Option<Box<BodyQueue>> {
        let own = self.response_buffering();
        let wish = head.values("x-accel-buffering").last().filter(|_| !own.ignores_header);
        let is = |wish: &[u8], word: &[u8]| wish.eq_ignore_ascii_case(word);
        let is_on = match wish {
            Some(wish) if is(wish, b"yes") => true,
            Some(wish) if is(wish, b"no") => false,
            _ => own.on,
        };
        is_on.then(|| Box::new(self.context.buffers().queue(self.queue_limits(&own))))
    }

    /// All of the response has come of its endpoint, which is free for others, though the client may have to wait for some
    /// of these bytes.
    pub(crate) fn endpoint_done(&mut self, length: u64) {
        self.attempts.end(None, length);
    }

    fn queue_limits(&self, own: &ResponseBuffering) -> QueueLimits {
        let memory = own.buffer.saturating_mul(u64::from(own.buffers));
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        QueueLimits { memory, file: own.file, files: self.decision.settings.temp_files }
    }

    /// The settings for the backend that gets the request.
    pub(super) fn response_buffering(&self) -> ResponseBuffering {
        let route = self.decision.route.as_ref().filter(|_| self.custom_error.is_none());
        route.map(|route| route.policies.response_buffering).unwrap_or_default()
    }
}
