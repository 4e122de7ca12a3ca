//! Answers requests that we refuse ourselves, and writes them down.

use super::head::length;
use crate::listener::http1::{Arrival, Refusal};
use crate::listener::worker::Worker;
use crate::proxy::reply;
use crate::telemetry::Record;
use bytes::Bytes;
use http::Method;
use pingora_core::Result;
use pingora_core::protocols::http::v2::server::HttpSession;
use pingora_http::ResponseHeader;
use std::sync::Arc;

/// Answers a request whose head is refused. Unlike with HTTP/1 the connection stays: where the next request begins is
/// clear.
pub(super) async fn refuse(mut session: HttpSession, arrival: Arrival, refusal: Refusal, worker: Arc<Worker>) {
    let settings = worker.context.publisher().load().settings().clone();
    let page = reply::page(refusal.status, refusal.explanation(), settings.server_tokens);
    let sent = answer(&mut session, refusal, page, settings.server_tokens).await;
    let head_length = sent.unwrap_or_else(|error| {
        tracing::debug!(client = %arrival.connection.peer, %error, "the client did not wait for the answer");
        0
    });
    let request = session.req_header();
    let body_bytes_sent = session.body_bytes_sent() as u64;
    worker.context.telemetry().record(
        &Record {
            connection: &arrival.connection,
            connection_requests: arrival.number,
            path: b"",
            client: arrival.connection.peer.ip(),
            method: request.method.as_str(),
            target: std::str::from_utf8(request.raw_path()).unwrap_or_default(),
            version: "HTTP/2.0",
            host: "",
            scheme: arrival.connection.scheme(),
            headers: None,
            request_id: "",
            route: None,
            reply: Some(refusal.reason),
            request_length: arrival.head.length as u64,
            duration: arrival.started.elapsed(),
            status: refusal.status,
            body_bytes_sent,
            bytes_sent: head_length as u64 + body_bytes_sent,
            attempts: &[],
        },
        &settings.access_log,
    );
}

/// Returns the length of the answer's head.
async fn answer(session: &mut HttpSession, refusal: Refusal, page: Bytes, server_tokens: bool) -> Result<usize> {
    let mut head = ResponseHeader::build(refusal.status, Some(4))?;
    head.insert_header("Content-Type", "text/html")?;
    head.insert_header("Content-Length", page.len())?;
    if server_tokens {
        head.insert_header("Server", "adit")?;
    }
    let head_length = length(0, &head.headers);
    let bodiless = session.req_header().method == Method::HEAD;
    session.write_response_header(Box::new(head), bodiless)?;
    if !bodiless {
        session.write_body(page, true).await?;
    }
    Ok(head_length)
}
