use super::balance::{Balancer, Left};
use super::endpoints::{EndpointState, Pick};
use super::hashing::{HashKey, Hashing};
use super::slow_start::SlowStart;
use crate::config::{Backend, Ejection, Endpoint, HashBy};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The endpoints of an upstream between two changes.
#[derive(Debug, Default)]
pub(super) struct Members {
    endpoints: Box<[Arc<EndpointState>]>,
    balancer: Balancer,
    /// Some of them are new, and have no full share yet.
    slow_start: Option<SlowStart>,
    /// When one is ejected.
    ejection: Option<Ejection>,
}

impl Members {
    pub(super) fn endpoints(&self) -> &[Arc<EndpointState>] {
        &self.endpoints
    }

    /// When an endpoint is ejected.
    pub(super) fn ejection(&self) -> Option<&Ejection> {
        self.ejection.as_ref()
    }

    /// Chooses an endpoint that is not to be skipped, for a request that `is_first` or has been to others.
    pub(super) fn choose(
        &self,
        key: Option<HashKey>,
        client: IpAddr,
        skipped: &[SocketAddr],
        is_first: bool,
    ) -> Option<Pick> {
        let left = Left { endpoints: &self.endpoints, skipped };
        let mut endpoint = self.balancer.choose(&left, key, client, is_first)?;
        if let Some(slow_start) = &self.slow_start {
            endpoint = slow_start.choose(endpoint, left.iter());
        }
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
    pub(super) fn find(&self, key: HashKey, skipped: &[SocketAddr]) -> Vec<Arc<EndpointState>> {
        self.hashing().map(|hashing| hashing.find(&self.endpoints, key, skipped).cloned().collect()).unwrap_or_default()
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
        let is_new = !known.is_empty();
        let state = |endpoint: &Endpoint| match known.get(endpoint) {
            Some(known) => Arc::clone(known),
            None => Arc::new(EndpointState::new(endpoint.clone(), is_new)),
        };
        let endpoints: Box<[_]> = endpoints.iter().map(state).collect();
        let balancer = self.balancer.successor(backend, &self.endpoints, &endpoints);
        let has_shares = matches!(balancer, Balancer::RoundRobin(_) | Balancer::LeastRequest);
        let slow_start = backend.slow_start.filter(|_| has_shares).and_then(|time| SlowStart::of(time, &endpoints));
        let successor = Self { endpoints, balancer, slow_start, ejection: backend.ejection };
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
