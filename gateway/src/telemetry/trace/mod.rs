//! Traces of requests: the context that goes to backends, and the spans that go to a collector.
//!
//! A worker makes a span when a request has ended, and puts it into one bounded queue. One task, the [`Exporter`], sends what
//! is in there.

mod collector;
mod exporter;
mod orders;
mod otlp;
mod queue;
mod span;

pub use exporter::Exporter;

use super::metrics::SpanMetrics;
use super::trace_context::TraceContext;
use super::{Attempt, Record};
use crate::config::{Template, TracingSettings};
use crate::upstream::NameLookup;
use orders::Orders;
use queue::SpanQueue;
use smallvec::SmallVec;
use span::Span;
use std::sync::Arc;
use tokio::sync::watch;

/// The name of the spans of auth requests.
const AUTH_REQUEST: &[u8] = b"auth-url";

/// The spans of the process on their way to the collector.
#[derive(Debug)]
pub struct Traces {
    queue: Arc<SpanQueue>,
    orders: watch::Sender<Orders>,
}

/// Where a worker puts spans.
#[derive(Clone, Debug)]
pub(super) struct SpanSender(Arc<SpanQueue>);

impl Traces {
    pub(super) fn new(metrics: SpanMetrics) -> Self {
        Self { queue: Arc::new(SpanQueue::new(metrics)), orders: watch::Sender::default() }
    }

    pub(super) fn sender(&self) -> SpanSender {
        SpanSender(Arc::clone(&self.queue))
    }

    /// The one that sends the spans, to a collector whose name is looked up by `names`. It is to be run once, on any runtime but a worker's.
    pub fn exporter(&self, names: NameLookup) -> Exporter {
        Exporter::new(Arc::clone(&self.queue), self.orders.subscribe(), names)
    }

    /// Changes how many spans may wait, and where they go. Those that wait stay.
    pub fn configure(&self, settings: &TracingSettings) {
        self.orders.send_if_modified(|orders| {
            let is_new = *orders.settings != *settings;
            if is_new {
                self.queue.configure(settings);
                orders.settings = Arc::new(settings.clone());
            }
            is_new
        });
    }

    /// Ends the exporter, once it has sent what waits.
    pub fn end(&self) {
        self.orders.send_modify(|orders| orders.has_ended = true);
    }
}

impl SpanSender {
    /// Adds the spans of a request that has ended. Never waits.
    pub(super) fn send(&self, record: &Record<'_>, asked: &[Attempt], context: &TraceContext, operation: &Template) {
        let request = Span::of_request(record, context, operation);
        let span = |attempt: &Attempt, name| Some(Span::of_attempt(attempt, attempt.span?, name, context, &request));
        let asked = asked.iter().filter_map(|attempt| span(attempt, AUTH_REQUEST));
        let attempts = record.attempts.iter().filter_map(|attempt| span(attempt, request.name_text()));
        let attempts: SmallVec<[Span; 1]> = asked.chain(attempts).collect();
        self.0.push(attempts.into_iter().chain([request]));
    }
}
