//! How one endpoint is chosen among several.

use super::endpoints::{EndpointState, ip_bytes};
use super::hashing::{HashKey, Hashing};
use crate::config::{Backend, Balance};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;
use twox_hash::XxHash3_64;

/// What decides, with its state.
#[derive(Debug)]
pub(super) enum Balancer {
    /// One after the other.
    RoundRobin(Rotation),
    /// The less busy of two at random.
    LeastRequest,
    /// The one of two at random whose responses take less time.
    Ewma,
    /// The endpoint that the client's address prefers.
    ClientIp,
    /// The endpoint that the key of the request leads to. Who has no key goes to any: mirrors, for example.
    Hash(Hashing),
}

impl Default for Balancer {
    fn default() -> Self {
        Self::RoundRobin(Rotation::starting_at(0))
    }
}

impl Balancer {
    /// Chooses among the endpoints that are left, for a request that `is_first` or has been to others.
    pub(super) fn choose<'a>(
        &self,
        left: &Left<'a, '_>,
        key: Option<HashKey>,
        client: IpAddr,
        is_first: bool,
    ) -> Option<&'a Arc<EndpointState>> {
        match self {
            Self::RoundRobin(rotation) if is_first => {
                // The turn of one that is ejected falls to any, and not to the next in order, which would carry all its load.
                rotation.next(left.endpoints).filter(|next| left.has(next)).or_else(|| left.random())
            }
            // A second try takes no turn: it would shift the rotation so that each request meets the failing endpoint
            // first.
            Self::RoundRobin(_) => left.random(),
            Self::LeastRequest => left.better_of_two(|endpoint| endpoint.in_flight()),
            Self::Ewma => {
                let now = Instant::now();
                left.better_of_two(|endpoint| endpoint.cost(now))
            }
            Self::ClientIp => left.preferred_by(client),
            Self::Hash(hashing) => match key {
                Some(key) => hashing.choose(left.endpoints, key, left.skipped),
                None => left.random(),
            },
        }
    }

    /// What follows when the upstream becomes `backend` with the `new` endpoints instead of the `old`.
    pub(super) fn successor(&self, backend: &Backend, old: &[Arc<EndpointState>], new: &[Arc<EndpointState>]) -> Self {
        if let Some(by) = &backend.hash_by {
            return Self::Hash(Hashing::of(by, new));
        }
        match (backend.client_ip_affinity, backend.balance, self) {
            (true, _, _) => Self::ClientIp,
            (false, Balance::LeastRequest, _) => Self::LeastRequest,
            (false, Balance::Ewma, _) => Self::Ewma,
            (false, Balance::RoundRobin, Self::RoundRobin(rotation)) => Self::RoundRobin(rotation.continued(old, new)),
            (false, Balance::RoundRobin, _) => Self::RoundRobin(Rotation::random(new.len())),
        }
    }
}

/// The position of round robin.
#[derive(Debug)]
pub(super) struct Rotation(AtomicUsize);

impl Rotation {
    fn starting_at(position: usize) -> Self {
        Self(AtomicUsize::new(position))
    }

    /// Starts anywhere, so that many gateways which start at once do not all begin with the same endpoint.
    fn random(endpoints: usize) -> Self {
        Self::starting_at(fastrand::usize(..endpoints.max(1)))
    }

    fn next<'a>(&self, endpoints: &'a [Arc<EndpointState>]) -> Option<&'a Arc<EndpointState>> {
        let turn = self.0.fetch_add(1, Ordering::Relaxed).checked_rem(endpoints.len())?;
        endpoints.get(turn)
    }

    /// The same rotation over other endpoints: the first whose turn it would have been and that is still there goes
    /// on. Starting at zero after each change would favour the first endpoints while they change often.
    fn continued(&self, old: &[Arc<EndpointState>], new: &[Arc<EndpointState>]) -> Self {
        let positions: HashMap<_, _> = new.iter().enumerate().map(|(i, e)| (Arc::as_ptr(e), i)).collect();
        let turn = self.0.load(Ordering::Relaxed).checked_rem(old.len()).unwrap_or(0);
        let (before, after) = old.split_at(turn);
        after
            .iter()
            .chain(before)
            .find_map(|e| positions.get(&Arc::as_ptr(e)))
            .map_or_else(|| Self::random(new.len()), |position| Self::starting_at(*position))
    }
}

