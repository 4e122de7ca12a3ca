//! Gives equal things one `Arc`.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Weak};

/// Makes a value once per key for as long as anybody holds the value, so that it outlives the tables that come to it.
#[derive(Debug)]
pub(crate) struct Interner<K, V> {
    known: HashMap<K, Weak<V>>,
    /// How many may be stored before those that are no longer in use are dropped.
    sweep_at: usize,
}

impl<K, V> Default for Interner<K, V> {
    fn default() -> Self {
        Self { known: HashMap::new(), sweep_at: 0 }
    }
}

impl<K: Clone + Eq + Hash, V> Interner<K, V> {
    /// The value of a key, made with `make` if it is not in use.
    pub(crate) fn intern<E>(&mut self, key: &K, make: impl FnOnce(&K) -> Result<V, E>) -> Result<Arc<V>, E> {
        if let Some(shared) = self.known.get(key).and_then(Weak::upgrade) {
            return Ok(shared);
        }
        self.sweep();
        let shared = Arc::new(make(key)?);
        self.known.insert(key.clone(), Arc::downgrade(&shared));
        Ok(shared)
    }

    /// Forgets what is dead once it may be half of all, which makes the work constant per new value.
    fn sweep(&mut self) {
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, value| value.strong_count() > 0);
            self.sweep_at = 2 * self.known.len() + 64;
        }
    }
}

/// Gives equal values one `Arc` for as long as anybody holds it, and keeps no copy of its own.
#[derive(Debug)]
pub struct Pool<T: ?Sized> {
    hasher: RandomState,
    /// With their hashes, which those that are no longer in use cannot tell.
    known: HashTable<(u64, Weak<T>)>,
    /// As for [`Interner`].
    sweep_at: usize,
}

impl<T: ?Sized> Default for Pool<T> {
    fn default() -> Self {
        Self { hasher: RandomState::default(), known: HashTable::new(), sweep_at: 0 }
    }
}

impl<T: Eq + Hash + ?Sized> Pool<T> {
    /// The `Arc` of a value: `shared`, unless another one is in use.
    pub fn share(&mut self, shared: Arc<T>) -> Arc<T> {
        let hash = self.hasher.hash_one(&shared);
        let is_same = |(_, other): &(u64, Weak<T>)| other.upgrade().is_some_and(|other| other == shared);
        if let Some(other) = self.known.find(hash, is_same).and_then(|(_, other)| other.upgrade()) {
            return other;
        }
        self.sweep();
        self.known.insert_unique(hash, (hash, Arc::downgrade(&shared)), |(hash, _)| *hash);
        shared
    }

    fn sweep(&mut self) {
        if self.known.len() >= self.sweep_at {
            self.known.retain(|(_, value)| value.strong_count() > 0);
            self.sweep_at = 2 * self.known.len() + 64;
        }
    }
}

/// A key of an [`Interner`] that is the value at one address, whatever is equal to it. The `Arc` keeps the address taken.
#[derive(Debug)]
pub(crate) struct ByAddress<T>(pub(crate) Arc<T>);

impl<T> Clone for ByAddress<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for ByAddress<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Eq for ByAddress<T> {}

impl<T> Hash for ByAddress<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intern(interner: &mut Interner<u32, String>, key: u32) -> Arc<String> {
        interner.intern(&key, |key| Ok::<_, ()>(key.to_string())).expect("made")
    }

    #[test]
    fn equal_values_are_shared_while_held() {
        let mut interner = Interner::default();
        let first = intern(&mut interner, 1);
        assert!(Arc::ptr_eq(&first, &intern(&mut interner, 1)));
        assert_eq!(*intern(&mut interner, 2), "2");
    }

    #[test]
    fn what_cannot_be_made_is_not_remembered() {
        let mut interner = Interner::<u32, String>::default();
        assert_eq!(interner.intern(&1, |_| Err("no")), Err("no"));
        assert_eq!(*intern(&mut interner, 1), "1");
    }

    #[test]
    fn dead_values_are_forgotten() {
        let mut interner = Interner::default();
        let kept = intern(&mut interner, 0);
        for n in 1..10_000 {
            intern(&mut interner, n);
        }
        assert!(interner.known.len() < 200, "{}", interner.known.len());
        assert!(Arc::ptr_eq(&kept, &intern(&mut interner, 0)));
    }

    #[test]
    fn a_pool_shares_what_is_equal_and_held() {
        let mut pool = Pool::default();
        let kept = pool.share(Arc::new(0));
        assert!(Arc::ptr_eq(&kept, &pool.share(Arc::new(0))));
        for n in 1..10_000 {
            assert_eq!(*pool.share(Arc::new(n)), n);
        }
        assert!(pool.known.len() < 200, "{}", pool.known.len());
        assert!(Arc::ptr_eq(&kept, &pool.share(Arc::new(0))));
    }

    #[test]
    fn values_are_told_by_their_address() {
        let (a, b) = (Arc::new(1), Arc::new(1));
        assert!(ByAddress(a.clone()) == ByAddress(a.clone()) && ByAddress(a) != ByAddress(b));
    }
}
