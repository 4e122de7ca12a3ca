//! The addresses of a Service's port, from EndpointSlices, or from Endpoints where a directory has only those.

use super::ports::speaks;
use super::problem::Problem;
use super::topology::{ZonePreference, is_hinted_for};
use crate::diagnostic::Reason;
use crate::store::{SliceEndpoints, Store};
use gateway::config::{Endpoint, Endpoints, ServiceBackend, StreamProtocol};
use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort as LegacyPort, Endpoints as LegacyEndpoints, ObjectReference, ServicePort,
    ServiceSpec,
};
use k8s_openapi::api::discovery::v1::{EndpointConditions, EndpointPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::net::SocketAddr;
use std::sync::Arc;

/// How fit an endpoint is. The fittest that there are, are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fitness {
    /// It takes requests.
    Ready,
    /// It still takes requests while its Pod ends.
    Draining,
    /// It must not get any.
    Unfit,
}

/// The port of a Service, and what is spoken there.
type Wanted<'a> = (&'a ServicePort, StreamProtocol);

/// The endpoints of a port: the ready ones, of the preferred zone if it has any; if none is ready, those that still serve
/// while they end. Where Kubernetes has not found them yet, those that the port had.
pub(super) fn of_port(
    id: &ServiceBackend,
    spec: &ServiceSpec,
    port: &ServicePort,
    preference: Option<ZonePreference<'_>>,
    store: &Store,
) -> (Endpoints, Option<Problem>) {
    let unready_too = spec.publish_not_ready_addresses == Some(true);
    let mut found: Vec<(Fitness, Endpoint)> = Vec::new();
    let slices: Vec<_> = store.endpoint_slices(&id.namespace, &id.service).collect();
    if !slices.is_empty() {
        let of_slices = |preference| {
            let of_slice = |slice: &&Arc<SliceEndpoints>| of_slice(slice, (port, id.protocol), unready_too, preference);
            slices.iter().flat_map(of_slice).collect::<Vec<_>>()
        };
        found = of_slices(preference);
        if preference.is_some() && !found.iter().any(|(fitness, _)| *fitness == Fitness::Ready) {
            found = of_slices(None);
        }
    } else if let Some(legacy) = store.endpoints(&id.namespace, &id.service) {
        of_legacy(legacy, (port, id.protocol), unready_too, &mut found);
    } else {
        let ServiceBackend { namespace, service, .. } = id;
        let message = format!("names Service {namespace}/{service}, which has neither EndpointSlices nor Endpoints");
        return if selects(spec) {
            let message = message + " yet: it keeps the endpoints that it had, if any";
            (Endpoints::Unchanged, Some(Problem::warning("name", Reason::NoEndpoints, message)))
        } else {
            let problem = Problem::warning("name", Reason::NoEndpoints, message);
            (addresses([]), Some(Problem { unserved: true, ..problem }))
        };
    }
    let best = found.iter().map(|(fitness, _)| *fitness).min();
    let used = found.into_iter().filter(|(fitness, _)| Some(*fitness) == best && *fitness != Fitness::Unfit);
    (addresses(used.map(|(_, endpoint)| endpoint)), None)
}

/// Whether Kubernetes writes the EndpointSlices. It writes one at least, so that without any they are yet to come: until
/// then a Service that has just got its selector, or was of type ExternalName, keeps the endpoints that it had.
fn selects(spec: &ServiceSpec) -> bool {
    spec.selector.as_ref().is_some_and(|selector| !selector.is_empty())
}

fn of_slice(
    SliceEndpoints { endpoints, ports }: &SliceEndpoints,
    port: Wanted<'_>,
    unready_too: bool,
    preference: Option<ZonePreference<'_>>,
) -> Vec<(Fitness, Endpoint)> {
    let mut found = Vec::new();
    let ports = slice_ports(ports, port);
    let zone = preference.and_then(|preference| preference.applies_to(endpoints));
    for endpoint in endpoints.iter().filter(|endpoint| zone.is_none_or(|zone| is_hinted_for(endpoint, zone))) {
        let fitness = if unready_too { Fitness::Ready } else { fitness(endpoint.conditions.as_ref()) };
        let pod = pod_uid(endpoint.target_ref.as_ref());
        for address in &endpoint.addresses {
            // Slices of type FQDN have names here, which no Kubernetes version ever routed to.
            let Ok(address) = address.parse() else { continue };
            for port in &ports {
                let endpoint = Endpoint { address: SocketAddr::new(address, *port), pod: pod.clone() };
                found.push((fitness, endpoint));
            }
        }
    }
    found
}

