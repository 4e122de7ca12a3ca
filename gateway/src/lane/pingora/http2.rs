//! Streams of HTTP/2.

use crate::connection::Arrival;
use std::cell::Cell;
use std::time::Duration;
use tokio::task_local;

/// How long a client may read nothing of a response (nginx: `send_timeout`).
pub(crate) const SEND: Duration = Duration::from_secs(60);

task_local! {
    /// The arrival of the stream that a task serves: Pingora's session of a stream cannot hold it.
    pub(super) static ARRIVAL: Cell<Option<Box<Arrival>>>;
}

/// Takes the arrival that came with the stream that this task serves.
pub(super) fn arrival() -> Option<Box<Arrival>> {
    ARRIVAL.try_with(Cell::take).ok().flatten()
}
