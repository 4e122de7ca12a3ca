use super::Request;
use crate::translate::Translator;
use gateway::config::{Endpoints, WwwRedirect};
use gateway::table::{Found, Route, RouteTarget, Table};
use gateway::upstream::Upstream;
use serde::Serialize;
use std::net::SocketAddr;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It goes to a backend.
    Forward {
        /// `namespace/service:port`.
        backend: String,
        /// Where the backend is.
        at: Reach,
        /// The request target that the backend sees.
        target: String,
    },
    /// The gateway answers it.
    Reply {
        /// The status.
        status: u16,
        /// Why.
        why: String,
        /// The `Location` of a redirect. Where it begins with `/`, it is on the host that the client asked for.
        location: Option<String>,
    },
}

/// Where a backend is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// At one of these addresses.
    Addresses(Vec<SocketAddr>),
    /// At the addresses of a DNS name: `name:port`.
    Name(String),
}

impl Action {
    pub(super) fn reply(status: u16, why: impl Into<String>) -> Self {
        Self::Reply { status, why: why.into(), location: None }
    }

    fn redirect(status: u16, location: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Reply { status, why: why.into(), location: Some(location.into()) }
    }
}

/// What happens to a request of which the table says `found`.
pub(super) fn of(table: &Table, translator: &Translator, request: &Request, path: &[u8], found: &Found<'_>) -> Action {
    match found {
        Found::Route(route) => RouteAction { table, translator, request, path, route }.action(),
        Found::AddSlash(route) => {
            let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
            Action::redirect(301, format!("{}{query}", route.labels.path), "the path lacks the slash at its end")
        }
        Found::WwwRedirect(WwwRedirect { to, code, origin }) => {
            let location = format!("{}://{to}{}", request.scheme, request.target);
            Action::redirect(*code, location, format!("{origin} redirects the whole host"))
        }
        Found::NoHost if path == b"/healthz" => Action::reply(200, "unknown hosts are told that the gateway is well"),
        Found::NoHost => unclaimed(table, translator, request, "no virtual host takes this host"),
        Found::NoPath(_) => unclaimed(table, translator, request, "no route of the host takes this path"),
        Found::PatternLimit(pattern) => {
            Action::reply(500, format!("matching the pattern {:?} takes too many steps", pattern.text()))
        }
    }
}

/// What no route takes goes to the gateway's default backend.
fn unclaimed(table: &Table, translator: &Translator, request: &Request, why: &str) -> Action {
    if let Some(denied) = &table.settings().denied {
        return Action::reply(503, format!("{}: {}", denied.origin, denied.reason));
    }
    match table.default_backend() {
        None => Action::reply(404, why),
        Some(upstream) => forward(translator, upstream, &request.target).unwrap_or_else(|| no_endpoint(upstream)),
    }
}

fn forward(translator: &Translator, upstream: &Upstream, target: &str) -> Option<Action> {
    let at = reach(translator, upstream)?;
    Some(Action::Forward { backend: upstream.id().to_string(), at, target: target.to_owned() })
}

/// A backend's addresses as they are used now; where no resolver runs, its DNS name.
fn reach(translator: &Translator, upstream: &Upstream) -> Option<Reach> {
    let addresses: Vec<_> = upstream.endpoints().iter().map(|endpoint| endpoint.address()).collect();
    if !addresses.is_empty() {
        return Some(Reach::Addresses(addresses));
    }
    match &translator.backend(upstream.id())?.endpoints {
        Endpoints::Name { name, port, .. } => Some(Reach::Name(format!("{name}:{port}"))),
        Endpoints::Addresses(_) => None,
    }
}

fn no_endpoint(upstream: &Upstream) -> Action {
    Action::reply(503, format!("{} has no endpoint", upstream.id()))
}

struct RouteAction<'a> {
    table: &'a Table,
    translator: &'a Translator,
    request: &'a Request,
    path: &'a [u8],
    route: &'a Route,
}

impl RouteAction<'_> {
    /// The policies that can answer, in their order, then the backend.
    fn action(&self) -> Action {
        let policies = &self.route.policies;
        if let Some(app_root) = policies.app_root.as_deref().filter(|_| self.path == b"/") {
            return Action::redirect(302, app_root, "app-root: the path is /");
        }
        if let Some(redirect) = &policies.redirect {
            return Action::redirect(redirect.code, &*redirect.location, "the route is a redirect");
        }
        if let Some(denied) = policies.denied.as_ref().or(self.table.settings().denied.as_ref()) {
            return Action::reply(503, format!("{}: {}", denied.origin, denied.reason));
        }
        let target = match self.target() {
            Ok(target) => target,
            Err(refusal) => return refusal,
        };
        let RouteTarget::Upstream(upstream) = &self.route.target else {
            return unclaimed(
                self.table,
                self.translator,
                self.request,
                "the route goes to the default backend, and there is none",
            );
        };
        forward(self.translator, upstream, &target)
            .or_else(|| forward(self.translator, self.route.default_backend.as_deref()?, &self.request.target))
            .unwrap_or_else(|| no_endpoint(upstream))
    }

    /// The request target for the backend.
    fn target(&self) -> Result<String, Action> {
        let Some(rewrite) = &self.route.policies.rewrite else { return Ok(self.request.target.clone()) };
        match rewrite.apply(self.path, self.request.query()) {
            Ok(rewritten) => Ok(rewritten.map_or_else(|| self.request.target.clone(), |rewritten| rewritten.target)),
            Err(limit) => Err(Action::reply(500, limit.to_string())),
        }
    }
}
