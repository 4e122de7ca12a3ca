//! How a request is handled: decided once, from the table and the request alone, for the proxy and for `explain`.

use super::access::{Access, AccessStep};
use super::phases::{deny, request_phase, server_phase};
use crate::config::{BackendPolicies, BackendProtocol, HostName, PathKind, RouteLabels};
use crate::connection::{Arrival, Connection};
use crate::policy::client_limits::{ClientKey, ClientLimits, Permit};
use crate::policy::external_auth::ExternalAuth;
use crate::policy::{Policies, Verdict, blocked, redirect, rewrite};
use crate::request::{Client, HOST_LIMIT, Reason, Reply, RequestView, canonical_host, normalize};
use crate::table::{Found, Route, RouteAction, RouteBackend, Settings, Table};
use crate::tls::backend::BackendTls;
use crate::upstream::Upstream;
use crate::variables;
use http::{HeaderValue, Version};
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::time::Instant;

/// How a request is handled. Holds its route and nothing above it, so that a long-lived stream keeps no table alive.
#[derive(Debug)]
pub struct Decision {
    /// The settings under which the request is served.
    pub settings: Arc<Settings>,
    /// The client.
    pub client: Client,
    /// The route that takes the request.
    pub route: Option<Arc<Route>>,
    /// Which of the route's backends it goes to.
    chosen: Option<usize>,
    /// Its path towards the backend, where that is rewritten.
    pub rewritten: Option<rewrite::Rewritten>,
    /// `Access-Control-Allow-Origin` of the response, where CORS lets the request's origin read it.
    pub allowed_origin: Option<HeaderValue>,
    /// The gateway's own reply, before it matters who the client is.
    reply: Option<Reply>,
    /// Who may come in.
    access: Access,
    /// The gateway's own reply to a request that may come in.
    answer: Option<Reply>,
    /// What comes before the rules of the route's path has let it through.
    passed_server_phase: bool,
    default_backend: Option<Arc<Upstream>>,
    /// Counts the request as in progress, where the number of those is limited.
    pub(super) permit: Option<Permit>,
    /// The decoded and normalised path, where it is not the path as sent.
    normalized: Option<Box<[u8]>>,
}

impl Decision {
    /// Finds the request's route and runs its request phase, but for the limits on clients: nothing is counted.
    pub fn of(table: &Table, connection: &Connection, request: &RequestView<'_>) -> Self {
        Self::new(table, connection, request, None)
    }

    /// The same of a request that is served: it counts against the limits of its route.
    pub(super) fn counted(table: &Table, arrival: &Arrival, request: &RequestView<'_>) -> Self {
        Self::new(table, &arrival.connection, request, Some(arrival))
    }

    fn new(table: &Table, connection: &Connection, request: &RequestView<'_>, counted: Option<&Arrival>) -> Self {
        let settings = table.settings().clone();
        let client = Client::of(request, connection, &settings.forwarded);
        let mut decision = Self {
            settings,
            client,
            route: None,
            chosen: None,
            rewritten: None,
            allowed_origin: None,
            reply: None,
            access: Access::default(),
            answer: None,
            passed_server_phase: false,
            default_backend: table.default_backend().cloned(),
            permit: None,
            normalized: None,
        };
        if let ControlFlow::Break(reply) = decision.decide(table, connection, request, counted) {
            decision.reply = Some(reply);
        }
        decision
    }

