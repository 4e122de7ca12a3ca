//! Subrequests: what the gateway asks a server of its own accord, before a client's request goes on.

use super::RequestHead;
use super::copy_upload::CopyUpload;
use super::pool::Pool;
use super::response::EndpointError;
use crate::connection::{BodyFramer, BodyFraming};
use crate::exchange::{Context, Destination, Failure, InvalidHead, MAX_INTERIM, MAX_RESPONSE_HEAD, Subrequest};
use crate::lane::endpoint::{EndpointConnection, Progress, READ, Turn};
use crate::lane::head::ResponseHead;
use bytes::{Bytes, BytesMut};
use http::Method;
use std::io::{self, ErrorKind};
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::time::timeout;

/// Bytes of a response's body that are read at most: for who gets them, or thrown away to keep the connection.
const SMALL: usize = 64 << 10;

/// Sends the subrequests of a worker, over connections of their own that are kept.
#[derive(Debug)]
pub(in crate::lane) struct Subrequests {
    pool: Arc<Pool>,
}

impl Subrequests {
    /// With a pool that has the size of the current settings.
    pub(in crate::lane) fn new(context: &Context) -> Self {
        Self { pool: Pool::new(context.publisher().load().settings().upstream.idle) }
    }

    /// Sends a request. Of a response with one of the statuses that are `wanted`, the body is read if it is small.
    pub(in crate::lane) async fn send(
        &self,
        request: &Subrequest,
        server: &Destination,
        wanted: Option<RangeInclusive<u16>>,
    ) -> Result<(ResponseHead, Option<Bytes>), Failure> {
        let Subrequest { method, target, headers, body } = request;
        let head = RequestHead::new(method, Bytes::copy_from_slice(target), headers.into());
        let (mut connection, is_reused) = match self.pool.take(server) {
            Some(kept) => (kept, true),
            None => (EndpointConnection::connect(server).await?, false),
        };
        head.write(connection.queue()).ok_or(Failure::Internal)?;
        connection.queue().extend_from_slice(body);
        let mut is_heard = false;
        match response_head(&mut connection, method, None, &mut is_heard).await {
            Ok((response, framing)) => {
                let is_wanted = wanted.is_some_and(|wanted| wanted.contains(&response.status.as_u16()));
                let body = if is_wanted { small_body(&mut connection, framing, server).await } else { None };
                let is_whole = framing != BodyFraming::UntilClose && is_wanted == body.is_some();
                if is_whole && response.keeps_alive() {
                    let unread = if is_wanted { BodyFraming::None } else { framing };
                    tokio::spawn(keep(self.pool.clone(), connection, unread, server.clone()));
                }
                Ok((response, body))
            }
            Err(error) => Err(Failure::Upstream {
                fault: error.fault(),
                stale: is_reused && !is_heard && error.is_cut_off(),
                untouched: false,
                replayable: true,
            }),
        }
    }
}

/// Sends the request, with a body if there is one, and reads the head of the response, past interim ones (1xx). `is_heard`
/// becomes whether something has come.
pub(super) async fn response_head(
    connection: &mut EndpointConnection,
    method: &Method,
    mut upload: Option<&mut CopyUpload<'_>>,
    is_heard: &mut bool,
) -> Result<(ResponseHead, BodyFraming), EndpointError> {
    let mut interim = 0;
    while interim <= MAX_INTERIM {
        match connection.take_head(MAX_RESPONSE_HEAD)? {
            Some(head) if head.status.is_informational() => interim += 1,
            Some(head) => {
                let framing = head.framing(method)?;
                return Ok((head, framing));
            }
            None => match progress(connection, upload.as_deref_mut()).await? {
                Progress::Read(_) => *is_heard = true,
                Progress::Closed => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                // It may have responded before it took no more.
                Progress::SendFailed => connection.stop_sending(),
                Progress::Sent | Progress::ClientLate => {}
            },
        }
    }
    Err(InvalidHead::Malformed.into())
}

async fn progress(connection: &mut EndpointConnection, upload: Option<&mut CopyUpload<'_>>) -> io::Result<Progress> {
    match upload {
        Some(upload) => upload.progress(connection).await,
        None => connection.progress(READ, Turn::Endpoint).await,
    }
}

/// Keeps the connection for other subrequests, once a response's body has been read. Its client need not wait for that.
pub(super) async fn keep(
    pool: Arc<Pool>,
    mut connection: EndpointConnection,
    framing: BodyFraming,
    server: Destination,
) {
    let discarded = timeout(server.timeouts.read, read_small(&mut connection, framing, |_| ())).await;
    if matches!(discarded, Ok(Ok(true))) && connection.is_idle() {
        pool.put(connection, &server);
    }
}

/// A small body. `None`: it is larger, or does not come.
async fn small_body(connection: &mut EndpointConnection, framing: BodyFraming, server: &Destination) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    let read = read_small(connection, framing, |piece| whole.extend_from_slice(piece));
    let is_whole = matches!(timeout(server.timeouts.read, read).await, Ok(Ok(true)));
    is_whole.then(|| whole.freeze())
}

/// Reads a small body to its end. Whether it was one.
async fn read_small(
    connection: &mut EndpointConnection,
    framing: BodyFraming,
    mut take: impl FnMut(&[u8]),
) -> Result<bool, EndpointError> {
    let (mut body, mut read) = (BodyFramer::of_answer(framing), 0);
    loop {
        while let Some(piece) = connection.take_body(&mut body)? {
            read += piece.len();
            take(&piece);
        }
        if body.is_done() || read > SMALL {
            return Ok(body.is_done());
        }
        if let Progress::Closed = connection.progress(READ, Turn::Endpoint).await? {
            return Ok(framing == BodyFraming::UntilClose);
        }
    }
}
