use super::copies::Copies;
use crate::buffer::{BufferRoom, TempSpace};
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
    buffers: BufferRoom,
}

impl Context {
    /// Exchanges that are routed by what `publisher` holds and recorded by `telemetry`.
    pub fn new(publisher: Arc<Publisher>, telemetry: telemetry::Worker) -> Self {
        Self {
            publisher,
            telemetry,
            shutdown: ShutdownNotice::default(),
            copies: Arc::default(),
            buffers: BufferRoom::default(),
        }
    }

    /// The same context, where connections are closed after the current request once a shutdown is announced.
    pub(crate) fn with_shutdown(self, shutdown: ShutdownNotice) -> Self {
        Self { shutdown, ..self }
    }

    /// The same context, where temporary files are made in this space.
    pub(crate) fn with_temp_space(self, temp_space: Arc<TempSpace>) -> Self {
        Self { buffers: BufferRoom::new(temp_space), ..self }
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

    /// The room for bodies that are held back.
    pub(crate) fn buffers(&self) -> &BufferRoom {
        &self.buffers
    }

    /// Whether a shutdown has been announced.
    pub(crate) fn shutdown(&self) -> &ShutdownNotice {
        &self.shutdown
    }
}
