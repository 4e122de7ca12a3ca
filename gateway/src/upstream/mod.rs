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
//! | whether an endpoint is chosen by the key of a request | [`Registry`] | one load |
//! | the endpoints by the keys of sessions | [`Registry`] | one [`ArcSwap`] load, where a route has affinity |
//! | how long an endpoint's responses take | each attempt, with `load-balance: ewma` | a few loads, and two stores |
//! | which endpoints are ejected | failures, under a lock | two loads; while some are, one for each endpoint |
//! | requests in flight of an endpoint | each pick and its end | two atomic additions, and the endpoint's reference count |
//! | what is left of the retry budget | requests, until it is full again, and retries | one load |
//!
//! Sharing the position is what makes round robin exactly even over all workers; sharing the counts is what lets
//! least-request see more than its own worker's load. [`Registry`] and [`Resolver`] belong to the control plane.

mod affinity;
mod balance;
mod dns;
mod ejections;
mod endpoints;
mod hashing;
mod health;
mod latency;
mod members;
mod moments;
mod names;
mod registry;
mod retry_budget;
mod ring;
mod slow_start;

pub use affinity::SessionKey;
pub use dns::{DnsSettings, NameLookup, Resolver};
pub use ejections::Ejected;
pub use endpoints::{EndpointState, Pick};
pub use hashing::HashKey;
pub use registry::Registry;

use crate::config::{AffinityMode, Backend, BackendId, Endpoint, HashBy};
use affinity::Sessions;
use arc_swap::ArcSwap;
use ejections::{Ejections, Skipped};
use members::Members;
use retry_budget::RetryBudget;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A backend at run time. It comes from [`Registry::upstream`], has no endpoints until some are set, and stays the
/// same value when they change.
#[derive(Debug)]
pub struct Upstream {
    id: BackendId,
    name: Box<str>,
    /// Made when a session asks for it.
    tag: OnceLock<Box<str>>,
    members: ArcSwap<Members>,
    /// An endpoint is chosen by the key of a request. What is not so asks for no key, and costs nothing more than this.
    hashes: AtomicBool,
    /// Endpoints that fail are ejected. What is not so is not told how they do.
    ejects: AtomicBool,
    ejections: Ejections,
    sessions: ArcSwap<Sessions>,
    retry_budget: RetryBudget,
}

/// What has come of an attempt at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// No response, or one that says that the endpoint is not available.
    Failed,
    /// Another response, whose head has come after this time.
    Responded {
        /// From the start of the attempt.
        after: Duration,
    },
}

impl Upstream {
    fn new(id: BackendId) -> Self {
        let name = match &id {
            BackendId::Service(port) => format!("{}-{}-{}", port.namespace, port.service, port.port),
            BackendId::Url { .. } | BackendId::Nowhere => id.to_string(),
        };
        let (members, sessions) = (ArcSwap::default(), ArcSwap::default());
        let (tag, hashes, ejects, ejections, retry_budget) = Default::default();
        Self { id, name: name.into(), tag, members, hashes, ejects, ejections, sessions, retry_budget }
    }

    /// Which backend it is.
    pub fn id(&self) -> &BackendId {
        &self.id
    }

    /// `namespace-service-port`, as ingress-nginx has it in `$proxy_upstream_name`; of a URL `host:port`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells, in the cookie of a session, that it is with this upstream: 32 hexadecimal digits, the same in every
    /// process and in ingress-nginx.
    pub fn tag(&self) -> &str {
        self.tag.get_or_init(|| affinity::tag(&self.name))
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
        self.pick_by_key(None, client, tried)
    }

    /// What makes the key of a request, where an endpoint is chosen by that.
    pub fn hash_by(&self) -> Option<Arc<HashBy>> {
        // Who sees it too early or too late has no key for an endpoint, or one for nothing: both are allowed for.
        if self.hashes.load(Ordering::Relaxed) { self.members.load().hash_by().cloned() } else { None }
    }

    /// The same as [`Upstream::pick`], by the key of the request where endpoints are chosen by that.
    pub fn pick_by_key(&self, key: Option<HashKey>, client: IpAddr, tried: &[SocketAddr]) -> Option<Pick> {
        let members = self.members.load();
        let skipped = self.skipped(members.endpoints(), tried);
        members.choose(key, client, &skipped, tried.is_empty())
    }

