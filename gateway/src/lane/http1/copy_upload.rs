//! The body of a copy on its way to its mirror.

use super::request_body::RequestBody;
use crate::config::Timeouts;
use crate::exchange::{CopiedBody, CopiedPiece};
use crate::lane::endpoint::{EndpointConnection, Progress, READ, Turn};
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long more of a body may take: the request, which it comes from, has a limit of its own.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A body that is sent as it comes, if there is one.
pub(super) struct CopyUpload<'c> {
    source: Option<&'c mut CopiedBody>,
    body: RequestBody,
    timeouts: Timeouts,
    /// Until when the mirror has to take what is to be sent, or to respond. A wait for more of the body has none: the request
    /// ends it.
    deadline: Option<Instant>,
}

impl<'c> CopyUpload<'c> {
    /// Begins with what is queued on the connection: the head.
    pub(super) fn begin(source: Option<&'c mut CopiedBody>, body: RequestBody, timeouts: Timeouts) -> Self {
        Self { source, body, timeouts, deadline: Some(Instant::now() + timeouts.send) }
    }

    /// Whether all of it has been sent, or will be.
    pub(super) fn is_done(&self) -> bool {
        self.body.is_done()
    }

    /// Waits until something comes of the mirror, and sends the body meanwhile.
    pub(super) async fn progress(&mut self, connection: &mut EndpointConnection) -> io::Result<Progress> {
        loop {
            let takes_body = !self.body.is_over() && !connection.is_sending();
            let turn = if takes_body { Turn::Client(FOREVER) } else { Turn::Endpoint };
            tokio::select! {
                biased;
                progress = within(self.deadline, connection.progress(READ, turn)) => match progress? {
                    Progress::Sent => self.sent(),
                    Progress::SendFailed => {
                        self.body.refuse();
                        self.sent();
                        return Ok(Progress::SendFailed);
                    }
                    progress => return Ok(progress),
                },
                more = next(&mut self.source), if takes_body => self.pass_on(more?, connection),
            }
        }
    }

    fn pass_on(&mut self, pieces: Vec<CopiedPiece>, connection: &mut EndpointConnection) {
        for CopiedPiece { bytes, is_last } in pieces {
            self.body.pass_on(&bytes, connection.queue());
            if is_last {
                self.body.end(None, connection.queue());
            }
        }
        self.deadline = Some(Instant::now() + self.timeouts.send);
    }

    fn sent(&mut self) {
        self.deadline = self.body.is_over().then(|| Instant::now() + self.timeouts.read);
    }
}

/// The next pieces. An error: the request itself has been given up.
async fn next(source: &mut Option<&mut CopiedBody>) -> io::Result<Vec<CopiedPiece>> {
    let pieces = match source {
        Some(source) => source.next().await,
        None => None,
    };
    pieces.ok_or(ErrorKind::UnexpectedEof.into())
}

async fn within<T>(deadline: Option<Instant>, waited_for: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, waited_for).await.map_err(|_| ErrorKind::TimedOut)?,
        None => waited_for.await,
    }
}
