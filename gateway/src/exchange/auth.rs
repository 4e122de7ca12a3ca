//! What comes of a request whose client has to be known first: the auth request, its response, and verified passwords.

use super::machine::Exchange;
use super::progress::{EndedAuthRequest, State, Try};
use super::step::{BackendTls, Destination, EndpointProtocol, Failure, UpstreamFault};
use super::subrequest::{Subrequest, is_not_the_clients};
use crate::config::{AuthProtocol, Template};
use crate::policy::Verdict;
use crate::policy::auth_cache::AuthKey;
use crate::policy::ext_authz;
use crate::policy::external_auth::{Authorization, DEPTH, ExternalAuth, FAILED, next_depth};
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView, canonical_host};
use crate::telemetry::Attempt;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use smallvec::SmallVec;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// What ingress-nginx names as the sender of auth requests. Auth servers look for it.
const SENDER: HeaderValue = HeaderValue::from_static("nginx-ingress-controller");
/// Endpoints of an auth server that are asked at most.
const TRIES: usize = 3;

impl Exchange {
    /// The request to send for [`super::Step::Ask`]; `None` where nobody is to be asked. `body` is the client's, for an auth server
    /// that gets it.
    pub fn auth_request(&self, request: &RequestView<'_>, body: Bytes) -> Option<Subrequest> {
        let server = self.decision.auth_server()?;
        let depth = next_depth(request.headers)?;
        let request = &self.decision.with_changed_headers(request);
        let mut asked = match &server.filter {
            Some(filter) => match filter.protocol {
                AuthProtocol::Http => self.filter_request((server, filter), request, body),
                AuthProtocol::Grpc => self.auth_call((server, filter), request, &body),
            },
            None => self.nginx_request(server, request),
        };
        asked.headers.insert(DEPTH, depth);
        Some(asked)
    }

