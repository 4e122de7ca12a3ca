//! The state machine of one request, from its head to its log line.

use super::context::Context;
use super::decision::Decision;
use super::inspector::Inspection;
use super::progress::{CustomError, State, Try};
use super::step::{BackendTls, Destination, Failure, Sent, Step};
use crate::config::{BackendPolicies, GatewaySettings, ResponseRate};
use crate::connection::Arrival;
use crate::policy::auth_cache::AuthKey;
use crate::policy::body_limit;
use crate::policy::external_auth::{Authorization, FAILED};
use crate::policy::response_rate::{self, Pace};
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView};
use crate::telemetry::{Attempt, Record, RequestInfo};
use crate::upstream::Pick;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Endpoints tried for one request at most (ingress-nginx: `proxy-next-upstream-tries`).
pub(super) const TRIES: usize = 3;
/// Interim responses (1xx) that an endpoint may send before its final one.
pub(crate) const MAX_INTERIM: usize = 16;
/// Bytes of a body that are read and thrown away to keep the connection, when we answer ourselves.
const DISCARDED: u64 = 64 << 10;
/// How long the next request of a connection waits after one that made a pattern go back too often: about fifty times as
/// long as that took.
const PATTERN_PAUSE: Duration = Duration::from_millis(10);
/// The status that nginx logs when the client went away first.
const CLIENT_CLOSED: u16 = 499;

/// One request on its way: a machine of steps, without IO. A lane begins it, carries out each [`Step`] and reports what
/// came of it, until it [finishes](Exchange::finish).
///
/// ```text
/// begin -> next_step -> Attempt -> connected -> request_body* -> interim_response* -> response_head -> finish
///           ^   |  `--> Reply | Abandon -> finish
///           |   |-----> Verify -> verified ---.
///           |   |-----> Ask -> auth_response -|
///           |   `-----> Inspect -> inspected -|
///           `---------------------------------+- whatever has `failed`
/// ```
#[derive(Debug)]
pub struct Exchange {
    pub(super) context: Arc<Context>,
    arrival: Box<Arrival>,
    pub(super) decision: Decision,
    /// What an auth server says of the request that it allowed.
    pub(super) authorization: Option<Box<Authorization>>,
    /// Under which its response is kept.
    pub(super) auth_key: Option<Box<AuthKey>>,
    /// What the firewall makes of the request, once it has seen it.
    pub(super) inspection: Option<Box<Inspection>>,
    /// The error that another backend answers.
    pub(super) custom_error: Option<Box<CustomError>>,
    /// The route's own backend has no endpoint, so its default backend serves.
    pub(super) fell_back: bool,
    pub(super) state: State,
    body_received: u64,
    /// How fast the response goes out, where that is limited.
    pace: Option<Pace>,
    pub(super) current: Option<Try>,
    pub(super) attempts: SmallVec<[Attempt; 1]>,
    pub(super) tried: SmallVec<[SocketAddr; TRIES]>,
}

impl Exchange {
    /// Finds the request's route and runs its request phase.
    pub fn begin(context: &Arc<Context>, arrival: Box<Arrival>, request: &RequestView<'_>) -> Self {
        let mut decision = Decision::counted(&context.publisher().load(), &arrival, request);
        let state = decision.step().into();
        if let State::Replying(Reply { reason: Reason::PatternLimit, .. }) = &state {
            arrival.connection.pause(PATTERN_PAUSE);
        }
        let mut exchange = Self {
            context: context.clone(),
            arrival,
            decision,
            authorization: None,
            auth_key: None,
            inspection: None,
            custom_error: None,
            fell_back: false,
            state,
            body_received: 0,
            pace: None,
            current: None,
            attempts: SmallVec::new(),
            tried: SmallVec::new(),
        };
        exchange.heard(request);
        if exchange.reply_reason().is_some_and(Reason::is_of_connection) {
            exchange.arrival.connection.end_soon();
        }
        exchange
    }

    /// What to do next. A reply stays the same however often it is asked for; an attempt is another one each time, so ask
    /// again only after the last one failed.
    pub fn next_step(&mut self) -> Step {
        self.customize_reply();
        match &self.state {
            State::Replying(reply) if reply.closes() => Step::Close,
            State::Replying(reply) => Step::Reply(reply.clone()),
            State::Abandoned(_) => Step::Abandon,
            State::Verifying(verification) => Step::Verify(Arc::clone(verification)),
            State::Asking { tries, .. } => match self.ask(*tries) {
                Some(server) => Step::Ask(server),
                None => self.settle(FAILED),
            },
            State::Attempting if self.is_uninspected() => Step::Inspect,
            State::Attempting => match self.attempt() {
                Some(destination) => Step::Attempt(destination),
                None => {
                    let reply = match (&self.custom_error, self.attempts.last()) {
                        (Some(error), _) => error.reply.clone(),
                        (None, None) => Reply::new(503, Reason::NoEndpoint),
                        (None, Some(last)) => bad_gateway(last.status == Some(504)),
                    };
                    self.settle(reply)
                }
            },
        }
    }

