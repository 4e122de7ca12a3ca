use super::health::Health;
use super::latency::Latency;
use crate::config::{Ejection, Endpoint};
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use twox_hash::XxHash3_64;

/// One address that serves an upstream, and what is known of it.
#[derive(Debug)]
pub struct EndpointState {
    endpoint: Endpoint,
    key: u64,
    in_flight: AtomicUsize,
    /// Since when it has been known.
    since: Instant,
    /// There were others before it.
    is_new: bool,
    latency: Latency,
    health: Health,
}

impl EndpointState {
    /// An endpoint of which nothing is known, and whether it `is_new` among others.
    pub(super) fn new(endpoint: Endpoint, is_new: bool) -> Self {
        let (key, since) = (key(&endpoint), Instant::now());
        let (in_flight, latency, health) = Default::default();
        Self { endpoint, key, in_flight, since, is_new, latency, health }
    }

    /// What it was made of.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Address and port to connect to.
    pub fn address(&self) -> SocketAddr {
        self.endpoint.address
    }

    /// UID of the Pod, where known.
    pub fn pod(&self) -> Option<&str> {
        self.endpoint.pod.as_deref()
    }

    /// Tells apart the Pods that had this address one after the other, so that a kept connection is never used for
    /// another Pod than it was opened to. Equal in every process.
    pub fn pool_key(&self) -> u64 {
        self.key
    }

    /// Requests that are at this endpoint now, of all workers of this process.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it gets no requests now, because it has failed too often. Where all are so, they do.
    pub fn is_ejected(&self) -> bool {
        self.is_ejected_at(Instant::now())
    }

    pub(super) fn is_ejected_at(&self, now: Instant) -> bool {
        self.health.is_ejected(now.saturating_duration_since(self.since))
    }

    /// An attempt has failed, or not. Whether it is to be ejected.
    pub(super) fn observe(&self, has_failed: bool, policy: &Ejection) -> bool {
        if has_failed {
            // What fails meanwhile was sent before.
            return !self.is_ejected() && self.health.fail(policy);
        }
        self.health.succeed();
        false
    }

    /// Ejects it. Returns for how long.
    pub(super) fn eject(&self, policy: &Ejection, now: Instant) -> Duration {
        self.health.eject(policy, now.saturating_duration_since(self.since))
    }

    /// Since when it has been new among others, if it was.
    pub(super) fn new_since(&self) -> Option<Instant> {
        self.is_new.then_some(self.since)
    }

    /// What it costs by the time that its responses take; 0 where nothing is known.
    pub(super) fn cost(&self, now: Instant) -> f64 {
        self.latency.cost(now.saturating_duration_since(self.since))
    }

    /// The seconds that its responses take on average, if that is known.
    pub(super) fn average(&self) -> Option<f64> {
        self.latency.average()
    }

    /// Begins as if its responses took so many seconds.
    pub(super) fn begin_with(&self, average: f64) {
        self.latency.set(average, self.since.elapsed());
    }
}

/// XXH3 of address, port and Pod. The algorithm is specified, so replicas of different builds agree on it.
fn key(endpoint: &Endpoint) -> u64 {
    let mut identity = ip_bytes(endpoint.address.ip()).to_vec();
    identity.extend(endpoint.address.port().to_be_bytes());
    identity.extend(endpoint.pod.as_deref().unwrap_or_default().bytes());
    XxHash3_64::oneshot(&identity)
}

/// The bytes of an address for hashing. An IPv4 address has those of its IPv4-mapped form: they are the same host.
pub(super) fn ip_bytes(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
    .octets()
}

/// An endpoint chosen for a request, which counts as in flight there until this is dropped.
#[derive(Debug)]
pub struct Pick {
    endpoint: Arc<EndpointState>,
    is_timed: bool,
}

impl Pick {
    pub(super) fn new(endpoint: Arc<EndpointState>) -> Self {
        endpoint.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { endpoint, is_timed: false }
    }

    /// The same, where endpoints are chosen by the time that responses take.
    pub(super) fn timed(mut self, is_timed: bool) -> Self {
        self.is_timed = is_timed;
        self
    }

    /// The request has taken so long there. Where endpoints are not chosen by that, this does nothing.
    pub fn took(&self, time: impl FnOnce() -> Duration) {
        if self.is_timed {
            self.endpoint.latency.record(time(), self.endpoint.since.elapsed());
        }
    }
}

impl Deref for Pick {
    type Target = EndpointState;

    fn deref(&self) -> &EndpointState {
        &self.endpoint
    }
}

impl Drop for Pick {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
