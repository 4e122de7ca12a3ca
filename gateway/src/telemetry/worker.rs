use super::access_log::{LogBuffer, LogSender};
use super::metrics::{Cells, ConnectionState, Connections, Event, Measured, OpenStreams, Source, StreamId};
use super::record::{Attempt, Record, StreamRecord};
use super::tail::Tail;
use super::trace::SpanSender;
use super::trace_context::TraceContext;
use crate::config::{AccessLog, GatewaySettings, StreamProtocol, Template};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::SystemTime;

/// What a worker records into: cells and a log buffer of its own, so that no two workers ever wait for each other.
/// What is left in the buffer when the worker is dropped is still written.
#[derive(Debug)]
pub struct Worker {
    shared: Arc<Shared>,
    spans: SpanSender,
    tail: Arc<Tail>,
}

/// A client's connection, counted for as long as this lives.
#[derive(Debug)]
pub struct OpenConnection {
    /// `None` where nothing is measured.
    shared: Option<Arc<Shared>>,
    state: ConnectionState,
}

/// A session of a TCP or UDP service, counted for as long as this lives.
#[derive(Debug)]
pub struct OpenStream {
    /// `None` where nothing is measured.
    shared: Option<Arc<Shared>>,
    id: StreamId,
}

/// Locked by the worker for every request and by the collector for one swap at a scrape.
#[derive(Debug)]
pub(super) struct Shared {
    recording: Mutex<Recording>,
    connections: Connections,
    streams: OpenStreams,
    /// `None` where nothing is measured.
    measured: Option<Arc<Measured>>,
}

/// One lock for both, because every request takes both.
#[derive(Debug)]
struct Recording {
    cells: Cells,
    log: LogBuffer,
}

impl Worker {
    pub(super) fn new(log: LogSender, spans: SpanSender, measured: Option<Arc<Measured>>, tail: Arc<Tail>) -> Self {
        let recording = Recording { cells: Cells::default(), log: LogBuffer::new(log) };
        let (connections, streams) = Default::default();
        let shared = Shared { recording: Mutex::new(recording), connections, streams, measured };
        Self { shared: Arc::new(shared), spans, tail }
    }

    pub(super) fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.shared) as Arc<dyn Source>
    }

    /// Counts a request that has ended, and logs it unless logging is off for its route or in `log`. Those who watch see it
    /// unless logging is off for its route.
    pub fn record(&self, record: &Record<'_>, log: &AccessLog) {
        if record.logged {
            self.tail.add(record);
        }
        let mut recording = self.shared.recording.lock();
        if let Some(measured) = &self.shared.measured {
            recording.cells.count(record, measured);
        }
        if log.enabled && record.logged {
            recording.log.write(record, log, SystemTime::now());
        }
    }

    /// Logs what is not counted.
    pub fn log(&self, record: &Record<'_>, log: &AccessLog) {
        if log.enabled {
            self.shared.recording.lock().log.write(record, log, SystemTime::now());
        }
    }

    /// Sends the spans of a request that has ended to the collector, under the name that `operation` makes. `asked` are the
    /// endpoints of an auth server that were asked about it.
    pub fn trace(&self, record: &Record<'_>, asked: &[Attempt], context: &TraceContext, operation: &Template) {
        self.spans.send(record, asked, context, operation);
    }

    /// Adds a line of the firewall's audit log, with its line feed, to the access log.
    pub fn audit(&self, line: &[u8]) {
        self.shared.recording.lock().log.write_line(line);
    }

    /// Counts something that has happened, by its reason: a fixed label. Replies are counted with their requests.
    pub fn event(&self, event: Event, reason: &'static str) {
        if let Some(shared) = self.measuring() {
            shared.recording.lock().cells.count_event(event, reason);
        }
    }

    /// Counts a connection that was accepted, in this state.
    pub fn connection(&self, state: ConnectionState) -> OpenConnection {
        let shared = self.measuring().cloned();
        if let Some(shared) = &shared {
            shared.connections.open(state);
        }
        OpenConnection { shared, state }
    }

    /// Counts a session of a TCP or UDP service that has ended, or could not begin, and logs it.
    pub fn stream(&self, record: &StreamRecord<'_>, settings: &GatewaySettings) {
        let mut recording = self.shared.recording.lock();
        if self.shared.measured.is_some() {
            recording.cells.count_stream(record);
        }
        if settings.streams.log.enabled {
            recording.log.write(record, &settings.streams.log, SystemTime::now());
        }
    }

    /// Counts a session of a TCP or UDP service that has begun on one of our ports.
    pub fn open_stream(&self, protocol: StreamProtocol, port: u16) -> OpenStream {
        let id = StreamId { protocol: protocol.name(), port };
        let shared = self.measuring().cloned();
        if let Some(shared) = &shared {
            shared.streams.open(id);
        }
        OpenStream { shared, id }
    }

    /// Where to count, if anything is measured.
    fn measuring(&self) -> Option<&Arc<Shared>> {
        Some(&self.shared).filter(|shared| shared.measured.is_some())
    }

    /// Sends the log's lines to the writer. To be called a few times a second, so that lines do not wait for a full buffer.
    pub fn flush(&self) {
        self.shared.recording.lock().log.flush();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.flush();
    }
}

impl OpenConnection {
    /// Changes the connection's state.
    pub fn set(&mut self, state: ConnectionState) {
        if let Some(shared) = &self.shared {
            shared.connections.change(self.state, state);
            self.state = state;
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.connections.close(self.state);
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.streams.close(self.id);
        }
    }
}

impl Source for Shared {
    fn take_cells(&self) -> Cells {
        self.recording.lock().cells.take()
    }

    fn connections(&self) -> &Connections {
        &self.connections
    }

    fn streams(&self) -> &OpenStreams {
        &self.streams
    }
}
