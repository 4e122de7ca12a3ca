//! Gateways and ListenerSets: a listener for each host and each way to come to it.
//!
//! One listener for all hosts would let requests of one host fall through to routes of `*.` and of any host, which Ingresses do
//! not do.

use super::hosts::{HostPlan, Side};
use super::names::{self, GatewayNames, Names};
use crate::object::{Kind, NamespacedName};
use gateway::config::HostName;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Listeners that a Gateway or a ListenerSet may have.
const LISTENERS: usize = 64;

/// Where routes attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    kind: Kind,
    namespace: Arc<str>,
    name: String,
    listener: String,
}

impl Place {
    /// As a `parentRef` of a route of a namespace.
    pub(super) fn parent_ref(&self, namespace: &str) -> Value {
        let mut reference = names::reference((&self.namespace, &self.name), namespace);
        reference["sectionName"] = json!(self.listener);
        if self.kind == Kind::ListenerSet {
            reference["group"] = json!(Kind::ListenerSet.group());
            reference["kind"] = json!(Kind::ListenerSet.name());
        }
        reference
    }
}

/// The Gateways with their listeners, and where the routes of hosts attach.
#[derive(Debug, Default)]
pub(super) struct Gateways {
    pub(super) objects: Vec<Value>,
    places: BTreeMap<(HostName, Side), Place>,
}

impl Gateways {
    pub(super) fn of(hosts: &[HostPlan], wanted: &GatewayNames) -> Self {
        let mut by_namespace: BTreeMap<&Arc<str>, Vec<(&HostPlan, Side)>> = BTreeMap::new();
        for host in hosts {
            let listeners = host.sides.iter().map(|side| (host, *side));
            by_namespace.entry(&host.namespace).or_default().extend(listeners);
        }
        let mut gateways = Self::default();
        let mut sets = Vec::new();
        for (namespace, listeners) in by_namespace {
            let mut names = Names::default();
            let chunks: Vec<_> = listeners.chunks(LISTENERS).collect();
            for (number, chunk) in chunks.iter().enumerate() {
                let kind = if number == 0 { Kind::Gateway } else { Kind::ListenerSet };
                let suffix = if number == 0 { String::new() } else { format!("-{}", number + 1) };
                let name = format!("{}{suffix}", wanted.gateway);
                let mut written = Vec::new();
                for (host, side) in *chunk {
                    let listener = names.take(kind, namespace, &listener_name(&host.name, *side));
                    written.push(listener_of(host, *side, &listener));
                    let place = Place { kind, namespace: Arc::clone(namespace), name: name.clone(), listener };
                    gateways.places.insert((host.name.clone(), *side), place);
                }
                match kind {
                    Kind::Gateway => gateways.objects.push(gateway(namespace, wanted, &written, chunks.len() > 1)),
                    _ => sets.push(listener_set(namespace, &name, wanted, &written)),
                }
            }
        }
        gateways.objects.extend(sets);
        gateways
    }

    /// Where the routes of a host attach.
    pub(super) fn place(&self, host: &HostName, side: Side) -> Option<&Place> {
        self.places.get(&(host.clone(), side))
    }
}

fn listener_name(host: &HostName, side: Side) -> String {
    let protocol = match side {
        Side::Http => "http",
        Side::Https => "https",
        Side::Passthrough => "tls",
    };
    match host {
        HostName::Any => protocol.to_owned(),
        host => format!("{protocol}-{}", names::of_host(host)),
    }
}

fn listener_of(host: &HostPlan, side: Side, name: &str) -> Value {
    let (port, protocol) = match side {
        Side::Http => (80, "HTTP"),
        Side::Https => (443, "HTTPS"),
        Side::Passthrough => (443, "TLS"),
    };
    let mut listener = json!({"name": name, "port": port, "protocol": protocol});
    if host.name != HostName::Any {
        listener["hostname"] = host.name.as_written().into();
    }
    match side {
        Side::Http => {}
        Side::Https => {
            let reference = |NamespacedName { namespace, name }: &NamespacedName| {
                names::reference((namespace, name), &host.namespace)
            };
            let certificates: Vec<_> = host.certificates.iter().map(reference).collect();
            listener["tls"] = json!({"mode": "Terminate", "certificateRefs": certificates});
        }
        Side::Passthrough => listener["tls"] = json!({"mode": "Passthrough"}),
    }
    let namespaces: BTreeSet<_> = host.parts.iter().map(|part| &*part.ingress.namespace).collect();
    if namespaces.iter().any(|namespace| *namespace != &*host.namespace) {
        let names = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces});
        let selector = json!({"matchExpressions": [names]});
        listener["allowedRoutes"] = json!({"namespaces": {"from": "Selector", "selector": selector}});
    }
    listener
}

fn gateway(namespace: &str, names: &GatewayNames, listeners: &[Value], has_sets: bool) -> Value {
    let mut spec = json!({"gatewayClassName": names.class, "listeners": listeners});
    if has_sets {
        spec["allowedListeners"] = json!({"namespaces": {"from": "Same"}});
    }
    let metadata = json!({"namespace": namespace, "name": names.gateway});
    json!({"apiVersion": Kind::Gateway.api_version(), "kind": "Gateway", "metadata": metadata, "spec": spec})
}

fn listener_set(namespace: &str, name: &str, names: &GatewayNames, listeners: &[Value]) -> Value {
    json!({
        "apiVersion": Kind::ListenerSet.api_version(),
        "kind": "ListenerSet",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"parentRef": {"name": names.gateway}, "listeners": listeners},
    })
}
