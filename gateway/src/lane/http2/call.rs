//! Calls of gRPC that the gateway makes of its own accord: one message goes there, and one comes back.

use super::pool::Pool;
use super::stream::{Progress, StreamError};
use super::{EndpointStream, INVALID, RequestHead};
use crate::exchange::{Context, Destination, Failure, MAX_INTERIM, Subrequest};
use crate::headers::Headers;
use crate::request::is_call;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, response};
use std::sync::Arc;

/// Bytes of an answer at most.
const LARGEST: usize = 1 << 20;

/// Makes the calls of a worker, over connections of their own.
#[derive(Debug)]
pub(in crate::lane) struct Calls {
    pool: Arc<Pool>,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("the answer is none of gRPC")]
    Malformed,
    #[error("the call failed with grpc-status {0:?}")]
    Status(Option<String>),
    #[error("the answer is too large")]
    TooLarge,
}

impl Calls {
    /// With a pool that has the size of the current settings.
    pub(in crate::lane) fn new(context: &Context) -> Self {
        Self { pool: Pool::new(context.publisher().load().settings().upstream.idle) }
    }

    /// The body of the answer to a call.
    pub(in crate::lane) async fn call(&self, call: Subrequest, server: &Destination) -> Result<Bytes, Failure> {
        let (place, is_reused) = self.pool.place(server).await?;
        let head = RequestHead::own(call.method, call.target.into(), call.headers);
        let head = head.into_request(server.scheme(), server.address).ok_or(Failure::Internal)?;
        let mut is_heard = false;
        let answered = match EndpointStream::begin(place, head, false, server.timeouts) {
            Ok(mut stream) => {
                stream.send(call.body, true, None);
                answer(&mut stream, &mut is_heard).await
            }
            Err(error) => Err(error.into()),
        };
        answered.map_err(|error| {
            tracing::debug!(%error, address = %server.address, "a call is not answered");
            match error {
                CallError::Stream(error) => error.failure(is_reused && !is_heard, true),
                CallError::Malformed | CallError::Status(_) | CallError::TooLarge => INVALID,
            }
        })
    }
}

/// Waits for the answer. `is_heard` becomes whether something has come.
async fn answer(stream: &mut EndpointStream, is_heard: &mut bool) -> Result<Bytes, CallError> {
    let (mut body, mut interim) = (BytesMut::new(), 0);
    loop {
        match stream.progress().await? {
            // It may answer before it takes no more.
            Progress::Sent | Progress::SendFailed => continue,
            Progress::Interim(_) if interim < MAX_INTERIM => interim += 1,
            Progress::Interim(_) => return Err(CallError::Malformed),
            Progress::Head(head, is_ended) => check_head(&head, is_ended)?,
            Progress::Data(piece, is_last) => {
                stream.taken(piece.len());
                if body.len() + piece.len() > LARGEST {
                    return Err(CallError::TooLarge);
                }
                body.extend_from_slice(&piece);
                if is_last {
                    return Err(CallError::Malformed); // nothing says whether that is all
                }
            }
            Progress::End(trailers) => {
                check_status(&trailers.unwrap_or_default())?;
                return Ok(body.freeze());
            }
        }
        *is_heard = true;
    }
}

/// One that is all of the answer has an error, or should have a message.
fn check_head(head: &response::Parts, is_ended: bool) -> Result<(), CallError> {
    let is_grpc = head.status == StatusCode::OK && is_call(&Headers::from(&head.headers));
    match is_grpc {
        true if is_ended => check_status(&head.headers).and(Err(CallError::Malformed)),
        true => Ok(()),
        false => Err(CallError::Malformed),
    }
}

fn check_status(headers: &HeaderMap) -> Result<(), CallError> {
    let status = headers.get("grpc-status").map(|status| String::from_utf8_lossy(status.as_bytes()).into_owned());
    if status.as_deref() == Some("0") { Ok(()) } else { Err(CallError::Status(status)) }
}