    /// As ingress-nginx's: the client's headers, and what the auth server needs to know of its request.
    fn nginx_request(&self, server: &ExternalAuth, request: &RequestView<'_>) -> Subrequest {
        let mut headers = self.client_headers(request);
        let mut set = |name: &'static str, value: Option<HeaderValue>| {
            value.and_then(|value| headers.insert(HeaderName::from_static(name), value))
        };
        let scheme = self.arrival().connection.scheme();
        let url = [scheme.as_bytes(), b"://", request.host().as_bytes(), request.target].concat();
        set("host", HeaderValue::from_str(&server.authority).ok());
        set("x-auth-request-redirect", self.header_value(&server.request_redirect, request));
        set("x-forwarded-for", Some(self.forwarded_for(request)));
        set("x-original-method", HeaderValue::from_str(request.method.as_str()).ok());
        set("x-original-url", HeaderValue::from_bytes(&url).ok());
        set("x-real-ip", Some(self.client_address()));
        set("x-request-id", self.decision.request_id.clone());
        set("x-sent-from", Some(SENDER));
        if server.method.is_some() {
            set("x-original-uri", HeaderValue::from_bytes(request.target).ok());
            set("x-scheme", Some(self.decision.client.scheme.clone()));
        }
        self.add_trace_headers(&mut headers);
        self.certificate_headers(|name, value| drop(headers.insert(HeaderName::from_static(name), value)));
        for (name, value) in &*server.request_headers {
            let Ok(name) = name.parse::<HeaderName>() else { continue };
            match self.header_value(value, request).filter(|value| !value.is_empty()) {
                Some(value) => drop(headers.insert(name, value)),
                None if name == header::HOST => {} // a request without it is none
                None => drop(headers.remove(name)),
            }
        }
        let target = self.rendered_target(&server.target, request);
        Subrequest { method: server.method.clone().unwrap_or(Method::GET), target, headers, body: Bytes::new() }
    }

    /// The auth server has answered the auth request for `request`. `body` is all of its answer's, where that is read.
    pub fn auth_response(
        &mut self,
        request: &RequestView<'_>,
        (status, headers): (u16, &HeaderMap),
        body: Option<Bytes>,
    ) {
        self.end_auth_request(Some(status));
        let Some(server) = self.decision.auth_server() else { return };
        if let Some(key) = &self.auth_key
            && let request = self.decision.with_changed_headers(request)
            && let Some(kept) = server.kept(status, headers, request.headers, |name| is_ours(name, server))
        {
            self.context.publisher().auth_cache().insert(**key, kept);
        }
        self.judge(request, (status, headers), body);
        self.offer_sign_in(request);
    }

    /// The auth server has answered a call of gRPC. This is the body of its answer.
    pub fn auth_answer(&mut self, body: &[u8]) {
        let verdict = ext_authz::judge(body);
        self.end_auth_request(Some(verdict.as_ref().map_or_else(|reply| reply.status, |_| 200)));
        self.authorized(verdict);
    }

    /// What can be said at once of a request whose client has been heard as far as its password.
    pub(super) fn heard(&mut self, request: &RequestView<'_>) {
        self.leave_circle(request);
        self.run_auth_snippet(request);
        self.recall(request);
        self.offer_sign_in(request);
    }

    /// Sends a client whose password is wrong or missing to the sign-in page, if there is one: nginx has one `error_page`
    /// for this and for what the auth server says.
    fn offer_sign_in(&mut self, request: &RequestView<'_>) {
        if !matches!(self.state, State::Replying(Reply { reason: Reason::BadCredentials, .. })) {
            return;
        }
        let Some(signin) = self.decision.auth_server().and_then(|server| server.signin.as_ref()) else { return };
        self.state = State::Replying(Reply::redirect(302, Reason::AuthSignin, &self.rendered(signin, request)));
    }

    /// Asks nobody for a request that asks for another one, and so on.
    fn leave_circle(&mut self, request: &RequestView<'_>) {
        if matches!(self.state, State::Asking { .. }) && next_depth(request.headers).is_none() {
            self.authorized(Err(FAILED));
        }
    }

    /// Lets the snippet of the auth request decide, if that is to be sent.
    fn run_auth_snippet(&mut self, request: &RequestView<'_>) {
        if !matches!(self.state, State::Asking { .. }) {
            return;
        }
        let (connection, number) = (Arc::clone(&self.arrival().connection), self.arrival().number);
        match self.decision.run_auth_snippet(&connection, number, request) {
            None => {}
            Some(Err(reply)) if reply.closes() => self.state = State::Replying(reply),
            Some(verdict) => self.authorized(verdict),
        }
    }

    /// Answers for the auth server, if it is to be asked and what it has answered to the same is kept.
    fn recall(&mut self, request: &RequestView<'_>) {
        if !matches!(self.state, State::Asking { .. }) {
            return;
        }
        let Some(key) = self.auth_cache_key(request) else { return };
        let headers = self.decision.with_changed_headers(request).headers;
        match self.context.publisher().auth_cache().get(&key, headers, Instant::now()) {
            Some(kept) => self.judge(request, (kept.status, &kept.headers), None),
            None => self.auth_key = Some(Box::new(key)),
        }
    }

    fn auth_cache_key(&self, request: &RequestView<'_>) -> Option<AuthKey> {
        let server = self.decision.auth_server()?;
        let text = self.rendered(&server.cache.as_ref()?.key, request);
        let mut buffer = [0; HOST_LIMIT];
        let host = canonical_host(request.host(), &mut buffer);
        Some(server.key(host, &self.decision.route.as_ref()?.matches.path, &text))
    }

    /// Chooses an endpoint of the auth server that was not asked yet.
    pub(super) fn ask(&mut self) -> Option<Destination> {
        let State::Asking { failed, .. } = &self.state else { return None };
        let server = self.decision.auth_server().filter(|_| failed.len() < TRIES)?;
        let pick = server.upstream.pick(self.decision.client.address, &self.attempts.tried)?;
        let tls = server
            .tls
            .then(|| BackendTls { server_name: Some(server.host.clone()), settings: server.backend_tls.clone() });
        let is_grpc = server.filter.as_ref().is_some_and(|filter| filter.protocol == AuthProtocol::Grpc);
        let protocol = if is_grpc { EndpointProtocol::Http2 } else { EndpointProtocol::Http11 };
        let destination = self.destination(&pick, tls, protocol);
        let timeouts = server.timeouts.unwrap_or(destination.timeouts);
        let destination = Destination { timeouts, ..destination };
        self.attempts.tried.push(destination.address);
        let begun = Try::begin(pick, self.arrival().started, self.decision.new_span());
        if let State::Asking { current, .. } = &mut self.state {
            *current = Some(begun);
        }
        Some(destination)
    }

    /// The auth server has not answered. Another endpoint of it is asked only where this one has seen nothing.
    pub(super) fn auth_failed(&mut self, failure: Failure) {
        let timed_out = matches!(
            failure,
            Failure::Connect { timed_out: true } | Failure::Upstream { fault: UpstreamFault::TimedOut, .. }
        );
        if let State::Asking { current, failed } = &mut self.state {
            let status = if timed_out { 504 } else { 502 };
            failed.extend(current.take().map(|current| current.attempt(Some(status), 0)));
        }
        match failure {
            Failure::Connect { .. } => {}
            Failure::Upstream { stale: true, .. } => drop(self.attempts.tried.pop()),
            _ => {
                self.end_auth_request(None);
                self.state = State::Replying(FAILED);
            }
        }
    }

    /// Keeps what there is to tell of the auth request, if it is logged or has spans. No status: nobody has answered.
    pub(super) fn end_auth_request(&mut self, status: Option<u16>) {
        let State::Asking { current, failed } = &mut self.state else { return };
        if self.decision.settings.access_log.auth || self.decision.has_client_spans() {
            let last = current.take().map(|current| current.attempt(status, 0));
            let attempts: SmallVec<[Attempt; 1]> = std::mem::take(failed).into_iter().chain(last).collect();
            let status = status.or_else(|| attempts.last()?.status).unwrap_or(502);
            self.ended_auth_request = Some(Box::new(EndedAuthRequest { status, attempts }));
        }
    }

    /// The credentials of the request have been verified.
    pub fn verified(&mut self, request: &RequestView<'_>, right: bool) {
        if let State::Verifying(verification) = &self.state {
            self.state = self.decision.hear(verification.verdict(right)).into();
            self.heard(request);
        }
    }

    /// The auth server has decided.
    fn authorized(&mut self, verdict: Result<Authorization, Reply>) {
        self.attempts.tried.clear();
        let verdict = match verdict {
            Ok(authorization) => {
                self.authorization = Some(Box::new(authorization));
                Verdict::Allowed
            }
            Err(reply) => Verdict::Refused(reply),
        };
        self.state = self.decision.hear(verdict).into();
    }

    fn judge(&mut self, request: &RequestView<'_>, (status, headers): (u16, &HeaderMap), body: Option<Bytes>) {
        let (connection, number) = (Arc::clone(&self.arrival().connection), self.arrival().number);
        let set = self.decision.set_auth_variables(&connection, number, request, status, headers);
        if let ControlFlow::Break(reply) = set {
            return self.authorized(Err(reply));
        }
        let Some(server) = self.decision.auth_server() else { return };
        let signin = server.signin.as_ref().map(|url| self.rendered(url, request));
        let verdict = server.judge((status, headers), body, signin.as_deref());
        self.authorized(verdict);
    }
}

/// Whether an auth request may have this header otherwise than the client's request.
fn is_ours(name: &HeaderName, server: &ExternalAuth) -> bool {
    let is_set = |(set, _): &(Arc<str>, Template)| **set == *name.as_str();
    is_not_the_clients(name) || *name == header::CONNECTION || server.request_headers.iter().any(is_set)
}
