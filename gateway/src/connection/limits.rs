//! Limits on the connections of a worker, and of each client.

use crate::config::ConnectionLimits;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Locks among which clients are spread.
const SHARDS: usize = 64;

/// Limits the connections of each client, over all workers: a client must not have its limit once per worker.
#[derive(Debug, Default)]
pub(crate) struct ClientLimiter {
    shards: Box<[Shard]>,
    hasher: foldhash::fast::RandomState,
}

type Shard = Mutex<HashMap<IpAddr, usize, foldhash::fast::RandomState>>;

/// A connection counts against its client's limit while this lives.
#[derive(Debug)]
pub(crate) struct ClientPermit {
    clients: Arc<ClientLimiter>,
    client: IpAddr,
}

impl ClientLimiter {
    pub(crate) fn new() -> Arc<Self> {
        let shards = (0..SHARDS).map(|_| Shard::default()).collect();
        Arc::new(Self { shards, hasher: foldhash::fast::RandomState::default() })
    }

    /// A permit for one more connection of a client; `None` if the limit is reached. Without a limit nothing is counted,
    /// and nothing is locked.
    pub(crate) fn acquire(self: &Arc<Self>, address: IpAddr, limits: ConnectionLimits) -> Option<Option<ClientPermit>> {
        let Some(most) = limits.per_client else { return Some(None) };
        let client = client(address);
        let mut shard = self.shard(client).lock();
        let open = shard.entry(client).or_default();
        if *open >= most.get() {
            return None;
        }
        *open += 1;
        Some(Some(ClientPermit { clients: self.clone(), client }))
    }

    fn shard(&self, client: IpAddr) -> &Shard {
        &self.shards[self.hasher.hash_one(client) as usize % SHARDS]
    }
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        if let Entry::Occupied(mut open) = self.clients.shard(self.client).lock().entry(self.client) {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, the smallest that is assigned.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// Limits the connections of one worker. Only the worker itself counts.
#[derive(Debug, Default)]
pub(crate) struct WorkerLimiter(Arc<AtomicUsize>);

/// A connection counts against its worker's limit while this lives.
#[derive(Debug)]
pub(crate) struct WorkerPermit(Arc<AtomicUsize>);

impl WorkerLimiter {
    /// A permit for one more connection; `None` if the limit is reached.
    pub(crate) fn acquire(&self, limits: ConnectionLimits) -> Option<WorkerPermit> {
        if self.0.load(Ordering::Relaxed) >= limits.per_worker.get() {
            return None;
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Some(WorkerPermit(self.0.clone()))
    }
}

impl Drop for WorkerPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZero;

    fn limits(per_worker: usize, per_client: usize) -> ConnectionLimits {
        ConnectionLimits {
            per_worker: NonZero::new(per_worker).expect("a bound"),
            per_client: NonZero::new(per_client),
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_client_is_limited_and_gets_its_permits_back() {
        let clients = ClientLimiter::new();
        let two = limits(100, 2);
        let first = clients.acquire(address("192.0.2.1"), two).expect("the first");
        let _second = clients.acquire(address("192.0.2.1"), two).expect("the second");
        assert!(clients.acquire(address("192.0.2.1"), two).is_none());
        assert!(clients.acquire(address("192.0.2.2"), two).is_some(), "another client");
        drop(first);
        assert!(clients.acquire(address("192.0.2.1"), two).is_some());
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let clients = ClientLimiter::new();
        let one = limits(100, 1);
        let _held = clients.acquire(address("2001:db8::1"), one).expect("the first");
        assert!(clients.acquire(address("2001:db8::ffff:2"), one).is_none());
        assert!(clients.acquire(address("2001:db8:0:1::1"), one).is_some());
    }

    #[test]
    fn nothing_is_kept_of_clients_that_are_gone() {
        let clients = ClientLimiter::new();
        for last in 0..=255 {
            let permit = clients.acquire(IpAddr::from([192, 0, 2, last]), limits(100, 1));
            assert!(permit.is_some_and(|permit| permit.is_some()));
        }
        assert!(clients.shards.iter().all(|shard| shard.lock().is_empty()));
        assert!(
            clients.acquire(address("192.0.2.1"), limits(100, 0)).is_some_and(|permit| permit.is_none()),
            "no limit"
        );
    }

    #[test]
    fn a_worker_takes_as_many_as_it_may() {
        let limiter = WorkerLimiter::default();
        let first = limiter.acquire(limits(1, 0));
        assert!(first.is_some() && limiter.acquire(limits(1, 0)).is_none());
        assert!(limiter.acquire(limits(2, 0)).is_some(), "the bound may be raised");
        drop(first);
        assert!(limiter.acquire(limits(1, 0)).is_some());
    }
}
