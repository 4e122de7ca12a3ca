//! Streams of HTTP/2.

use crate::connection::{Arrival, ClientConnection};
use pingora_core::protocols::http::v2::server::HttpSession;
use std::cell::Cell;
use std::time::Duration;
use tokio::task_local;
use tokio::time::timeout;

/// How long a client may take to end a body that is discarded, once it is answered.
const DISCARD: Duration = Duration::from_secs(5);

task_local! {
    /// The arrival of the stream that a task serves: Pingora's session of a stream cannot hold it.
    pub(super) static ARRIVAL: Cell<Option<Box<Arrival>>>;
}

/// Takes the arrival that came with the stream that this task serves.
pub(super) fn arrival() -> Option<Box<Arrival>> {
    ARRIVAL.try_with(Cell::take).ok().flatten()
}

/// Reads and discards what comes of a body behind its answer: the stream is reset when its session ends, and some clients
/// (curl) lose an answer that they read together with the reset. Most end their request once they have the answer.
pub(crate) async fn discard_body(session: &mut HttpSession, connection: &ClientConnection) {
    if session.is_body_done() {
        return;
    }
    let discard = async {
        while let Ok(Some(piece)) = session.read_body_bytes().await {
            connection.count_requested(piece.len());
        }
    };
    let _ = timeout(DISCARD, discard).await;
}
