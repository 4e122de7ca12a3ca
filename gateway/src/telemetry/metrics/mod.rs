//! The metrics: counted by each worker for itself in [`cells`], added up at a scrape by [`collector`], and named in
//! one table in [`names`].

mod cells;
mod certificates;
mod checks;
mod collector;
mod connections;
mod controller;
mod ejections;
mod encode;
mod events;
mod histogram;
mod ingress_counter;
mod labels;
mod listeners;
mod map;
mod names;
mod ocsp;
mod process;
mod spans;
mod streams;
mod traffic;
mod unmatched;

pub(super) use cells::{Cells, Measured};
use certificates::CertificateCollector;
pub use certificates::{CertificateMetrics, ServedCertificate};
pub use checks::CheckMetrics;
pub(super) use collector::{RequestCollector, Source, Sums};
pub use connections::ConnectionState;
pub(super) use connections::Connections;
pub use controller::{Admission, Build, ControllerMetrics, Orphan};
use ejections::EjectionCollector;
pub use events::Event;
pub use listeners::ListenerMetrics;
pub use names::{COMMON_LABELS, METRICS, MetricDoc, MetricKind, REQUEST_METRICS};
pub use ocsp::OcspMetrics;
use process::ProcessCollector;
pub(super) use spans::SpanMetrics;
pub(super) use streams::{OpenStreams, StreamId};
pub use traffic::{ServiceName, Traffic};

use super::MetricsSettings;
use crate::upstream;
use parking_lot::Mutex;
use prometheus::{IntCounter, PullingGauge, Registry};
use std::collections::HashMap;
use std::sync::Arc;

/// Who we are: the labels that every metric has, and the build.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// `controller_class`: the controller that an IngressClass names.
    pub class: String,
    /// `controller_namespace`: the namespace that we run in.
    pub namespace: String,
    /// `controller_pod`: the Pod that we run in.
    pub pod: String,
    /// The build that runs.
    pub build: Build,
}

/// All metrics of the process.
pub(super) struct Metrics {
    registry: Registry,
    pub(super) sums: Arc<Mutex<Sums>>,
    /// `None` where requests and connections are not measured.
    pub(super) measured: Option<Arc<Measured>>,
    pub(super) controller: ControllerMetrics,
    pub(super) certificates: CertificateMetrics,
    pub(super) checks: CheckMetrics,
    pub(super) listeners: ListenerMetrics,
    pub(super) ocsp: OcspMetrics,
    pub(super) spans: SpanMetrics,
    pub(super) log_dropped: IntCounter,
}

impl Metrics {
    pub(super) fn new(identity: &Identity, settings: &MetricsSettings) -> prometheus::Result<Self> {
        let values = [&identity.class, &identity.namespace, &identity.pod];
        let labels: HashMap<_, _> =
            COMMON_LABELS.iter().zip(values).map(|(&name, value)| (name.to_owned(), value.clone())).collect();
        let registry = Registry::new_custom(None, Some(labels))?;
        let measured = Arc::new(Measured::new(settings));
        let sums = Arc::new(Mutex::new(Sums::new(settings, Arc::clone(&measured))));
        registry.register(Box::new(RequestCollector::new(Arc::clone(&sums))?))?;
        let controller = ControllerMetrics::register(&registry, &identity.build)?;
        let certificates = CertificateMetrics::default();
        CertificateCollector::register(&registry, &identity.class, &certificates)?;
        let checks = CheckMetrics::register(&registry)?;
        registry.register(Box::new(ProcessCollector::new()?))?;
        let listeners = ListenerMetrics::register(&registry)?;
        let ocsp = OcspMetrics::register(&registry)?;
        let spans = SpanMetrics::register(&registry)?;
        let log_dropped = IntCounter::with_opts(names::LOG_DROPPED.opts())?;
        registry.register(Box::new(log_dropped.clone()))?;
        let measured = settings.enabled.then_some(measured);
        Ok(Self { registry, sums, measured, controller, certificates, checks, listeners, ocsp, spans, log_dropped })
    }

    /// From now on the endpoints of these upstreams are counted, too.
    pub(super) fn count_endpoints(&self, upstreams: Arc<upstream::Registry>) -> prometheus::Result<()> {
        self.registry.register(Box::new(EjectionCollector::new(upstreams)?))
    }

    /// Measures temporary files by what this function returns, in bytes.
    pub(super) fn measure_temp_files(&self, used: impl Fn() -> u64 + Send + Sync + 'static) -> prometheus::Result<()> {
        let MetricDoc { name, help, .. } = names::TEMP_FILE_BYTES;
        let gauge = PullingGauge::new(name, help, Box::new(move || used() as f64))?;
        self.registry.register(Box::new(gauge))
    }

    /// All metrics in Prometheus' text format.
    pub(super) fn text(&self) -> prometheus::Result<String> {
        prometheus::TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
