//! Copies of requests for mirrors of HTTP/1.1.

use super::RequestHead;
use super::copy_upload::CopyUpload;
use super::pool::Pool;
use super::request_body::RequestBody;
use super::response::EndpointError;
use super::subrequest::{keep, response_head};
use crate::config::Timeouts;
use crate::connection::BodyFraming;
use crate::exchange::{Context, Destination, Failure, MirrorRequest};
use crate::lane::endpoint::EndpointConnection;
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// A worker's connections to mirrors of HTTP/1.1.
#[derive(Clone, Debug)]
pub(in crate::lane) struct Mirrors {
    pool: Arc<Pool>,
}

impl Mirrors {
    /// With a pool that has the size of the current settings.
    pub(in crate::lane) fn new(context: &Context) -> Self {
        Self { pool: Pool::new(context.publisher().load().settings().upstream.idle) }
    }

    /// Sends a copy to an endpoint.
    pub(in crate::lane) async fn attempt(&self, copy: &mut MirrorRequest, mirror: &Destination) -> Result<(), Failure> {
        let (mut connection, is_reused) = match self.pool.take(mirror) {
            Some(kept) => (kept, true),
            None => (EndpointConnection::connect(mirror).await?, false),
        };
        let mut is_heard = false;
        match exchange(&mut connection, copy, mirror.timeouts, &mut is_heard).await {
            Ok((response, framing, is_sent)) => {
                if is_sent && framing != BodyFraming::UntilClose && response.keeps_alive() {
                    keep(Arc::clone(&self.pool), connection, framing, mirror.clone()).await;
                }
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, address = %mirror.address, "a mirror did not take a copy");
                let stale = is_reused && !is_heard && error.is_cut_off();
                Err(Failure::Upstream { fault: error.fault(), stale, untouched: false, replayable: true })
            }
        }
    }
}

/// Sends the copy and reads the head of the response. Whether all of the copy has been sent before that came.
async fn exchange(
    connection: &mut EndpointConnection,
    copy: &mut MirrorRequest,
    timeouts: Timeouts,
    is_heard: &mut bool,
) -> Result<(ResponseHead, BodyFraming, bool), EndpointError> {
    let mut head =
        RequestHead::new(&copy.head.method, Bytes::copy_from_slice(&copy.head.target), (&copy.head.headers).into());
    let body = RequestBody::begin(copy.framing, &mut head);
    head.write(connection.queue()).ok_or(ErrorKind::InvalidInput).map_err(io::Error::from)?;
    let mut upload = CopyUpload::begin(copy.body.as_mut(), body, timeouts);
    let (response, framing) = response_head(connection, &copy.head.method, Some(&mut upload), is_heard).await?;
    Ok((response, framing, upload.is_done()))
}
