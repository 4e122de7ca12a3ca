//! The addresses under which we are reached.

use crate::address::Address;
use k8s_openapi::api::core::v1::{Node, Service, ServiceSpec};

/// What a Service says of where it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// At these addresses; none if they are not known yet.
    At(Vec<Address>),
    /// At the nodes.
    AtNodes,
}

/// As ingress-nginx (`status.statusAddressFromService`), but for a NodePort without external addresses: there it writes
/// the cluster's own address, which nobody outside can reach.
pub(super) fn of_service(service: &Service) -> Reached {
    let Some(spec) = &service.spec else { return Reached::At(Vec::new()) };
    let ips = |ips: &Option<Vec<String>>| {
        ips.iter().flatten().filter_map(|ip| Address::of(Some(ip), None)).collect::<Vec<_>>()
    };
    let external = ips(&spec.external_ips);
    Reached::At(match spec.type_.as_deref() {
        Some("ExternalName") => Address::of(None, spec.external_name.as_deref()).into_iter().collect(),
        Some("NodePort") if external.is_empty() => return Reached::AtNodes,
        Some("NodePort") => external,
        Some("LoadBalancer") => balancers(service).chain(external).collect(),
        _ => cluster_ip(spec).into_iter().collect(),
    })
}

fn balancers(service: &Service) -> impl Iterator<Item = Address> {
    let balancer = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let entries = balancer.and_then(|balancer| balancer.ingress.as_ref()).into_iter().flatten();
    entries.filter_map(|entry| Address::of(entry.ip.as_deref(), entry.hostname.as_deref()))
}

/// A headless Service has none.
fn cluster_ip(spec: &ServiceSpec) -> Option<Address> {
    Address::of(spec.cluster_ip.as_deref().filter(|ip| *ip != "None"), None)
}

/// The addresses of a node, as ingress-nginx (`k8s.GetNodeIPs`): each ExternalIP, unless it has none or the InternalIPs are
/// wanted. With both families of IP there are two.
pub(super) fn of_node(node: &Node, internal: bool) -> Vec<Address> {
    let all = || node.status.iter().flat_map(|status| status.addresses.iter().flatten());
    let of = |kind: &str| {
        let found = all().filter(|address| address.type_ == kind);
        found.filter_map(|address| Address::of(Some(&address.address), None)).collect::<Vec<_>>()
    };
    let external = if internal { Vec::new() } else { of("ExternalIP") };
    if external.is_empty() { of("InternalIP") } else { external }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ip(text: &str) -> Address {
        Address::Ip(text.into())
    }

    fn name(text: &str) -> Address {
        Address::Hostname(text.into())
    }

    fn reached(spec: &Value, ingress: &Value) -> Reached {
        let service = json!({"spec": spec, "status": {"loadBalancer": {"ingress": ingress}}});
        of_service(&serde_json::from_value(service).expect("a Service"))
    }

    #[test]
    fn a_service_says_where_it_is_reached() {
        let at = |addresses: &[Address]| Reached::At(addresses.to_vec());
        let none = json!([]);
        for (spec, ingress, expected) in [
            (json!({"type": "ExternalName", "externalName": "lb.example.com"}), &none, at(&[name("lb.example.com")])),
            (json!({"type": "ClusterIP", "clusterIP": "10.96.0.9"}), &none, at(&[ip("10.96.0.9")])),
            (json!({"type": "ClusterIP", "clusterIP": "None"}), &none, at(&[])),
            (json!({"clusterIP": "10.96.0.9"}), &none, at(&[ip("10.96.0.9")])),
            (json!({"type": "NodePort", "clusterIP": "10.96.0.9"}), &none, Reached::AtNodes),
            (json!({"type": "NodePort", "externalIPs": ["1.2.3.4"]}), &none, at(&[ip("1.2.3.4")])),
            (json!({"type": "LoadBalancer", "clusterIP": "10.96.0.9"}), &none, at(&[])),
            (
                json!({"type": "LoadBalancer", "externalIPs": ["1.2.3.4"]}),
                &json!([{"ip": "5.6.7.8", "hostname": "x"}, {"hostname": "lb.example.com"}, {}]),
                at(&[ip("5.6.7.8"), name("lb.example.com"), ip("1.2.3.4")]),
            ),
        ] {
            assert_eq!(reached(&spec, ingress), expected, "{spec}");
        }
        assert_eq!(of_service(&Service::default()), at(&[]));
    }

    #[test]
    fn a_node_has_addresses_outside_or_inside() {
        let node = |addresses: &[(&str, &str)]| -> Node {
            let addresses: Vec<_> =
                addresses.iter().map(|(kind, text)| json!({"type": kind, "address": text})).collect();
            serde_json::from_value(json!({"status": {"addresses": addresses}})).expect("a Node")
        };
        let both = node(&[("Hostname", "n1"), ("InternalIP", "10.0.0.1"), ("ExternalIP", "1.2.3.4")]);
        let inside = node(&[("ExternalIP", ""), ("InternalIP", "10.0.0.1"), ("InternalIP", "fd00::1")]);
        let outside = node(&[("ExternalIP", "1.2.3.4"), ("ExternalIP", "2001:db8::4")]);
        let (of_inside, of_outside) = ([ip("10.0.0.1"), ip("fd00::1")], [ip("1.2.3.4"), ip("2001:db8::4")]);
        assert_eq!((of_node(&both, false), of_node(&both, true)), (vec![ip("1.2.3.4")], vec![ip("10.0.0.1")]));
        assert_eq!((of_node(&inside, false), of_node(&inside, true)), (of_inside.to_vec(), of_inside.to_vec()));
        assert_eq!((of_node(&outside, false), of_node(&outside, true)), (of_outside.to_vec(), Vec::new()));
        assert_eq!(of_node(&Node::default(), false), []);
    }
}
