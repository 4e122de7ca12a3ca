//! An echo over HTTP/2.

use super::{Connection, POD_HEADER, Received, SERVICE_HEADER, next_id};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, server};
use http::{Request, Response};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// Answers the streams of a connection.
pub(super) async fn serve(
    connection: Arc<Connection>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<()> {
    let mut streams = server::handshake(stream).await?;
    while let Some(stream) = streams.accept().await {
        let (request, respond) = stream?;
        let connection = connection.clone();
        tokio::spawn(async move { answer(&connection, request, respond).await.ok() });
    }
    Ok(())
}

async fn answer(connection: &Connection, request: Request<RecvStream>, respond: SendResponse<Bytes>) -> Result<()> {
    let (head, mut body) = request.into_parts();
    let authority = head.uri.authority().map(|authority| ("host".to_owned(), authority.to_string()));
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let mut received = Received {
        service: connection.identity.service.clone(),
        pod: connection.identity.pod.clone(),
        method: head.method.to_string(),
        target: head.uri.path_and_query().context("a path")?.to_string(),
        headers: authority.into_iter().chain(headers).collect(),
        body_length: 0,
        is_whole: false,
    };
    let id = next_id();
    connection.journal.arrived(id, received.clone());
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        received.body_length += piece.len() as u64;
    }
    connection.journal.has_body(id, received.body_length);
    reply(&connection.status(&received), &received, respond)
}

fn reply(status: &str, received: &Received, mut respond: SendResponse<Bytes>) -> Result<()> {
    let mut response = Response::builder()
        .status(status)
        .header(SERVICE_HEADER, &received.service)
        .header(POD_HEADER, &received.pod)
        .header("content-type", received.media_type());
    for (_, line) in received.headers.iter().filter(|(name, _)| name == "x-echo-header") {
        let (name, value) = line.split_once(": ").context("a header")?;
        response = response.header(name, value);
    }
    let mut body = respond.send_response(response.body(())?, false)?;
    Ok(body.send_data(received.answer().into(), true)?)
}
