//! WebSockets.

use anyhow::Result;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Request, Response, header};
use hyper::body::Incoming;
use hyper::upgrade::{self, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

/// Whether a request asks for one.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The response that begins a session, and the session.
///
/// # Errors
/// If the handshake is not as RFC 6455, section 4.2.1 has it.
pub(super) fn accept(
    mut request: Request<Incoming>,
    greeting: String,
    ending: CancellationToken,
) -> Result<(Response<Body>, impl Future<Output = Result<()>>), Error> {
    let response = create_response_with_body(&request, Body::empty)?;
    let upgrade = upgrade::on(&mut request);
    Ok((response, async move { session(upgrade.await?, greeting, &ending).await }))
}

/// Sends the greeting, and every message back, until the client has ended it or the server does.
async fn session(stream: Upgraded, greeting: String, ending: &CancellationToken) -> Result<()> {
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
    socket.send(Message::text(greeting)).await?;
    while let Some(message) = ending.run_until_cancelled(socket.next()).await {
        match message.transpose()? {
            Some(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message).await?,
            // The library answers these itself.
            Some(_) => {}
            None => return Ok(()),
        }
    }
    socket.close(Some(CloseFrame { code: CloseCode::Away, reason: "the Pod is ending".into() })).await?;
    // The client's part of the farewell.
    while socket.next().await.transpose()?.is_some() {}
    Ok(())
}
