//! Which endpoints of an upstream are ejected.

use super::endpoints::EndpointState;
use super::moments::nanoseconds;
use crate::config::{BackendId, Ejection};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

/// Endpoints that a request does not go to.
pub(super) type Skipped = SmallVec<[SocketAddr; 4]>;

/// What is ejected of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ejected {
    /// Which upstream it is.
    pub id: BackendId,
    /// How many of its endpoints are ejected.
    pub now: usize,
    /// How often one was.
    pub total: u64,
}

/// The ejections of an upstream.
#[derive(Debug)]
pub(super) struct Ejections {
    since: Instant,
    /// When all are over, in nanoseconds; 0 as long as there was none, so that nobody asks for the time.
    over: AtomicU64,
    /// How many there were.
    count: AtomicU64,
    /// Held while one is decided, so that no more are ejected than may be.
    deciding: Mutex<()>,
}

impl Default for Ejections {
    fn default() -> Self {
        let (over, count, deciding) = Default::default();
        Self { since: Instant::now(), over, count, deciding }
    }
}

impl Ejections {
    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The endpoints that are ejected. Where all are, that is none: they are all used.
    pub(super) fn skipped(&self, endpoints: &[Arc<EndpointState>]) -> Skipped {
        let over = self.over.load(Ordering::Relaxed);
        if over == 0 {
            return Skipped::new();
        }
        let now = Instant::now();
        if over <= nanoseconds(now.saturating_duration_since(self.since)) {
            return Skipped::new();
        }
        let skipped: Skipped = endpoints.iter().filter(|e| e.is_ejected_at(now)).map(|e| e.address()).collect();
        if skipped.len() < endpoints.len() { skipped } else { Skipped::new() }
    }

    /// Ejects an endpoint that has failed too often, unless too many of the `endpoints` are ejected already.
    pub(super) fn eject(
        &self,
        endpoint: &EndpointState,
        policy: &Ejection,
        endpoints: &[Arc<EndpointState>],
        upstream: &BackendId,
    ) {
        let _one_at_a_time = self.deciding.lock();
        let now = Instant::now();
        let ejected = endpoints.iter().filter(|endpoint| endpoint.is_ejected_at(now)).count();
        if endpoint.is_ejected_at(now) || ejected >= most(policy, endpoints.len()) {
            return;
        }
        let time = endpoint.eject(policy, now);
        let over = now.saturating_duration_since(self.since).saturating_add(time);
        self.over.fetch_max(nanoseconds(over), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            backend = %upstream,
            endpoint = %endpoint.address(),
            failures = policy.failures,
            seconds = time.as_secs_f64(),
            "an endpoint has failed too often and gets no requests for a while"
        );
    }
}

