//! Which endpoint the key of a request leads to (`upstream-hash-by`), as in ingress-nginx: `balancer/chash.lua` and
//! `balancer/chashsubset.lua`.

use super::endpoints::EndpointState;
use super::ring::Ring;
use crate::config::HashBy;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;

/// The key of a request, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey(u32);

impl HashKey {
    /// The key that is this text.
    pub fn of(text: &[u8]) -> Self {
        Self(crc32fast::hash(text))
    }
}

/// The endpoints of an upstream by the keys of requests. Endpoints are known by their places; they have the same order in
/// every process, so that replicas make the same subsets.
#[derive(Debug)]
pub(super) struct Hashing {
    by: Arc<HashBy>,
    /// Of the subsets, or of the endpoints where there are none.
    ring: Ring,
    /// Endpoints of a subset.
    size: usize,
}

impl Hashing {
    /// What is chosen from by keys, once the upstream has these endpoints.
    pub(super) fn of(by: &Arc<HashBy>, endpoints: &[Arc<EndpointState>]) -> Self {
        let (ring, size) = match by.subset {
            None => (Ring::of(endpoints.iter().map(|endpoint| endpoint.address().to_string())), 1),
            Some(size) => {
                // A subset of more than all has all.
                let size = usize::try_from(size.get()).unwrap_or(usize::MAX).min(endpoints.len()).max(1);
                (Ring::of((1..=endpoints.len().div_ceil(size)).map(|number| format!("set{number}"))), size)
            }
        };
        Self { by: Arc::clone(by), ring, size }
    }

    /// What the key is.
    pub(super) fn by(&self) -> &Arc<HashBy> {
        &self.by
    }

