//! The state machine of one request, from its head to its log line.

use super::attempts::{Attempts, Failed};
use super::context::Context;
use super::copied_body::Tees;
use super::decision::Decision;
use super::edits::ReceivedHead;
use super::framing::largest_head;
use super::inspector::Inspection;
use super::progress::{BodyPath, CustomError, EndedAuthRequest, State, Try};
use super::step::{BackendTls, Destination, EndpointProtocol, Failure, Sent, Step, UpstreamFault};
use crate::config::{BackendPolicies, GatewaySettings, RetryCondition};
use crate::connection::Arrival;
use crate::policy::auth_cache::AuthKey;
use crate::policy::client_limits::Admission;
use crate::policy::compression::Encoder;
use crate::policy::external_auth::{Authorization, FAILED};
use crate::policy::response_rate::{self, Pace};
use crate::policy::sub_filter::Substitution;
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView};
use crate::telemetry::{Attempt, Record, RequestInfo};
use crate::upstream::{Pick, Upstream};
use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Interim responses (1xx) that an endpoint may send before its final one.
pub(crate) const MAX_INTERIM: usize = 16;
/// How long the next request of a connection waits after one that made a pattern go back too often: about fifty times as
/// long as that took.
const PATTERN_PAUSE: Duration = Duration::from_millis(10);
/// The status that nginx logs when the client went away first.
const CLIENT_CLOSED: u16 = 499;

/// One request on its way: a machine of steps, without IO. A lane begins it, carries out each [`Step`] and reports what
/// came of it, until it [finishes](Exchange::finish).
///
/// ```text
/// begin -> next_step -> Attempt -> connected -> request_body* -> interim_response* -> response_head -> encode* -> finish
///           ^   |  `--> Reply | Abandon -> finish
///           |   |-----> Verify -> verified ---.
///           |   |-----> Ask -> auth_response -|
///           |   |-----> Inspect -> inspected -|
///           |   `-----> ErrorPage ------------|
///           |   `-----> Buffer -> buffer -----|
///           `---------------------------------+- whatever has `failed`
/// ```
#[derive(Debug)]
pub struct Exchange {
    pub(super) context: Arc<Context>,
    pub(super) arrival: Box<Arrival>,
    pub(super) decision: Decision,
    /// What an auth server says of the request that it allowed.
    pub(super) authorization: Option<Box<Authorization>>,
    /// Under which its response is kept.
    pub(super) auth_key: Option<Box<AuthKey>>,
    /// The auth request, where that is logged.
    pub(super) ended_auth_request: Option<Box<EndedAuthRequest>>,
    /// What the firewall makes of the request, once it has seen it.
    pub(super) inspection: Option<Box<Inspection>>,
    /// The error that another backend answers.
    pub(super) custom_error: Option<Box<CustomError>>,
    /// The key of a session that begins with this request, at the endpoint that serves it.
    pub(super) new_session: Option<String>,
    /// The route's own backend has no endpoint, so its default backend serves.
    pub(super) fell_back: bool,
    pub(super) state: State,
    pub(super) body_path: BodyPath,
    pub(super) body_received: u64,
    /// Bytes of the body that the endpoint has got.
    pub(super) body_passed: u64,
    /// Where the body goes beside its backend, as long as mirrors get it.
    pub(super) tees: Option<Box<Tees>>,
    /// Replaces texts in the response's body, where some are to be.
    pub(super) substitution: Option<Box<Substitution>>,
    /// Compresses the response's body, where it is compressed.
    pub(super) encoder: Option<Box<Encoder>>,
    /// How fast the response goes out, where that is limited.
    pub(super) pace: Option<Pace>,
    pub(super) attempts: Attempts,
}