/// How many of so many endpoints may be ejected at a time. The only one never is: nobody else could serve.
fn most(policy: &Ejection, endpoints: usize) -> usize {
    match endpoints {
        0 | 1 => 0,
        _ => (endpoints * usize::from(policy.max_percent) / 100).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AffinityMode, Backend, Balance, Endpoint, HashBy, ServiceBackend, Template};
    use crate::upstream::{HashKey, Observed, SessionKey, Upstream};
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr};
    use std::num::NonZero;
    use std::time::Duration;
    use tokio::time::advance;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const TIME: Duration = Duration::from_secs(30);
    const SLOW: Duration = Duration::from_secs(2);

    fn address(last: u8) -> SocketAddr {
        (Ipv4Addr::new(10, 0, 0, last), 8080).into()
    }

    fn policy(max_percent: u8) -> Ejection {
        Ejection { failures: NonZero::new(3).expect("not zero"), slower_than: Some(SLOW), time: TIME, max_percent }
    }

    fn upstream(backend: &Backend, endpoints: u8) -> Upstream {
        let upstream = Upstream::new(ServiceBackend::tcp("ns", "svc", "80").into());
        set(&upstream, backend, endpoints);
        upstream
    }

    fn set(upstream: &Upstream, backend: &Backend, endpoints: u8) {
        let endpoints: Vec<_> = (1..=endpoints).map(|last| Endpoint { address: address(last), pod: None }).collect();
        upstream.set(backend, &endpoints);
    }

    fn ejecting(max_percent: u8) -> Backend {
        Backend { ejection: Some(policy(max_percent)), ..Backend::at([]) }
    }

    /// An endpoint fails so often.
    fn fail(upstream: &Upstream, last: u8, times: usize) {
        (0..times).for_each(|_| observe(upstream, last, Observed::Failed));
    }

    fn observe(upstream: &Upstream, last: u8, observed: Observed) {
        let endpoints = upstream.endpoints();
        let endpoint = endpoints.iter().find(|endpoint| endpoint.address() == address(last)).expect("there");
        upstream.observe(endpoint, observed);
    }

    /// Where requests with a key go.
    fn serving(upstream: &Upstream) -> BTreeSet<SocketAddr> {
        let key = Some(HashKey::of(b"key"));
        (0..200).filter_map(|_| Some(upstream.pick_by_key(key, CLIENT, &[])?.address())).collect()
    }

    fn all(endpoints: u8) -> BTreeSet<SocketAddr> {
        (1..=endpoints).map(address).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_fails_gets_no_requests_until_its_time_is_over() {
        let upstream = upstream(&ejecting(50), 3);
        fail(&upstream, 2, 2);
        assert_eq!(serving(&upstream), all(3));
        fail(&upstream, 2, 1);
        assert_eq!(serving(&upstream), [1, 3].map(address).into());
        assert_eq!(upstream.pick(CLIENT, &[address(1), address(3)]).map(|pick| pick.address()), None, "not even then");
        advance(TIME - Duration::from_millis(1)).await;
        assert_eq!(serving(&upstream), [1, 3].map(address).into());
        advance(Duration::from_millis(1)).await;
        assert_eq!(serving(&upstream), all(3));
        assert_eq!(upstream.ejected().map(|ejected| (ejected.now, ejected.total)), Some((0, 1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_comes_too_late_is_a_failure() {
        let upstream = upstream(&ejecting(50), 2);
        let responded = |after| observe(&upstream, 1, Observed::Responded { after });
        for after in [SLOW + Duration::from_nanos(1), 2 * SLOW, SLOW, 2 * SLOW, 2 * SLOW] {
            responded(after);
            assert_eq!(serving(&upstream), all(2));
        }
        responded(2 * SLOW);
        assert_eq!(serving(&upstream), [address(2)].into());
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_chooses_leaves_it_out() {
        let by = Arc::new(HashBy { key: Template::parse("$host").expect("valid"), subset: None });
        let balances = [Balance::RoundRobin, Balance::LeastRequest, Balance::Ewma];
        let backends = balances.map(|balance| Backend { balance, ..ejecting(50) }).into_iter().chain([
            Backend { client_ip_affinity: true, ..ejecting(50) },
            Backend { hash_by: Some(by), ..ejecting(50) },
        ]);
        for backend in backends {
            let upstream = upstream(&backend, 4);
            let first = *serving(&upstream).first().expect("one serves");
            fail(&upstream, (1..=4).find(|last| address(*last) == first).expect("ours"), 3);
            let serving = serving(&upstream);
            assert!(!serving.is_empty() && !serving.contains(&first), "{backend:?}: {serving:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_are_elsewhere_for_as_long() {
        for mode in [AffinityMode::Balanced, AffinityMode::Persistent] {
            let upstream = upstream(&ejecting(50), 4);
            upstream.keep_sessions(mode);
            let (own, key) = upstream.begin_session(mode, &[]).expect("one");
            let (own, key) = (own.address(), SessionKey::of(key.as_bytes()));
            let at = || upstream.pick_for_session(mode, key).map(|pick| pick.address());
            fail(&upstream, (1..=4).find(|last| address(*last) == own).expect("ours"), 3);
            let other = at();
            assert!(other.is_some_and(|other| other != own));
            assert!((0..50).all(|_| at() == other), "always the same");
            assert!((0..50).all(|_| upstream.begin_session(mode, &[]).is_some_and(|(pick, _)| pick.address() != own)));
            advance(TIME).await;
            assert_eq!(at(), Some(own));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_ejected_at_a_time() {
        for (endpoints, max_percent, ejected) in [(1, 100, 0), (2, 10, 1), (4, 50, 2), (5, 50, 2), (4, 99, 3)] {
            let upstream = upstream(&ejecting(max_percent), endpoints);
            (1..=endpoints).for_each(|last| fail(&upstream, last, 3));
            assert_eq!(
                serving(&upstream),
                (ejected + 1..=endpoints).map(address).collect(),
                "{endpoints}, {max_percent} %"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_ejected_all_are_used() {
        let upstream = upstream(&ejecting(100), 3);
        (1..=3).for_each(|last| fail(&upstream, last, 3));
        assert_eq!(upstream.ejected().map(|ejected| ejected.now), Some(3));
        assert_eq!(serving(&upstream), all(3));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_stays_remains_ejected_when_others_come_and_go() {
        let upstream = upstream(&ejecting(50), 2);
        fail(&upstream, 1, 3);
        set(&upstream, &ejecting(50), 3);
        assert_eq!(serving(&upstream), [2, 3].map(address).into());
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_meanwhile_does_not_count_later() {
        let upstream = upstream(&ejecting(50), 2);
        fail(&upstream, 1, 10);
        advance(TIME).await;
        fail(&upstream, 1, 2);
        assert_eq!(serving(&upstream), all(2));
    }

    #[tokio::test(start_paused = true)]
    async fn once_nobody_asks_any_more_all_are_used() {
        let upstream = upstream(&ejecting(50), 2);
        fail(&upstream, 1, 3);
        set(&upstream, &Backend::at([]), 2);
        assert_eq!(serving(&upstream), all(2));
    }

    #[test]
    fn where_nobody_asks_nothing_is_ejected() {
        let upstream = upstream(&Backend::at([]), 2);
        fail(&upstream, 1, 100);
        assert_eq!(serving(&upstream), all(2));
        assert_eq!(upstream.ejected(), None);
    }
}
