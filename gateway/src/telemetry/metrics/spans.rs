use super::names;
use prometheus::{IntCounter, IntCounterVec, Registry};

/// What becomes of the spans of traces.
#[derive(Clone, Debug)]
pub(in crate::telemetry) struct SpanMetrics {
    sent: IntCounter,
    queue_full: IntCounter,
    undelivered: IntCounter,
    refused: IntCounter,
}

impl SpanMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let sent = IntCounter::with_opts(names::SPANS_SENT.opts())?;
        registry.register(Box::new(sent.clone()))?;
        let dropped = IntCounterVec::new(names::SPANS_DROPPED.opts(), names::SPANS_DROPPED.labels)?;
        registry.register(Box::new(dropped.clone()))?;
        let reason = |reason| dropped.with_label_values(&[reason]);
        Ok(Self {
            sent,
            queue_full: reason("queue-full"),
            undelivered: reason("undelivered"),
            refused: reason("refused"),
        })
    }

    /// So many were taken by the collector.
    pub(in crate::telemetry) fn sent(&self, spans: u64) {
        self.sent.inc_by(spans);
    }

    /// So many did not fit in the queue.
    pub(in crate::telemetry) fn dropped_by_queue(&self, spans: u64) {
        self.queue_full.inc_by(spans);
    }

    /// So many could not be brought to the collector.
    pub(in crate::telemetry) fn undelivered(&self, spans: u64) {
        self.undelivered.inc_by(spans);
    }

    /// So many the collector has not taken.
    pub(in crate::telemetry) fn refused(&self, spans: u64) {
        self.refused.inc_by(spans);
    }
}
