//! Affinity: of all routes to a backend, once one of the Ingresses with such routes asks for it.

use super::shared_backends::SharedBackends;
use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use gateway::config::{Action, Affinity, HostName, Route, RouteBackend, ServiceBackend};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Gives the routes to a backend its affinity. Only those whose own Ingress asks for affinity set its cookie.
pub(super) fn apply(routes: &mut [Route], view: &View<'_>) {
    let mut shared = SharedBackends::default();
    for route in routes {
        let Action::Forward(backends) = &mut route.action else { continue };
        let [main] = &**backends else { continue };
        let Some((_, affinity)) = of(main, view).filter(|(_, affinity)| main.affinity.as_ref() != Some(affinity))
        else {
            continue;
        };
        *backends = shared.change(backends, || [with(main, affinity)].into());
    }
}

fn of<'a>(backend: &'a RouteBackend, view: &View<'a>) -> Option<(&'a ServiceBackend, &'a Arc<Affinity>)> {
    let service = backend.backend.service()?;
    Some((service, view.affinity_of(service)?))
}

fn with(main: &RouteBackend, affinity: &Arc<Affinity>) -> RouteBackend {
    let affinity = match &main.affinity {
        Some(_) => Arc::clone(affinity),
        None => Arc::new(Affinity { sets: None, ..affinity.as_ref().clone() }),
    };
    RouteBackend { affinity: Some(affinity), ..main.clone() }
}

/// Says of the host's Ingresses that their backends have another affinity than they ask for.
pub(super) fn overruled(host: &HostName, view: &View<'_>) -> Vec<Diagnostic> {
    let mut overruled = Vec::new();
    for ingress in view.with_rules(host) {
        let routes = ingress.hosts.get(host).into_iter().flat_map(|rules| &rules.routes);
        let services: BTreeSet<_> = routes.filter_map(|route| outvoted(route, view)).collect();
        overruled.extend(services.into_iter().map(|service| {
            let message = format!(
                "is not all that counts for {service}: other Ingresses have routes to it and affinity, too; the oldest decides \
                 about affinity-mode, the youngest about session-cookie-*"
            );
            ingress.warning(view.annotation("affinity"), message).because(Reason::Conflict)
        }));
    }
    overruled
}

/// The backend of a route, if its Ingress asks for another affinity than it has.
fn outvoted<'a>(route: &'a Route, view: &View<'a>) -> Option<&'a ServiceBackend> {
    let Action::Forward(backends) = &route.action else { return None };
    let main = backends.first()?;
    let (service, affinity) = of(main, view)?;
    main.affinity.as_ref().filter(|own| *own != affinity).map(|_| service)
}
