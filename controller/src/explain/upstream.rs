use gateway::upstream::Upstream;
use serde::Serialize;
use std::net::SocketAddr;

/// A backend with its endpoints of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownUpstream {
    /// `namespace/service:port`, or a URL.
    pub name: String,
    /// Its endpoints, in their order.
    pub endpoints: Vec<ShownEndpoint>,
}

/// An endpoint of a backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownEndpoint {
    /// Where it is.
    pub address: SocketAddr,
    /// The name of its Pod, if it has one.
    pub pod: Option<String>,
    /// Requests that it answers now.
    pub in_flight: usize,
    /// It gets no requests now, because it has failed too often.
    pub ejected: bool,
}

impl ShownUpstream {
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
