//! Whether another endpoint is tried after one that failed, and which. (nginx: `ngx_http_upstream_next` and
//! `ngx_http_upstream_test_next`.)

use super::attempts::Failed;
use super::machine::Exchange;
use super::step::UpstreamFault;
use crate::config::{BackendPolicies, Retries, RetryCondition};
use crate::request::{Reason, Reply};
use crate::telemetry::Event;
use crate::upstream::{Observed, Pick};
use std::time::Duration;

impl Exchange {
    /// Ends the attempt and chooses another endpoint, if there is one that may be tried.
    pub(super) fn try_another(&mut self, failed: Failed) -> bool {
        let &BackendPolicies { retries, deadlines, .. } = self.backend_policies();
        if !self.attempts.may_go_on(&retries, failed) {
            return false;
        }
        let session = self.new_session.take();
        let next = self.pick_next(&retries).filter(|(_, pause)| !self.attempts.is_late(deadlines, *pause));
        let Some((next, pause)) = next.filter(|_| self.is_within_budget(failed)) else {
            self.new_session = session; // the response at hand is passed on
            return false;
        };
        self.attempts.next = Some(next);
        self.attempts.wait(pause);
        self.attempts.end(Some(failed.status), 0);
        self.attempts.failed += 1;
        self.attempts.fresh = false;
        self.context.telemetry().event(Event::Retry, failed.condition.word());
        true
    }

    /// Another endpoint, or one that was tried where they may be tried again, and the pause before it.
    fn pick_next(&mut self, retries: &Retries) -> Option<(Pick, Option<Duration>)> {
        let again = retries.again.filter(|_| retries.tries.is_some());
        let pause = again.map(|again| self.attempts.next_pause(again));
        if let Some(pick) = self.pick() {
            return Some((pick, pause.filter(|_| again.is_some_and(|again| again.before_each))));
        }
        let pause = pause?;
        self.attempts.tried.clear();
        Some((self.pick()?, Some(pause)))
    }

    /// Whether the backend may bear another attempt. One after an endpoint that has not touched the request is no load more.
    fn is_within_budget(&self, failed: Failed) -> bool {
        let is_limited = self.backend_policies().retries.budget.is_some() && !failed.untouched;
        let is_within = !is_limited || self.upstream().is_some_and(|upstream| upstream.spend_retry());
        if !is_within {
            self.context.telemetry().event(Event::RefusedRetry, "budget");
        }
        is_within
    }

    /// No response has come of the endpoint.
    pub(super) fn endpoint_failed(&mut self, fault: UpstreamFault, stale: bool, untouched: bool, replayable: bool) {
        let (condition, reply) = match fault {
            UpstreamFault::Closed => (RetryCondition::Error, Reply::new(502, Reason::UpstreamFailed)),
            UpstreamFault::Invalid => (RetryCondition::InvalidHeader, Reply::new(502, Reason::UpstreamFailed)),
            UpstreamFault::TimedOut => (RetryCondition::Timeout, Reply::new(504, Reason::UpstreamTimeout)),
        };
        let failed = Failed { condition, status: reply.status, untouched, replayable };
        if stale && self.repeat(failed) {
            return;
        }
        self.attempts.fail(self.backend_policies().timeouts.connect);
        self.observe_failure();
        if !self.try_another(failed) {
            self.give_up(reply);
        }
    }

    /// The endpoint has failed. Once a response has begun, nothing more is said of it.
    fn observe_failure(&self) {
        if let (Some((endpoint, false)), Some(upstream)) = (self.attempts.endpoint(), self.upstream()) {
            upstream.observe(endpoint, Observed::Failed);
        }
    }

    /// The endpoint has responded with this status, after this time.
    pub(super) fn observe_response(&self, status: u16, after: Duration) {
        if let (Some((endpoint, _)), Some(upstream)) = (self.attempts.endpoint(), self.upstream()) {
            let is_available = !matches!(status, 502..=504);
            upstream.observe(endpoint, if is_available { Observed::Responded { after } } else { Observed::Failed });
        }
    }

    /// Sends a request again over a new connection, because the one that was kept has proved stale. That is not the
    /// endpoint's fault, and does not count.
    fn repeat(&mut self, failed: Failed) -> bool {
        let retries = &self.backend_policies().retries;
        if self.attempts.fresh || !self.attempts.may_repeat(retries, failed.untouched, failed.replayable) {
            return false;
        }
        self.attempts.tried.pop();
        self.attempts.next = self.pick();
        if self.attempts.next.is_none() {
            return false;
        }
        self.attempts.leave(Some(failed.status), 0);
        self.attempts.fresh = true;
        self.context.telemetry().event(Event::Retry, "stale");
        true
    }
}
