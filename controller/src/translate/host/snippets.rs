//! `server-snippet`: what one Ingress says for all routes of a host.

use super::candidate::Candidate;
use super::view::View;
use crate::annotation::ServerSnippet;
use crate::diagnostic::{Diagnostic, Reason};
use crate::route_defaults::SnippetBlock;
use crate::snippet::{HttpBlock, ask, fold_server, fold_server_timeouts};
use gateway::config::{Action, Denied, HostName, RouteBackend, RoutePolicies};
use std::collections::HashMap;
use std::sync::Arc;

/// The snippets of a host's server: that of the oldest Ingress that has one, and the ConfigMap's.
///
/// # Errors
/// The snippet has a fault, so that all routes of the host are denied.
pub(super) fn of_host<'a>(host: &HostName, view: &View<'a>) -> Result<Arc<SnippetBlock>, &'a Denied> {
    let of_all = &view.defaults().server_snippet;
    match view.deciding(host).find_map(|ingress| ingress.server_snippet.as_deref()) {
        None => Ok(Arc::clone(of_all)),
        Some(ServerSnippet::Denies(denied)) => Err(denied),
        Some(ServerSnippet::Serves(own)) => {
            let mut own = Arc::clone(own);
            Arc::make_mut(&mut own).append(of_all);
            Ok(own)
        }
    }
}

/// The snippets that do not count, because an older Ingress of the host has one.
pub(super) fn overruled(host: &HostName, view: &View<'_>) -> Vec<Diagnostic> {
    let mut with_snippet = view.deciding(host).filter(|ingress| ingress.server_snippet.is_some());
    let Some(oldest) = with_snippet.next() else { return Vec::new() };
    let lost = with_snippet.map(|younger| {
        let message = format!("is ignored for host {host}: {} has a server-snippet, too, and is older", oldest.object);
        let lost = younger.warning(view.annotation("server-snippet"), message);
        lost.because(Reason::Conflict).with_related(oldest.object.clone())
    });
    lost.collect()
}

/// Lets routes inherit from their server, and returns what is wrong with that. Those that shared their policies still do.
pub(super) fn apply(
    server: &Result<Arc<SnippetBlock>, &Denied>,
    http: HttpBlock<'_>,
    candidates: &mut [Candidate<'_>],
) -> Vec<Diagnostic> {
    let asks = |candidate: &Candidate<'_>| candidate.ingress.location_snippet.auth_request.is_some();
    let is_empty =
        server.as_ref().is_ok_and(|server| [server, http.snippet].iter().all(|it| **it == SnippetBlock::default()));
    if is_empty && !candidates.iter().any(asks) {
        return Vec::new();
    }
    let (mut changed, mut faults) = (Changed::default(), Vec::new());
    for Candidate { route, ingress, .. } in candidates {
        let is_grpc = ingress.backend_policies.protocol.is_http2();
        let key = (Arc::as_ptr(&route.policies), Arc::as_ptr(&ingress.location_snippet), is_grpc);
        let policies = changed.policies.entry(key).or_insert_with(|| {
            let mut policies = route.policies.as_ref().clone();
            match server {
                Ok(server) => {
                    let (own, has_error_pages) = (&ingress.location_snippet, ingress.has_error_pages);
                    fold_server(server, own, http, is_grpc, has_error_pages, &mut policies);
                    faults.extend(ask(server, own, &mut policies).err().map(|fault| *fault));
                }
                Err(denied) => policies.denied = policies.denied.take().or_else(|| Some((*denied).clone())),
            }
            Change { _former: Arc::clone(&route.policies), now: Arc::new(policies) }
        });
        route.policies = Arc::clone(&policies.now);
        if let (Ok(server), Action::Forward(backends)) = (server, &mut route.action) {
            let with_timeouts = changed
                .backends
                .entry(Arc::as_ptr(backends).cast())
                .or_insert_with(|| Change { _former: Arc::clone(backends), now: timeouts(server, backends) });
            *backends = Arc::clone(&with_timeouts.now);
        }
    }
    faults
}

/// What has been changed already, by the addresses of what it comes from.
#[derive(Default)]
struct Changed {
    policies: HashMap<(*const RoutePolicies, *const SnippetBlock, bool), Change<RoutePolicies>>,
    backends: HashMap<*const RouteBackend, Change<[RouteBackend]>>,
}

/// The former one is kept, so that its address stays its own.
struct Change<T: ?Sized> {
    _former: Arc<T>,
    now: Arc<T>,
}

/// The backends with the timeouts of the server, where theirs are the defaults.
fn timeouts(server: &SnippetBlock, backends: &Arc<[RouteBackend]>) -> Arc<[RouteBackend]> {
    let changed = |backend: &RouteBackend| match fold_server_timeouts(server, &backend.policies) {
        Some(policies) => RouteBackend { policies: Arc::new(policies), ..backend.clone() },
        None => backend.clone(),
    };
    if backends.iter().all(|backend| fold_server_timeouts(server, &backend.policies).is_none()) {
        return Arc::clone(backends);
    }
    backends.iter().map(changed).collect()
}
