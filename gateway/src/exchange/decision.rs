//! How a request is handled: decided once, from the table and the request alone, for the proxy and for `explain`.

use super::access::{Access, AccessStep};
use super::answered_error::AnsweredError;
use super::misdirected::reject_misdirected;
use super::phases::{Scene, deny, request_phase, server_phase};
use super::request_id::request_id;
use super::session::session;
use super::snippet_progress::SnippetProgress;
use crate::config::{HostName, PathChange, PathKind};
use crate::connection::{Arrival, Connection};
use crate::policy::client_certificates::{self, ClientCertificates};
use crate::policy::client_limits::Admission;
use crate::policy::custom_errors::CustomErrors;
use crate::policy::external_auth::ExternalAuth;
use crate::policy::rewrite::Rewritten;
use crate::policy::{Policies, Verdict, blocked, path_change, redirect};
use crate::request::{Client, Reason, Reply, RequestView, normalize};
use crate::table::{Found, Route, RouteAction, Settings, Table};
use crate::telemetry::TraceContext;
use crate::tls::client;
use crate::upstream::{HashKey, SessionKey, Upstream};
use http::HeaderValue;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How a request is handled. Holds its route and nothing above it, so that a long-lived stream keeps no table alive.
#[derive(Debug)]
pub struct Decision {
    /// The settings under which the request is served.
    pub settings: Arc<Settings>,
    /// The client.
    pub client: Client,
    /// The route that takes the request.
    pub route: Option<Arc<Route>>,
    /// What is known of the client by its certificate, where the host verifies that.
    pub(super) client_verdict: Option<client::Verdict>,
    /// Which of the route's backends it goes to.
    pub(super) chosen: Option<usize>,
    /// The session that it belongs to, where that backend has affinity.
    pub(super) session: Option<SessionKey>,
    /// The key that leads to an endpoint, where that backend has one chosen so.
    pub(super) key: Option<HashKey>,
    /// Its path towards the backend, where that is rewritten.
    pub rewritten: Option<Rewritten>,
    /// `Access-Control-Allow-Origin` of the response, where CORS lets the request's origin read it.
    pub allowed_origin: Option<HeaderValue>,
    /// The gateway's own reply, before it matters who the client is.
    pub(super) reply: Option<Reply>,
    /// Who may come in.
    pub(super) access: Access,
    /// The gateway's own reply to a request that may come in.
    pub(super) answer: Option<Reply>,
    /// What comes before the rules of the route's path has let it through.
    pub(super) passed_server_phase: bool,
    /// It is for a host without rules, or none of those without a host takes it.
    pub(super) is_of_no_host: bool,
    pub(super) default_backend: Option<Arc<Upstream>>,
    /// What limits on clients have made of it, where there are some.
    pub(super) admission: Admission,
    /// The decoded and normalised path, where it is not the path as sent.
    pub(super) normalized: Option<Box<[u8]>>,
    /// `X-Request-ID`, given or made.
    pub(super) request_id: Option<HeaderValue>,
    /// The trace that it belongs to, where it is traced.
    pub(super) trace: Option<Box<TraceContext>>,
    /// What snippets have made of the request, where there are some.
    pub(super) snippet: Option<Box<SnippetProgress>>,
    /// The error in whose place it is answered.
    pub(super) answered_error: Option<Box<AnsweredError>>,
}

/// What is decided on.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) table: &'a Table,
    pub(super) connection: &'a Connection,
    pub(super) request: &'a RequestView<'a>,
    /// Where it comes from, if it is served.
    pub(super) counted: Option<&'a Arrival>,
}

impl Asked<'_> {
    /// Which request of its connection it is.
    pub(super) fn number(&self) -> u64 {
        self.counted.map_or(1, |arrival| arrival.number)
    }

    /// Whether a client has asked, and not somebody who wants an explanation.
    pub(super) fn is_served(&self) -> bool {
        self.counted.is_some()
    }
}

