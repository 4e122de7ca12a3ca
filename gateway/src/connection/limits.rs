//! Limits on the connections of a worker, and of each client.

use super::permits::{Permit, Permits};
use crate::config::ConnectionLimits;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Locks among which clients are spread.
const LOCKS: usize = 64;

/// Limits the connections of each client, over all workers.
#[derive(Debug)]
pub(crate) struct ClientLimiter(Arc<Permits<IpAddr>>);

/// A connection counts against its client's limit while this lives.
pub(crate) type ClientPermit = Permit<IpAddr>;

impl ClientLimiter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Permits::new(LOCKS)))
    }

    /// A permit for one more connection of a client; `None` if the limit is reached. Without a limit nothing is counted,
    /// and nothing is locked.
    pub(crate) fn acquire(&self, address: IpAddr, limits: ConnectionLimits) -> Option<Option<ClientPermit>> {
        let Some(most) = limits.per_client else { return Some(None) };
        self.0.acquire(client(address), most).map(Some)
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
    fn an_ipv6_client_is_its_network() {
        let clients = ClientLimiter::new();
        let one = limits(100, 1);
        let _held = clients.acquire(address("2001:db8::1"), one).expect("the first");
        assert!(clients.acquire(address("2001:db8::ffff:2"), one).is_none());
        assert!(clients.acquire(address("2001:db8:0:1::1"), one).is_some());
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let unlimited = ClientLimiter::new().acquire(address("192.0.2.1"), limits(100, 0));
        assert!(unlimited.is_some_and(|permit| permit.is_none()));
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