    /// One of the endpoints that a key leads to whose address is not in `skipped`, by chance.
    pub(super) fn choose<'a>(
        &self,
        endpoints: &'a [Arc<EndpointState>],
        key: HashKey,
        skipped: &[SocketAddr],
    ) -> Option<&'a Arc<EndpointState>> {
        let left = || self.find(endpoints, key, skipped);
        let count = NonZero::new(left().count())?;
        left().nth(fastrand::usize(..count.get()))
    }

    /// The endpoints that a key leads to: those that are left of its subset, or of the next one on the ring that has any.
    pub(super) fn find<'a>(
        &self,
        endpoints: &'a [Arc<EndpointState>],
        key: HashKey,
        skipped: &[SocketAddr],
    ) -> impl Iterator<Item = &'a Arc<EndpointState>> {
        let left =
            move |subset| self.subset(subset, endpoints).filter(move |endpoint| !skipped.contains(&endpoint.address()));
        let subset = self.ring.walk(key.0).find(|subset| left(*subset).next().is_some());
        subset.into_iter().flat_map(left)
    }

    /// The endpoints of a subset: those at its place. The last one is filled up with the first of all.
    fn subset<'a>(
        &self,
        subset: usize,
        endpoints: &'a [Arc<EndpointState>],
    ) -> impl Iterator<Item = &'a Arc<EndpointState>> + use<'a> {
        let places = subset * self.size..(subset + 1) * self.size;
        places.filter_map(move |place| endpoints.get(place.checked_rem(endpoints.len())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Backend, Endpoint, Endpoints, ServiceBackend, Template};
    use crate::upstream::Upstream;
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr};

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const KEYS: [&str; 8] = ["", "/", "/a", "/b", "/cart", "alice", "bob", "carol"];

    fn backend(subset: Option<u32>, endpoints: u8) -> Backend {
        let key = Template::parse("$request_uri").expect("valid");
        let hash_by = Some(Arc::new(HashBy { key, subset: subset.and_then(NonZero::new) }));
        Backend { hash_by, client_ip_affinity: true, ..Backend::at((1..=endpoints).map(address)) }
    }

    fn set(upstream: &Upstream, backend: &Backend) {
        let Endpoints::Addresses(endpoints) = &backend.endpoints else { panic!("addresses") };
        upstream.set(backend, endpoints);
    }

    fn upstream(subset: Option<u32>, endpoints: u8) -> Upstream {
        let upstream = Upstream::new(ServiceBackend::tcp("ns", "svc", "80").into());
        set(&upstream, &backend(subset, endpoints));
        upstream
    }

    fn address(last: u8) -> SocketAddr {
        (Ipv4Addr::new(10, 0, 0, last), 8080).into()
    }

    fn last(address: SocketAddr) -> u8 {
        (1..=255).find(|number| self::address(*number) == address).expect("one of ours")
    }

    fn picked(upstream: &Upstream, key: &str, tried: &[SocketAddr]) -> Option<SocketAddr> {
        Some(upstream.pick_by_key(Some(HashKey::of(key.as_bytes())), CLIENT, tried)?.address())
    }

    /// The endpoints that serve requests with a key.
    fn serving(upstream: &Upstream, key: &str) -> BTreeSet<u8> {
        (0..300).filter_map(|_| picked(upstream, key, &[]).map(last)).collect()
    }

    /// What `chash.c` of lua-resty-balancer computes.
    #[test]
    fn a_key_leads_where_it_does_in_ingress_nginx() {
        let upstream = upstream(None, 5);
        let key = |number: usize| format!("1700000000.{number}.41.{}", number * 1234);
        let found: Vec<_> = (0..12).filter_map(|number| picked(&upstream, &key(number), &[]).map(last)).collect();
        assert_eq!(found, [1, 1, 1, 5, 2, 5, 3, 2, 4, 1, 2, 3]);
        let found: Vec<_> = KEYS.iter().filter_map(|key| picked(&upstream, key, &[]).map(last)).collect();
        assert_eq!(found, [1, 5, 1, 5, 4, 3, 1, 4]);
    }

    /// What `chash.c` computes of the sets of `chashsubset.lua`, of which three endpoints each.
    #[test]
    fn a_key_leads_to_the_subset_that_it_does_in_ingress_nginx() {
        let upstream = upstream(Some(3), 8);
        let sets = [BTreeSet::from([1, 2, 3]), BTreeSet::from([4, 5, 6]), BTreeSet::from([7, 8, 1])];
        for (key, set) in KEYS.iter().zip([3, 2, 3, 3, 2, 1, 2, 3]) {
            assert_eq!(serving(&upstream, key), sets[set - 1], "{key}");
            let found = upstream.find_by_key(HashKey::of(key.as_bytes()));
            assert_eq!(found.iter().map(|endpoint| last(endpoint.address())).collect::<BTreeSet<_>>(), sets[set - 1]);
        }
    }

    #[test]
    fn a_subset_of_more_than_all_has_all() {
        let all = upstream(Some(u32::MAX), 3);
        assert!(KEYS.iter().all(|key| serving(&all, key) == BTreeSet::from([1, 2, 3])));
        assert_eq!(picked(&upstream(Some(3), 0), "key", &[]), None);
        assert_eq!(picked(&upstream(None, 0), "key", &[]), None);
    }

    #[test]
    fn after_a_failure_the_keys_go_where_they_would_if_the_endpoint_was_gone() {
        let all = upstream(None, 5);
        for key in KEYS {
            let first = picked(&all, key, &[]).expect("one");
            let left = backend(None, 5);
            let Endpoints::Addresses(endpoints) = &left.endpoints else { panic!("addresses") };
            let endpoints: Vec<Endpoint> = endpoints.iter().filter(|e| e.address != first).cloned().collect();
            let without = upstream(None, 0);
            without.set(&left, &endpoints);
            assert_eq!(picked(&all, key, &[first]), picked(&without, key, &[]), "{key}");
        }
    }

    #[test]
    fn every_endpoint_is_tried_once_and_those_of_the_subset_first() {
        for (subset, first) in [(None, 1), (Some(3), 3)] {
            let upstream = upstream(subset, 8);
            for key in KEYS {
                let own = serving(&upstream, key);
                let mut tried = Vec::new();
                while let Some(address) = picked(&upstream, key, &tried) {
                    assert!(!tried.contains(&address), "{key}");
                    tried.push(address);
                }
                assert_eq!(tried.len(), 8, "{key}");
                assert_eq!(tried[..first].iter().map(|address| last(*address)).collect::<BTreeSet<_>>(), own, "{key}");
            }
        }
    }

    #[test]
    fn without_a_key_any_endpoint_serves() {
        let upstream = upstream(None, 3);
        let picked: BTreeSet<_> = (0..200).filter_map(|_| Some(last(upstream.pick(CLIENT, &[])?.address()))).collect();
        assert_eq!(picked, BTreeSet::from([1, 2, 3]));
    }

    #[test]
    fn only_who_is_chosen_by_key_asks_for_one() {
        let upstream = upstream(None, 3);
        assert!(upstream.hash_by().is_some());
        set(&upstream, &Backend { hash_by: None, ..backend(None, 3) });
        assert!(upstream.hash_by().is_none());
        assert!(upstream.find_by_key(HashKey::of(b"key")).is_empty());
        assert!(picked(&upstream, "key", &[]).is_some(), "a key of before counts for nothing");
        set(&upstream, &backend(None, 3));
        upstream.clear();
        assert!(upstream.hash_by().is_none());
    }
}
