//! Responds to requests that are refused, counts and logs them.

use crate::connection::Arrival;
use crate::exchange::RenderedReply;
use crate::lane::client::{discard_body, write_reply};
use crate::listener::Refusal;
use crate::listener::refusal::RefusedRequest;
use crate::listener::worker::Worker;
use crate::telemetry::RequestInfo;
use h2::Reason;
use http::Method;
use pingora_core::Result;
use pingora_core::protocols::http::v2::server::HttpSession;
use std::sync::Arc;

/// Responds to a request whose head is refused. Unlike with HTTP/1 the connection stays open: it is clear where the next
/// request begins. A head that is malformed is an error of its stream (RFC 9113, section 8.1.1).
pub(super) async fn refuse(mut session: HttpSession, arrival: Arrival, refusal: Refusal, worker: Arc<Worker>) {
    let written = respond(&mut session, refusal, &worker).await;
    let head_length = written.unwrap_or_else(|error| {
        tracing::debug!(client = %arrival.connection.peer, %error, "the client did not wait for the answer");
        0
    });
    let request = session.req_header();
    let body_bytes_sent = session.body_bytes_sent() as u64;
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
        bytes_sent: head_length as u64 + body_bytes_sent,
    };
    refused.record(&worker);
    discard_body(&mut session, &arrival.connection).await;
}

/// Returns the length of the response's head.
async fn respond(session: &mut HttpSession, refusal: Refusal, worker: &Worker) -> Result<usize> {
    if refusal == Refusal::MALFORMED {
        session.shutdown_with_reason(Reason::PROTOCOL_ERROR);
        return Ok(0);
    }
    let server_tokens = worker.context.publisher().load().settings().server_tokens;
    let response = RenderedReply::refusal(refusal.status, refusal.explanation(), server_tokens);
    let has_body = session.req_header().method != Method::HEAD;
    write_reply(session, response, has_body).await
}
