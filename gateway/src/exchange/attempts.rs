//! The attempts to get a response for one request.

use super::progress::Try;
use crate::config::{Again, Deadlines, Retries, RetryCondition};
use crate::telemetry::Attempt;
use crate::upstream::{EndpointState, Pick};
use http::Method;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::num::NonZero;
use std::time::Duration;
use tokio::time::Instant;

/// How many times as long as the first pause another one is at most.
const LONGEST_PAUSE: u32 = 10;

/// The attempts of one request.
#[derive(Debug)]
pub(super) struct Attempts {
    /// The request changes nothing anew each time it is sent.
    is_idempotent: bool,
    current: Option<Try>,
    ended: SmallVec<[Attempt; 1]>,
    /// Endpoints that are not tried again.
    pub(super) tried: SmallVec<[SocketAddr; 3]>,
    /// How many of the backend's endpoints have failed.
    pub(super) failed: u32,
    /// When the first attempt at the backend began.
    started: Option<Instant>,
    /// The endpoint that is tried next, if that is known.
    pub(super) next: Option<Pick>,
    /// That needs a new connection.
    pub(super) fresh: bool,
    /// How long is waited before it.
    pub(super) pause: Option<Duration>,
    /// How often there has been such a pause.
    pauses: u32,
    /// The client has got something of a response.
    pub(super) passed_on: bool,
}

/// What has come of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub(super) condition: RetryCondition,
    /// The status of the response, or of the reply in its place.
    pub(super) status: u16,
    /// The endpoint has not touched the request.
    pub(super) untouched: bool,
    /// The request can be sent again.
    pub(super) replayable: bool,
}

impl Attempts {
    pub(super) fn new(method: &Method) -> Self {
        Self {
            // As in nginx: all but those that are known to change something anew each time.
            is_idempotent: !matches!(method.as_str(), "POST" | "LOCK" | "PATCH"),
            current: None,
            ended: SmallVec::new(),
            tried: SmallVec::new(),
            failed: 0,
            started: None,
            next: None,
            fresh: false,
            pause: None,
            pauses: 0,
            passed_on: false,
        }
    }

    /// Begins an attempt. Returns whether it is the first at the backend.
    pub(super) fn begin(&mut self, current: Try) -> bool {
        self.tried.push(current.address());
        let current = self.current.insert(current);
        let is_first = self.started.is_none();
        self.started.get_or_insert(current.started);
        is_first
    }

    /// The endpoint is connected.
    pub(super) fn connected(&mut self, reused: bool) {
        if let Some(current) = &mut self.current {
            current.connect = Some(if reused { Duration::ZERO } else { current.started.elapsed() });
        }
    }

    /// The endpoint sends an interim response, which is passed on. Returns how many it has sent.
    pub(super) fn interim_response(&mut self) -> usize {
        self.passed_on = true;
        let Some(current) = &mut self.current else { return 0 };
        current.header.get_or_insert_with(|| current.started.elapsed());
        current.interim += 1;
        current.interim
    }

    /// The endpoint answers. Returns how long that has taken, interim responses not counted.
    pub(super) fn response_head(&mut self, status: u16) -> Duration {
        let Some(current) = &mut self.current else { return Duration::ZERO };
        current.status = Some(status);
        *current.header.get_or_insert_with(|| current.started.elapsed())
    }

    /// The endpoint of the one that is under way, and whether a response has begun there.
    pub(super) fn endpoint(&self) -> Option<(&EndpointState, bool)> {
        self.current.as_ref().map(|current| (&*current.pick, current.status.is_some()))
    }

    /// The endpoint fails. It counts as if that had taken so long at least.
    pub(super) fn fail(&mut self, at_least: Duration) {
        if let Some(current) = &mut self.current {
            current.failed = Some(at_least);
        }
    }

    /// Ends the attempt. `status` is what stands for that of a response, where there was none.
    pub(super) fn end(&mut self, status: Option<u16>, response_length: u64) {
        if let Some(current) = &self.current {
            current.pick.took(|| current.took());
        }
        self.leave(status, response_length);
    }

    /// The same of one that says nothing of its endpoint.
    pub(super) fn leave(&mut self, status: Option<u16>, response_length: u64) {
        let Some(current) = self.current.take() else { return };
        self.ended.push(current.attempt(status, response_length));
    }

    /// From now on another backend is tried.
    pub(super) fn start_over(&mut self) {
        self.tried.clear();
        (self.failed, self.started, self.next, self.fresh) = (0, None, None, false);
        (self.pause, self.pauses) = (None, 0);
    }

    /// The id of the span of the one that is under way, where it has one.
    pub(super) fn span(&self) -> Option<NonZero<u64>> {
        self.current.as_ref()?.span
    }

    /// When the one that is under way has to be over.
    pub(super) fn deadline(&self, deadlines: Deadlines) -> Option<Instant> {
        let own = self.current.as_ref().zip(deadlines.attempt).map(|(current, time)| current.started + time);
        own.into_iter().chain(self.end_of_all(deadlines)).min()
    }

    /// Whether the time for all of them is over before another could begin, after this pause.
    pub(super) fn is_late(&self, deadlines: Deadlines, pause: Option<Duration>) -> bool {
        self.end_of_all(deadlines).is_some_and(|end| end <= Instant::now() + pause.unwrap_or_default())
    }

    /// How long the next pause is.
    pub(super) fn next_pause(&self, again: Again) -> Duration {
        let longest = 2_u32.checked_pow(self.pauses).map_or(LONGEST_PAUSE, |times| times.min(LONGEST_PAUSE));
        again.pause + (again.pause * (longest - 1)).mul_f64(fastrand::f64())
    }

    /// The attempt that comes next begins after this pause.
    pub(super) fn wait(&mut self, pause: Option<Duration>) {
        self.pause = pause;
        self.pauses = self.pauses.saturating_add(u32::from(pause.is_some()));
    }

    fn end_of_all(&self, deadlines: Deadlines) -> Option<Instant> {
        self.started.zip(deadlines.request).map(|(started, time)| started + time)
    }

    /// Those that have ended.
    pub(super) fn ended(&self) -> &[Attempt] {
        &self.ended
    }

    /// All of them, the one that is under way included.
    pub(super) fn all(&self) -> SmallVec<[Attempt; 1]> {
        let current = self.current.as_ref().map(|current| current.attempt(None, 0));
        self.ended.iter().cloned().chain(current).collect()
    }

    /// Whether the request may be sent again, whatever its endpoint is.
    pub(super) fn may_repeat(&self, retries: &Retries, untouched: bool, replayable: bool) -> bool {
        let is_harmless = untouched || self.is_idempotent || retries.repeats_non_idempotent();
        replayable && is_harmless && !self.passed_on
    }

    /// Whether another endpoint may be tried after this one.
    pub(super) fn may_go_on(&self, retries: &Retries, failed: Failed) -> bool {
        let is_in_time = |timeout| self.started.is_none_or(|started| started.elapsed() < timeout);
        retries.on.contains(failed.condition)
            && self.may_repeat(retries, failed.untouched, failed.replayable)
            && retries.tries.is_none_or(|tries| self.failed + 1 < tries.get())
            && retries.timeout.is_none_or(is_in_time)
    }
}
