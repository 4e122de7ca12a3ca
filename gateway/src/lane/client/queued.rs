//! Responses whose endpoints need not wait for the client.

use super::ClientRequest;
use crate::buffer::BodyQueue;
use crate::exchange::Failure;
use std::io;
use tokio::try_join;

impl ClientRequest {
    /// Passes on the body of a response but for its end: `reading` puts it into the queue as fast as the endpoint sends it, and
    /// the client gets it from there as fast as it takes it. Returns what has come of reading, once the client has got all that
    /// was read.
    pub(in crate::lane) async fn write_queued<T, E>(
        &mut self,
        queue: &BodyQueue,
        largest_piece: usize,
        reading: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, Failure> {
        let reading = async {
            let read = reading.await;
            queue.end(read.is_ok());
            Ok(read)
        };
        // The client comes first: what it takes at once need not be held.
        let ((), read) = try_join!(biased; self.write_from(queue, largest_piece), reading)?;
        if read.is_err() {
            self.session.flush().await?;
        }
        Ok(read)
    }

    async fn write_from(&mut self, queue: &BodyQueue, largest_piece: usize) -> Result<(), Failure> {
        loop {
            if !queue.is_at_hand() {
                self.session.flush().await?;
            }
            let taken = self.session.or_gone(queue.take(largest_piece)).await?;
            if let Some(length) = queue.length() {
                self.exchange.endpoint_done(length);
            }
            match taken.map_err(|error| lost(&error))? {
                Some(piece) => self.write_piece(piece, false).await?,
                None => return Ok(()),
            }
        }
    }
}

fn lost(error: &io::Error) -> Failure {
    tracing::warn!(%error, "a response is lost");
    Failure::Internal
}
