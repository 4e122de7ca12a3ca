//! The step of an exchange in which a request's body is read to its end, before an endpoint gets it.

use super::client::ClientRequest;
use crate::buffer::{BufferLimits, BufferRoom, BufferedBody};
use crate::exchange::{Context, Failure};
use std::future::ready;
use tokio::time::timeout;

/// What a worker needs for it.
pub(super) struct Buffering(BufferRoom);

/// What has become of a body.
enum Progress {
    /// More of it may come.
    More,
    /// All of it has been read.
    End,
    /// The exchange has refused it.
    Refused,
}

impl Buffering {
    pub(super) fn new(context: &Context) -> Self {
        Self(context.buffers().clone())
    }

    /// Reads the body. The exchange knows what has become of it.
    pub(super) async fn read(&self, request: &mut ClientRequest, limits: BufferLimits) -> Result<(), Failure> {
        request.session.invite_body().await?;
        request.head.headers.remove("expect"); // the client waits no longer
        let mut body = self.0.body(limits);
        if let Some(inspected) = request.exchange.take_inspected_body() {
            body.push(inspected);
        }
        loop {
            match request.read_into(&mut body).await? {
                Progress::More => {}
                Progress::Refused => return Ok(()),
                Progress::End => break,
            }
        }
        if body.is_over()
            && let Progress::Refused = request.save(&mut body).await
        {
            return Ok(());
        }
        request.set_buffered(body);
        Ok(())
    }
}

impl ClientRequest {
    /// Reads a piece of the body, or writes what has been read of it. The larger the pieces that are written, the fewer, so
    /// what has come already is read before; nothing is waited for with more in memory than may stay there.
    async fn read_into(&mut self, body: &mut BufferedBody) -> Result<Progress, Failure> {
        if self.session.is_body_done() {
            return Ok(Progress::End);
        }
        let read = if body.is_over() {
            tokio::select! {
                biased;
                piece = self.session.read_body(), if !body.is_batch() => piece,
                () = ready(()) => return Ok(self.save(body).await),
            }
        } else {
            let patience = self.exchange.settings().client.body_timeout;
            timeout(patience, self.session.read_body()).await.map_err(|_| Failure::ClientTimeout)?
        };
        let Some(piece) = read? else { return Ok(Progress::End) };
        let taken = self.exchange.request_body(piece.len());
        body.push(piece);
        Ok(if taken.is_break() { Progress::Refused } else { Progress::More })
    }

    async fn save(&mut self, body: &mut BufferedBody) -> Progress {
        match body.save().await {
            Ok(()) => Progress::More,
            Err(error) => {
                self.exchange.buffer_failed(&error);
                Progress::Refused
            }
        }
    }
}
