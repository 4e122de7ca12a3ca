//! Telemetry of requests: metrics, the access log and traces.
//!
//! [`Telemetry`] is the process's; each thread that serves requests has a [`Worker`] of it.

mod access_log;
mod clock;
mod escape;
#[cfg(test)]
pub(crate) mod fixture;
mod metrics;
mod record;
mod request_values;
mod settings;
mod stream_values;
mod syslog;
mod tail;
#[cfg(test)]
mod tests;
mod trace;
mod trace_context;
mod values;
mod worker;

pub use clock::{Clock, Now};
pub use metrics::{
    Admission, Build, COMMON_LABELS, CertificateMetrics, CheckMetrics, ConnectionState, ControllerMetrics, Event,
    Identity, ListenerMetrics, METRICS, MetricDoc, MetricKind, OcspMetrics, Orphan, REQUEST_METRICS, ServedCertificate,
    ServiceName, Traffic,
};
pub use record::{Attempt, EncodedBody, Record, RequestInfo, StreamRecord};
pub use settings::{Buckets, InvalidBuckets, MetricsSettings};
pub use tail::{Ended, Tail};
pub use trace::{Exporter, Traces};
pub use trace_context::TraceContext;
pub(crate) use trace_context::{TRACEPARENT, TRACESTATE};
pub use worker::{OpenConnection, OpenStream, Worker};

use crate::upstream::Registry;
use access_log::LogSender;
use metrics::Metrics;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// Metrics and access log of the process.
pub struct Telemetry {
    metrics: Metrics,
    log: LogSender,
    traces: Traces,
    tail: Arc<Tail>,
}

/// Why telemetry cannot be started or encoded.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A label or a metric is not valid for Prometheus.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The thread that writes the access log did not start.
    #[error("cannot start the thread that writes the access log: {0}")]
    AccessLog(#[source] io::Error),
}

impl Telemetry {
    /// Starts telemetry, and the one thread that writes the access log to `access_log` (standard output, commonly).
    /// The thread ends when this and all workers are gone.
    ///
    /// # Errors
    /// A label or a bucket is not valid for Prometheus, or the thread cannot be started.
    pub fn start(
        identity: &Identity,
        metrics: &MetricsSettings,
        access_log: Box<dyn Write + Send>,
    ) -> Result<Self, TelemetryError> {
        let metrics = Metrics::new(identity, metrics)?;
        let log = LogSender::start(access_log, metrics.log_dropped.clone()).map_err(TelemetryError::AccessLog)?;
        let traces = Traces::new(metrics.spans.clone());
        Ok(Self { metrics, log, traces, tail: Arc::default() })
    }

    /// A recorder for one thread.
    pub fn worker(&self) -> Worker {
        let measured = self.metrics.measured.clone();
        let worker = Worker::new(self.log.clone(), self.traces.sender(), measured, self.tail.clone());
        self.metrics.sums.lock().add_worker(worker.source());
        worker
    }

    /// The control plane's own metrics.
    pub fn controller(&self) -> &ControllerMetrics {
        &self.metrics.controller
    }

    /// The metrics of certificates.
    pub fn certificates(&self) -> &CertificateMetrics {
        &self.metrics.certificates
    }

    /// The metrics of how Ingresses are read.
    pub fn checks(&self) -> &CheckMetrics {
        &self.metrics.checks
    }

    /// The metrics of the ports of TCP and UDP services.
    pub fn listeners(&self) -> &ListenerMetrics {
        &self.metrics.listeners
    }

    /// From now on the ejected endpoints of these upstreams are among the metrics. To be called once.
    ///
    /// # Errors
    /// They are so already.
    pub fn count_endpoints(&self, upstreams: Arc<Registry>) -> Result<(), TelemetryError> {
        Ok(self.metrics.count_endpoints(upstreams)?)
    }

    /// The metrics of OCSP responses.
    pub fn ocsp(&self) -> &OcspMetrics {
        &self.metrics.ocsp
    }

    /// The spans of requests, and where they go.
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// The requests that have just ended.
    pub fn tail(&self) -> &Arc<Tail> {
        &self.tail
    }

    /// Measures temporary files by what this function returns, in bytes.
    ///
    /// # Errors
    /// They are measured already.
    pub fn measure_temp_files(&self, used: impl Fn() -> u64 + Send + Sync + 'static) -> Result<(), TelemetryError> {
        Ok(self.metrics.measure_temp_files(used)?)
    }

    /// All metrics in Prometheus' text format ([`prometheus::TEXT_FORMAT`]).
    ///
    /// # Errors
    /// The metrics cannot be encoded as text.
    pub fn metrics(&self) -> Result<String, TelemetryError> {
        Ok(self.metrics.text()?)
    }

    /// What the requests to each Service have come to; nothing where requests are not measured.
    pub fn traffic(&self) -> BTreeMap<ServiceName, Traffic> {
        self.metrics.sums.lock().traffic()
    }

    /// Drops the series of routes that are gone, as a scrape does. To be called about once a minute, so that a gateway that
    /// is never scraped does not keep them.
    pub fn sweep(&self) {
        self.metrics.sums.lock().sweep();
    }

    /// Waits until the log's lines that workers have flushed are written. Blocks, so it has no place on a worker.
    pub fn sync(&self) {
        self.log.sync();
    }
}