    fn decide(
        &mut self,
        table: &Table,
        connection: &Connection,
        request: &RequestView<'_>,
        counted: Option<&Arrival>,
    ) -> ControlFlow<Reply> {
        reject_misdirected(connection, request)?;
        let Ok(path) = normalize(request.path(), self.settings.path_matching) else {
            return ControlFlow::Break(Reply::new(400, Reason::BadPath));
        };
        if let Cow::Owned(path) = &path {
            self.normalized = Some(path.as_slice().into());
        }
        let found = table.find(request, &path);
        if *path == *HEALTHZ && is_of_default_host(table, request, &found) {
            return ControlFlow::Break(Reply::new(200, Reason::Healthz));
        }
        blocked::check(self.settings.blocking.as_ref(), request, self.client.address)?;
        deny(self.settings.denied.as_ref())?;
        match found {
            Found::Route(route) => {
                self.route = Some(route.clone());
                server_phase(route, &path, request, connection)?;
                self.passed_server_phase = true;
                self.allowed_origin = route.policies.cors.as_ref().and_then(|cors| cors.allowed_origin(request));
                let admit = |limits: &ClientLimits| {
                    counted.map_or(ControlFlow::Continue(None), |arrival| self.admit(limits, arrival, request))
                };
                let origin = self.allowed_origin.as_ref();
                (self.access, self.permit) =
                    request_phase(route, &path, request, &self.client, connection, origin, admit)?;
                self.rewrite(route, &path, request)?;
                self.chosen = route.choose(request);
                let answer = match &route.action {
                    RouteAction::DefaultBackend(_) => self.use_default_backend(),
                    _ => reject_http10(request, self.backend_policies().protocol),
                };
                self.answer = answer.break_value();
                ControlFlow::Continue(())
            }
            Found::AddSlash(route) => {
                deny(route.policies.denied.as_ref())?;
                let (path, relative) = (&route.matches.path.value, route.policies.relative_redirects);
                ControlFlow::Break(redirect::add_slash(path, request, &self.client, connection, relative))
            }
            Found::WwwRedirect(www) => ControlFlow::Break(redirect::www(www, request, &self.client)),
            Found::NoHost | Found::NoPath(_) => self.use_default_backend(),
            Found::PatternLimit(_) => ControlFlow::Break(PATTERN_LIMIT),
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

    /// Counts the request against the limits on its client, unless it exceeds them.
    fn admit(
        &self,
        limits: &ClientLimits,
        arrival: &Arrival,
        request: &RequestView<'_>,
    ) -> ControlFlow<Reply, Option<Permit>> {
        let settings = &self.settings.limits;
        if limits.exempts(self.client.address) {
            return ControlFlow::Continue(None);
        }
        let Some(client) = self.client_key(arrival, request) else { return ControlFlow::Continue(None) };
        limits.count_request(client, Instant::now(), settings)?;
        limits.permit(client, settings)
    }

    /// Whom the request counts for; `None` where the text that tells clients apart is empty.
    fn client_key(&self, arrival: &Arrival, request: &RequestView<'_>) -> Option<ClientKey> {
        let Some(template) = &self.settings.limits.key else { return Some(self.client.address.into()) };
        let (mut text, mut buffer) = (Vec::new(), [0; HOST_LIMIT]);
        variables::render(template, &self.request_info(arrival, request, &mut buffer), &mut text);
        (!text.is_empty()).then(|| text.as_slice().into())
    }

    fn rewrite(&mut self, route: &Route, path: &[u8], request: &RequestView<'_>) -> ControlFlow<Reply> {
        let Some(rewrite) = &route.policies.rewrite else { return ControlFlow::Continue(()) };
        match rewrite.apply(path, request.query()) {
            Ok(rewritten) => {
                self.rewritten = rewritten;
                ControlFlow::Continue(())
            }
            Err(limit) => ControlFlow::Break(limit.into()),
        }
    }

    /// No route takes the request: it goes to the gateway's default backend, or is answered with 404 if there is none.
    fn use_default_backend(&self) -> ControlFlow<Reply> {
        match &self.default_backend {
            Some(_) => ControlFlow::Continue(()),
            None => ControlFlow::Break(Reply::new(404, Reason::NoRoute)),
        }
    }

    /// The backend of its route that the request goes to.
    fn backend(&self) -> Option<&RouteBackend> {
        self.route.as_ref()?.backends().get(self.chosen?)
    }

    /// The upstream whose endpoints serve the request.
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        match self.route.as_ref().map(|route| &route.action) {
            None | Some(RouteAction::DefaultBackend(_)) => self.default_backend.as_ref(),
            Some(_) => self.backend().map(|backend| &backend.upstream),
        }
    }

    /// The policies for that upstream.
    pub fn backend_policies(&self) -> &BackendPolicies {
        match self.route.as_ref().map(|route| &route.action) {
            Some(RouteAction::DefaultBackend(policies)) => policies,
            _ => self.backend().map_or(&BackendPolicies::DEFAULT, |backend| &backend.policies),
        }
    }

    /// How TLS is spoken to that upstream, if that is set.
    pub fn backend_tls(&self) -> Option<&Arc<BackendTls>> {
        self.backend()?.tls.as_ref()
    }

    /// The labels of the request in metrics and logs: those of its backend, else those of its route.
    pub fn labels(&self) -> Option<&Arc<RouteLabels>> {
        self.backend().map(|backend| &backend.labels).or(self.route.as_ref().map(|route| &route.labels))
    }

    /// The upstream that serves it if [`Decision::upstream`] has no endpoint.
    pub fn fallback(&self) -> Option<&Arc<Upstream>> {
        self.route.as_ref()?.policies.default_backend.as_ref()
    }

    /// Whether it goes to the gateway's default backend, because no route takes it.
    pub fn uses_default_backend(&self) -> bool {
        self.route.as_ref().is_none_or(|route| matches!(route.action, RouteAction::DefaultBackend(_)))
    }

    /// The policies of its route for the response, unless it was answered before the rules of its path.
    pub(super) fn response_policies(&self) -> Option<&Policies> {
        self.route.as_ref().filter(|_| self.passed_server_phase).map(|route| &*route.policies)
    }

    /// Who is asked before a backend gets the request.
    pub fn auth_server(&self) -> Option<&ExternalAuth> {
        self.route.as_ref()?.policies.external_auth.as_ref()
    }

    /// Whether only requests with a user's password are let through.
    pub fn needs_password(&self) -> bool {
        let policies = self.route.as_ref().map(|route| &route.policies);
        policies.is_some_and(|policies| policies.basic_auth.is_some() || policies.digest_auth.is_some())
    }

    /// The request target towards the backend.
    pub fn target<'a>(&'a self, request: &RequestView<'a>) -> &'a [u8] {
        self.rewritten.as_ref().map_or(request.target, |rewritten| &rewritten.target)
    }

    /// The decoded and normalised path of the request: nginx's `$uri` before a rewrite.
    pub fn path<'a>(&'a self, request: &RequestView<'a>) -> &'a [u8] {
        self.normalized.as_deref().unwrap_or_else(|| request.path())
    }
}

/// Whether no named host takes a request for [`HEALTHZ`], nor a rule for that very path. Load balancers ask this of the
/// traffic port, by address, and a catch-all must not answer for us: ingress-nginx has it in its server `_`.
fn is_of_default_host(table: &Table, request: &RequestView<'_>, found: &Found<'_>) -> bool {
    let names_path = |route: &Route| {
        let path = &route.matches.path;
        path.kind != PathKind::Regex && path.value.as_bytes() == HEALTHZ
    };
    match found {
        Found::NoHost => true,
        Found::Route(route) if names_path(route) => false,
        _ => matches!(table.host(request.host()), Ok(Some(host)) if *host.name() == HostName::Any),
    }
}

/// Refuses HTTP/1.0 for backends of HTTP/2, whose responses may have no length: Pingora would write them in chunks, which
/// clients of HTTP/1.0 do not know.
fn reject_http10(request: &RequestView<'_>, protocol: BackendProtocol) -> ControlFlow<Reply> {
    match request.version {
        Version::HTTP_10 if protocol.is_http2() => ControlFlow::Break(Reply::new(505, Reason::Http10)),
        _ => ControlFlow::Continue(()),
    }
}

/// Refuses a host that is not covered by the connection's certificate: HTTP/2 clients may reuse one connection for several
/// hosts of the same certificate (RFC 9113, section 9.1.2). Without a name in the handshake any host is accepted.
fn reject_misdirected(connection: &Connection, request: &RequestView<'_>) -> ControlFlow<Reply> {
    if request.version != Version::HTTP_2 {
        return ControlFlow::Continue(());
    }
    let Some(tls) = &connection.tls else { return ControlFlow::Continue(()) };
    let mut buffer = [0; HOST_LIMIT];
    let host = canonical_host(request.host(), &mut buffer);
    match &tls.server_name {
        Some(name) if **name != *host && !tls.presented.covers(host) => {
            ControlFlow::Break(Reply::new(421, Reason::Misdirected))
        }
        _ => ControlFlow::Continue(()),
    }
}

/// The health check of load balancers.
const HEALTHZ: &[u8] = b"/healthz";

const PATTERN_LIMIT: Reply = Reply::new(500, Reason::PatternLimit);