impl Decision {
    /// Finds the request's route and runs its request phase, but for the limits on clients: nothing is counted.
    pub fn of(table: &Table, connection: &Connection, request: &RequestView<'_>) -> Self {
        Self::new(&Asked { table, connection, request, counted: None })
    }

    /// The same of a request that is served: it counts against the limits of its route.
    pub(super) fn counted(table: &Table, arrival: &Arrival, request: &RequestView<'_>) -> Self {
        Self::new(&Asked { table, connection: &arrival.connection, request, counted: Some(arrival) })
    }

    fn new(asked: &Asked<'_>) -> Self {
        let settings = asked.table.settings().clone();
        let client = Client::of(asked.request, asked.connection, &settings.forwarded);
        let mut decision = Self {
            request_id: request_id(asked.request.headers, settings.generate_request_id),
            settings,
            client,
            route: None,
            client_verdict: None,
            chosen: None,
            session: None,
            key: None,
            rewritten: None,
            allowed_origin: None,
            reply: None,
            access: Access::default(),
            answer: None,
            passed_server_phase: false,
            is_of_no_host: false,
            default_backend: asked.table.default_backend().cloned(),
            admission: Admission::default(),
            normalized: None,
            trace: None,
            snippet: None,
            answered_error: None,
        };
        if let ControlFlow::Break(reply) = decision.decide(asked) {
            decision.reply = Some(reply);
        }
        decision
    }

    fn decide(&mut self, asked: &Asked<'_>) -> ControlFlow<Reply> {
        let Asked { table, connection, request, .. } = *asked;
        reject_misdirected(table, connection, request)?;
        match normalize(request.path(), self.settings.path_matching) {
            Ok(Cow::Owned(path)) => self.normalized = Some(path.into()),
            Ok(Cow::Borrowed(path)) if path.len() != request.path().len() => self.normalized = Some(path.into()),
            Ok(Cow::Borrowed(_)) => {}
            Err(_) => return ControlFlow::Break(Reply::new(400, Reason::BadPath)),
        }
        let path = self.path(request);
        let mut found = table.find(connection.entry_point(), request, path);
        let health = &*self.settings.health_path;
        if *path == *health.as_bytes() && is_of_default_host(health, asked, &found) {
            return ControlFlow::Break(Reply::new(200, Reason::Healthz));
        }
        self.find_address(&found, asked);
        blocked::check(self.settings.blocking.as_ref(), request, self.client.address)?;
        deny(self.settings.denied.as_ref())?;
        self.verify_client(&mut found, asked)?;
        self.run_server_snippet(&mut found, asked)?;
        self.enter_found(found, asked)
    }

