use gateway::upstream::{Registry, Upstream};
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
    /// The UID of its Pod, if it has one.
    pub pod: Option<String>,
    /// Requests that it answers now.
    pub in_flight: usize,
    /// It gets no requests now, because it has failed too often.
    pub ejected: bool,
}

impl ShownUpstream {
    /// All backends as they are now, by name.
    pub fn all(registry: &Registry) -> Vec<Self> {
        let mut all: Vec<_> = registry.upstreams().iter().map(|upstream| Self::of(upstream)).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// A backend as it is now.
    pub fn of(upstream: &Upstream) -> Self {
        let endpoints = upstream.endpoints();
        let endpoints = endpoints.iter().map(|endpoint| ShownEndpoint {
            address: endpoint.address(),
            pod: endpoint.pod().map(str::to_owned),
            in_flight: endpoint.in_flight(),
            ejected: endpoint.is_ejected(),
        });
        Self { name: upstream.id().to_string(), endpoints: endpoints.collect() }
    }
}
