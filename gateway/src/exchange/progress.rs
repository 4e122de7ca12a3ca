//! How far a request has come.

use super::access::AccessStep;
use crate::connection::BodyFraming;
use crate::policy::basic_auth::Verification;
use crate::request::{Reason, Reply, RequestView};
use crate::telemetry::Attempt;
use crate::upstream::Pick;
use http::Version;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What the next step is.
#[derive(Debug)]
pub(super) enum State {
    /// To verify credentials.
    Verifying(Arc<Verification>),
    /// To ask the auth server.
    Asking {
        /// The endpoint that is asked now; it counts the auth request as in flight.
        current: Option<Try>,
        /// Those that have not answered.
        failed: SmallVec<[Attempt; 1]>,
    },
    /// To try an endpoint.
    Attempting,
    /// To answer.
    Replying(Reply),
    /// Nothing. The client went away, maybe while it was answered for this reason.
    Abandoned(Option<Reason>),
}

impl From<AccessStep> for State {
    fn from(step: AccessStep) -> Self {
        match step {
            AccessStep::Verify(verification) => Self::Verifying(verification),
            AccessStep::Ask => Self::Asking { current: None, failed: SmallVec::new() },
            AccessStep::Forward => Self::Attempting,
            AccessStep::Reply(reply) => Self::Replying(reply),
        }
    }
}

/// How a request's body goes to its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyPath {
    /// That has not been decided.
    Undecided,
    /// As it comes.
    Streamed,
    /// Once all of it has come.
    Buffered,
}

impl BodyPath {
    /// Where there is certainly no body, there is nothing to decide.
    pub(super) fn of(request: &RequestView<'_>, framing: BodyFraming) -> Self {
        if framing == BodyFraming::None && request.version != Version::HTTP_2 {
            Self::Streamed
        } else {
            Self::Undecided
        }
    }
}

/// The endpoint that serves the request now.
#[derive(Debug)]
pub(super) struct Try {
    pub(super) pick: Pick,
    pub(super) started: Instant,
    pub(super) connect: Option<Duration>,
    pub(super) header: Option<Duration>,
    pub(super) status: Option<u16>,
    pub(super) interim: usize,
    /// No whole response has come of it; an endpoint is not taken for a fast one because it failed sooner than this.
    pub(super) failed: Option<Duration>,
    /// From the start of the request to that of the try.
    pub(super) after: Duration,
    /// The id of its span, where it has one of its own.
    pub(super) span: Option<NonZero<u64>>,
}

impl Try {
    /// One that begins now, of a request that began at `request`.
    pub(super) fn begin(pick: Pick, request: std::time::Instant, span: Option<NonZero<u64>>) -> Self {
        let started = Instant::now();
        let after = started.into_std().saturating_duration_since(request);
        Self { pick, started, connect: None, header: None, status: None, interim: 0, failed: None, after, span }
    }

    /// Its endpoint.
    pub(super) fn address(&self) -> SocketAddr {
        self.pick.address()
    }

    /// What it has taken, as `load-balance: ewma` has it. As in ingress-nginx, the time to connect counts twice. A tunnel
    /// counts up to its beginning.
    pub(super) fn took(&self) -> Duration {
        let connect = self.connect.unwrap_or_default();
        let response = self.header.filter(|_| self.status == Some(101)).unwrap_or_else(|| self.started.elapsed());
        (connect + response).max(self.failed.unwrap_or_default())
    }

    /// What is known of it. `status` is what stands for that of a response, where there was none.
    pub(super) fn attempt(&self, status: Option<u16>, response_length: u64) -> Attempt {
        Attempt {
            address: self.pick.address(),
            status: self.status.or(status),
            connect: self.connect,
            header: self.header,
            response: self.started.elapsed(),
            response_length,
            after: self.after,
            span: self.span,
        }
    }
}

/// An error that another backend answers.
#[derive(Debug)]
pub(super) struct CustomError {
    /// What the client gets if the backend does not answer.
    pub(super) reply: Reply,
}

/// An auth request that has ended, where those are logged or have spans.
#[derive(Debug)]
pub(super) struct EndedAuthRequest {
    /// The status of its response, or what stands for that where there was none.
    pub(super) status: u16,
    /// The endpoints that were asked.
    pub(super) attempts: SmallVec<[Attempt; 1]>,
}