impl Exchange {
    /// Finds the request's route and runs its request phase.
    pub fn begin(context: &Arc<Context>, arrival: Box<Arrival>, request: &RequestView<'_>) -> Self {
        let mut decision = Decision::counted(&context.publisher().load(), &arrival, request);
        let state = decision.step().into();
        if let State::Replying(Reply { reason: Reason::PatternLimit, .. }) = &state {
            arrival.connection.pause(PATTERN_PAUSE);
        }
        let body_path = BodyPath::of(request, arrival.head.body);
        let mut exchange = Self {
            context: context.clone(),
            arrival,
            decision,
            authorization: None,
            auth_key: None,
            ended_auth_request: None,
            inspection: None,
            custom_error: None,
            new_session: None,
            fell_back: false,
            state,
            body_path,
            body_received: 0,
            body_passed: 0,
            tees: None,
            substitution: None,
            encoder: None,
            pace: None,
            attempts: Attempts::new(request.method),
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
        if self.is_answered_elsewhere() {
            return Step::ErrorPage;
        }
        self.customize_reply();
        let wait = mem::take(&mut self.decision.admission.wait) + self.attempts.pause.take().unwrap_or_default();
        if !wait.is_zero() && !self.is_settled() {
            return Step::Wait(wait);
        }
        match &self.state {
            State::Replying(reply) if reply.closes() => Step::Close,
            State::Replying(reply) => Step::Reply(self.decision.in_place_of_error(reply.clone())),
            State::Abandoned(_) => Step::Abandon,
            State::Verifying(verification) => Step::Verify(Arc::clone(verification)),
            State::Asking { .. } if self.auth_gets_body() && self.is_body_undecided() => Step::Buffer,
            State::Asking { .. } => match self.ask() {
                Some(server) => Step::Ask(server),
                None => {
                    self.end_auth_request(None);
                    self.settle(FAILED)
                }
            },
            State::Attempting if self.is_uninspected() => Step::Inspect,
            State::Attempting if self.is_body_undecided() => Step::Buffer,
            State::Attempting => match self.attempt() {
                Some(destination) => Step::Attempt(destination),
                None => {
                    let reply = self.reply_instead(self.decision.no_endpoint());
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

    pub(super) fn destination(&self, pick: &Pick, tls: Option<BackendTls>, protocol: EndpointProtocol) -> Destination {
        Destination {
            address: pick.address(),
            tls,
            protocol,
            pool_key: pick.pool_key(),
            timeouts: self.backend_policies().timeouts,
            deadline: None,
            keep_alive: self.decision.settings.upstream,
            largest_head: largest_head(self.response_buffering().head),
            largest_piece: response_rate::largest_piece(self.response_rate()),
            fresh: self.attempts.fresh,
        }
    }

    /// The endpoint to try: the one that was chosen after a failure, or the first.
    fn attempt(&mut self) -> Option<Destination> {
        let pick = self.attempts.next.take().or_else(|| self.pick_first())?;
        let uses_tls = self.backend_policies().protocol.uses_tls(self.arrival.connection.tls.is_some());
        let tls = uses_tls.then(|| BackendTls { server_name: None, settings: self.decision.backend_tls().cloned() });
        let destination = self.destination(&pick, tls, self.backend_policies().into());
        self.body_passed = 0; // the body is sent again from its first byte
        if self.body_path != BodyPath::Buffered {
            self.body_received = 0;
        }
        if self.attempts.begin(Try::begin(pick, self.arrival.started, self.decision.new_span()))
            && let (Some(percent), Some(upstream)) = (self.backend_policies().retries.budget, self.upstream())
        {
            upstream.earn_retries(percent);
        }
        Some(Destination { deadline: self.attempts.deadline(self.backend_policies().deadlines), ..destination })
    }

    fn pick_first(&mut self) -> Option<Pick> {
        let mut pick = self.pick();
        if pick.is_some() || self.custom_error.is_some() {
            return pick;
        }
        if self.decision.leave_canary() {
            pick = self.pick();
        }
        if pick.is_some() {
            return pick;
        }
        self.fell_back = self.decision.fallback().is_some();
        if self.fell_back { self.pick() } else { None }
    }

    /// Chooses an endpoint that was not tried yet.
    pub(super) fn pick(&mut self) -> Option<Pick> {
        match self.custom_error.is_some() || self.fell_back {
            true => self.upstream()?.pick(self.decision.client.address, &self.attempts.tried),
            false => self.pick_own(),
        }
    }

    /// The backend that gets the request.
    pub(super) fn upstream(&self) -> Option<&Arc<Upstream>> {
        match &self.custom_error {
            Some(error) => self.decision.error_backend(error.reply.status),
            None if self.fell_back => self.decision.fallback(),
            None => self.decision.upstream(),
        }
    }

    /// The policies for the backend that gets the request.
    pub(super) fn backend_policies(&self) -> &BackendPolicies {
        match self.custom_error {
            Some(_) => &BackendPolicies::DEFAULT,
            None => self.decision.backend_policies(),
        }
    }

    /// The endpoint is connected.
    pub fn connected(&mut self, reused: bool) {
        self.attempts.connected(reused);
    }

    /// The endpoint sends an interim response (1xx other than 101). After `Break` it has sent too many.
    pub fn interim_response(&mut self) -> ControlFlow<()> {
        if self.attempts.interim_response() > MAX_INTERIM { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The endpoint answers with this head to a request that could be sent again, or not. After `Break` its response is not
    /// passed on: ask for the next step.
    pub fn response_head(&mut self, head: impl ReceivedHead, replayable: bool) -> ControlFlow<()> {
        let status = head.status();
        let after = self.attempts.response_head(status);
        self.observe_response(status, after);
        if let Some(condition) = RetryCondition::of_status(status)
            && self.try_another(Failed { condition, status, untouched: false, replayable })
        {
            return ControlFlow::Break(());
        }
        self.intercept(head)?;
        if status == 101 {
            self.tees = None; // what comes now is not the request's body
        }
        self.attempts.passed_on = true;
        ControlFlow::Continue(())
    }

    /// Something failed. Once the gateway answers, only a client that goes away changes that.
    pub fn failed(&mut self, failure: Failure) {
        let reply = match failure {
            Failure::ClientGone => {
                self.state = State::Abandoned(self.reply_reason());
                return;
            }
            Failure::ResponseRefused => return,
            _ if self.is_settled() => return,
            Failure::ClientTimeout => Reply::new(408, Reason::BodyTimeout),
            Failure::ClientMalformed => Reply::new(400, Reason::MalformedBody),
            _ if matches!(self.state, State::Asking { .. }) => return self.auth_failed(failure),
            Failure::Connect { timed_out } => {
                let fault = if timed_out { UpstreamFault::TimedOut } else { UpstreamFault::Closed };
                return self.endpoint_failed(fault, false, true, true);
            }
            Failure::Upstream { fault, stale, untouched, replayable } => {
                return self.endpoint_failed(fault, stale, untouched, replayable);
            }
            Failure::Internal => Reply::new(500, Reason::Internal),
        };
        self.give_up(reply);
    }

    /// Ends the attempt with a reply in place of a response.
    pub(super) fn give_up(&mut self, reply: Reply) {
        self.attempts.end(Some(reply.status), 0);
        self.new_session = None;
        self.state = State::Replying(self.reply_instead(reply));
    }

    /// The reply, or that which a backend was to answer.
    fn reply_instead(&self, reply: Reply) -> Reply {
        self.custom_error.as_ref().map_or(reply, |error| error.reply.clone())
    }

    /// Why the gateway answers, if it does.
    fn reply_reason(&self) -> Option<Reason> {
        match &self.state {
            State::Verifying(_) | State::Asking { .. } => None,
            State::Attempting => self.error_reason(),
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

    /// The request has ended: counts it and writes it to the log.
    pub fn finish(&mut self, request: &RequestView<'_>, sent: Sent) {
        let received = self.received_of_body().unwrap_or(sent.body);
        self.attempts.end(None, received);
        self.decision.admission = Admission::default();
        let is_abandoned = matches!(self.state, State::Abandoned(_));
        if is_abandoned && sent.status.is_none() {
            self.arrival.connection.count_abandoned();
        }
        self.log_auth_request(request);
        let gone = is_abandoned.then_some(Reason::ClientGone);
        let mut buffer = [0; HOST_LIMIT];
        let record = Record {
            logged: self.decision.is_logged(request),
            reply: self.reply_reason().or(gone).map(Reason::label),
            ..self.record(self.request_info(request, &mut buffer), self.attempts.ended(), sent)
        };
        self.context.telemetry().record(&record, &self.decision.settings.access_log);
        self.send_spans(&record);
        self.audit(record.status);
    }

    /// What is known of the request when a response with this status begins.
    pub(super) fn record_of_head<'a>(
        &self,
        request: RequestInfo<'a>,
        attempts: &'a [Attempt],
        status: u16,
    ) -> Record<'a> {
        self.record(request, attempts, Sent { status: Some(status), ..Sent::default() })
    }

    /// What is known of the request once this was sent.
    pub(super) fn record<'a>(&self, request: RequestInfo<'a>, attempts: &'a [Attempt], sent: Sent) -> Record<'a> {
        let unsent = match &self.state {
            State::Replying(reply) if reply.closes() => reply.status,
            _ => CLIENT_CLOSED,
        };
        Record {
            request,
            logged: false, // only a request that has ended
            reply: None,
            request_length: self.arrival.head.length as u64 + self.body_received,
            duration: self.arrival.started.elapsed(),
            status: sent.status.unwrap_or(unsent),
            body_bytes_sent: sent.body,
            bytes_sent: sent.bytes,
            encoded: self.encoded_body(),
            attempts,
        }
    }
}
