use super::balance::Balancer;
use super::endpoints::EndpointState;
use super::hashing::{HashKey, Hashing};
use crate::config::{Backend, Endpoint, HashBy};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The endpoints of an upstream between two changes.
#[derive(Debug, Default)]
pub(super) struct Members {
    endpoints: Box<[Arc<EndpointState>]>,
    balancer: Balancer,
}

impl Members {
    pub(super) fn endpoints(&self) -> &[Arc<EndpointState>] {
        &self.endpoints
    }

    pub(super) fn choose(
        &self,
        key: Option<HashKey>,
        client: IpAddr,
        tried: &[SocketAddr],
    ) -> Option<Arc<EndpointState>> {
        self.balancer.choose(&self.endpoints, key, client, tried).cloned()
    }

    /// What makes the keys that endpoints are chosen by.
    pub(super) fn hash_by(&self) -> Option<&Arc<HashBy>> {
        self.hashing().map(Hashing::by)
    }

    /// The endpoints that a key leads to.
    pub(super) fn find(&self, key: HashKey) -> Vec<Arc<EndpointState>> {
        self.hashing().into_iter().flat_map(|hashing| hashing.find(&self.endpoints, key)).cloned().collect()
    }

    fn hashing(&self) -> Option<&Hashing> {
        match &self.balancer {
            Balancer::Hash(hashing) => Some(hashing),
            _ => None,
        }
    }

    /// What follows when the upstream becomes `backend` with these endpoints.
    pub(super) fn successor(&self, backend: &Backend, endpoints: &[Endpoint]) -> Self {
        let known: HashMap<&Endpoint, &Arc<EndpointState>> = self.endpoints.iter().map(|e| (e.endpoint(), e)).collect();
        let endpoints: Box<[_]> = endpoints
            .iter()
            .map(|e| known.get(e).map_or_else(|| Arc::new(EndpointState::new(e.clone())), |known| Arc::clone(known)))
            .collect();
        let balancer = self.balancer.successor(backend, &self.endpoints, &endpoints);
        Self { endpoints, balancer }
    }
}
