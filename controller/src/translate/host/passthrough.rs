//! Hosts whose TLS is not terminated, but passed on (`ssl-passthrough`): all of it to the backend of the path `/`.

use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::{
    Action, BackendId, BackendProtocol, HostName, Origin, PathKind, Route, ServiceBackend, StreamBackend, Timeouts,
    TlsRoute,
};
use std::sync::Arc;
use std::time::Duration;

/// Where the host's TLS goes, if its oldest Ingress asks for that, and what is wrong or lost with it. The others have no
/// say, or who may add a path to a host could take all of its TLS. What comes in cleartext goes there over TLS, too, since the
/// backend expects that.
pub(super) fn decide(
    host: &HostName,
    routes: &mut [Route],
    view: &View<'_>,
) -> (Option<Box<TlsRoute>>, Vec<Diagnostic>) {
    let Some(ingress) = view.with_rules(host).next() else { return (None, Vec::new()) };
    let Some(origin) = ingress.passthrough.as_deref() else { return (None, overruled(host, ingress, view)) };
    let ignored = |why: &str| {
        let message = format!("is ignored for host {host}, whose TLS Adit terminates: {why}");
        (None, vec![ingress.warning(origin.field.clone(), message).because(Reason::Ignored)])
    };
    if *host == HostName::Any {
        return ignored("a rule without a host cannot be found by the name in the ClientHello");
    }
    let Some((route, backend)) = root(routes) else {
        return ignored("it has no path / with a backend");
    };
    let connect_timeout = connect_timeout(host, route, view);
    let backend = BackendId::from(backend);
    let backends = StreamBackend::only(backend.clone());
    let passthrough = TlsRoute { backends, terminates: false, connect_timeout, origin: origin.clone() };
    let mut diagnostics = bypassed(host, ingress, view);
    if route.policies.denied.is_some() || ingress.host_policies.client_certificates.is_some() {
        let message = format!(
            "passes TLS for host {host} on without the protection that its annotations ask for: it is there for plain HTTP \
             only"
        );
        diagnostics.push(ingress.warning(origin.field.clone(), message).because(Reason::Insecure));
    }
    speak_tls(routes, &backend);
    (Some(Box::new(passthrough)), diagnostics)
}

fn speak_tls(routes: &mut [Route], backend: &BackendId) {
    for route in routes {
        let Action::Forward(backends) = &mut route.action else { continue };
        if !backends.iter().any(|to| to.backend == *backend) {
            continue;
        }
        for to in Arc::make_mut(backends).iter_mut().filter(|to| to.backend == *backend) {
            let policies = Arc::make_mut(&mut to.policies);
            policies.protocol = match policies.protocol {
                BackendProtocol::Grpc | BackendProtocol::Grpcs => BackendProtocol::Grpcs,
                BackendProtocol::Http | BackendProtocol::Https | BackendProtocol::Auto => BackendProtocol::Https,
                BackendProtocol::FastCgi => BackendProtocol::FastCgi,
            };
        }
    }
}

/// The route for `/`, and the backend of its rule, which may have a redirect before it.
fn root(routes: &[Route]) -> Option<(&Route, ServiceBackend)> {
    let mut roots: Vec<_> = routes.iter().filter(|route| *route.matches.path.value == *"/").collect();
    // An Exact one is for that path alone.
    roots.sort_by_key(|route| route.matches.path.kind == PathKind::Exact);
    let with_backend = |route: &&Route| !route.owner.service.is_empty();
    let root = roots.into_iter().find(with_backend)?;
    let owner = &root.owner;
    let backend = ServiceBackend::tcp(owner.namespace.clone(), owner.service.clone(), owner.service_port.clone());
    Some((root, backend))
}

/// How long connecting to the backend may take, by the Ingress that has the route.
fn connect_timeout(host: &HostName, route: &Route, view: &View<'_>) -> Duration {
    let owner = view.claims_on(host).find(|ingress| ingress.object == route.origin.object);
    owner.map_or(Timeouts::DEFAULT, |ingress| ingress.backend_policies.timeouts).connect
}

/// Says of the host's younger Ingresses that they ask in vain.
fn overruled(host: &HostName, oldest: &ParsedIngress, view: &View<'_>) -> Vec<Diagnostic> {
    let asking = view.with_rules(host).filter_map(|ingress| Some((ingress, ingress.passthrough.as_deref()?)));
    let warning = |(ingress, origin): (&ParsedIngress, &Origin)| {
        let message = format!(
            "is ignored for host {host}, whose TLS Adit terminates: the host's oldest Ingress decides, which is {}",
            oldest.object
        );
        ingress.warning(origin.field.clone(), message).because(Reason::Conflict).with_related(oldest.object.clone())
    };
    asking.map(warning).collect()
}

/// Says of the host's other Ingresses that their paths are not to be had over TLS.
fn bypassed(host: &HostName, asking: &ParsedIngress, view: &View<'_>) -> Vec<Diagnostic> {
    let others = view.with_rules(host).filter(|other| other.rank != asking.rank && other.passthrough.is_none());
    let warning = |other: &ParsedIngress| {
        let field = other.hosts.get(host).map(|rules| rules.origin.field.clone()).unwrap_or_default();
        let message = format!(
            "applies to plain HTTP only: all TLS for host {host} is passed through, as {} asks for",
            asking.object
        );
        other.warning(field, message).because(Reason::Conflict).with_related(asking.object.clone())
    };
    others.map(warning).collect()
}
