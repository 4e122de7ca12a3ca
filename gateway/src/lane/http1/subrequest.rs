//! Subrequests: what the gateway asks a server of its own accord, before a client's request goes on.

use super::RequestHead;
use super::copy_upload::CopyUpload;
use super::pool::Pool;
use super::response::EndpointError;
use crate::connection::{BodyFramer, BodyFraming};
use crate::exchange::{
    Context, Destination, Exchange, Failure, InvalidHead, MAX_INTERIM, MAX_RESPONSE_HEAD, Subrequest,
};
use crate::lane::endpoint::{EndpointConnection, Progress, READ, Turn};
use crate::lane::head::ResponseHead;
use crate::request::RequestView;
use bytes::Bytes;
use http::Method;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use tokio::time::timeout;

/// Bytes of a response's body that are read and thrown away to keep the connection.
const DISCARDED: usize = 64 << 10;

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

    /// Asks the auth server at `server` about a client's request, and reports to the exchange what comes of it.
    pub(in crate::lane) async fn ask(&self, exchange: &mut Exchange, request: &RequestView<'_>, server: &Destination) {
        let Some(auth_request) = exchange.auth_request(request) else { return };
        match self.send(&auth_request, server).await {
            Ok(response) => exchange.auth_response(request, response.status.as_u16(), response.headers.map()),
            Err(failure) => exchange.failed(failure),
        }
    }

    async fn send(&self, request: &Subrequest, server: &Destination) -> Result<ResponseHead, Failure> {
        let Subrequest { method, target, headers } = request;
        let head = RequestHead::new(method, Bytes::copy_from_slice(target), headers.into());
        let (mut connection, is_reused) = match self.pool.take(server) {
            Some(kept) => (kept, true),
            None => (EndpointConnection::connect(server).await?, false),
        };
        head.write(connection.queue()).ok_or(Failure::Internal)?;
        let mut is_heard = false;
        match response_head(&mut connection, method, None, &mut is_heard).await {
            Ok((response, framing)) => {
                if framing != BodyFraming::UntilClose && response.keeps_alive() {
                    tokio::spawn(keep(self.pool.clone(), connection, framing, server.clone()));
                }
                Ok(response)
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
    let discarded = timeout(server.timeouts.read, discard_body(&mut connection, framing)).await;
    if matches!(discarded, Ok(Ok(true))) && connection.is_idle() {
        pool.put(connection, &server);
    }
}

/// Reads a small body to its end. Whether it was one.
async fn discard_body(connection: &mut EndpointConnection, framing: BodyFraming) -> Result<bool, EndpointError> {
    let (mut body, mut read) = (BodyFramer::of_answer(framing), 0);
    loop {
        while let Some(piece) = connection.take_body(&mut body)? {
            read += piece.len();
        }
        if body.is_done() || read > DISCARDED {
            return Ok(body.is_done());
        }
        if let Progress::Closed = connection.progress(READ, Turn::Endpoint).await? {
            return Ok(false);
        }
    }
}
