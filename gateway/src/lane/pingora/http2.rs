//! Streams of HTTP/2.

use crate::connection::ClientConnection;
use pingora_core::protocols::http::v2::server::HttpSession;
use std::time::Duration;
use tokio::time::timeout;

/// How long a client may take to end a body that is discarded, once it is answered.
const DISCARD: Duration = Duration::from_secs(5);

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
