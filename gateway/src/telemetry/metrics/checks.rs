use super::ingress_counter::IngressCounter;
use super::names::{self, MetricDoc};
use prometheus::{Gauge, IntGauge, Registry};
use std::sync::Arc;
use std::time::Duration;

/// How Ingresses are read, under the names of ingress-nginx's admission webhook. There, an Ingress is checked before the
/// API server takes it; here, when it has.
#[derive(Clone, Debug)]
pub struct CheckMetrics {
    success: IngressCounter,
    errors: IngressCounter,
    tested_ingresses: IntGauge,
    tested_duration: Gauge,
    render_ingresses: IntGauge,
    render_duration: Gauge,
    config_size: IntGauge,
    roundtrip_duration: Gauge,
}

impl CheckMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |doc: MetricDoc| registered(registry, IngressCounter::new(doc)?);
        let number = |doc: MetricDoc| registered(registry, IntGauge::with_opts(doc.opts())?);
        let duration = |doc: MetricDoc| registered(registry, Gauge::with_opts(doc.opts())?);
        Ok(Self {
            success: counters(names::CHECK_SUCCESS)?,
            errors: counters(names::CHECK_ERRORS)?,
            tested_ingresses: number(names::TESTED_INGRESSES)?,
            tested_duration: duration(names::TESTED_DURATION)?,
            render_ingresses: number(names::RENDER_INGRESSES)?,
            render_duration: duration(names::RENDER_DURATION)?,
            config_size: number(names::CONFIG_SIZE)?,
            roundtrip_duration: duration(names::ROUNDTRIP_DURATION)?,
        })
    }

    /// An Ingress was read, and has an error or not.
    pub fn checked(&self, namespace: &Arc<str>, ingress: &Arc<str>, has_error: bool) {
        let counters = if has_error { &self.errors } else { &self.success };
        counters.increment(namespace, ingress);
    }

    /// An Ingress is gone, or another controller's.
    pub fn forget(&self, namespace: &Arc<str>, ingress: &Arc<str>) {
        for counters in [&self.success, &self.errors] {
            counters.remove(namespace, ingress);
        }
    }

    /// So many Ingresses were read because of a change.
    pub fn tested(&self, ingresses: usize, took: Duration) {
        self.tested_ingresses.set(number(ingresses));
        self.tested_duration.set(took.as_secs_f64());
    }

    /// The hosts of so many Ingresses, with so many routes, are served after a change that was read in `reading`.
    pub fn rendered(&self, ingresses: usize, routes: usize, reading: Duration, took: Duration) {
        self.render_ingresses.set(number(ingresses));
        self.config_size.set(number(routes));
        self.render_duration.set(took.as_secs_f64());
        self.roundtrip_duration.set((reading + took).as_secs_f64());
    }
}

fn registered<T: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    metric: T,
) -> prometheus::Result<T> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
