use super::cells::{Cells, Measured, Series};
use super::connections::{ConnectionState, Connections};
use super::encode::{counter, family, gauge, pairs};
use super::events::{Event, EventCells};
use super::histogram::Measure;
use super::labels::{Labelling, SeriesKey};
use super::map::Map;
use super::names::{self, MetricDoc, REQUEST_METRICS};
use super::streams::{self, OpenStreams, StreamCells, StreamId};
use super::traffic::{ServiceName, Traffic};
use crate::config::RouteLabels;
use crate::telemetry::MetricsSettings;
use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::iter::chain;
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
pub(in crate::telemetry) struct Sums {
    measured: Arc<Measured>,
    labelling: Labelling,
    /// Whether the number of requests is exported.
    counting: bool,
    workers: Vec<Arc<dyn Source>>,
    series: Map<SeriesKey, Sum>,
    events: EventCells,
    streams: StreamCells,
    open_streams: BTreeMap<StreamId, i64>,
    requests: u64,
    accepted: u64,
    connections: [i64; ConnectionState::ALL.len()],
}

struct Sum {
    series: Series,
    /// Dropped when the route is, and no worker counts for it any more.
    labels: Weak<RouteLabels>,
}

impl Sums {
    pub(in crate::telemetry) fn new(settings: &MetricsSettings, measured: Arc<Measured>) -> Self {
        Self {
            measured,
            labelling: Labelling { host: settings.per_host, status_classes: settings.status_classes },
            counting: !settings.excluded.contains(names::REQUESTS.name),
            workers: Vec::new(),
            series: Map::default(),
            events: EventCells::default(),
            streams: StreamCells::default(),
            open_streams: BTreeMap::new(),
            requests: 0,
            accepted: 0,
            connections: Default::default(),
        }
    }

    pub(in crate::telemetry) fn add_worker(&mut self, worker: Arc<dyn Source>) {
        self.workers.push(worker);
    }

    /// Takes in what the workers have counted since the last time.
    fn fold(&mut self) {
        let Self { labelling, workers, series, events, streams, open_streams, requests, accepted, connections, .. } =
            self;
        *connections = Default::default();
        open_streams.clear();
        workers.retain(|worker| {
            // Asked before the cells are taken: a worker that has gone counts nothing after that.
            let alive = Arc::strong_count(worker) > 1;
            let cells = worker.take_cells();
            *requests += cells.requests;
            events.add(cells.events);
            streams.add(cells.streams);
            worker.streams().add_to(open_streams);
            for cell in cells.series.into_values() {
                let labels = Arc::downgrade(&cell.labels);
                match series.entry(SeriesKey::new(&cell, *labelling)) {
                    Entry::Vacant(place) => {
                        place.insert(Sum { series: cell.series, labels });
                    }
                    Entry::Occupied(mut sum) => sum.get_mut().add(&cell.series, labels),
                }
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

    /// The traffic of each Service whose routes are there, as it is now.
    pub(in crate::telemetry) fn traffic(&mut self) -> BTreeMap<ServiceName, Traffic> {
        self.fold();
        let mut services: BTreeMap<_, Traffic> = BTreeMap::new();
        for (key, Sum { series, .. }) in &self.series {
            let traffic = services.entry(key.service()).or_default();
            traffic.requests += series.requests;
            traffic.errors += if key.is_server_error() { series.requests } else { 0 };
            traffic.seconds += series.histograms.sum(Measure::RequestDuration);
        }
        services
    }

    fn encode(&self) -> Vec<MetricFamily> {
        let active: i64 = self.connections.iter().sum();
        let states = ConnectionState::ALL.iter().zip(self.connections).map(|(state, count)| (state.label(), count));
        let requests = self.series.iter().filter(|_| self.counting);
        let mut families = vec![
            family(names::REQUESTS, requests.map(|(key, sum)| counter(key.labels(), sum.series.requests))),
            family(
                names::CONNECTIONS,
                states.chain([("active", active)]).map(|(state, count)| gauge(pairs([("state", state)]), count)),
            ),
            family(
                names::CONNECTIONS_TOTAL,
                ["accepted", "handled"].map(|state| counter(pairs([("state", state)]), self.accepted)),
            ),
            family(names::REQUESTS_TOTAL, [counter(Vec::new(), self.requests)]),
            family(names::STREAM_SESSIONS_TOTAL, self.streams.sessions()),
            family(names::STREAM_BYTES, self.streams.bytes()),
            family(names::STREAM_SESSIONS, streams::open(&self.open_streams)),
        ];
        families.extend(Measure::ALL.map(|measure| self.histograms(measure)));
        families.extend(Event::ALL.map(|event| family(event.doc(), self.events.series(event))));
        families
    }

    /// The family of one histogram.
    fn histograms(&self, measure: Measure) -> MetricFamily {
        let layout = &self.measured.layout;
        let observed = self.series.iter().filter_map(|(key, sum)| {
            let mut metric = Metric::from_label(key.labels());
            metric.set_histogram(sum.series.histograms.encode(layout, measure)?);
            Some(metric)
        });
        family(measure.doc(), observed)
    }
}

impl Sum {
    fn add(&mut self, series: &Series, labels: Weak<RouteLabels>) {
        self.series.add(series);
        self.labels = labels;
    }
}

impl RequestCollector {
    pub(in crate::telemetry) fn new(sums: Arc<Mutex<Sums>>) -> prometheus::Result<Self> {
        let docs = [
            names::CONNECTIONS,
            names::CONNECTIONS_TOTAL,
            names::REQUESTS_TOTAL,
            names::REPLIES,
            names::REFUSED_HEADS,
            names::TLS_HANDSHAKE_FAILURES,
            names::HTTP2_CONNECTION_ERRORS,
            names::PROXY_PROTOCOL_FAILURES,
            names::LOST_COPIES,
            names::STREAM_SESSIONS_TOTAL,
            names::STREAM_BYTES,
            names::STREAM_SESSIONS,
        ];
        Ok(Self { sums, descs: chain(REQUEST_METRICS, &docs).map(MetricDoc::desc).collect::<prometheus::Result<_>>()? })
    }
}

impl Collector for RequestCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    /// A route that is gone is exported once more, so that its last requests are not lost.
    fn collect(&self) -> Vec<MetricFamily> {
        let mut sums = self.sums.lock();
        sums.fold();
        let families = sums.encode();
        sums.retire();
        families
    }
}
