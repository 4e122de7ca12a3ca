//! Copies of requests for mirrors of HTTP/2.

use super::pool::Pool;
use super::stream::{Progress, StreamError};
use super::{EndpointStream, INVALID, RequestHead};
use crate::connection::BodyFraming;
use crate::exchange::{Context, CopiedBody, CopiedPiece, Destination, Failure, MAX_INTERIM, MirrorRequest};
use http::header;
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of a response's body that are read. A call whose answer is longer is cancelled.
const DISCARDED: usize = 64 << 10;

/// A worker's connections to mirrors of HTTP/2.
#[derive(Clone, Debug)]
pub(in crate::lane) struct Mirrors {
    pool: Arc<Pool>,
}

/// Why a copy has not been taken.
#[derive(Debug, thiserror::Error)]
enum CopyError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("too many interim responses")]
    Interim,
    #[error("the request has been given up")]
    CutOff,
}

/// A copy's body on its way.
struct Upload<'c> {
    source: Option<&'c mut CopiedBody>,
    pieces: VecDeque<CopiedPiece>,
}

impl Mirrors {
    /// With a pool that has the size of the current settings.
    pub(in crate::lane) fn new(context: &Context) -> Self {
        Self { pool: Pool::new(context.publisher().load().settings().upstream.idle) }
    }

    /// Sends a copy to an endpoint.
    pub(in crate::lane) async fn attempt(&self, copy: &mut MirrorRequest, mirror: &Destination) -> Result<(), Failure> {
        let (place, is_reused) = self.pool.place(mirror).await?;
        let head = head(copy).into_request(mirror.scheme(), mirror.address).ok_or(Failure::Internal)?;
        let mut is_heard = false;
        let sent = match EndpointStream::begin(place, head, copy.body.is_none(), mirror.timeouts) {
            Ok(mut stream) => exchange(&mut stream, Upload::of(copy.body.as_mut()), &mut is_heard).await,
            Err(error) => Err(error.into()),
        };
        sent.map_err(|error| {
            tracing::debug!(%error, address = %mirror.address, "a mirror did not take a copy");
            match error {
                CopyError::Stream(error) => error.failure(is_reused && !is_heard, true),
                CopyError::Interim | CopyError::CutOff => INVALID,
            }
        })
    }
}

fn head(copy: &MirrorRequest) -> RequestHead {
    let mut headers = copy.head.headers.clone();
    if let BodyFraming::Length(length) = copy.framing {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    RequestHead::own(copy.head.method.clone(), copy.head.target.clone().into(), headers)
}

/// Sends the body while the response comes, to the end of that: a mirror would give up a call that is cancelled. `is_heard` becomes
/// whether something has come.
async fn exchange(stream: &mut EndpointStream, mut upload: Upload<'_>, is_heard: &mut bool) -> Result<(), CopyError> {
    let (mut interim, mut read) = (0, 0);
    loop {
        upload.pass_on(stream);
        let progress = tokio::select! {
            biased;
            progress = stream.progress() => progress?,
            more = upload.fill(), if upload.is_waiting() && !stream.is_sending() => {
                more?;
                continue;
            }
        };
        match progress {
            Progress::Sent => continue,
            // It may have responded before it took no more.
            Progress::SendFailed => upload = Upload::of(None),
            Progress::Interim(_) if interim < MAX_INTERIM => interim += 1,
            Progress::Interim(_) => return Err(CopyError::Interim),
            Progress::Head(_, true) | Progress::Data(_, true) | Progress::End(_) => return Ok(()),
            Progress::Head(_, false) => {}
            Progress::Data(piece, false) => {
                stream.taken(piece.len());
                read += piece.len();
                if read > DISCARDED {
                    return Ok(());
                }
            }
        }
        *is_heard = true;
    }
}

impl<'c> Upload<'c> {
    fn of(source: Option<&'c mut CopiedBody>) -> Self {
        Self { source, pieces: VecDeque::new() }
    }

    /// Whether more of it has to come before more can be sent.
    fn is_waiting(&self) -> bool {
        self.source.is_some() && self.pieces.is_empty()
    }

    /// Waits for the next pieces. Nothing is lost if the future is dropped.
    async fn fill(&mut self) -> Result<(), CopyError> {
        let pieces = match &mut self.source {
            Some(source) => source.next().await,
            None => None,
        };
        self.pieces.extend(pieces.ok_or(CopyError::CutOff)?);
        Ok(())
    }

    /// Hands the stream what it can send next.
    fn pass_on(&mut self, stream: &mut EndpointStream) {
        while !stream.is_sending()
            && let Some(CopiedPiece { bytes, is_last }) = self.pieces.pop_front()
        {
            stream.send(bytes, is_last, None);
            if is_last {
                self.source = None;
            }
        }
    }
}
