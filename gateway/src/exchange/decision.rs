//! What becomes of a request: decided once, from the table and the request alone, for the proxy and for `explain`.

use super::phases::{deny, request_phase};
use crate::config::BackendProtocol;
use crate::connection::Connection;
use crate::policy::{redirect, rewrite};
use crate::request::{Client, HOST_LIMIT, Reply, RequestView, canonical_host, normalize};
use crate::table::{Found, Route, RouteTarget, Settings, Table};
use crate::upstream::Upstream;
use http::Version;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What becomes of a request. Holds its route and nothing above it: a stream of three days pins no table.
#[derive(Debug)]
pub struct Decision {
    /// The settings under which the request is served.
    pub settings: Arc<Settings>,
    /// Who asks.
    pub client: Client,
    /// The route that takes the request.
    pub route: Option<Arc<Route>>,
    /// Its path towards the backend, where that is rewritten.
    pub rewritten: Option<rewrite::Rewritten>,
    /// The answer, where no backend is to give it.
    pub reply: Option<Reply>,
    default_backend: Option<Arc<Upstream>>,
    /// The decoded and normalised path, where it is not the path as sent.
    normalized: Option<Box<[u8]>>,
}

impl Decision {
    /// Finds the request's route and runs its request phase.
    pub fn of(table: &Table, connection: &Connection, request: &RequestView<'_>) -> Self {
        let settings = table.settings().clone();
        let client = Client::of(request, connection, &settings.forwarded);
        let mut decision = Self {
            settings,
            client,
            route: None,
            rewritten: None,
            reply: None,
            default_backend: table.default_backend().cloned(),
            normalized: None,
        };
        if let ControlFlow::Break(reply) = decision.decide(table, connection, request) {
            decision.reply = Some(reply);
        }
        decision
    }

    fn decide(&mut self, table: &Table, connection: &Connection, request: &RequestView<'_>) -> ControlFlow<Reply> {
        misdirected(connection, request)?;
        let Ok(path) = normalize(request.path(), self.settings.path_matching) else {
            return ControlFlow::Break(Reply::new(400, "bad-path"));
        };
        if let Cow::Owned(path) = &path {
            self.normalized = Some(path.as_slice().into());
        }
        let found = table.find(request.host(), &path);
        // Load balancers ask this of the traffic port, by address (ingress-nginx answers it on its server `_`).
        if matches!(found, Found::NoHost) && *path == *b"/healthz" {
            return ControlFlow::Break(Reply::new(200, "healthz"));
        }
        deny(self.settings.denied.as_ref())?;
        match found {
            Found::Route(route) => {
                self.route = Some(route.clone());
                request_phase(&path, request, &self.client, connection, &route.policies)?;
                self.rewrite(route, &path, request)?;
                match route.target {
                    RouteTarget::Upstream(_) => speakable(request, route.policies.backend_protocol),
                    RouteTarget::Default => self.unclaimed(),
                }
            }
            Found::AddSlash(route) => {
                deny(route.policies.denied.as_ref())?;
                ControlFlow::Break(redirect::add_slash(
                    &route.labels.path,
                    request,
                    &self.client,
                    connection,
                    &route.policies,
                ))
            }
            Found::WwwRedirect(www) => ControlFlow::Break(redirect::www(www, request, &self.client)),
            Found::NoHost | Found::NoPath(_) => self.unclaimed(),
            Found::PatternLimit(_) => ControlFlow::Break(PATTERN_LIMIT),
        }
    }

    fn rewrite(&mut self, route: &Route, path: &[u8], request: &RequestView<'_>) -> ControlFlow<Reply> {
        let Some(rewrite) = &route.policies.rewrite else { return ControlFlow::Continue(()) };
        // The head reader lets only UTF-8 through.
        let query = request.query().and_then(|query| std::str::from_utf8(query).ok());
        match rewrite.apply(path, query) {
            Ok(rewritten) => {
                self.rewritten = rewritten;
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(PATTERN_LIMIT),
        }
    }

    /// Nothing takes the request: the gateway's default backend does, else 404.
    fn unclaimed(&self) -> ControlFlow<Reply> {
        match &self.default_backend {
            Some(_) => ControlFlow::Continue(()),
            None => ControlFlow::Break(Reply::new(404, "no-route")),
        }
    }

    /// Whose endpoints serve the request.
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        match self.route.as_ref().map(|route| &route.target) {
            Some(RouteTarget::Upstream(upstream)) => Some(upstream),
            Some(RouteTarget::Default) | None => self.default_backend.as_ref(),
        }
    }

    /// What that upstream speaks. The gateway's own default backend speaks HTTP.
    pub fn backend_protocol(&self) -> BackendProtocol {
        match &self.route {
            Some(route) if matches!(route.target, RouteTarget::Upstream(_)) => route.policies.backend_protocol,
            _ => BackendProtocol::Http,
        }
    }

    /// Who serves it when [`Decision::upstream`] has no endpoint.
    pub fn fallback(&self) -> Option<&Arc<Upstream>> {
        self.route.as_ref()?.default_backend.as_ref()
    }

    /// The request target towards the backend.
    pub fn target<'a>(&'a self, request: &RequestView<'a>) -> &'a [u8] {
        self.rewritten.as_ref().map_or(request.target, |rewritten| rewritten.target.as_bytes())
    }

    /// The decoded and normalised path of the request: nginx's `$uri`.
    pub fn path<'a>(&'a self, request: &RequestView<'a>) -> &'a [u8] {
        self.normalized.as_deref().unwrap_or_else(|| request.path())
    }
}

/// Refuses HTTP/1.0 where the answer has no length of its own: its clients do not know chunks, and Pingora writes them.
fn speakable(request: &RequestView<'_>, protocol: BackendProtocol) -> ControlFlow<Reply> {
    match request.version {
        Version::HTTP_10 if protocol.is_http2() => ControlFlow::Break(Reply::new(505, "http-1.0")),
        _ => ControlFlow::Continue(()),
    }
}

/// Refuses a host that the client's connection is not for: HTTP/2 clients may use one connection for several hosts, as far
/// as its certificate goes (RFC 9113, section 9.1.2). Who gave no name in the handshake is not held to one.
fn misdirected(connection: &Connection, request: &RequestView<'_>) -> ControlFlow<Reply> {
    if request.version != Version::HTTP_2 {
        return ControlFlow::Continue(());
    }
    let Some(tls) = &connection.tls else { return ControlFlow::Continue(()) };
    let mut buffer = [0; HOST_LIMIT];
    let host = canonical_host(request.host(), &mut buffer);
    match &tls.server_name {
        Some(name) if **name != *host && !tls.presented.covers(host) => {
            ControlFlow::Break(Reply::new(421, "misdirected"))
        }
        _ => ControlFlow::Continue(()),
    }
}

const PATTERN_LIMIT: Reply = Reply::new(500, "pattern-limit");
