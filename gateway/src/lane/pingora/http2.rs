//! Streams of HTTP/2.

use crate::connection::Arrival;
use std::cell::Cell;
use tokio::task_local;

task_local! {
    /// The arrival of the stream that a task serves: Pingora's session of a stream cannot hold it.
    pub(super) static ARRIVAL: Cell<Option<Box<Arrival>>>;
}

/// Takes the arrival that came with the stream that this task serves.
pub(super) fn arrival() -> Option<Box<Arrival>> {
    ARRIVAL.try_with(Cell::take).ok().flatten()
}
