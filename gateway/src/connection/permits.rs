//! Permits: how many of something each client may have at a time.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash};
use std::num::NonZero;
use std::sync::Arc;

type RandomState = foldhash::fast::RandomState;

/// The permits of all clients, over all workers: a client must not have its limit once per worker. A client without a
/// permit takes no memory.
#[derive(Debug)]
pub(crate) struct Permits<K> {
    shards: Box<[Mutex<HashMap<K, usize, RandomState>>]>,
    hasher: RandomState,
}

/// It counts against its client's limit while this lives.
#[derive(Debug)]
pub(crate) struct Permit<K: Copy + Eq + Hash + Debug> {
    permits: Arc<Permits<K>>,
    client: K,
}

impl<K: Copy + Eq + Hash + Debug> Permits<K> {
    /// No permits yet; clients are spread among so many locks.
    pub(crate) fn new(locks: usize) -> Arc<Self> {
        let shards = (0..locks).map(|_| Mutex::default()).collect();
        Arc::new(Self { shards, hasher: RandomState::default() })
    }

    /// A permit for a client; `None` if it has as many as it may.
    pub(crate) fn acquire(self: &Arc<Self>, client: K, most: NonZero<usize>) -> Option<Permit<K>> {
        let mut shard = self.shard(client).lock();
        let held = shard.entry(client).or_default();
        if *held >= most.get() {
            return None;
        }
        *held += 1;
        Some(Permit { permits: self.clone(), client })
    }

    fn shard(&self, client: K) -> &Mutex<HashMap<K, usize, RandomState>> {
        &self.shards[self.hasher.hash_one(client) as usize % self.shards.len()]
    }
}

impl<K: Copy + Eq + Hash + Debug> Drop for Permit<K> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut held) = self.permits.shard(self.client).lock().entry(self.client) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_its_permits_back() {
        let permits = Permits::new(4);
        let two = NonZero::new(2).expect("not zero");
        let first = permits.acquire("a", two).expect("the first");
        let _second = permits.acquire("a", two).expect("the second");
        assert!(permits.acquire("a", two).is_none());
        assert!(permits.acquire("b", two).is_some(), "another client");
        drop(first);
        assert!(permits.acquire("a", two).is_some());
    }

    #[test]
    fn nothing_is_kept_of_clients_that_are_gone() {
        let permits = Permits::new(4);
        for client in 0..1000 {
            assert!(permits.acquire(client, NonZero::<usize>::MIN).is_some());
        }
        assert!(permits.shards.iter().all(|shard| shard.lock().is_empty()));
    }
}
