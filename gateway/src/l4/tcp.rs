//! TCP services: one connection to an endpoint for each of a client.

use super::Session;
use crate::connection::proxy_protocol::{self, ProxyHeaderError};
use crate::relay::{Early, RelayEnd, connect, relay, set_user_timeout};
use crate::upstream::Pick;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// How long connecting to an endpoint may take (nginx's default for `proxy_connect_timeout`; ingress-nginx sets none
/// for TCP services).
const CONNECT: Duration = Duration::from_secs(60);

/// Serves a client's connection until both sides have ended it, one has failed, or nothing moves for
/// `proxy-stream-timeout`.
pub(crate) async fn serve(mut client: TcpStream, mut session: Session) {
    let Some(_permit) = session.worker().acquire_worker_permit(&session.connection) else {
        session.status = Session::UNAVAILABLE;
        return;
    };
    if session.route.listener.accept_proxy
        && let Err(failure) = session.accept_proxy_header(&mut client).await
    {
        // As nginx: ngx_stream_proxy_protocol_handler.
        session.status = if matches!(failure, ProxyHeaderError::Bad(_)) { Session::BAD_REQUEST } else { Session::OK };
        return;
    }
    let Some(_client_permit) = session.worker().acquire_client_permit(&session.connection) else {
        session.status = Session::UNAVAILABLE;
        return;
    };
    let Some((endpoint, _in_flight)) = reach_endpoint(&mut session).await else {
        session.status = Session::BAD_GATEWAY;
        return;
    };
    session.status = Session::OK;
    let idle = session.settings().timeout;
    set_user_timeout(&client, idle);
    let mut sides = Sides { client, endpoint, complete: false };
    match relay(Early::default(), &mut sides.client, &mut sides.endpoint, idle, &session.deadline, &mut session.relayed)
        .await
    {
        RelayEnd::Finished | RelayEnd::Idle => sides.complete = true,
        RelayEnd::Client(error) | RelayEnd::Endpoint(error) => {
            let backend = session.backend_name();
            tracing::debug!(client = %session.connection.peer, backend, %error, "a session has failed");
        }
    }
}

/// Both sides of a session. If one has failed, or the gateway cuts them off, both are reset, so that neither takes
/// truncated data for complete.
struct Sides {
    client: TcpStream,
    endpoint: TcpStream,
    complete: bool,
}

impl Drop for Sides {
    fn drop(&mut self) {
        if !self.complete {
            for side in [&self.client, &self.endpoint] {
                let _ = SockRef::from(side).set_linger(Some(Duration::ZERO));
            }
        }
    }
}

/// Connects to the first endpoint that accepts the connection, and sends it a PROXY header if the service wants one.
async fn reach_endpoint(session: &mut Session) -> Option<(TcpStream, Pick)> {
    let send_header = session.route.listener.send_proxy;
    let header = send_header.then(|| proxy_protocol::encode(session.connection.peer, session.connection.local));
    let header = header.unwrap_or_default();
    while let Some(pick) = session.next_endpoint() {
        let address = pick.address();
        match connect_and_send(address, header.as_bytes(), session.settings().timeout).await {
            Ok(stream) => return Some((stream, pick)),
            Err(error) => tracing::debug!(%address, %error, backend = session.backend_name(), "cannot connect"),
        }
    }
    None
}

async fn connect_and_send(address: SocketAddr, header: &[u8], silence: Duration) -> io::Result<TcpStream> {
    let mut stream = connect(address, CONNECT, silence).await?;
    stream.write_all(header).await?;
    Ok(stream)
}
