use super::copies::Copies;
use crate::connection::ShutdownNotice;
use crate::table::Publisher;
use crate::telemetry;
use std::sync::Arc;

/// What every exchange of a worker uses.
#[derive(Debug)]
pub struct Context {
    publisher: Arc<Publisher>,
    telemetry: telemetry::Worker,
    shutdown: ShutdownNotice,
    copies: Arc<Copies>,
}

impl Context {
    /// Exchanges that are routed by what `publisher` holds and recorded by `telemetry`.
    pub fn new(publisher: Arc<Publisher>, telemetry: telemetry::Worker) -> Self {
        Self { publisher, telemetry, shutdown: ShutdownNotice::default(), copies: Arc::default() }
    }

    /// The same context, where connections are closed after the current request once a shutdown is announced.
    pub(crate) fn with_shutdown(self, shutdown: ShutdownNotice) -> Self {
        Self { shutdown, ..self }
    }

    /// Holds the table.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Takes the records of requests that have ended.
    pub fn telemetry(&self) -> &telemetry::Worker {
        &self.telemetry
    }

    /// The copies that are made for mirrors.
    pub(super) fn copies(&self) -> &Arc<Copies> {
        &self.copies
    }

    /// Whether a shutdown has been announced.
    pub(crate) fn shutdown(&self) -> &ShutdownNotice {
        &self.shutdown
    }
}