/// The endpoints that a request may go to: all but those that it has been to, and those that are ejected.
pub(super) struct Left<'a, 's> {
    pub(super) endpoints: &'a [Arc<EndpointState>],
    pub(super) skipped: &'s [SocketAddr],
}

impl<'a> Left<'a, '_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Arc<EndpointState>> + Clone {
        self.endpoints.iter().filter(|endpoint| self.has(endpoint))
    }

    fn has(&self, endpoint: &EndpointState) -> bool {
        !self.skipped.contains(&endpoint.address())
    }

    /// Does not look at the endpoints where none is skipped, which is nearly always.
    fn len(&self) -> usize {
        if self.skipped.is_empty() { self.endpoints.len() } else { self.iter().count() }
    }

    fn nth(&self, n: usize) -> Option<&'a Arc<EndpointState>> {
        if self.skipped.is_empty() { self.endpoints.get(n) } else { self.iter().nth(n) }
    }

    fn random(&self) -> Option<&'a Arc<EndpointState>> {
        match self.len() {
            0 => None,
            len => self.nth(fastrand::usize(..len)),
        }
    }

    /// The one that costs less of two at random.
    fn better_of_two<C: PartialOrd>(&self, cost: impl Fn(&EndpointState) -> C) -> Option<&'a Arc<EndpointState>> {
        let len = self.len();
        if len < 2 {
            return self.nth(0);
        }
        let first = fastrand::usize(..len);
        let second = (first + fastrand::usize(1..len)) % len;
        let (first, second) = (self.nth(first)?, self.nth(second)?);
        Some(if cost(second) < cost(first) { second } else { first })
    }

    /// Rendezvous hashing: each endpoint has a weight for the client and the heaviest wins. When an endpoint goes,
    /// only its own clients move; when one comes, only those that prefer it do.
    fn preferred_by(&self, client: IpAddr) -> Option<&'a Arc<EndpointState>> {
        let client = ip_bytes(client);
        self.iter().max_by_key(|e| XxHash3_64::oneshot_with_seed(e.pool_key(), &client))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Backend, Balance, Endpoint, ServiceBackend};
    use crate::upstream::Upstream;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::time::Duration;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn endpoint(last: u8) -> Endpoint {
        Endpoint { address: address(last), pod: Some(format!("pod-{last}").into()) }
    }

    fn address(last: u8) -> SocketAddr {
        (Ipv4Addr::new(10, 0, 0, last), 8080).into()
    }

    fn set(upstream: &Upstream, balance: Balance, client_ip_affinity: bool, endpoints: impl IntoIterator<Item = u8>) {
        let endpoints: Vec<_> = endpoints.into_iter().map(endpoint).collect();
        let backend = Backend { balance, client_ip_affinity, ..Backend::at([]) };
        upstream.set(&backend, &endpoints);
    }

    fn upstream(balance: Balance, client_ip_affinity: bool, endpoints: impl IntoIterator<Item = u8>) -> Upstream {
        let id = ServiceBackend::tcp("default", "shop", "http").into();
        let upstream = Upstream::new(id);
        set(&upstream, balance, client_ip_affinity, endpoints);
        upstream
    }

    fn picked(upstream: &Upstream, client: IpAddr, tried: &[SocketAddr]) -> Option<SocketAddr> {
        upstream.pick(client, tried).map(|pick| pick.address())
    }

    fn client(number: u32) -> IpAddr {
        Ipv4Addr::from(0x0a01_0000 + number).into()
    }

    #[test]
    fn round_robin_is_even_over_any_window() {
        let upstream = upstream(Balance::RoundRobin, false, 1..=3);
        let turns: Vec<_> = (0..30).map(|_| picked(&upstream, CLIENT, &[]).expect("there are endpoints")).collect();
        for window in turns.windows(3) {
            assert!((1..=3).all(|n| window.contains(&address(n))), "{window:?}");
        }
    }

    #[test]
    fn round_robin_goes_on_where_it_was_when_endpoints_change() {
        let upstream = upstream(Balance::RoundRobin, false, [1, 3, 5]);
        while picked(&upstream, CLIENT, &[]) != Some(address(1)) {}
        set(&upstream, Balance::RoundRobin, false, [1, 2, 3, 4, 5]);
        assert_eq!(picked(&upstream, CLIENT, &[]), Some(address(3)), "it was the turn of 3");
        set(&upstream, Balance::RoundRobin, false, [1, 5]);
        assert_eq!(picked(&upstream, CLIENT, &[]), Some(address(5)), "it was the turn of 4, which is gone");
    }

    #[test]
    fn retries_take_no_turn() {
        let upstream = upstream(Balance::RoundRobin, false, 1..=2);
        let first = picked(&upstream, CLIENT, &[]).expect("there are endpoints");
        let retry = picked(&upstream, CLIENT, &[first]).expect("one is untried");
        assert_ne!(retry, first);
        assert_eq!(picked(&upstream, CLIENT, &[]), Some(retry), "the turn of the other");
    }

    #[test]
    fn round_robin_starts_anywhere() {
        let mut starts: Vec<_> =
            (0..200).filter_map(|_| picked(&upstream(Balance::RoundRobin, false, 1..=3), CLIENT, &[])).collect();
        starts.sort();
        starts.dedup();
        assert_eq!(starts.len(), 3);
    }

    #[test]
    fn least_request_avoids_the_busier_of_two() {
        let upstream = upstream(Balance::LeastRequest, false, 1..=2);
        let busy = upstream.pick(CLIENT, &[]).expect("there are endpoints");
        for _ in 0..50 {
            assert_ne!(picked(&upstream, CLIENT, &[]), Some(busy.address()));
        }
    }

    #[test]
    fn least_request_bounds_the_load_of_the_busiest() {
        let upstream = upstream(Balance::LeastRequest, false, 1..=10);
        let held: Vec<_> = (0..1000).filter_map(|_| upstream.pick(CLIENT, &[])).collect();
        assert_eq!(held.len(), 1000);
        let busiest = upstream.endpoints().iter().map(|e| e.in_flight()).max();
        assert!(busiest <= Some(110), "{busiest:?}: choosing at random would reach about 120, two choices 103");
        drop(held);
        assert!(upstream.endpoints().iter().all(|e| e.in_flight() == 0));
    }

    /// The endpoints that serve so many requests, each of which takes as long as its endpoint does.
    fn served(upstream: &Upstream, requests: usize, took: impl Fn(SocketAddr) -> u64) -> HashMap<SocketAddr, usize> {
        let mut served = HashMap::new();
        for _ in 0..requests {
            let pick = upstream.pick(CLIENT, &[]).expect("there are endpoints");
            pick.took(|| Duration::from_millis(took(pick.address())));
            *served.entry(pick.address()).or_default() += 1;
        }
        served
    }

    #[tokio::test(start_paused = true)]
    async fn ewma_prefers_the_faster_of_two() {
        let upstream = upstream(Balance::Ewma, false, 1..=2);
        let by_second = |fast| move |address| if address == self::address(fast) { 10 } else { 100 };
        let learned = served(&upstream, 20, by_second(1));
        assert_eq!(learned.len(), 2, "one of which nothing is known comes first: {learned:?}");
        assert_eq!(served(&upstream, 100, by_second(1)), HashMap::from([(address(1), 100)]));
        // The other one gets faster, which shows once the first has been slow for long enough.
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(served(&upstream, 100, by_second(2)).contains_key(&address(2)));
        assert_eq!(served(&upstream, 100, by_second(2)), HashMap::from([(address(2), 100)]));
    }

    #[tokio::test(start_paused = true)]
    async fn ewma_begins_a_new_endpoint_with_the_average_and_keeps_what_stays() {
        let upstream = upstream(Balance::Ewma, false, 1..=2);
        served(&upstream, 20, |address| if address == self::address(1) { 10 } else { 100 });
        set(&upstream, Balance::Ewma, false, 1..=3);
        let averages: Vec<_> = upstream.endpoints().iter().filter_map(|endpoint| endpoint.average()).collect();
        assert_eq!(averages, [0.01, 0.1, 0.055]);
        let round_robin = self::upstream(Balance::RoundRobin, false, 1..=2);
        served(&round_robin, 20, |_| 10);
        assert!(round_robin.endpoints().iter().all(|endpoint| endpoint.average().is_none()), "nobody asks");
    }

    #[test]
    fn affinity_counts_mapped_addresses_as_ipv4() {
        let upstream = upstream(Balance::RoundRobin, true, 1..=20);
        for number in 0..100 {
            let IpAddr::V4(v4) = client(number) else { unreachable!("clients are IPv4") };
            let mapped = v4.to_ipv6_mapped().into();
            assert_eq!(picked(&upstream, v4.into(), &[]), picked(&upstream, mapped, &[]));
        }
    }

    /// Replicas of different builds must agree. The values are what libxxhash computes.
    #[test]
    fn affinity_is_the_same_in_every_build() {
        let upstream = upstream(Balance::RoundRobin, true, 1..=5);
        let chosen: Vec<_> = (0..8).filter_map(|number| picked(&upstream, client(number), &[])).collect();
        assert_eq!(chosen, [2, 1, 1, 3, 5, 2, 4, 1].map(address));
    }

    #[test]
    fn affinity_spreads_clients_evenly() {
        let upstream = upstream(Balance::RoundRobin, true, 1..=5);
        let mut clients: HashMap<_, u32> = HashMap::new();
        for number in 0..10_000 {
            *clients.entry(picked(&upstream, client(number), &[])).or_default() += 1;
        }
        assert!(clients.values().all(|n| (1_800..2_200).contains(n)), "{clients:?}");
    }

    proptest! {
        #[test]
        fn affinity_moves_only_the_clients_of_an_endpoint_that_goes(
            endpoints in prop::collection::btree_set(any::<u8>(), 2..20),
            gone in any::<prop::sample::Index>(),
            numbers in prop::collection::vec(0u32..1 << 20, 1..50),
        ) {
            let gone = *gone.get(&endpoints.iter().copied().collect::<Vec<_>>());
            let before = upstream(Balance::RoundRobin, true, endpoints.iter().copied());
            // Another replica that saw the endpoints in another order.
            let after = upstream(Balance::RoundRobin, true, endpoints.iter().rev().copied().filter(|e| *e != gone));
            for number in numbers {
                let old = picked(&before, client(number), &[]);
                let new = picked(&after, client(number), &[]);
                prop_assert!(new == old || old == Some(address(gone)));
                // A failed endpoint sends its clients to the same place as one that is gone.
                prop_assert_eq!(picked(&before, client(number), &[address(gone)]), new);
            }
        }

        #[test]
        fn every_endpoint_is_tried_once(
            balance in prop::sample::select(vec![Balance::RoundRobin, Balance::LeastRequest, Balance::Ewma]),
            affinity in any::<bool>(), count in 0u8..10, number in any::<u16>(),
        ) {
            let upstream = upstream(balance, affinity, 0..count);
            let mut tried = Vec::new();
            while let Some(address) = picked(&upstream, client(number.into()), &tried) {
                prop_assert!(!tried.contains(&address));
                tried.push(address);
            }
            prop_assert_eq!(tried.len(), usize::from(count));
        }
    }
}
