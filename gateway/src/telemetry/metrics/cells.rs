use super::events::{Event, EventCells};
use super::histogram::{Histograms, Layout, Measure};
use super::map::Map;
use super::streams::StreamCells;
use super::unmatched::Unmatched;
use crate::config::RouteLabels;
use crate::telemetry::{MetricsSettings, Record, StreamRecord};
use std::mem;
use std::sync::Arc;

/// What one worker has counted since it was last collected. Plain numbers: a worker is one thread, and the collector
/// takes them all at once.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct Cells {
    pub(super) series: Map<SeriesId, Box<Cell>>,
    pub(super) events: EventCells,
    pub(super) streams: StreamCells,
    pub(super) requests: u64,
}

/// A worker's key of a series. The address is that of the labels in [`Cell`], which keep it taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesId {
    labels: usize,
    method: &'static str,
    status: u16,
}

/// A series and the route that it belongs to.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) labels: Arc<RouteLabels>,
    pub(super) method: &'static str,
    pub(super) status: u16,
    pub(super) series: Series,
}

/// What is measured of the requests of one route with one method and one status.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) requests: u64,
    pub(super) histograms: Histograms,
}

/// What of requests is measured, in all workers.
#[derive(Debug)]
pub(in crate::telemetry) struct Measured {
    pub(super) layout: Layout,
    unmatched: Unmatched,
}

impl Measured {
    pub(super) fn new(settings: &MetricsSettings) -> Self {
        Self { layout: Layout::new(settings), unmatched: Unmatched::new(settings) }
    }
}

impl Cells {
    pub(in crate::telemetry) fn count(&mut self, record: &Record<'_>, measured: &Measured) {
        self.requests += 1;
        if let Some(reason) = record.reply {
            self.events.count(Event::Reply, reason);
        }
        let layout = &measured.layout;
        if let Some(labels) = record.request.labels {
            self.series(labels, record, layout).observe(record, layout);
        } else if let Some(labels) = measured.unmatched.labels(record.request.host) {
            self.series(&labels, record, layout).observe(record, layout);
        }
    }

    pub(in crate::telemetry) fn count_event(&mut self, event: Event, reason: &'static str) {
        self.events.count(event, reason);
    }

    pub(in crate::telemetry) fn count_stream(&mut self, record: &StreamRecord<'_>) {
        self.streams.count(record);
    }

    /// All that was counted; what follows starts at nothing.
    pub(in crate::telemetry) fn take(&mut self) -> Self {
        mem::take(self)
    }

    fn series(&mut self, labels: &Arc<RouteLabels>, record: &Record<'_>, layout: &Layout) -> &mut Series {
        let (method, status) = (method_label(record.request.method), record.status);
        let id = SeriesId { labels: Arc::as_ptr(labels).addr(), method, status };
        let new = || Box::new(Cell { labels: Arc::clone(labels), method, status, series: Series::new(layout) });
        &mut self.series.entry(id).or_insert_with(new).series
    }
}

impl Series {
    fn new(layout: &Layout) -> Self {
        Self { requests: 0, histograms: Histograms::new(layout) }
    }

    fn observe(&mut self, record: &Record<'_>, layout: &Layout) {
        self.requests += 1;
        let mut observe = |measure, value| self.histograms.observe(layout, measure, value);
        observe(Measure::RequestDuration, record.duration.as_secs_f64());
        observe(Measure::RequestSize, record.request_length as f64);
        observe(Measure::ResponseSize, record.bytes_sent as f64);
        observe(Measure::BytesSent, record.bytes_sent as f64);
        // ingress-nginx drops the times of requests with several attempts; we take those of the last one.
        let Some(attempt) = record.attempts.last() else { return };
        observe(Measure::ResponseDuration, attempt.response.as_secs_f64());
        if let Some(header) = attempt.header {
            observe(Measure::HeaderDuration, header.as_secs_f64());
        }
        if let Some(connect) = attempt.connect {
            observe(Measure::ConnectDuration, connect.as_secs_f64());
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.histograms.add(&other.histograms);
    }
}

/// A client may send any token as its method; a label may not be just anything.
fn method_label(method: &str) -> &'static str {
    const METHODS: [&str; 9] = ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];
    METHODS.into_iter().find(|&known| known == method).unwrap_or("OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_bounded() {
        assert_eq!(method_label("GET"), "GET");
        assert_eq!(method_label("TRACE"), "TRACE");
        assert_eq!(method_label("get"), "OTHER");
        assert_eq!(method_label("X-1"), "OTHER");
        assert_eq!(method_label(""), "OTHER");
    }
}
