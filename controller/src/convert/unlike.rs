//! What a route does that its new rule would not, though each annotation by itself has a counterpart.

use super::given::Given;
use super::report::Verdict;
use super::source::Source;
use crate::annotation::AFFINITY_COOKIE;
use crate::lookup::Lookup;
use crate::object::Kind;
use crate::route_defaults::ServerUrl;
use gateway::config::{Action, HostName, PathKind, Route, RouteBackend};

/// A difference: the annotation that it is about, or none, and what it is.
pub(super) type Unlike = (Option<&'static str>, Verdict, &'static str);

/// How the requests of a route of an Ingress that is given these would be served in another way.
pub(super) fn of_route(route: &Route, host: &HostName, given: Given<'_>, source: &Source) -> Vec<Unlike> {
    let not = |key, why| Some((Some(key), Verdict::NotConverted, why));
    let locations = not("configuration-snippet", "it has a location, which no AditPolicy can have");
    let at_host =
        not("auth-url", "its server is at $host, and there is none at a host of many names, or at this machine");
    let at_any_host =
        "the ConfigMap's global-auth-url has its server at $host, which routes of Gateway API cannot have";
    let sessions = sessions(route, given).and_then(|why| not("affinity", why));
    let found = [
        locations.filter(|_| !route.locations.is_empty()),
        at_host.filter(|_| given.auth_server_at_host().is_some() && !has_server_of_its_own(route, host)),
        asks_at_any_host(route, given, source).then_some((None, Verdict::NotConverted, at_any_host)),
        sessions,
        cookie_path(route, given),
        silent_canary(route, source),
    ];
    found.into_iter().flatten().collect()
}

/// Whether the host of a route has an auth server under its name, which a policy for this host alone can name.
fn has_server_of_its_own(route: &Route, host: &HostName) -> bool {
    matches!(host, HostName::Exact(_)) && route.policies.denied.is_none()
}

/// Whether the ConfigMap has an auth server for the route that is at the name of its host.
fn asks_at_any_host(route: &Route, given: Given<'_>, source: &Source) -> bool {
    let is_asked = route.policies.external_auth.is_some() || route.policies.denied.is_some();
    let global = source.defaults.external_auth.url.as_ref().filter(|_| given.value("auth-url").is_none());
    is_asked && global.is_some_and(|url| &*url.host == ServerUrl::HOST)
}

/// Why the sessions of a route are not those that its Ingress asks for, where another one or no rule decides.
fn sessions(route: &Route, given: Given<'_>) -> Option<&'static str> {
    let Action::Forward(backends) = &route.action else { return None };
    let asked = given.value("affinity").filter(|kind| *kind == "cookie");
    let name = asked.map(|_| given.value("session-cookie-name").unwrap_or(AFFINITY_COOKIE));
    let affinity = backends.first()?.affinity.as_ref();
    let kept = affinity.filter(|affinity| affinity.sets.is_some()).map(|affinity| &*affinity.cookie);
    (name != kept).then_some(
        "the sessions of its backends are decided by another Ingress, or its default backend has none: a policy is for all of \
         its rules",
    )
}

/// The path of a cookie is that of the rule, which is none where that is a regular expression.
fn cookie_path(route: &Route, given: Given<'_>) -> Option<Unlike> {
    let sets_cookie = given.value("affinity").is_some() && given.value("session-cookie-path").is_none();
    let is_unlike = sets_cookie && route.matches.path.kind == PathKind::Regex;
    let detail =
        "the cookie is for all paths: an Ingress sets one for the regular expression, which browsers never send";
    is_unlike.then_some((Some("affinity"), Verdict::Differs, detail))
}

/// A canary without endpoints leaves its requests to the main backend, but not in an HTTPRoute.
fn silent_canary(route: &Route, source: &Source) -> Option<Unlike> {
    let Action::Forward(backends) = &route.action else { return None };
    let lookup = Lookup::new(&source.store);
    let is_silent = |backend: &RouteBackend| {
        let service = backend.backend.service().filter(|_| backend.canary);
        service.is_some_and(|id| lookup.ready_endpoints(&id.namespace, &id.service) == 0)
    };
    let detail =
        "the canary has no endpoint now: its share of the requests is answered with 503, and not by the main backend";
    let is_known = source.store.has(Kind::EndpointSlice);
    (is_known && backends.iter().any(is_silent)).then_some((None, Verdict::Differs, detail))
}
