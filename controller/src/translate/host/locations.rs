//! `location` in snippets: those of a host's server, which stand among the paths of its Ingresses, and those within paths and
//! other locations.

use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use crate::route_defaults::{RouteDefaults, SnippetBlock, SnippetLocation};
use crate::snippet::{
    ask, ask_within, fold, fold_server, fold_within, inherited, location_backend, location_rewrite, of_server,
};
use gateway::config::{
    Action, BackendPolicies, Denied, HostName, Location, LocationKind, Owner, PathKind, PathMatch, Route, RouteBackend,
    RouteMatch, RoutePolicies, Subject,
};
use std::sync::Arc;

/// What locations stand in, and inherit from.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// The snippets of the host's server.
    pub(super) server: &'a SnippetBlock,
    pub(super) defaults: &'a RouteDefaults,
    /// Who owns it.
    pub(super) owner: &'a Owner,
    /// What holds there of snippets.
    pub(super) block: &'a SnippetBlock,
    pub(super) policies: &'a RoutePolicies,
    pub(super) backend: &'a BackendPolicies,
    /// Whether the `Host` of backends is inherited.
    pub(super) sets_host: bool,
}

/// The locations of the snippets of a host's server, and what is wrong with them.
pub(super) fn of_host(
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
    let SnippetLocation { origin, block, .. } = location;
    let owner = owner(&origin.object);
    // No Ingress's annotations hold there, and of the ConfigMap only what ingress-nginx writes outside of locations.
    let mut policies = RoutePolicies {
        waf: defaults.policies.waf.clone(),
        rewrite: location_rewrite(location),
        ..RoutePolicies::default()
    };
    let backend = block.proxy_pass.as_ref().map(|pass| location_backend(pass, &defaults.backend, false));
    let mut backend = backend.unwrap_or_else(|| BackendPolicies::clone(&defaults.backend));
    if let Err(complaint) = fold(block, defaults.into(), &mut policies, &mut backend) {
        policies.denied = Some(Denied { reason: complaint.into(), origin: origin.clone() });
    }
    fold_server(server, block, defaults.into(), false, false, &mut policies);
    faults.extend(ask(server, block, &mut policies).err().map(|fault| *fault));
    let block = &inherited(block, &of_server(server, defaults.into(), false, &policies));
    let (owner, policies, backend) = (&owner, &policies, &backend);
    location_of(location, &Around { server, defaults, owner, block, policies, backend, sets_host: false }, faults)
}

/// The locations within a path or a location.
pub(super) fn within(
    locations: &[SnippetLocation],
    around: &Around<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Arc<[Location]> {
    locations.iter().map(|location| translate_within(location, around, faults)).collect()
}

fn translate_within(location: &SnippetLocation, around: &Around<'_>, faults: &mut Vec<Diagnostic>) -> Location {
    let SnippetLocation { origin, block, .. } = location;
    let mut policies = around.policies.clone();
    // ingress-nginx sets `Host` by a header, of which nginx inherits all or none.
    let sets_host = around.sets_host && block.proxy_headers.is_empty();
    let pass = block.proxy_pass.as_ref().map(|pass| location_backend(pass, around.backend, sets_host));
    let mut backend = pass.unwrap_or_else(|| around.backend.clone());
    if let Err(complaint) = fold_within(block, around.block, around.defaults.into(), &mut policies, &mut backend) {
        let denied = || Denied { reason: complaint.into(), origin: origin.clone() };
        policies.denied = policies.denied.or_else(|| Some(denied()));
    }
    policies.rewrite = location_rewrite(location);
    faults.extend(ask_within(around.server, around.block, block, &mut policies).err().map(|fault| *fault));
    let block = &inherited(block, around.block);
    location_of(location, &Around { block, policies: &policies, backend: &backend, sets_host, ..*around }, faults)
}

/// A location in which this holds.
fn location_of(location: &SnippetLocation, inside: &Around<'_>, faults: &mut Vec<Diagnostic>) -> Location {
    let SnippetLocation { origin, kind, text, block } = location;
    let owner = inside.owner;
    let action = match block.proxy_pass.as_ref().map(|pass| &pass.service) {
        None => Action::NotFound,
        Some(service) => Action::Forward(
            [RouteBackend {
                backend: service.clone().into(),
                weight: 1,
                when: None,
                canary: false,
                affinity: None,
                owner: Owner { service: service.service.clone(), service_port: service.port.clone(), ..owner.clone() },
                policies: Arc::new(inside.backend.clone()),
            }]
            .into(),
        ),
    };
    let route = Route {
        origin: origin.clone(),
        owner: owner.clone(),
        matches: RouteMatch::path(kind.path_kind(), text.clone()),
        action,
        policies: Arc::new(inside.policies.clone()),
        locations: within(&block.locations, inside, faults),
    };
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