    /// Takes the request where the look-up has led it.
    pub(super) fn enter_found<'t>(&mut self, mut found: Found<'t>, asked: &Asked<'t>) -> ControlFlow<Reply> {
        while let Found::Route(route) = found {
            match self.enter(route, asked)? {
                Some(next) => found = next,
                None => return ControlFlow::Continue(()),
            }
        }
        self.route = None;
        self.is_of_no_host = match &found {
            Found::NoHost => true,
            Found::NoPath(host) => *host.name() == HostName::Any,
            _ => false,
        };
        self.begin_trace(asked);
        match found {
            Found::Route(_) => ControlFlow::Continue(()),
            Found::AddSlash(route) => {
                deny(route.policies.denied.as_ref())?;
                let (path, relative) = (&route.matches.path.value, route.policies.relative_redirects);
                let query = self.query(asked.request);
                ControlFlow::Break(redirect::add_slash(path, query, &self.client, asked.connection, relative))
            }
            Found::WwwRedirect(www) => ControlFlow::Break(redirect::www(www, asked.request, &self.client)),
            Found::NoHost => self.use_default_backend(),
            Found::NoPath(host) => {
                client_certificates::require_tls(host.policies().client_certificates.as_ref(), asked.connection)?;
                self.use_default_backend()
            }
            Found::PatternLimit(_) => ControlFlow::Break(PATTERN_LIMIT),
        }
    }

    /// Takes the request to a route. `Some`: its snippet has made another path, which was looked up.
    fn enter<'t>(&mut self, route: &Arc<Route>, asked: &Asked<'t>) -> ControlFlow<Reply, Option<Found<'t>>> {
        let request = asked.request;
        self.route = Some(route.clone());
        self.begin_trace(asked);
        server_phase(route, &self.scene(asked), self.server_has_ended())?;
        self.passed_server_phase = true;
        self.allowed_origin = route.policies.cors.as_ref().and_then(|cors| cors.allowed_origin(request));
        self.enter_snippet(route, asked)?;
        self.keep_out_of_internal(route)?;
        route.policies.cors.iter().try_for_each(|cors| cors.preflight(self.allowed_origin.as_ref(), request))?;
        if let Some(found) = self.run_route_snippet(route, asked)? {
            return ControlFlow::Continue(Some(found));
        }
        self.find_address_on(route, asked);
        let scene = self.scene(asked);
        let counted = asked.counted.filter(|_| !self.is_counted());
        let admit = || {
            let admit = |arrival| self.admit(&route.policies, arrival, &scene.request);
            counted.map_or_else(|| ControlFlow::Continue(Admission::default()), admit)
        };
        let (access, admission) = request_phase(route, &scene, self.rewrite_policy(route), admit)?;
        self.access = access;
        self.admission.add(admission);
        self.rewrite(route, request)?;
        let seen = self.seen(request);
        let chosen = if asked.is_served() { route.choose(&seen) } else { route.choose_likeliest(&seen) };
        self.session = chosen.and_then(|chosen| session(route, chosen, &seen));
        self.chosen = chosen;
        self.rewrite_for_backend(request);
        self.key = self.hash_key(asked.connection, asked.number(), request);
        self.answer = match &route.action {
            RouteAction::DefaultBackend(_) => self.use_default_backend().break_value(),
            RouteAction::NotFound => Some(Reply::new(404, Reason::NoContent)),
            _ => None,
        };
        ControlFlow::Continue(None)
    }

    /// What the phases look at.
    fn scene<'a>(&'a self, asked: &Asked<'a>) -> Scene<'a> {
        let Asked { connection, request, .. } = *asked;
        Scene {
            request: self.with_changed_headers(request),
            path: self.path(request),
            query: self.query(request),
            connection,
            client: &self.client,
            has_body: self.answered_error.is_none(),
        }
    }

    /// What becomes of the request next, as far as is known.
    pub fn step(&mut self) -> AccessStep {
        if let Some(reply) = &self.reply {
            return AccessStep::Reply(reply.clone());
        }
        match (self.access.next(), &self.answer) {
            (AccessStep::Forward, Some(answer)) => AccessStep::Reply(answer.clone()),
            (step, _) => step,
        }
    }

    /// Takes in what came of the last step, and returns the one that follows.
    pub fn hear(&mut self, verdict: Verdict) -> AccessStep {
        let _ = self.access.hear(verdict); // the step says whether anything else matters
        self.step()
    }

    fn rewrite(&mut self, route: &Route, request: &RequestView<'_>) -> ControlFlow<Reply> {
        if let Some(change) = &route.policies.path_change {
            self.rewritten = Some(self.changed(change, request));
            return ControlFlow::Continue(());
        }
        let Some(rewrite) = self.rewrite_policy(route) else { return ControlFlow::Continue(()) };
        match rewrite.apply(self.path(request), self.query(request)) {
            Ok(rewritten) => {
                // Without one, an error page has its path.
                self.rewritten = rewritten.or(self.rewritten.take());
                ControlFlow::Continue(())
            }
            Err(limit) => ControlFlow::Break(limit.into()),
        }
    }

    /// What the chosen backend alone gets for a path comes in the place of what all of the route would get.
    fn rewrite_for_backend(&mut self, request: &RequestView<'_>) {
        let change = self.backend().and_then(|backend| backend.policies.path_change.as_ref());
        self.rewritten = change.map(|change| self.changed(change, request)).or(self.rewritten.take());
    }

    fn changed(&self, change: &PathChange, request: &RequestView<'_>) -> Rewritten {
        let target = path_change::target(change, self.path(request), self.query(request));
        Rewritten { target, forwarded_prefix: None }
    }

    /// No route takes the request: it goes to the gateway's default backend, or is answered with 404 if there is none.
    fn use_default_backend(&self) -> ControlFlow<Reply> {
        match &self.default_backend {
            Some(_) => ControlFlow::Continue(()),
            None => ControlFlow::Break(Reply::new(404, Reason::NoRoute)),
        }
    }

    /// The policies of its route for the response, unless it was answered before the rules of its path.
    pub(super) fn response_policies(&self) -> Option<&Policies> {
        self.route.as_ref().filter(|_| self.passed_server_phase).map(|route| &*route.policies)
    }

    /// Which errors another backend answers. A call of gRPC has none that its client could read.
    pub(super) fn custom_errors(&self) -> Option<&CustomErrors> {
        let errors = self.response_policies()?.custom_errors.as_ref()?;
        let is_http = !self.uses_default_backend() && !self.backend_policies().protocol.is_http2();
        is_http.then_some(errors)
    }

    /// Who answers an error with this status.
    pub(super) fn error_backend(&self, status: u16) -> Option<&Arc<Upstream>> {
        self.custom_errors()?.backend(status, self.default_backend.as_ref())
    }

    /// Who is asked before a backend gets the request.
    pub fn auth_server(&self) -> Option<&ExternalAuth> {
        self.route.as_ref()?.policies.external_auth.as_ref()
    }

    /// What the host of its route makes of the certificates of its clients.
    pub fn client_certificates(&self) -> Option<&ClientCertificates> {
        self.route.as_ref()?.host.client_certificates.as_ref()
    }

    /// Whether only requests with a user's password are let through.
    pub fn needs_password(&self) -> bool {
        let policies = self.route.as_ref().map(|route| &route.policies);
        policies.is_some_and(|policies| policies.basic_auth.is_some() || policies.digest_auth.is_some())
    }

    /// The request target towards the backend.
    pub fn target<'a>(&'a self, request: &RequestView<'a>) -> &'a [u8] {
        let rewritten = self.rewritten.as_ref().map(|rewritten| &*rewritten.target);
        rewritten.or_else(|| self.snippet.as_ref()?.state.target()).unwrap_or(request.target)
    }

    /// The decoded and normalised path of the request, which snippets may have changed: nginx's `$uri` before
    /// `rewrite-target`.
    pub fn path<'a>(&'a self, request: &RequestView<'a>) -> &'a [u8] {
        let changed = self.snippet.as_ref().map(|snippet| snippet.state.path());
        changed.or(self.normalized.as_deref()).unwrap_or_else(|| request.path())
    }
}

/// Whether no named host takes a request for the path of the health check, nor a rule for that very path. Load balancers ask
/// this of the traffic port, by address, and a catch-all must not answer for us: ingress-nginx has it in its server `_`.
fn is_of_default_host(health: &str, asked: &Asked<'_>, found: &Found<'_>) -> bool {
    let names_path = |route: &Route| {
        let path = &route.matches.path;
        path.kind != PathKind::Regex && *path.value == *health
    };
    match found {
        Found::NoHost => true,
        Found::Route(route) if names_path(route) => false,
        _ => {
            let host = asked.table.host(asked.connection.entry_point(), asked.request.host());
            matches!(host, Ok(Some(host)) if *host.name() == HostName::Any)
        }
    }
}

const PATTERN_LIMIT: Reply = Reply::new(500, Reason::PatternLimit);
