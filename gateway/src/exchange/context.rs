use crate::connection::Leaving;
use crate::table::Publisher;
use crate::telemetry;
use std::sync::Arc;

/// What every exchange of a worker uses.
#[derive(Debug)]
pub struct Context {
    publisher: Arc<Publisher>,
    telemetry: telemetry::Worker,
    leaving: Leaving,
}

impl Context {
    /// Exchanges that are routed by what `publisher` holds and recorded by `telemetry`.
    pub fn new(publisher: Arc<Publisher>, telemetry: telemetry::Worker) -> Self {
        Self { publisher, telemetry, leaving: Leaving::default() }
    }

    /// The same, where each is the last of its connection once this is announced.
    pub(crate) fn until(self, leaving: Leaving) -> Self {
        Self { leaving, ..self }
    }

    /// Holds the table.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Takes the records of requests that have ended.
    pub fn telemetry(&self) -> &telemetry::Worker {
        &self.telemetry
    }

    /// Whether clients are to go elsewhere.
    pub(crate) fn leaving(&self) -> &Leaving {
        &self.leaving
    }
}
