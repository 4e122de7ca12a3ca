//! Backends at run time: their endpoints, how one is chosen, and the DNS names among them.
//!
//! An [`Upstream`] outlives every table that names it. New endpoints go straight to it and rebuild nothing.
//!
//! # What workers share
//!
//! | state | written by | cost for a request |
//! |---|---|---|
//! | the endpoints of an upstream | [`Registry`] | one [`ArcSwap`] load: no lock, nothing allocated |
//! | the position of round robin | each pick | one atomic addition on a shared cache line |
//! | requests in flight of an endpoint | each pick and its end | two atomic additions, and the endpoint's reference count |
//!
//! Sharing the position is what makes round robin exactly even over all workers; sharing the counts is what lets
//! least-request see more than its own worker's load. [`Registry`] and [`Resolver`] belong to the control plane.

mod balance;
mod dns;
mod endpoints;
mod members;
mod names;
mod registry;

pub use dns::{DnsSettings, NameLookup, Resolver};
pub use endpoints::{EndpointState, Pick};
pub use registry::Registry;

use crate::config::{Backend, BackendId, Endpoint};
use arc_swap::ArcSwap;
use members::Members;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A backend at run time. It comes from [`Registry::upstream`], has no endpoints until some are set, and stays the
/// same value when they change.
#[derive(Debug)]
pub struct Upstream {
    id: BackendId,
    name: Box<str>,
    members: ArcSwap<Members>,
}

impl Upstream {
    fn new(id: BackendId) -> Self {
        let name = match &id {
            BackendId::Service(port) => format!("{}-{}-{}", port.namespace, port.service, port.port),
            BackendId::Url { .. } => id.to_string(),
        }
        .into();
        Self { id, name, members: ArcSwap::default() }
    }

    /// Which backend it is.
    pub fn id(&self) -> &BackendId {
        &self.id
    }

    /// `namespace-service-port`, as ingress-nginx has it in `$proxy_upstream_name`; of a URL `host:port`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has no endpoint at all, so that a default backend may serve instead.
    pub fn is_empty(&self) -> bool {
        self.members.load().endpoints().is_empty()
    }

    /// Its endpoints at this moment, in their order.
    pub fn endpoints(&self) -> Vec<Arc<EndpointState>> {
        self.members.load().endpoints().to_vec()
    }

    /// Chooses an endpoint for a request of `client` that `tried` those already, and counts the request as in flight
    /// there until the [`Pick`] is dropped. `None` if there is no endpoint, or all were tried.
    pub fn pick(&self, client: IpAddr, tried: &[SocketAddr]) -> Option<Pick> {
        self.members.load().choose(client, tried).map(Pick::new)
    }

    /// Replaces the endpoints and how they are chosen. What is known of an endpoint that stays is kept. The registry
    /// calls it under its lock: there is one writer.
    fn set(&self, backend: &Backend, endpoints: &[Endpoint]) {
        self.members.store(Arc::new(self.members.load().successor(backend, endpoints)));
    }

    /// Takes all endpoints away.
    fn clear(&self) {
        self.members.store(Arc::default());
    }
}
