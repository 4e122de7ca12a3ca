//! All entries, by family and by name.

use super::entry::{Family, Key};
use super::{client, compression, forwarded, headers, https, logging, other, routes, security, stream, tls, upstream};
use std::collections::HashMap;
use std::sync::LazyLock;

/// All keys, by family, in the order of the documentation.
pub const FAMILIES: &[Family] = &[
    Family { title: "Routes", keys: routes::KEYS },
    Family { title: "Client connections", keys: client::KEYS },
    Family { title: "Client addresses and forwarded headers", keys: forwarded::KEYS },
    Family { title: "Headers", keys: headers::KEYS },
    Family { title: "Backends", keys: upstream::KEYS },
    Family { title: "TCP and UDP services", keys: stream::KEYS },
    Family { title: "Logs and traces", keys: logging::KEYS },
    Family { title: "Redirects to HTTPS", keys: https::KEYS },
    Family { title: "TLS", keys: tls::KEYS },
    Family { title: "Compression", keys: compression::KEYS },
    Family { title: "Security", keys: security::KEYS },
    Family { title: "Process and nginx", keys: other::KEYS },
];

impl Key {
    /// The entry of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        static BY_NAME: LazyLock<HashMap<&str, &Key>> =
            LazyLock::new(|| Key::all().map(|key| (key.name, key)).collect());
        BY_NAME.get(name).copied()
    }

    /// Every entry.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        FAMILIES.iter().flat_map(|family| family.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_has_one_entry() {
        let mut seen = BTreeSet::new();
        for key in Key::all() {
            assert!(seen.insert(key.name), "{} is there twice", key.name);
            assert!(!key.doc.is_empty(), "{}", key.name);
        }
    }
}
