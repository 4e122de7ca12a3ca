use super::histogram::{DURATION, Histogram, LENGTH, SIZE};
use super::streams::StreamCells;
use crate::table::RouteLabels;
use crate::telemetry::{Record, StreamRecord};
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

/// A map with a hash that is fast, seeded, and good enough for keys that no client chooses.
pub(super) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What one worker has counted since it was last collected. Plain numbers: a worker is one thread, and the collector
/// takes them all at once.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct Cells {
    pub(super) series: Map<SeriesId, Box<Cell>>,
    pub(super) replies: Map<&'static str, u64>,
    pub(super) refused_heads: Map<&'static str, u64>,
    pub(super) failed_handshakes: Map<&'static str, u64>,
    pub(super) refused_connections: Map<&'static str, u64>,
    pub(super) ended_http2: Map<&'static str, u64>,
    pub(super) failed_proxy_headers: Map<&'static str, u64>,
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

/// A series and whom it belongs to.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) labels: Arc<RouteLabels>,
    pub(super) method: &'static str,
    pub(super) status: u16,
    pub(super) series: Series,
}

/// What is measured of the requests of one route with one method and one status.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) requests: u64,
    pub(super) request_duration: Histogram<{ DURATION.len() }>,
    pub(super) response_duration: Histogram<{ DURATION.len() }>,
    pub(super) header_duration: Histogram<{ DURATION.len() }>,
    pub(super) connect_duration: Histogram<{ DURATION.len() }>,
    pub(super) request_size: Histogram<{ LENGTH.len() }>,
    pub(super) response_size: Histogram<{ LENGTH.len() }>,
    pub(super) bytes_sent: Histogram<{ SIZE.len() }>,
}

impl Cells {
    pub(in crate::telemetry) fn count(&mut self, record: &Record<'_>) {
        self.requests += 1;
        if let Some(reason) = record.reply {
            *self.replies.entry(reason).or_default() += 1;
        }
        if let Some(route) = record.route {
            self.series(&route.labels, record).observe(record);
        }
    }

    pub(in crate::telemetry) fn refuse_head(&mut self, reason: &'static str) {
        *self.refused_heads.entry(reason).or_default() += 1;
    }

    pub(in crate::telemetry) fn fail_handshake(&mut self, reason: &'static str) {
        *self.failed_handshakes.entry(reason).or_default() += 1;
    }

    pub(in crate::telemetry) fn refuse_connection(&mut self, reason: &'static str) {
        *self.refused_connections.entry(reason).or_default() += 1;
    }

    pub(in crate::telemetry) fn end_http2(&mut self, reason: &'static str) {
        *self.ended_http2.entry(reason).or_default() += 1;
    }

    pub(in crate::telemetry) fn fail_proxy_header(&mut self, reason: &'static str) {
        *self.failed_proxy_headers.entry(reason).or_default() += 1;
    }

    pub(in crate::telemetry) fn count_stream(&mut self, record: &StreamRecord<'_>) {
        self.streams.count(record);
    }

    /// All that was counted; what follows starts at nothing.
    pub(in crate::telemetry) fn take(&mut self) -> Self {
        mem::take(self)
    }

    fn series(&mut self, labels: &Arc<RouteLabels>, record: &Record<'_>) -> &mut Series {
        let (method, status) = (method_label(record.method), record.status);
        let id = SeriesId { labels: Arc::as_ptr(labels).addr(), method, status };
        let new = || Box::new(Cell { labels: Arc::clone(labels), method, status, series: Series::default() });
        &mut self.series.entry(id).or_insert_with(new).series
    }
}

impl Series {
    fn observe(&mut self, record: &Record<'_>) {
        self.requests += 1;
        self.request_duration.observe(&DURATION, record.duration.as_secs_f64());
        self.request_size.observe(&LENGTH, record.request_length as f64);
        self.response_size.observe(&LENGTH, record.bytes_sent as f64);
        self.bytes_sent.observe(&SIZE, record.bytes_sent as f64);
        // ingress-nginx drops the times of requests that were tried more than once; the last try says more.
        let Some(attempt) = record.attempts.last() else { return };
        self.response_duration.observe(&DURATION, attempt.response.as_secs_f64());
        if let Some(header) = attempt.header {
            self.header_duration.observe(&DURATION, header.as_secs_f64());
        }
        if let Some(connect) = attempt.connect {
            self.connect_duration.observe(&DURATION, connect.as_secs_f64());
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            requests,
            request_duration,
            response_duration,
            header_duration,
            connect_duration,
            request_size,
            response_size,
            bytes_sent,
        } = other;
        self.requests += requests;
        self.request_duration.add(request_duration);
        self.response_duration.add(response_duration);
        self.header_duration.add(header_duration);
        self.connect_duration.add(connect_duration);
        self.request_size.add(request_size);
        self.response_size.add(response_size);
        self.bytes_sent.add(bytes_sent);
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
