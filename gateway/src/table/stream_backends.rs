use super::share::by_chance;
use crate::config::{self, BackendId};
use crate::tls::backend::BackendTls;
use crate::upstream::{Registry, Upstream};
use std::sync::Arc;

/// The backends of sessions, each for its share.
#[derive(Debug)]
pub struct StreamBackends(Box<[Arc<StreamBackend>]>);

/// A backend of sessions.
#[derive(Debug)]
pub struct StreamBackend {
    /// Its share of the sum of all weights.
    pub weight: u32,
    /// Whose endpoints serve it.
    pub upstream: Arc<Upstream>,
    /// How TLS is spoken to it, if it is.
    pub tls: Option<Arc<BackendTls>>,
    name: Box<str>,
}

impl StreamBackends {
    /// Compiles what is declared. The names of the backends begin with `prefix`. Where `compile_tls` has nothing, nobody serves
    /// the sessions: they are never sent in the clear.
    pub(super) fn compile(
        backends: &[config::StreamBackend],
        prefix: &str,
        registry: &Registry,
        mut compile_tls: impl FnMut(&Arc<config::BackendTls>) -> Option<Arc<BackendTls>>,
    ) -> Self {
        let backend = |declared: &config::StreamBackend| {
            let tls = declared.tls.as_ref().and_then(&mut compile_tls);
            let is_closed = tls.is_none() && declared.tls.is_some();
            let upstream = registry.upstream(if is_closed { &BackendId::Nowhere } else { &declared.backend });
            let name = format!("{prefix}{}", upstream.name()).into();
            Arc::new(StreamBackend { weight: declared.weight, upstream, tls, name })
        };
        Self(backends.iter().map(backend).collect())
    }

    /// The backend of a new session: one by chance, in proportion to the weights; none where all weights are 0.
    pub(crate) fn choose(&self) -> Option<&Arc<StreamBackend>> {
        self.0.get(by_chance(self.0.iter().map(|backend| u64::from(backend.weight)))?)
    }

    /// All of them, in the order in which they are declared.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &StreamBackend> {
        self.0.iter().map(AsRef::as_ref)
    }
}

impl StreamBackend {
    /// What logs call it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServiceBackend;
    use std::collections::BTreeMap;

    /// How many of so many sessions each backend gets, by its name.
    fn sessions(weights: &[(&str, u32)], count: usize) -> BTreeMap<String, usize> {
        let backend = |service: &str| match service {
            "nowhere" => BackendId::Nowhere,
            service => ServiceBackend::tcp("ns", service, "80").into(),
        };
        let declared: Vec<_> = weights
            .iter()
            .map(|(service, weight)| config::StreamBackend { backend: backend(service), weight: *weight, tls: None })
            .collect();
        let backends = StreamBackends::compile(&declared, "tcp-", &Registry::default(), |_| None);
        let mut sessions = BTreeMap::new();
        for chosen in (0..count).filter_map(|_| backends.choose()) {
            *sessions.entry(chosen.name().to_owned()).or_default() += 1;
        }
        sessions
    }

    #[test]
    fn each_backend_has_its_share() {
        let shares = sessions(&[("a", 7), ("b", 3), ("c", 0), ("nowhere", 10)], 20_000);
        assert_eq!(shares.keys().collect::<Vec<_>>(), ["tcp-nowhere", "tcp-ns-a-80", "tcp-ns-b-80"]);
        for (name, share) in [("tcp-ns-a-80", 7_000), ("tcp-ns-b-80", 3_000), ("tcp-nowhere", 10_000)] {
            assert!(shares[name].abs_diff(share) < 800, "{shares:?}");
        }
    }

    #[test]
    fn without_a_weight_there_is_none() {
        assert!(sessions(&[("a", 0)], 10).is_empty());
        assert!(sessions(&[], 10).is_empty());
        assert_eq!(sessions(&[("a", 0), ("b", 1)], 10), BTreeMap::from([("tcp-ns-b-80".to_owned(), 10)]));
    }
}
