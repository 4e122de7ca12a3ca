use super::cells::{Cells, Map, Series};
use super::connections::{ConnectionState, Connections};
use super::histogram::{DURATION, Histogram, LENGTH, SIZE};
use super::names::{self, MetricDoc};
use super::streams::{self, OpenStreams, StreamCells, StreamId};
use crate::table::RouteLabels;
use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// What a worker counts into.
pub(in crate::telemetry) trait Source: Send + Sync {
    /// The cells, taken.
    fn take_cells(&self) -> Cells;
    /// The connections.
    fn connections(&self) -> &Connections;
    /// The sessions of TCP and UDP services.
    fn streams(&self) -> &OpenStreams;
}

/// Adds up what the workers count. They are held up for as long as it takes to swap a pointer.
pub(in crate::telemetry) struct RequestCollector {
    sums: Arc<Mutex<Sums>>,
    descs: Vec<Desc>,
}

/// All that was ever counted, but for the series of routes that are gone.
#[derive(Default)]
pub(in crate::telemetry) struct Sums {
    workers: Vec<Arc<dyn Source>>,
    series: Map<SeriesKey, Sum>,
    replies: BTreeMap<&'static str, u64>,
    refused_heads: BTreeMap<&'static str, u64>,
    failed_handshakes: BTreeMap<&'static str, u64>,
    refused_connections: BTreeMap<&'static str, u64>,
    ended_http2: BTreeMap<&'static str, u64>,
    failed_proxy_headers: BTreeMap<&'static str, u64>,
    streams: StreamCells,
    open_streams: BTreeMap<StreamId, i64>,
    requests: u64,
    accepted: u64,
    connections: [i64; ConnectionState::ALL.len()],
}

/// The labels of a series. Routes whose labels differ only in what no label tells share a series.
#[derive(PartialEq, Eq, Hash)]
struct SeriesKey {
    host: Arc<str>,
    path: Arc<str>,
    namespace: Arc<str>,
    ingress: Arc<str>,
    service: Arc<str>,
    method: &'static str,
    status: u16,
}

#[derive(Default)]
struct Sum {
    series: Series,
    /// Gone when the route is, and nobody counts for it any more.
    labels: Weak<RouteLabels>,
}

impl Sums {
    pub(in crate::telemetry) fn add_worker(&mut self, worker: Arc<dyn Source>) {
        self.workers.push(worker);
    }

    /// Takes in what the workers have counted since the last time.
    fn fold(&mut self) {
        let Self {
            workers,
            series,
            replies,
            refused_heads,
            failed_handshakes,
            refused_connections,
            ended_http2,
            failed_proxy_headers,
            streams,
            open_streams,
            requests,
            accepted,
            connections,
        } = self;
        *connections = Default::default();
        open_streams.clear();
        workers.retain(|worker| {
            // Asked before the cells are taken: a worker that has gone counts nothing after that.
            let alive = Arc::strong_count(worker) > 1;
            let cells = worker.take_cells();
            *requests += cells.requests;
            add_all(replies, cells.replies);
            add_all(refused_heads, cells.refused_heads);
            add_all(failed_handshakes, cells.failed_handshakes);
            add_all(refused_connections, cells.refused_connections);
            add_all(ended_http2, cells.ended_http2);
            add_all(failed_proxy_headers, cells.failed_proxy_headers);
            streams.add(cells.streams);
            worker.streams().add_to(open_streams);
            for cell in cells.series.into_values() {
                let key = SeriesKey::new(&cell.labels, cell.method, cell.status);
                let sum = series.entry(key).or_default();
                sum.series.add(&cell.series);
                sum.labels = Arc::downgrade(&cell.labels);
            }
            *accepted += worker.connections().take_accepted();
            for (sum, count) in connections.iter_mut().zip(worker.connections().states()) {
                *sum += count;
            }
            alive
        });
    }

    /// Drops the series of routes that are gone.
    fn retire(&mut self) {
        self.series.retain(|_, sum| sum.labels.strong_count() > 0);
    }

    pub(in crate::telemetry) fn sweep(&mut self) {
        self.fold();
        self.retire();
    }