    /// The endpoints that share the requests with this key, if endpoints are chosen by one.
    pub fn find_by_key(&self, key: HashKey) -> Vec<Arc<EndpointState>> {
        let members = self.members.load();
        members.find(key, &self.skipped(members.endpoints(), &[]))
    }

    /// The endpoints that a request does not go to: those that it `tried`, and those that are ejected.
    fn skipped(&self, endpoints: &[Arc<EndpointState>], tried: &[SocketAddr]) -> Skipped {
        let ejects = self.ejects.load(Ordering::Relaxed);
        let mut skipped = if ejects { self.ejections.skipped(endpoints) } else { Skipped::new() };
        skipped.extend_from_slice(tried);
        skipped
    }

    /// What has come of an attempt at an endpoint: one that fails too often is ejected, where that is asked for.
    pub fn observe(&self, endpoint: &EndpointState, observed: Observed) {
        if !self.ejects.load(Ordering::Relaxed) {
            return;
        }
        let members = self.members.load();
        let Some(policy) = members.ejection() else { return };
        let has_failed = match observed {
            Observed::Failed => true,
            Observed::Responded { after } => policy.slower_than.is_some_and(|most| after > most),
        };
        if endpoint.observe(has_failed, policy) {
            self.ejections.eject(endpoint, policy, members.endpoints(), &self.id);
        }
    }

    /// The endpoints that get no requests now because they are ejected.
    pub fn passed_over(&self) -> Vec<SocketAddr> {
        self.skipped(self.members.load().endpoints(), &[]).to_vec()
    }

    /// How many of its endpoints are ejected, and how often one was; `None` where none is.
    fn ejected(&self) -> Option<Ejected> {
        if !self.ejects.load(Ordering::Relaxed) {
            return None;
        }
        let total = self.ejections.count();
        let now = self.members.load().endpoints().iter().filter(|endpoint| endpoint.is_ejected()).count();
        Some(Ejected { id: self.id.clone(), now, total })
    }

    /// Chooses the endpoint that the key of a session leads to, if any; while that is ejected, another one.
    pub fn pick_for_session(&self, mode: AffinityMode, key: SessionKey) -> Option<Pick> {
        let sessions = self.sessions.load();
        sessions.find(mode, key, &self.skipped(sessions.endpoints(), &[])).cloned().map(Pick::new)
    }

    /// Chooses an endpoint by chance for a new session whose first request `tried` those already; and makes the key that
    /// leads there. `None` if there is no endpoint, or all were tried.
    pub fn begin_session(&self, mode: AffinityMode, tried: &[SocketAddr]) -> Option<(Pick, String)> {
        let sessions = self.sessions.load();
        let (endpoint, key) = sessions.begin(mode, &self.skipped(sessions.endpoints(), tried))?;
        Some((Pick::new(Arc::clone(endpoint)), key))
    }

    /// From now on keys of sessions can be looked up. The registry calls it under its lock.
    fn keep_sessions(&self, mode: AffinityMode) {
        if !self.sessions.load().has(mode) {
            self.index(Some(mode));
        }
    }

    /// Makes anew what a look-up of keys needs, also of a `mode` that was not asked for before.
    fn index(&self, mode: Option<AffinityMode>) {
        let sessions = self.sessions.load();
        if mode.is_some() || sessions.are_kept() {
            self.sessions.store(Arc::new(sessions.of(&self.name, self.members.load().endpoints(), mode)));
        }
    }

    /// A request is sent to it for the first time: so many percent of another one may be sent again.
    pub fn earn_retries(&self, percent: NonZero<u32>) {
        self.retry_budget.earn(percent);
    }

    /// Whether one of its requests may be sent again, which then counts.
    pub fn spend_retry(&self) -> bool {
        self.retry_budget.spend()
    }

    /// Replaces the endpoints and how they are chosen. What is known of an endpoint that stays is kept. The registry
    /// calls it under its lock: there is one writer.
    fn set(&self, backend: &Backend, endpoints: &[Endpoint]) {
        self.members.store(Arc::new(self.members.load().successor(backend, endpoints)));
        self.hashes.store(backend.hash_by.is_some(), Ordering::Relaxed);
        self.ejects.store(backend.ejection.is_some(), Ordering::Relaxed);
        self.index(None);
    }

    /// Takes all endpoints away.
    fn clear(&self) {
        self.members.store(Arc::default());
        self.hashes.store(false, Ordering::Relaxed);
        self.ejects.store(false, Ordering::Relaxed);
        self.index(None);
    }
}
