//! Which Pods the endpoints of a Service are, by name. The table knows no names: they are looked up when somebody wants to see
//! them.

use crate::store::Store;
use gateway::config::ServiceBackend;
use gateway::upstream::EndpointState;
use k8s_openapi::api::core::v1::ObjectReference;
use std::collections::HashMap;
use std::net::IpAddr;

/// The names of Pods by their addresses and UIDs.
pub(super) struct Pods<'s>(HashMap<(IpAddr, Option<&'s str>), &'s str>);

impl<'s> Pods<'s> {
    /// Those that EndpointSlices, or else Endpoints, have for a Service.
    pub(super) fn of_service(store: &'s Store, ServiceBackend { namespace, service, .. }: &ServiceBackend) -> Self {
        let slices = store.endpoint_slices(namespace, service);
        let endpoints = slices.flat_map(|slice| &slice.endpoints);
        let of_slices = endpoints.flat_map(|endpoint| {
            endpoint.addresses.iter().map(move |address| (address.as_str(), endpoint.target_ref.as_ref()))
        });
        let subsets = store.endpoints(namespace, service).into_iter().flat_map(|all| all.subsets.iter().flatten());
        let addresses = subsets.flat_map(|subset| [&subset.addresses, &subset.not_ready_addresses]).flatten().flatten();
        let of_endpoints = addresses.map(|address| (address.ip.as_str(), address.target_ref.as_ref()));
        Self(of_slices.chain(of_endpoints).filter_map(|(address, target)| named(address, target?)).collect())
    }

    /// The name of an endpoint's Pod, where it has one.
    pub(super) fn name(&self, endpoint: &EndpointState) -> Option<&str> {
        self.0.get(&(endpoint.address().ip(), endpoint.pod())).copied()
    }
}

fn named<'s>(address: &str, target: &'s ObjectReference) -> Option<((IpAddr, Option<&'s str>), &'s str)> {
    let is_pod = target.kind.as_deref() == Some("Pod");
    let (uid, name) = (target.uid.as_deref(), target.name.as_deref().filter(|_| is_pod)?);
    Some(((address.parse().ok()?, uid), name))
}
