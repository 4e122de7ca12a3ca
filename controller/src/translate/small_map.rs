use std::borrow::Borrow;
use std::collections::BTreeMap;

/// A map, most of which have one entry: that needs no node, which has room for eleven.
#[derive(Debug)]
pub(super) struct SmallMap<K, V> {
    /// The least.
    first: Option<(K, V)>,
    others: BTreeMap<K, V>,
}

/// A set of the same kind.
pub(super) type SmallSet<T> = SmallMap<T, ()>;

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self { first: None, others: BTreeMap::new() }
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The entries, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.first.iter().map(|(key, value)| (key, value)).chain(&self.others)
    }

    /// The keys, ascending.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// Sets what a key has, in place of what it had.
    pub(super) fn insert(&mut self, key: K, value: V) {
        match &mut self.first {
            Some(first) if first.0 < key => drop(self.others.insert(key, value)),
            Some(first) if first.0 == key => first.1 = value,
            first => self.others.extend(first.replace((key, value))),
        }
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if self.first.as_ref().is_some_and(|(first, _)| first.borrow() == key) {
            self.first = self.others.pop_first();
        } else {
            self.others.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_whatever_comes_and_goes_first() {
        // Each way to put in and take out three keys, one of them twice.
        let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
        for (put, taken) in orders.iter().flat_map(|put| orders.iter().map(move |taken| (put, taken))) {
            let (mut small, mut map) = (SmallMap::default(), BTreeMap::new());
            for (value, key) in put.iter().chain([&2]).enumerate() {
                small.insert(*key, value);
                map.insert(*key, value);
                assert!(small.iter().eq(&map), "{put:?}");
            }
            for key in [4].iter().chain(taken) {
                small.remove(key);
                map.remove(key);
                assert!(small.iter().eq(&map), "{put:?} {taken:?}");
                assert_eq!(small.is_empty(), map.is_empty());
            }
        }
    }
}
