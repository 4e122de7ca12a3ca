use super::encode::{counter, family, gauge, pairs};
use super::names;
use crate::upstream::{Ejected, Registry};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, MetricFamily};
use std::sync::Arc;

/// Counts ejected endpoints at each scrape.
pub(super) struct EjectionCollector {
    upstreams: Arc<Registry>,
    descs: Vec<Desc>,
}

impl EjectionCollector {
    pub(super) fn new(upstreams: Arc<Registry>) -> prometheus::Result<Self> {
        let descs =
            [names::EJECTED_ENDPOINTS, names::EJECTIONS].iter().map(|doc| doc.desc()).collect::<Result<_, _>>()?;
        Ok(Self { upstreams, descs })
    }
}

impl Collector for EjectionCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let ejected = self.upstreams.ejected();
        let now = ejected.iter().map(|ejected| gauge(labels(ejected), i64::try_from(ejected.now).unwrap_or(i64::MAX)));
        let total = ejected.iter().map(|ejected| counter(labels(ejected), ejected.total));
        vec![family(names::EJECTED_ENDPOINTS, now), family(names::EJECTIONS, total)]
    }
}

/// Only Services have endpoints that are ejected.
fn labels(ejected: &Ejected) -> Vec<LabelPair> {
    let (namespace, port, service) = match ejected.id.service() {
        Some(service) => (&*service.namespace, &*service.port, &*service.service),
        None => Default::default(),
    };
    pairs([("namespace", namespace), ("port", port), ("service", service)])
}
