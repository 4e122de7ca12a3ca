//! Ports of Services, which Gateway API knows by their numbers only.

use crate::object::Kind;
use crate::store::Store;
use crate::translate::{find_port, http_protocol, may_lack_ports};
use gateway::config::{BackendProtocol, ServiceBackend};

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
    let ServiceBackend { namespace, service: name, port, protocol } = id;
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
    match (find_port(ports, port, *protocol), given) {
        (Some(found), _) => {
            let protocol = http_protocol(found.app_protocol.as_deref().unwrap_or_default());
            Ok(Port { number: found.port, protocol })
        }
        (None, Some(given)) if may_lack_ports(service) => Ok(number(given)),
        (None, _) => Err(format!("leads to port {port:?}, which Service {namespace}/{name} does not have")),
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
