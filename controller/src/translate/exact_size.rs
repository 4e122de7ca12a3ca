use litemap::LiteMap;
use std::collections::BTreeMap;

/// A map without spare room: most objects have one host and one backend, and a node of a `BTreeMap` has room for eleven.
pub(super) fn of_exact_size<K: Ord, V>(map: BTreeMap<K, V>) -> LiteMap<K, V> {
    LiteMap::from_sorted_store_unchecked(map.into_iter().collect())
}
