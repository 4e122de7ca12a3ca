//! What is changed of headers, in words. Values are left out: a backend may take them for credentials.

use gateway::config::{HeaderChanges, RoutePolicies};
use gateway::table::{Route, RouteBackend};
use std::sync::Arc;

/// What a route and its backend change of requests, in the order in which they do; none where they change nothing.
pub(super) fn of_request(route: &Route, backend: Option<&RouteBackend>) -> Option<String> {
    let policies: &RoutePolicies = &route.policies;
    let policies_of_backend = backend.map(|backend| &backend.policies);
    let host = policies_of_backend.and_then(|policies| policies.host.as_ref()).map(|host| match host.literal() {
        Some(host) => format!("Host is {host}"),
        None => "Host is set".to_owned(),
    });
    let of_route = words("the route", &policies.request_headers);
    let of_backend = policies_of_backend.and_then(|policies| words("the backend", policies.request_headers.as_ref()?));
    join([host, of_route, of_backend])
}

/// The same of the backend's responses.
pub(super) fn of_response(route: &Route, backend: Option<&RouteBackend>) -> Option<String> {
    let policies: &RoutePolicies = &route.policies;
    let of_backend = backend.and_then(|backend| words("the backend", backend.policies.response_headers.as_ref()?));
    join([of_backend, words("the route", &policies.response_headers)])
}

fn join<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Such as `the route removes X-A, sets X-B and X-C`.
fn words(who: &str, HeaderChanges { remove, set, add }: &HeaderChanges) -> Option<String> {
    let [set, add] = [set, add].map(|headers| headers.iter().map(|(name, _)| Arc::clone(name)).collect());
    let changes = [("removes", remove.to_vec()), ("sets", set), ("adds to", add)];
    let changes = changes.iter().filter(|(_, names)| !names.is_empty());
    let changes: Vec<_> = changes.map(|(verb, names)| format!("{verb} {}", names.join(" and "))).collect();
    (!changes.is_empty()).then(|| format!("{who} {}", changes.join(", ")))
}
