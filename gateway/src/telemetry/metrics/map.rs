use std::collections::HashMap;

/// A map with a hash that is fast, seeded, and good enough for keys that no client chooses.
pub(super) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
