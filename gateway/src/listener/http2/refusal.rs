//! Responds to requests that are refused, counts and logs them.

use crate::connection::Arrival;
use crate::exchange::{Failure, RenderedReply};
use crate::lane::client::Http2Session;
use crate::listener::Refusal;
use crate::listener::refusal::RefusedRequest;
use crate::listener::worker::Worker;
use crate::telemetry::RequestInfo;
use h2::Reason;
use http::Method;
use pingora_http::RequestHeader;
use std::sync::Arc;

/// Responds to a request whose head is refused. Unlike with HTTP/1 the connection stays open: it is clear where the next
/// request begins. A head that is malformed is an error of its stream (RFC 9113, section 8.1.1).
pub(super) async fn refuse(
    request: RequestHeader,
    mut session: Box<Http2Session>,
    arrival: Arrival,
    refusal: Refusal,
    worker: Arc<Worker>,
) {
    if let Err(error) = respond(&request, &mut session, refusal, &worker).await {
        tracing::debug!(client = %arrival.connection.peer, ?error, "the client did not wait for the answer");
    }
    let (head_bytes_sent, body_bytes_sent) = session.sent();
    let refused = RefusedRequest {
        request: RequestInfo {
            method: request.method.as_str(),
            target: request.raw_path(),
            version: "HTTP/2.0",
            ..RequestInfo::new(&arrival.connection, arrival.number)
        },
        refusal,
        request_length: arrival.head.length,
        duration: arrival.started.elapsed(),
        body_bytes_sent,
        bytes_sent: head_bytes_sent + body_bytes_sent,
    };
    refused.record(&worker);
    session.discard_body(&arrival.connection).await;
}

async fn respond(
    request: &RequestHeader,
    session: &mut Http2Session,
    refusal: Refusal,
    worker: &Worker,
) -> Result<(), Failure> {
    if refusal == Refusal::MALFORMED {
        session.reset(Reason::PROTOCOL_ERROR);
        return Ok(());
    }
    let server_tokens = worker.context.publisher().load().settings().server_tokens;
    let response = RenderedReply::refusal(refusal.status, refusal.explanation(), server_tokens);
    session.write_reply(response, request.method != Method::HEAD).await
}
