//! `location` in the snippets of an Ingress's paths: it stands within each of them.

use super::locations::{Around, within};
use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use crate::route_defaults::{SnippetBlock, SnippetLocation};
use crate::snippet::{inherited, of_server};
use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::{Denied, HostName, Location, Owner, PathKind, Route, RoutePolicies, Subject};
use std::collections::HashMap;
use std::sync::Arc;

/// Puts the locations of Ingresses' own snippets into their routes, and returns what is wrong with them. They differ only
/// where the policies do that they inherit, so that routes share them.
pub(super) fn apply(
    host: &HostName,
    server: &Result<Arc<SnippetBlock>, &Denied>,
    routes: &mut [Route],
    view: &View<'_>,
) -> Vec<Diagnostic> {
    let Ok(server) = server else { return Vec::new() };
    let with_locations = view.claims_on(host).filter(|ingress| !ingress.location_snippet.locations.is_empty());
    let ingresses: HashMap<&Subject, &ParsedIngress> =
        with_locations.map(|ingress| (&ingress.object, ingress)).collect();
    let mut shared: HashMap<(&Subject, RoutePolicies), Arc<[Location]>> = HashMap::new();
    let mut faults = Vec::new();
    for route in routes.iter_mut() {
        let Some(&ingress) = ingresses.get(&route.origin.object) else { continue };
        let policies = RoutePolicies { rewrite: None, ..route.policies.as_ref().clone() };
        let locations = shared
            .entry((&ingress.object, policies))
            .or_insert_with_key(|(_, policies)| of_path(ingress, policies, server, view, &mut faults));
        route.locations = Arc::clone(locations);
    }
    let mut ingresses: Vec<_> = ingresses.into_values().collect();
    ingresses.sort_by(|a, b| a.rank.cmp(&b.rank));
    faults.extend(ingresses.into_iter().flat_map(|ingress| outside(host, ingress, routes)));
    faults
}

/// The locations within a path with these policies.
fn of_path(
    ingress: &ParsedIngress,
    policies: &RoutePolicies,
    server: &SnippetBlock,
    view: &View<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Arc<[Location]> {
    let key = &ingress.rank.key;
    let owner = Owner { namespace: key.namespace.clone(), ingress: key.name.clone(), ..Owner::default() };
    let outer = of_server(server, view.defaults().into(), ingress.has_error_pages, policies);
    let around = Around {
        server,
        defaults: view.defaults(),
        owner: &owner,
        block: &inherited(&ingress.location_snippet, &outer),
        policies,
        backend: &ingress.backend_policies,
        sets_host: true,
    };
    within(&ingress.location_snippet.locations, &around, faults)
}

/// The locations of an Ingress's own snippet that are within none of its paths. nginx refuses such a configuration.
fn outside(host: &HostName, ingress: &ParsedIngress, routes: &[Route]) -> Vec<Diagnostic> {
    let paths = || routes.iter().filter(|route| route.origin.object == ingress.object);
    let is_outside = |location: &&SnippetLocation| {
        location.origin.object == ingress.object && !paths().any(|route| may_contain(route, location))
    };
    let report = |SnippetLocation { origin, text, .. }: &SnippetLocation| {
        let message = format!(
            "is within no path that the Ingress has for host {host}, which nginx refuses: the location takes no request there"
        );
        let diagnostic = Diagnostic::warning(origin.object.clone(), origin.field.clone(), message);
        diagnostic.with_value(text).because(Reason::Ignored)
    };
    ingress.location_snippet.locations.iter().filter(is_outside).map(report).collect()
}

/// Whether the path of a route may lead to a location.
fn may_contain(route: &Route, location: &SnippetLocation) -> bool {
    let path = &route.matches.path;
    let is_pattern = [path.kind, location.kind.path_kind()].contains(&PathKind::Regex);
    let rest = location.text.strip_prefix(&*path.value);
    is_pattern || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || path.value.ends_with('/'))
}
