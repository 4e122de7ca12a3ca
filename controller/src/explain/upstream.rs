use super::pods::Pods;
use crate::store::Store;
use gateway::upstream::{EndpointState, Registry, Upstream};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A backend with its endpoints of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownUpstream {
    /// `namespace/service:port`, or a URL.
    pub name: String,
    /// Its endpoints, in their order.
    pub endpoints: Vec<ShownEndpoint>,
}

/// An endpoint of a backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownEndpoint {
    /// Where it is.
    pub address: SocketAddr,
    /// The name of its Pod, in lists of backends and where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Requests that it answers now.
    pub in_flight: usize,
    /// It gets no requests now, because it has failed too often.
    pub ejected: bool,
}

impl ShownUpstream {
    /// All backends as they are now, by name, with the Pods that the store has for them.
    pub fn all(registry: &Registry, store: &Store) -> Vec<Self> {
        let mut all: Vec<_> = registry.upstreams().iter().map(|upstream| Self::with_pods(upstream, store)).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// A backend as it is now, without the names of Pods.
    pub fn of(upstream: &Upstream) -> Self {
        Self::describe(upstream, |_| None)
    }

    /// The same with the Pods that the store has for it.
    pub fn with_pods(upstream: &Upstream, store: &Store) -> Self {
        let pods = upstream.id().service().map(|service| Pods::of_service(store, service));
        Self::describe(upstream, |endpoint| pods.as_ref()?.name(endpoint).map(str::to_owned))
    }

    fn describe(upstream: &Upstream, pod: impl Fn(&EndpointState) -> Option<String>) -> Self {
        let endpoints = upstream.endpoints();
        let endpoints = endpoints.iter().map(|endpoint| ShownEndpoint {
            address: endpoint.address(),
            pod: pod(endpoint),
            in_flight: endpoint.in_flight(),
            ejected: endpoint.is_ejected(),
        });
        Self { name: upstream.id().to_string(), endpoints: endpoints.collect() }
    }
}
