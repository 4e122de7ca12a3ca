use super::Upstream;
use super::ejections::Ejected;
use super::names::{Names, Want};
use crate::config::{AffinityMode, Backend, BackendId, Endpoint, Endpoints};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// All upstreams, which outlive the tables that name them.
///
/// Only the control plane comes here; a request holds the `Arc` of its upstream.
#[derive(Debug, Default)]
pub struct Registry {
    inner: Mutex<Inner>,
    /// Names lead to no IPv6 addresses.
    ipv4_only: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    slots: HashMap<BackendId, Slot>,
    names: Names,
}

#[derive(Debug)]
struct Slot {
    upstream: Arc<Upstream>,
    backend: Option<Backend>,
}

impl Registry {
    /// A registry without upstreams.
    pub fn new() -> Self {
        Self::default()
    }

    /// The upstream of a backend: the same for as long as it is set, or anybody holds it. One that was never set has no
    /// endpoints.
    pub fn upstream(&self, id: &BackendId) -> Arc<Upstream> {
        Arc::clone(&self.inner.lock().slot(id).upstream)
    }

    /// The same, ready to look up the keys of sessions for as long as anybody holds it.
    pub fn upstream_with_sessions(&self, id: &BackendId, mode: AffinityMode) -> Arc<Upstream> {
        let mut inner = self.inner.lock();
        let upstream = &inner.slot(id).upstream;
        upstream.keep_sessions(mode);
        Arc::clone(upstream)
    }

    /// Sets or removes (`None`) a backend. Its upstream serves the new endpoints at once.
    ///
    /// A backend with a DNS name gets the addresses of the name if it is known already. Otherwise its upstream keeps
    /// what it has until the first resolution ended, well or badly, so that a change to a name loses no request.
    pub fn set(&self, id: &BackendId, backend: Option<Backend>) {
        let mut inner = self.inner.lock();
        let new = backend.as_ref().and_then(dns_name).cloned();
        if let Some(name) = &new {
            inner.names.claim(name, id);
        }
        let old = std::mem::replace(&mut inner.slot(id).backend, backend);
        if let Some(name) = old.as_ref().and_then(dns_name).filter(|old| Some(*old) != new.as_ref()) {
            inner.names.release(name, id);
        }
        inner.apply(id);
    }

    /// Sets whether names lead to IPv6 addresses, too, from their next look-ups on.
    pub(crate) fn set_ipv6_dns(&self, wanted: bool) {
        self.ipv4_only.store(!wanted, Ordering::Relaxed);
    }

    /// Whether such an address of a name is used.
    pub(super) fn takes(&self, address: IpAddr) -> bool {
        address.is_ipv4() || !self.ipv4_only.load(Ordering::Relaxed)
    }

    /// Drops the upstreams that are not set and no longer in use.
    pub fn collect(&self) {
        // An upstream that only the registry holds cannot gain a holder while the registry is locked.
        self.inner.lock().slots.retain(|_, slot| slot.backend.is_some() || Arc::strong_count(&slot.upstream) > 1);
    }

    /// All that are set or in use, in no order.
    pub fn upstreams(&self) -> Vec<Arc<Upstream>> {
        self.inner.lock().slots.values().map(|slot| Arc::clone(&slot.upstream)).collect()
    }

    /// What is ejected of each upstream where that may be.
    pub fn ejected(&self) -> Vec<Ejected> {
        self.inner.lock().slots.values().filter_map(|slot| slot.upstream.ejected()).collect()
    }

    /// Whether a DNS name waits for its first resolution, so that its backends may have no endpoints only because the
    /// process is young.
    pub fn is_resolving(&self) -> bool {
        self.inner.lock().names.is_resolving()
    }

    /// The DNS names to resolve, and each change of them.
    pub(super) fn wanted_names(&self) -> watch::Receiver<BTreeSet<Want>> {
        self.inner.lock().names.wanted()
    }

    /// The backends that want a name, for messages.
    pub(super) fn backends_wanting(&self, want: &Want) -> Vec<BackendId> {
        self.inner.lock().names.backends(want).cloned().collect()
    }

    /// A name resolved to these addresses. They are sorted and without duplicates.
    pub(super) fn resolved(&self, want: &Want, addresses: Vec<IpAddr>) {
        self.inner.lock().record(want, Some(addresses));
    }

    /// A name did not resolve. Its last addresses stay.
    pub(super) fn unresolved(&self, want: &Want) {
        self.inner.lock().record(want, None);
    }
}

impl Inner {
    fn slot(&mut self, id: &BackendId) -> &mut Slot {
        self.slots
            .entry(id.clone())
            .or_insert_with(|| Slot { upstream: Arc::new(Upstream::new(id.clone())), backend: None })
    }

    fn record(&mut self, want: &Want, outcome: Option<Vec<IpAddr>>) {
        if self.names.record(want, outcome) {
            for id in self.names.backends(want) {
                self.apply(id);
            }
        }
    }

