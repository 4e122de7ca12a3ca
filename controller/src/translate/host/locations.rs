//! `location` in the snippets of a host's server, which stand among the paths of its Ingresses.

use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use crate::route_defaults::{ProxyPass, RouteDefaults, SnippetBlock, SnippetLocation};
use crate::snippet::{ask, fold, fold_server, location_backend, location_rewrite};
use gateway::config::{
    Action, Denied, HostName, Location, LocationKind, Owner, PathKind, PathMatch, Route, RouteBackend, RouteMatch,
    RoutePolicies, Subject,
};
use std::sync::Arc;

/// The locations of the snippets of a host's server, and what is wrong with them.
pub(super) fn of_server(
    server: &Result<Arc<SnippetBlock>, &Denied>,
    view: &View<'_>,
) -> (Vec<Location>, Vec<Diagnostic>) {
    let Ok(server) = server else { return (Vec::new(), Vec::new()) };
    let mut faults = Vec::new();
    let translate = |location| translate(location, server, view.defaults(), &mut faults);
    (server.locations.iter().map(translate).collect(), faults)
}

fn translate(
    location: &SnippetLocation,
    server: &SnippetBlock,
    defaults: &RouteDefaults,
    faults: &mut Vec<Diagnostic>,
) -> Location {
    let SnippetLocation { origin, kind, text, block } = location;
    let owner = owner(&origin.object);
    // No Ingress's annotations hold there, and of the ConfigMap only what ingress-nginx writes outside of locations.
    let mut policies = RoutePolicies {
        waf: defaults.policies.waf.clone(),
        rewrite: location_rewrite(location),
        ..RoutePolicies::default()
    };
    let pass = block.proxy_pass.as_ref();
    let mut backend = pass.map(|pass| location_backend(pass, &defaults.backend)).unwrap_or_default();
    if let Err(complaint) = fold(block, defaults.into(), &mut policies, &mut backend) {
        policies.denied = Some(Denied { reason: complaint.into(), origin: origin.clone() });
    }
    fold_server(server, block, defaults.into(), false, false, &mut policies);
    faults.extend(ask(server, block, &mut policies).err().map(|fault| *fault));
    let action = match pass {
        None => Action::NotFound,
        Some(ProxyPass { service, .. }) => Action::Forward(
            [RouteBackend {
                backend: service.clone().into(),
                weight: 1,
                when: None,
                canary: false,
                affinity: None,
                owner: Owner { service: service.service.clone(), service_port: service.port.clone(), ..owner.clone() },
                policies: Arc::new(backend),
            }]
            .into(),
        ),
    };
    let matches = RouteMatch::path(kind.path_kind(), text.clone());
    let route = Route { origin: origin.clone(), owner, matches, action, policies: Arc::new(policies) };
    Location { kind: *kind, route }
}

/// The Ingress whose snippet it is; nobody for the ConfigMap's.
fn owner(object: &Subject) -> Owner {
    match object {
        Subject::Object(name) if name.kind == "Ingress" => {
            Owner { namespace: name.namespace.clone(), ingress: name.name.clone(), ..Owner::default() }
        }
        _ => Owner::default(),
    }
}

/// The locations that are also a path of an Ingress. nginx refuses such a configuration.
pub(super) fn conflicts(host: &HostName, locations: &[Location], routes: &[Route]) -> Vec<Diagnostic> {
    let conflict = |Location { kind, route }: &Location| {
        let path = &route.matches.path.value;
        let taken = routes.iter().find(|other| is_same(*kind, path, &other.matches.path))?;
        let message = format!(
            "is also a path of host {host} in {}, which nginx refuses: the location takes its requests",
            taken.origin
        );
        let diagnostic = Diagnostic::warning(route.origin.object.clone(), route.origin.field.clone(), message);
        Some(diagnostic.with_value(path).because(Reason::Conflict))
    };
    locations.iter().filter_map(conflict).collect()
}

/// Whether ingress-nginx writes this location for a path: for a Prefix `/foo` it writes `= /foo` and `/foo/`.
fn is_same(kind: LocationKind, text: &str, path: &PathMatch) -> bool {
    let bare = path.value.strip_suffix('/');
    match (kind, path.kind) {
        (LocationKind::Exact, PathKind::Exact) => *text == *path.value,
        (LocationKind::Exact, PathKind::Prefix) => bare.is_none() && *text == *path.value,
        (LocationKind::Prefix | LocationKind::FinalPrefix, PathKind::Prefix) => {
            text.strip_suffix('/') == Some(bare.unwrap_or(&path.value))
        }
        _ => false,
    }
}
