use super::balance::Balancer;
use super::endpoints::{EndpointState, Pick};
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

    pub(super) fn choose(&self, key: Option<HashKey>, client: IpAddr, tried: &[SocketAddr]) -> Option<Pick> {
        let endpoint = self.balancer.choose(&self.endpoints, key, client, tried)?;
        Some(Pick::new(Arc::clone(endpoint)).timed(self.is_timed()))
    }

    /// Whether endpoints are chosen by the time that responses take.
    fn is_timed(&self) -> bool {
        matches!(self.balancer, Balancer::Ewma)
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
        let successor = Self { endpoints, balancer };
        if successor.is_timed() {
            successor.begin_with_average();
        }
        successor
    }

    /// Gives new endpoints the average of the others, so that they do not get all requests at first (ingress-nginx:
    /// `calculate_slow_start_ewma`).
    fn begin_with_average(&self) {
        let known: Vec<_> = self.endpoints.iter().filter_map(|endpoint| endpoint.average()).collect();
        let count = known.len();
        if count > 0 {
            let average = known.iter().sum::<f64>() / count as f64;
            self.endpoints.iter().filter(|e| e.average().is_none()).for_each(|e| e.begin_with(average));
        }
    }
}