    /// Brings an upstream in line with its backend.
    fn apply(&self, id: &BackendId) {
        let Some(Slot { upstream, backend }) = self.slots.get(id) else { return };
        let Some(backend) = backend else { return upstream.clear() };
        match &backend.endpoints {
            Endpoints::Addresses(endpoints) => upstream.set(backend, endpoints),
            Endpoints::Unchanged => {}
            Endpoints::Name { name, port } => {
                if let Some(addresses) = self.names.addresses(name) {
                    let endpoint = |ip: &IpAddr| Endpoint { address: SocketAddr::new(*ip, *port), pod: None };
                    upstream.set(backend, &addresses.iter().map(endpoint).collect::<Vec<_>>());
                }
            }
        }
    }
}

fn dns_name(backend: &Backend) -> Option<&Arc<str>> {
    match &backend.endpoints {
        Endpoints::Name { name, .. } => Some(name),
        Endpoints::Addresses(_) | Endpoints::Unchanged => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServiceBackend;
    use std::net::Ipv4Addr;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn id(service: &str) -> BackendId {
        ServiceBackend::tcp("default", service, "http").into()
    }

    fn address(last: u8) -> SocketAddr {
        (Ipv4Addr::new(10, 0, 0, last), 8080).into()
    }

    fn pods(pods: &[(u8, &str)]) -> Backend {
        let endpoint = |(last, pod): &(u8, &str)| Endpoint { address: address(*last), pod: Some((*pod).into()) };
        Backend { endpoints: Endpoints::Addresses(pods.iter().map(endpoint).collect()), ..Backend::at([]) }
    }

    #[test]
    fn new_endpoints_reach_an_upstream_that_is_held() {
        let registry = Registry::new();
        let shop = registry.upstream(&id("shop"));
        assert_eq!((shop.id(), shop.name(), shop.is_empty()), (&id("shop"), "default-shop-http", true));
        assert!(shop.pick(CLIENT, &[]).is_none());
        registry.set(&id("shop"), Some(Backend::at([address(1)])));
        assert_eq!(shop.pick(CLIENT, &[]).map(|pick| pick.address()), Some(address(1)));
        registry.set(&id("shop"), None);
        assert!(shop.is_empty());
    }

    #[test]
    fn endpoints_stay_while_others_are_not_known() {
        let registry = Registry::new();
        let shop = registry.upstream(&id("shop"));
        let unknown = Backend { endpoints: Endpoints::Unchanged, ..Backend::at([]) };
        registry.set(&id("shop"), Some(unknown.clone()));
        assert!(shop.is_empty(), "there were none");
        registry.set(&id("shop"), Some(Backend::at([address(1)])));
        registry.set(&id("shop"), Some(unknown.clone()));
        assert_eq!(shop.pick(CLIENT, &[]).map(|pick| pick.address()), Some(address(1)));
        registry.set(&id("shop"), Some(Backend::at([address(2)])));
        assert_eq!(shop.pick(CLIENT, &[]).map(|pick| pick.address()), Some(address(2)));
        registry.set(&id("shop"), None);
        registry.set(&id("shop"), Some(unknown));
        assert!(shop.is_empty(), "it was gone");
    }

    #[test]
    fn keeps_what_is_set_or_held_and_forgets_the_rest() {
        let registry = Registry::new();
        let held = registry.upstream(&id("held"));
        registry.set(&id("set"), Some(Backend::at([address(1)])));
        drop(registry.upstream(&id("neither")));
        registry.collect();
        assert!(Arc::ptr_eq(&held, &registry.upstream(&id("held"))));
        assert!(!registry.upstream(&id("set")).is_empty());
        drop(held);
        registry.set(&id("set"), None);
        registry.collect();
        assert!(registry.inner.lock().slots.is_empty());
    }

    #[test]
    fn an_endpoint_that_stays_keeps_its_requests_in_flight() {
        let registry = Registry::new();
        registry.set(&id("shop"), Some(pods(&[(1, "a")])));
        let shop = registry.upstream(&id("shop"));
        let pick = shop.pick(CLIENT, &[]).expect("there is an endpoint");
        registry.set(&id("shop"), Some(pods(&[(1, "a"), (2, "b")])));
        let in_flight = |shop: &Upstream| shop.endpoints().iter().map(|e| e.in_flight()).collect::<Vec<_>>();
        assert_eq!(in_flight(&shop), [1, 0]);
        drop(pick);
        assert_eq!(in_flight(&shop), [0, 0]);
    }

    #[test]
    fn an_address_used_again_by_another_pod_is_another_endpoint() {
        let registry = Registry::new();
        let shop = registry.upstream(&id("shop"));
        registry.set(&id("shop"), Some(pods(&[(1, "a")])));
        let old = shop.pick(CLIENT, &[]).expect("there is an endpoint");
        registry.set(&id("shop"), Some(pods(&[(1, "b")])));
        let new = shop.pick(CLIENT, &[]).expect("there is an endpoint");
        assert_eq!((old.address(), old.pod()), (new.address(), Some("a")));
        assert_ne!(old.pool_key(), new.pool_key());
        assert_eq!(new.in_flight(), 1);
        registry.set(&id("cart"), Some(pods(&[(1, "b")])));
        let shared = registry.upstream(&id("cart")).pick(CLIENT, &[]).expect("there is an endpoint");
        assert_eq!(shared.pool_key(), new.pool_key(), "the same Pod through two Services");
    }
}