fn fitness(conditions: Option<&EndpointConditions>) -> Fitness {
    let Some(conditions) = conditions else { return Fitness::Ready };
    let terminating = conditions.terminating == Some(true);
    if conditions.ready.unwrap_or(true) {
        Fitness::Ready
    } else if conditions.serving.unwrap_or(false) && terminating {
        Fitness::Draining
    } else {
        Fitness::Unfit
    }
}

fn pod_uid(target: Option<&ObjectReference>) -> Option<Arc<str>> {
    let target = target.filter(|target| target.kind.as_deref() == Some("Pod"))?;
    target.uid.as_deref().map(Into::into)
}

/// The ports of a slice that are the Service's: by name, which is empty where a Service has one port. A slice without
/// ports, or without this one, means the target port where that is a number (ingress-nginx: `getEndpointsFromSlices`).
fn slice_ports(ports: &[EndpointPort], (port, protocol): Wanted<'_>) -> Vec<u16> {
    let named = ports
        .iter()
        .filter(|candidate| speaks(candidate.protocol.as_deref(), protocol))
        .filter(|candidate| is_port(candidate.name.as_deref(), port))
        .filter_map(|candidate| candidate.port)
        .collect();
    numbers(named, port)
}

fn legacy_ports(ports: &[LegacyPort], (port, protocol): Wanted<'_>) -> Vec<u16> {
    let named = ports
        .iter()
        .filter(|candidate| speaks(candidate.protocol.as_deref(), protocol))
        .filter(|candidate| is_port(candidate.name.as_deref(), port))
        .map(|candidate| candidate.port)
        .collect();
    numbers(named, port)
}

fn is_port(candidate: Option<&str>, port: &ServicePort) -> bool {
    let wanted = port.name.as_deref().unwrap_or_default();
    wanted.is_empty() || candidate.unwrap_or_default() == wanted
}

fn numbers(mut named: Vec<i32>, port: &ServicePort) -> Vec<u16> {
    if named.is_empty() {
        match port.target_port {
            Some(IntOrString::Int(number)) => named.push(number),
            Some(IntOrString::String(_)) => {}
            None => named.push(port.port),
        }
    }
    named.into_iter().filter_map(|number| u16::try_from(number).ok()).filter(|number| *number > 0).collect()
}

fn of_legacy(endpoints: &LegacyEndpoints, port: Wanted<'_>, unready_too: bool, found: &mut Vec<(Fitness, Endpoint)>) {
    for subset in endpoints.subsets.iter().flatten() {
        let ports = legacy_ports(subset.ports.as_deref().unwrap_or_default(), port);
        let ready = subset.addresses.iter().flatten().map(|address| (Fitness::Ready, address));
        let fitness = if unready_too { Fitness::Ready } else { Fitness::Unfit };
        let unready = subset.not_ready_addresses.iter().flatten().map(|address| (fitness, address));
        for (fitness, EndpointAddress { ip, target_ref, .. }) in ready.chain(unready) {
            let Ok(address) = ip.parse() else { continue };
            let pod = pod_uid(target_ref.as_ref());
            for port in &ports {
                let endpoint = Endpoint { address: SocketAddr::new(address, *port), pod: pod.clone() };
                found.push((fitness, endpoint));
            }
        }
    }
}

/// Endpoints in a stable order, each once.
pub(super) fn addresses(endpoints: impl IntoIterator<Item = Endpoint>) -> Endpoints {
    let mut endpoints: Vec<_> = endpoints.into_iter().collect();
    endpoints.sort();
    endpoints.dedup_by(|a, b| a.address == b.address);
    Endpoints::Addresses(Arc::from(endpoints))
}
