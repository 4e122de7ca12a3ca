use super::encode::{counter, family, pairs};
use super::names::MetricDoc;
use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A counter with a series for each Ingress. There are thousands: those of the library would hold every name and label of each anew.
#[derive(Clone, Debug)]
pub(super) struct IngressCounter {
    doc: MetricDoc,
    desc: Desc,
    counts: Arc<Mutex<Counts>>,
}

/// Counts by namespace and name.
type Counts = BTreeMap<(Arc<str>, Arc<str>), u64>;

impl IngressCounter {
    pub(super) fn new(doc: MetricDoc) -> prometheus::Result<Self> {
        Ok(Self { doc, desc: doc.desc()?, counts: Arc::default() })
    }

    pub(super) fn increment(&self, namespace: &Arc<str>, ingress: &Arc<str>) {
        *self.counts.lock().entry((Arc::clone(namespace), Arc::clone(ingress))).or_default() += 1;
    }

    /// Ends the series of an Ingress, if there is one.
    pub(super) fn remove(&self, namespace: &Arc<str>, ingress: &Arc<str>) {
        self.counts.lock().remove(&(Arc::clone(namespace), Arc::clone(ingress)));
    }
}

impl Collector for IngressCounter {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = self.counts.lock();
        let series = counts.iter().map(|((namespace, ingress), count)| {
            counter(pairs([("ingress", ingress), ("namespace", namespace)]), *count)
        });
        vec![family(self.doc, series)]
    }
}
