//! One port of one Service: the addresses behind it.

mod endpoints;
mod external_name;
mod ports;
mod problem;
mod topology;

pub(in crate::translate) use ports::speaks;
pub(crate) use ports::{find_port, may_lack_ports};
pub(super) use problem::Problem;

use crate::address::OFF_LIMITS;
use crate::diagnostic::Reason;
use crate::route_defaults::UpstreamSettings;
use crate::settings::ControllerSettings;
use crate::store::Store;
use endpoints::addresses;
use gateway::config::{Backend, Endpoint, Endpoints, ServiceBackend, StreamProtocol, is_forbidden};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::net::{IpAddr, SocketAddr};

/// A backend with what is wrong with it.
pub(super) type Resolved = (Backend, Option<Problem>);

/// Finds the endpoints of a Service's port.
pub(super) fn resolve(
    id: &ServiceBackend,
    settings: &UpstreamSettings,
    controller: &ControllerSettings,
    store: &Store,
) -> Resolved {
    let service = store.service(&id.namespace, &id.service);
    let affinity = service.and_then(|service| service.spec.as_ref()?.session_affinity.as_deref()) == Some("ClientIP");
    let (endpoints, problem) = match service {
        Some(service) => of_service(id, service, settings, controller, store),
        None => failed(Problem::error("name", Reason::ReferenceNotFound, missing(id))),
    };
    let (endpoints, forbidden) = without_forbidden(endpoints);
    let is_empty = matches!(&endpoints, Endpoints::Addresses(left) if left.is_empty());
    let problem = problem.or_else(|| forbidden.map(|address| of_forbidden(id, address, is_empty)));
    let backend = Backend {
        hash_by: settings.hash_by.clone(),
        balance: settings.balance,
        slow_start: settings.slow_start,
        ejection: settings.ejection.policy(),
        client_ip_affinity: affinity,
        endpoints,
    };
    (backend, problem)
}

/// The API server refuses such addresses; files have met none. Loopback ones stay: who writes files may mean this machine.
fn without_forbidden(endpoints: Endpoints) -> (Endpoints, Option<IpAddr>) {
    let Endpoints::Addresses(all) = &endpoints else { return (endpoints, None) };
    let is_bad = |endpoint: &&Endpoint| is_forbidden(endpoint.address.ip());
    let Some(bad) = all.iter().find(is_bad).map(|endpoint| endpoint.address.ip()) else { return (endpoints, None) };
    let good = all.iter().filter(|endpoint| !is_bad(endpoint)).cloned();
    (addresses(good), Some(bad))
}

fn of_forbidden(id: &ServiceBackend, address: IpAddr, unserved: bool) -> Problem {
    let ServiceBackend { namespace, service, .. } = id;
    let message = format!("names Service {namespace}/{service}, whose endpoint {address} is not used: it {OFF_LIMITS}");
    Problem { unserved, ..Problem::warning("name", Reason::Denied, message) }
}

fn of_service(
    id: &ServiceBackend,
    service: &Service,
    settings: &UpstreamSettings,
    controller: &ControllerSettings,
    store: &Store,
) -> (Endpoints, Option<Problem>) {
    let default = ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&default);
    if spec.type_.as_deref() == Some("ExternalName") {
        return match external_name::endpoints(id, spec, !controller.disable_external_name) {
            Ok(endpoints) => (endpoints, None),
            Err(problem) => failed(problem),
        };
    }
    let port = match service_port(id, spec) {
        Ok(port) => port,
        Err(problem) => return failed(problem),
    };
    let of_port = || {
        let preference = topology::preference(service, controller, store);
        endpoints::of_port(id, spec, &port, preference, store)
    };
    if !settings.service_upstream {
        return of_port();
    }
    match cluster_ip(spec, &port) {
        Some(address) => (addresses([Endpoint { address, pod: None }]), None),
        None => {
            let (endpoints, problem) = of_port();
            let headless = "has no cluster IP, which service-upstream needs: its endpoints are used instead";
            (endpoints, problem.or_else(|| Some(Problem::warning("name", Reason::Ignored, headless))))
        }
    }
}

/// The port of a Service that a rule names.
fn service_port(id: &ServiceBackend, spec: &ServiceSpec) -> Result<ServicePort, Problem> {
    let all = spec.ports.as_deref().unwrap_or_default();
    if let Some(port) = find_port(all, &id.port, id.protocol) {
        return Ok(port.clone());
    }
    // A headless Service need not list ports: its endpoints listen on the number that the rule names.
    match id.port.parse::<u16>() {
        Ok(number) if number > 0 && all.is_empty() && is_headless(spec) => Ok(ServicePort {
            port: number.into(),
            target_port: Some(IntOrString::Int(number.into())),
            ..ServicePort::default()
        }),
        _ => Err(Problem::error("port", Reason::ReferenceNotFound, no_such_port(id, all))),
    }
}

fn no_such_port(id: &ServiceBackend, ports: &[ServicePort]) -> String {
    let ServiceBackend { namespace, service, .. } = id;
    let known: Vec<_> = ports
        .iter()
        .map(|port| {
            let protocol = port.protocol.as_deref().filter(|_| !speaks(port.protocol.as_deref(), StreamProtocol::Tcp));
            let protocol = protocol.map(|protocol| format!("/{protocol}")).unwrap_or_default();
            let name = port.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            format!("{}{protocol}{name}", port.port)
        })
        .collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let protocol = if id.protocol == StreamProtocol::Udp { "UDP " } else { "" };
    format!("is not a {protocol}port of Service {namespace}/{service}, which has {known}")
}

fn missing(id: &ServiceBackend) -> String {
    let ServiceBackend { namespace, service, .. } = id;
    let label = !service.is_empty() && service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if label {
        return format!("names Service {namespace}/{service}, which does not exist");
    }
    let hint = if service.contains("//") { "; a comment in YAML begins with '#'" } else { "" };
    format!("is not a Service name: expected a-z, 0-9 and '-'{hint}")
}

fn is_headless(spec: &ServiceSpec) -> bool {
    spec.cluster_ip.as_deref() == Some("None")
}

fn cluster_ip(spec: &ServiceSpec, port: &ServicePort) -> Option<SocketAddr> {
    let address: IpAddr = spec.cluster_ip.as_deref()?.parse().ok()?;
    Some(SocketAddr::new(address, u16::try_from(port.port).ok()?))
}

/// No endpoints, because of this.
fn failed(problem: Problem) -> (Endpoints, Option<Problem>) {
    (addresses([]), Some(problem))
}

#[cfg(test)]
mod tests;
