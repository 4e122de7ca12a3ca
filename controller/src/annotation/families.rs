//! All entries, by family and by name.

use super::entry::{Annotation, Family};
use super::{
    affinity, auth, backend, body, canary, cors, external_auth, limits, obsolete, proxy, redirect, rewrite, routing,
    snippets, telemetry, timeouts, tls, upstream,
};
use std::collections::HashMap;
use std::sync::LazyLock;

/// All annotations, by family, in the order of the documentation.
pub const FAMILIES: &[Family] = &[
    Family { title: "Routing", annotations: routing::ANNOTATIONS },
    Family { title: "Redirects", annotations: redirect::ANNOTATIONS },
    Family { title: "Rewrites", annotations: rewrite::ANNOTATIONS },
    Family { title: "Requests to the backend", annotations: upstream::ANNOTATIONS },
    Family { title: "Timeouts and retries", annotations: timeouts::ANNOTATIONS },
    Family { title: "Bodies and buffers", annotations: body::ANNOTATIONS },
    Family { title: "Backends and load balancing", annotations: backend::ANNOTATIONS },
    Family { title: "Session affinity", annotations: affinity::ANNOTATIONS },
    Family { title: "Canaries and mirrors", annotations: canary::ANNOTATIONS },
    Family { title: "TLS", annotations: tls::ANNOTATIONS },
    Family { title: "Answers of the backend", annotations: proxy::ANNOTATIONS },
    Family { title: "CORS", annotations: cors::ANNOTATIONS },
    Family { title: "External authentication", annotations: external_auth::ANNOTATIONS },
    Family { title: "Authentication", annotations: auth::ANNOTATIONS },
    Family { title: "Limits and address lists", annotations: limits::ANNOTATIONS },
    Family { title: "Snippets and web application firewall", annotations: snippets::ANNOTATIONS },
    Family { title: "Logs and traces", annotations: telemetry::ANNOTATIONS },
    Family { title: "Obsolete, or never there", annotations: obsolete::ANNOTATIONS },
];

impl Annotation {
    /// The entry of this name.
    pub fn named(key: &str) -> Option<&'static Self> {
        static BY_KEY: LazyLock<HashMap<&str, &Annotation>> =
            LazyLock::new(|| Annotation::all().map(|annotation| (annotation.key, annotation)).collect());
        BY_KEY.get(key).copied()
    }

    /// Every entry.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        FAMILIES.iter().flat_map(|family| family.annotations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::Scope;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_has_one_entry() {
        let mut seen = BTreeSet::new();
        for annotation in Annotation::all() {
            assert!(seen.insert(annotation.key), "{} is there twice", annotation.key);
            assert!(!annotation.key.contains('/') && !annotation.doc.is_empty(), "{}", annotation.key);
        }
    }

    #[test]
    fn families_are_found_by_name() {
        assert_eq!(Annotation::named("upstream-vhost").map(|a| a.scope), Some(Scope::Path));
        assert!(Annotation::named("no-such-thing").is_none());
    }
}
