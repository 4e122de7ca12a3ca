//! Hosts whose TLS is not terminated, but passed on (`ssl-passthrough`): all of it to the backend of the path `/`.

use super::ingress::ParsedIngress;
use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use gateway::config::{BackendId, BackendProtocol, HostName, Passthrough, PathKind, Route, Target};
use std::sync::Arc;

/// Where the host's TLS goes, if an Ingress of it asks for that, and what is wrong or lost with it. As in ingress-nginx,
/// what comes in cleartext goes there over TLS, too.
pub(super) fn of(host: &HostName, routes: &mut [Route], view: &View<'_>) -> (Option<Passthrough>, Vec<Diagnostic>) {
    let mut asking = view.rulers(host).filter_map(|ingress| Some((ingress, ingress.passthrough.as_ref()?)));
    let Some((ingress, origin)) = asking.next() else { return (None, Vec::new()) };
    let ignored = |why: &str| {
        let message = format!("is ignored for host {host}, whose TLS is terminated here: {why}");
        (None, vec![ingress.warning(origin.field.clone(), message).because(Reason::Ignored)])
    };
    if *host == HostName::Any {
        return ignored("a ClientHello without a name, or with an unknown one, cannot say where it belongs");
    }
    let Some((route, backend)) = root(routes) else {
        return ignored("it has no path / with a backend to pass it on to");
    };
    let connect_timeout = route.policies.timeouts.connect;
    let passthrough = Passthrough { backend: backend.clone(), connect_timeout, origin: origin.clone() };
    let mut diagnostics = bypassed(host, ingress, view);
    if route.policies.denied.is_some() {
        let message = format!("passes the TLS of host {host} by all that is to protect it: only plain HTTP is denied");
        diagnostics.push(ingress.warning(origin.field.clone(), message).because(Reason::Insecure));
    }
    speak_tls(routes, &passthrough.backend);
    (Some(passthrough), diagnostics)
}

fn speak_tls(routes: &mut [Route], backend: &BackendId) {
    for route in routes.iter_mut().filter(|route| matches!(&route.target, Target::Backend(to) if to == backend)) {
        let protocol = match route.policies.backend_protocol {
            BackendProtocol::Grpc | BackendProtocol::Grpcs => BackendProtocol::Grpcs,
            BackendProtocol::Http | BackendProtocol::Https | BackendProtocol::Auto => BackendProtocol::Https,
        };
        Arc::make_mut(&mut route.policies).backend_protocol = protocol;
    }
}

/// The route for `/`, and its backend.
fn root(routes: &[Route]) -> Option<(&Route, &BackendId)> {
    let mut roots: Vec<_> = routes.iter().filter(|route| *route.path == *"/").collect();
    // An Exact one is for that path alone.
    roots.sort_by_key(|route| route.kind == PathKind::Exact);
    roots.into_iter().find_map(|route| match &route.target {
        Target::Backend(backend) => Some((route, backend)),
        Target::Default => None,
    })
}

/// Says of the host's other Ingresses that their paths are not to be had over TLS.
fn bypassed(host: &HostName, asking: &ParsedIngress, view: &View<'_>) -> Vec<Diagnostic> {
    let others = view.rulers(host).filter(|other| other.rank != asking.rank && other.passthrough.is_none());
    let warning = |other: &ParsedIngress| {
        let field = other.hosts.get(host).map(|rules| rules.origin.field.clone()).unwrap_or_default();
        let message = format!(
            "counts for plain HTTP only: all TLS of host {host} is passed through, because {} asks for it",
            asking.object
        );
        other.warning(field, message).because(Reason::Conflict).with_related(asking.object.clone())
    };
    others.map(warning).collect()
}
