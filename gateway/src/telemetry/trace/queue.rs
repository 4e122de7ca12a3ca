//! The spans that wait to be sent: one queue for all workers, with a bound.

use super::span::Span;
use crate::config::TracingSettings;
use crate::telemetry::metrics::SpanMetrics;
use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::Notify;

/// Spans on their way from the workers to the exporter.
#[derive(Debug)]
pub(super) struct SpanQueue {
    waiting: Mutex<Waiting>,
    /// A whole batch waits.
    is_full: Notify,
    pub(super) metrics: SpanMetrics,
}

/// Locked for each request that is recorded, and for a batch at a time by the exporter.
#[derive(Debug)]
struct Waiting {
    spans: VecDeque<Span>,
    limit: usize,
    batch: usize,
}

impl SpanQueue {
    pub(super) fn new(metrics: SpanMetrics) -> Self {
        let TracingSettings { queue, batch, .. } = TracingSettings::default();
        let waiting = Waiting { spans: VecDeque::new(), limit: queue, batch };
        Self { waiting: Mutex::new(waiting), is_full: Notify::new(), metrics }
    }

    /// Changes the bounds. Spans that wait already stay.
    pub(super) fn configure(&self, settings: &TracingSettings) {
        let mut waiting = self.waiting.lock();
        waiting.limit = settings.queue;
        waiting.batch = settings.batch.min(settings.queue);
    }

    /// Adds the spans of a request, but those for which there is no room. Never waits for the exporter.
    pub(super) fn push(&self, spans: impl IntoIterator<Item = Span>) {
        let mut dropped = 0;
        let is_batch = {
            let mut waiting = self.waiting.lock();
            let had_batch = waiting.has_batch();
            for span in spans {
                if waiting.spans.len() < waiting.limit {
                    waiting.spans.push_back(span);
                } else {
                    dropped += 1;
                }
            }
            !had_batch && waiting.has_batch()
        };
        if dropped > 0 {
            self.metrics.dropped_by_queue(dropped);
        }
        if is_batch {
            self.is_full.notify_one();
        }
    }

    /// The oldest spans, as many as are sent at once. A queue that has become empty holds no memory.
    pub(super) fn take(&self) -> Vec<Span> {
        let mut waiting = self.waiting.lock();
        let count = waiting.batch.min(waiting.spans.len());
        if count == waiting.spans.len() {
            return std::mem::take(&mut waiting.spans).into();
        }
        waiting.spans.drain(..count).collect()
    }

    /// Waits until a whole batch waits.
    pub(super) async fn batch(&self) {
        while !self.waiting.lock().has_batch() {
            self.is_full.notified().await;
        }
    }
}

impl Waiting {
    fn has_batch(&self) -> bool {
        self.spans.len() >= self.batch
    }
}
