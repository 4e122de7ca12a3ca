//! Backends that are sent the name of the host in TLS: `proxy_ssl_name $host`.

use super::shared_backends::SharedBackends;
use crate::route_defaults::ServerUrl;
use gateway::config::{Action, BackendTls, HostName, Route, RouteBackend};
use std::sync::Arc;

/// Puts the host into the names that its routes' backends are sent. A host without an exact name has none to send.
pub(super) fn apply(host: &HostName, routes: &mut [Route]) {
    let mut shared = SharedBackends::default();
    for route in routes {
        if let Action::Forward(backends) = &mut route.action
            && backends.iter().any(|backend| of_host(backend).is_some())
        {
            *backends = shared.change(backends, || backends.iter().map(|backend| named(backend, host)).collect());
        }
    }
}

/// How TLS is spoken to a backend that is sent the name of its host.
fn of_host(backend: &RouteBackend) -> Option<&BackendTls> {
    backend.policies.tls.as_deref().filter(|tls| tls.server_name.as_deref() == Some(ServerUrl::HOST))
}

fn named(backend: &RouteBackend, host: &HostName) -> RouteBackend {
    let Some(tls) = of_host(backend) else { return backend.clone() };
    let server_name = match host {
        HostName::Exact(name) => Some(Arc::clone(name)),
        _ => None,
    };
    let mut backend = backend.clone();
    Arc::make_mut(&mut backend.policies).tls = Some(Arc::new(BackendTls { server_name, ..tls.clone() }));
    backend
}