    fn encode(&self) -> Vec<MetricFamily> {
        let active: i64 = self.connections.iter().sum();
        let states = ConnectionState::ALL.iter().zip(self.connections).map(|(state, count)| (state.label(), count));
        vec![
            family(names::REQUESTS, self.series.iter().map(|(key, sum)| counter(key.labels(), sum.series.requests))),
            self.histograms(names::REQUEST_DURATION, &DURATION, |series| &series.request_duration),
            self.histograms(names::RESPONSE_DURATION, &DURATION, |series| &series.response_duration),
            self.histograms(names::HEADER_DURATION, &DURATION, |series| &series.header_duration),
            self.histograms(names::CONNECT_DURATION, &DURATION, |series| &series.connect_duration),
            self.histograms(names::REQUEST_SIZE, &LENGTH, |series| &series.request_size),
            self.histograms(names::RESPONSE_SIZE, &LENGTH, |series| &series.response_size),
            self.histograms(names::BYTES_SENT, &SIZE, |series| &series.bytes_sent),
            family(
                names::CONNECTIONS,
                states.chain([("active", active)]).map(|(state, count)| gauge(pairs([("state", state)]), count)),
            ),
            family(
                names::CONNECTIONS_TOTAL,
                ["accepted", "handled"].map(|state| counter(pairs([("state", state)]), self.accepted)),
            ),
            family(names::REQUESTS_TOTAL, [counter(Vec::new(), self.requests)]),
            family(names::REPLIES, by_reason(&self.replies)),
            family(names::REFUSED_HEADS, by_reason(&self.refused_heads)),
            family(names::TLS_HANDSHAKE_FAILURES, by_reason(&self.failed_handshakes)),
            family(names::REFUSED_CONNECTIONS, by_reason(&self.refused_connections)),
            family(names::HTTP2_CONNECTION_ERRORS, by_reason(&self.ended_http2)),
            family(names::PROXY_PROTOCOL_FAILURES, by_reason(&self.failed_proxy_headers)),
            family(names::STREAM_SESSIONS_TOTAL, self.streams.sessions()),
            family(names::STREAM_BYTES, self.streams.bytes()),
            family(names::STREAM_SESSIONS, streams::open(&self.open_streams)),
        ]
    }

    /// The family of one histogram. What was never observed, such as the time to connect of a redirect, is left out.
    fn histograms<const N: usize>(
        &self,
        doc: MetricDoc,
        bounds: &[f64; N],
        of: impl Fn(&Series) -> &Histogram<N>,
    ) -> MetricFamily {
        let observed = self.series.iter().filter(|(_, sum)| of(&sum.series).count() > 0);
        family(
            doc,
            observed.map(|(key, sum)| {
                let mut metric = Metric::from_label(key.labels());
                metric.set_histogram(of(&sum.series).encode(bounds));
                metric
            }),
        )
    }
}

impl SeriesKey {
    fn new(labels: &RouteLabels, method: &'static str, status: u16) -> Self {
        let RouteLabels { host, path, owner } = labels;
        Self {
            host: Arc::clone(host),
            path: Arc::clone(path),
            namespace: Arc::clone(&owner.namespace),
            ingress: Arc::clone(&owner.ingress),
            service: Arc::clone(&owner.service),
            method,
            status,
        }
    }

    /// The labels, in the order of their names.
    fn labels(&self) -> Vec<LabelPair> {
        pairs([
            ("canary", ""),
            ("host", &*self.host),
            ("ingress", &*self.ingress),
            ("method", self.method),
            ("namespace", &*self.namespace),
            ("path", &*self.path),
            ("service", &*self.service),
            ("status", itoa::Buffer::new().format(self.status)),
        ])
    }
}

impl RequestCollector {
    pub(in crate::telemetry) fn new(sums: Arc<Mutex<Sums>>) -> prometheus::Result<Self> {
        let docs = [
            names::REQUESTS,
            names::REQUEST_DURATION,
            names::RESPONSE_DURATION,
            names::HEADER_DURATION,
            names::CONNECT_DURATION,
            names::REQUEST_SIZE,
            names::RESPONSE_SIZE,
            names::BYTES_SENT,
            names::CONNECTIONS,
            names::CONNECTIONS_TOTAL,
            names::REQUESTS_TOTAL,
            names::REPLIES,
            names::REFUSED_HEADS,
            names::TLS_HANDSHAKE_FAILURES,
            names::HTTP2_CONNECTION_ERRORS,
            names::PROXY_PROTOCOL_FAILURES,
            names::STREAM_SESSIONS_TOTAL,
            names::STREAM_BYTES,
            names::STREAM_SESSIONS,
        ];
        Ok(Self { sums, descs: docs.iter().map(MetricDoc::desc).collect::<prometheus::Result<_>>()? })
    }
}

impl Collector for RequestCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    /// A route that is gone is told of once more, so that its last requests are not lost.
    fn collect(&self) -> Vec<MetricFamily> {
        let mut sums = self.sums.lock();
        sums.fold();
        let families = sums.encode();
        sums.retire();
        families
    }
}

fn add_all(sums: &mut BTreeMap<&'static str, u64>, counts: Map<&'static str, u64>) {
    for (reason, count) in counts {
        *sums.entry(reason).or_default() += count;
    }
}

fn by_reason(counts: &BTreeMap<&'static str, u64>) -> impl Iterator<Item = Metric> {
    counts.iter().map(|(reason, &count)| counter(pairs([("reason", *reason)]), count))
}

fn family(doc: MetricDoc, metrics: impl IntoIterator<Item = Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(doc.name.to_owned());
    family.set_help(doc.help.to_owned());
    family.set_field_type(doc.metric_type());
    family.set_metric(metrics.into_iter().collect());
    family
}

pub(super) fn counter(labels: Vec<LabelPair>, value: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(value as f64);
    let mut metric = Metric::from_label(labels);
    metric.set_counter(counter);
    metric
}

pub(super) fn gauge(labels: Vec<LabelPair>, count: i64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(count as f64);
    let mut metric = Metric::from_label(labels);
    metric.set_gauge(gauge);
    metric
}

pub(super) fn pairs<const N: usize>(labels: [(&str, &str); N]) -> Vec<LabelPair> {
    let pair = |(name, value): (&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    };
    labels.into_iter().map(pair).collect()
}
