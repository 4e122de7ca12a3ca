use super::encode::{counter, gauge, pairs};
use super::map::Map;
use crate::telemetry::StreamRecord;
use parking_lot::Mutex;
use prometheus::proto::Metric;
use std::collections::BTreeMap;

/// A port on which sessions come in. Only ports that are listened on are counted, so clients cannot make series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::telemetry) struct StreamId {
    pub(in crate::telemetry) protocol: &'static str,
    pub(in crate::telemetry) port: u16,
}

/// What is counted of sessions that have ended.
#[derive(Debug, Default)]
pub(super) struct StreamCells {
    sessions: Map<(StreamId, u16), u64>,
    bytes: Map<StreamId, Bytes>,
}

#[derive(Debug, Default)]
struct Bytes {
    received: u64,
    sent: u64,
}

impl StreamCells {
    pub(super) fn count(&mut self, record: &StreamRecord<'_>) {
        let id = StreamId { protocol: record.protocol, port: record.port };
        *self.sessions.entry((id, record.status)).or_default() += 1;
        let bytes = self.bytes.entry(id).or_default();
        bytes.received += record.received;
        bytes.sent += record.sent;
    }

    pub(super) fn add(&mut self, other: Self) {
        for (key, sessions) in other.sessions {
            *self.sessions.entry(key).or_default() += sessions;
        }
        for (id, Bytes { received, sent }) in other.bytes {
            let bytes = self.bytes.entry(id).or_default();
            bytes.received += received;
            bytes.sent += sent;
        }
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = Metric> {
        self.sessions.iter().map(|(&(StreamId { protocol, port }, status), &count)| {
            let (mut digits, mut code) = (itoa::Buffer::new(), itoa::Buffer::new());
            let labels = [("port", digits.format(port)), ("protocol", protocol), ("status", code.format(status))];
            counter(pairs(labels), count)
        })
    }

    pub(super) fn bytes(&self) -> impl Iterator<Item = Metric> {
        self.bytes.iter().flat_map(|(&StreamId { protocol, port }, bytes)| {
            [("received", bytes.received), ("sent", bytes.sent)].map(|(direction, count)| {
                let mut digits = itoa::Buffer::new();
                let labels = [("direction", direction), ("port", digits.format(port)), ("protocol", protocol)];
                counter(pairs(labels), count)
            })
        })
    }
}

/// A worker's open sessions. Only the worker locks it, and the collector at a scrape.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct OpenStreams(Mutex<Map<StreamId, i64>>);

impl OpenStreams {
    pub(in crate::telemetry) fn open(&self, id: StreamId) {
        *self.0.lock().entry(id).or_default() += 1;
    }

    pub(in crate::telemetry) fn close(&self, id: StreamId) {
        *self.0.lock().entry(id).or_default() -= 1;
    }

    pub(super) fn add_to(&self, sums: &mut BTreeMap<StreamId, i64>) {
        for (id, open) in self.0.lock().iter() {
            *sums.entry(*id).or_default() += open;
        }
    }
}

/// The samples of open sessions.
pub(super) fn open(sessions: &BTreeMap<StreamId, i64>) -> impl Iterator<Item = Metric> {
    sessions.iter().map(|(&StreamId { protocol, port }, &count)| {
        gauge(pairs([("port", itoa::Buffer::new().format(port)), ("protocol", protocol)]), count)
    })
}