    fn settle(&mut self, reply: Reply) -> Step {
        self.state = State::Replying(reply);
        self.next_step()
    }

    /// Whether nobody is asked or tried any more.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state, State::Replying(_) | State::Abandoned(_))
    }

    pub(super) fn destination(&self, pick: &Pick, tls: Option<BackendTls>, http2: bool) -> Destination {
        Destination {
            address: pick.address(),
            tls,
            http2,
            pool_key: pick.pool_key(),
            timeouts: self.backend_policies().timeouts,
            idle_timeout: self.decision.settings.upstream.idle_timeout,
            largest_piece: response_rate::largest_piece(self.response_rate()),
        }
    }

    /// Chooses an endpoint that was not tried yet.
    fn attempt(&mut self) -> Option<Destination> {
        let pick = self.pick()?;
        let protocol = self.backend_policies().protocol;
        let uses_tls = protocol.uses_tls(self.arrival.connection.tls.is_some());
        let tls = uses_tls.then(|| BackendTls { server_name: None, settings: self.decision.backend_tls().cloned() });
        let destination = self.destination(&pick, tls, protocol.is_http2());
        self.body_received = 0; // the body comes again from its first byte
        self.tried.push(destination.address);
        self.current = Some(Try::begin(pick, self.arrival.started, self.decision.new_span()));
        Some(destination)
    }

    fn pick(&mut self) -> Option<Pick> {
        if self.tries() >= TRIES {
            return None;
        }
        let client = self.decision.client.address;
        if let Some(error) = &self.custom_error {
            return self.decision.error_backend(error.reply.status)?.pick(client, &self.tried);
        }
        if !self.fell_back {
            let pick = self.decision.upstream().and_then(|upstream| upstream.pick(client, &self.tried));
            if pick.is_some() || !self.attempts.is_empty() {
                return pick;
            }
        }
        let pick = self.decision.fallback()?.pick(client, &self.tried);
        self.fell_back = true;
        pick
    }

    /// How many endpoints of a backend have failed.
    fn tries(&self) -> usize {
        self.attempts.len() - self.custom_error.as_ref().map_or(0, |error| error.attempts_before)
    }

    /// The policies for the backend that gets the request.
    fn backend_policies(&self) -> &BackendPolicies {
        match self.custom_error {
            Some(_) => &BackendPolicies::DEFAULT,
            None => self.decision.backend_policies(),
        }
    }

    /// The endpoint is connected.
    pub fn connected(&mut self, reused: bool) {
        if let Some(current) = &mut self.current {
            current.connect = Some(if reused { Duration::ZERO } else { current.started.elapsed() });
        }
    }

    /// A piece of the request's body has arrived. After `Break` the endpoint is to get no more of it.
    pub fn request_body(&mut self, bytes: usize) -> ControlFlow<()> {
        self.body_received += bytes as u64;
        self.arrival.connection.count_requested(bytes);
        let limit = self.decision.route.as_ref().and_then(|route| route.policies.body_limit);
        body_limit::received(self.body_received, limit).map_break(|reply| self.state = State::Replying(reply))
    }

    /// After an upgrade, so many bytes have come from the client. No limit on bodies applies to them.
    pub fn tunnelled(&mut self, bytes: u64) {
        self.body_received = bytes;
    }

    /// The endpoint sends an interim response (1xx other than 101). After `Break` it has sent too many.
    pub fn interim_response(&mut self) -> ControlFlow<()> {
        let Some(current) = &mut self.current else { return ControlFlow::Continue(()) };
        current.header.get_or_insert_with(|| current.started.elapsed());
        current.interim += 1;
        if current.interim > MAX_INTERIM { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The endpoint answers with this status. After `Break` its response is not passed on: ask for the next step.
    pub fn response_head(&mut self, status: u16) -> ControlFlow<()> {
        if let Some(current) = &mut self.current {
            current.header.get_or_insert_with(|| current.started.elapsed());
            current.status = Some(status);
        }
        self.intercept(status)
    }

    /// Whether an endpoint has begun to respond, and the client may have got some of that.
    pub(super) fn has_responded(&self) -> bool {
        let current = self.current.as_ref().and_then(|current| current.header);
        current.or_else(|| self.attempts.last()?.header).is_some()
    }

    /// A piece of the response's body is there: how long it waits before it goes out.
    pub fn response_body(&mut self, bytes: usize) -> Option<Duration> {
        let rate = self.response_rate();
        let bytes_per_second = rate.bytes_per_second?;
        let now = tokio::time::Instant::now();
        self.pace.get_or_insert_with(|| Pace::new(bytes_per_second, rate.after, now)).pause(bytes, now)
    }

    fn response_rate(&self) -> ResponseRate {
        self.decision.route.as_ref().map(|route| route.policies.response_rate).unwrap_or_default()
    }

    /// Something failed. Never retries what an endpoint may have acted on, nor after a byte of the answer. Once the gateway
    /// answers, only a client that goes away changes that.
    pub fn failed(&mut self, failure: Failure) {
        let answered = self.current.as_ref().is_some_and(|current| current.header.is_some());
        let (reply, again) = match failure {
            Failure::ClientGone => {
                self.state = State::Abandoned(self.reply_reason());
                return;
            }
            _ if self.is_settled() => return,
            _ if matches!(self.state, State::Asking { .. }) => return self.auth_failed(failure),
            Failure::Connect { timed_out } => (bad_gateway(timed_out), true),
            Failure::Upstream { timed_out, stale, replayable } => {
                if stale {
                    // The endpoint is not to blame: a new connection to it may do.
                    self.tried.pop();
                }
                (bad_gateway(timed_out), stale && replayable && !answered)
            }
            Failure::ClientTimeout => (Reply::new(408, Reason::BodyTimeout), false),
            Failure::ClientMalformed => (Reply::new(400, Reason::MalformedBody), false),
            Failure::Internal => (Reply::new(500, Reason::Internal), false),
        };
        self.end_try(Some(reply.status), 0);
        if !again || self.tries() >= TRIES {
            self.state = State::Replying(self.custom_error.as_ref().map_or(reply, |error| error.reply.clone()));
        }
    }

    /// Why the gateway answers, if it does.
    fn reply_reason(&self) -> Option<Reason> {
        match &self.state {
            State::Verifying(_) | State::Asking { .. } => None,
            State::Attempting => self.custom_error.as_ref().map(|error| error.reply.reason),
            State::Replying(reply) => Some(reply.reason),
            State::Abandoned(reason) => *reason,
        }
    }

    /// Whether the connection may serve another request, as far as we are concerned. Until the head of the answer goes
    /// out, that may change.
    pub fn keeps_alive(&self) -> bool {
        let client = &self.decision.settings.client;
        let may_stay = !client.keep_alive.is_zero() && self.arrival.number < u64::from(client.keep_alive_requests);
        may_stay && !self.arrival.connection.ends_soon() && !self.context.shutdown().is_announced()
    }

    /// The settings under which this request is served.
    pub fn settings(&self) -> &GatewaySettings {
        &self.decision.settings
    }

    /// The client's connection and the head that arrived on it.
    pub fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    /// Whether a reply of ours leaves a body unread that is too large, or too far off, to be read and thrown away.
    pub fn leaves_body(&self, request: &RequestView<'_>) -> bool {
        let waits = request.headers.contains_key(http::header::EXPECT);
        request.has_body() && (waits || request.content_length().is_none_or(|length| length > DISCARDED))
    }

    pub(super) fn end_try(&mut self, status: Option<u16>, response_length: u64) {
        let Some(current) = self.current.take() else { return };
        self.attempts.push(current.attempt(status, response_length));
    }

    /// The request has ended: counts it and writes it to the log.
    pub fn finish(&mut self, request: &RequestView<'_>, sent: Sent) {
        self.end_try(None, sent.body);
        self.decision.permit = None;
        let is_abandoned = matches!(self.state, State::Abandoned(_));
        if is_abandoned && sent.status.is_none() {
            self.arrival.connection.count_abandoned();
        }
        let gone = is_abandoned.then_some(Reason::ClientGone);
        let mut buffer = [0; HOST_LIMIT];
        let record = Record {
            reply: self.reply_reason().or(gone).map(Reason::label),
            ..self.record(self.request_info(request, &mut buffer), &self.attempts, sent)
        };
        self.context.telemetry().record(&record, &self.decision.settings.access_log);
        if let Some((trace, operation)) = self.decision.recorded_trace() {
            self.context.telemetry().trace(&record, trace, operation);
        }
        self.audit(record.status);
    }

    /// What is known of the request once this was sent.
    pub(super) fn record<'a>(&self, request: RequestInfo<'a>, attempts: &'a [Attempt], sent: Sent) -> Record<'a> {
        let unsent = match &self.state {
            State::Replying(reply) if reply.closes() => reply.status,
            _ => CLIENT_CLOSED,
        };
        Record {
            request,
            logged: self.decision.is_logged(),
            reply: None,
            request_length: self.arrival.head.length as u64 + self.body_received,
            duration: self.arrival.started.elapsed(),
            status: sent.status.unwrap_or(unsent),
            body_bytes_sent: sent.body,
            bytes_sent: sent.bytes,
            attempts,
        }
    }

    /// All attempts, the one that is under way included.
    pub(super) fn attempts(&self) -> SmallVec<[Attempt; 1]> {
        let current = self.current.as_ref().map(|current| current.attempt(None, 0));
        self.attempts.iter().cloned().chain(current).collect()
    }
}

fn bad_gateway(timed_out: bool) -> Reply {
    if timed_out { Reply::new(504, Reason::UpstreamTimeout) } else { Reply::new(502, Reason::UpstreamFailed) }
}
