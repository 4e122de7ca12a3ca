//! Ports of Services, which Gateway API knows by their numbers only.

use crate::object::Kind;
use crate::store::Store;
use gateway::config::{BackendProtocol, ServiceBackend};
use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A port as a route names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) number: i32,
    /// How an HTTPRoute speaks to it, by its `appProtocol`.
    pub(super) protocol: BackendProtocol,
}

/// The port that a rule of an Ingress names.
///
/// # Errors
/// Why there is no number for it.
pub(super) fn find(id: &ServiceBackend, store: &Store) -> Result<Port, String> {
    let ServiceBackend { namespace, service: name, port, .. } = id;
    let given = port.parse().ok().filter(|number| (1..=65535).contains(number));
    let number = |number| Port { number, protocol: BackendProtocol::Http };
    let Some(service) = store.service(namespace, name) else {
        return match given {
            // Somebody has given Ingresses alone.
            Some(given) if !store.has(Kind::Service) => Ok(number(given)),
            _ => Err(format!("leads to Service {namespace}/{name}, which does not exist here: its ports are needed")),
        };
    };
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    match (of_service(ports, port), given) {
        (Some(found), _) => Ok(Port { number: found.port, protocol: protocol(found.app_protocol.as_deref()) }),
        (None, Some(given)) if may_lack_ports(service) => Ok(number(given)),
        (None, _) => Err(format!("leads to port {port:?}, which Service {namespace}/{name} does not have")),
    }
}

/// By its number, by its name, or by its target, as Ingresses are served.
fn of_service<'p>(ports: &'p [ServicePort], wanted: &str) -> Option<&'p ServicePort> {
    let tcp = || ports.iter().filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP");
    let is_target = |port: &&ServicePort| match &port.target_port {
        Some(IntOrString::Int(number)) => number.to_string() == wanted,
        Some(IntOrString::String(name)) => name == wanted,
        None => false,
    };
    let by_number = tcp().find(|port| port.port.to_string() == wanted);
    by_number.or_else(|| tcp().find(|port| port.name.as_deref() == Some(wanted))).or_else(|| tcp().find(is_target))
}

/// Whether a Service need not list the ports of its endpoints: it is headless, or another name for a host.
fn may_lack_ports(service: &Service) -> bool {
    service.spec.as_ref().is_some_and(|spec| {
        let is_headless = spec.cluster_ip.as_deref() == Some("None") && spec.ports.as_ref().is_none_or(Vec::is_empty);
        is_headless || spec.type_.as_deref() == Some("ExternalName")
    })
}

fn protocol(app_protocol: Option<&str>) -> BackendProtocol {
    match app_protocol {
        Some("kubernetes.io/h2c") => BackendProtocol::Grpc,
        Some("kubernetes.io/wss" | "https") => BackendProtocol::Https,
        _ => BackendProtocol::Http,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::testing::store;

    const SERVICE: &str = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [
        {name: http, port: 80, targetPort: 8080}, {name: tls, port: 443, appProtocol: https},
        {name: dns, port: 53, protocol: UDP}]}}";

    #[test]
    fn a_port_is_known_by_number_name_or_target() {
        let store = store(SERVICE);
        let find = |port: &str| find(&ServiceBackend::tcp("shop", "web", port), &store).map(|port| port.number);
        assert_eq!((find("80"), find("http"), find("8080"), find("tls")), (Ok(80), Ok(80), Ok(80), Ok(443)));
        let fault = find("dns").expect_err("no port for TCP");
        assert_eq!(fault, "leads to port \"dns\", which Service shop/web does not have");
    }

    #[test]
    fn what_speaks_tls_is_told() {
        let port = find(&ServiceBackend::tcp("shop", "web", "443"), &store(SERVICE));
        assert_eq!(port.map(|port| port.protocol), Ok(BackendProtocol::Https));
    }

    #[test]
    fn without_any_service_a_number_counts() {
        let id = |port: &str| ServiceBackend::tcp("shop", "api", port);
        assert_eq!(find(&id("8080"), &Store::new()).map(|port| port.number), Ok(8080));
        assert!(find(&id("http"), &Store::new()).is_err());
        assert!(find(&id("8080"), &store(SERVICE)).is_err(), "other Services are there");
    }
}
