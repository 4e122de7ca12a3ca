//! TCP services: one connection to an endpoint for each of a client.

use super::Session;
use crate::connection::proxy_protocol::{self, Failure};
use crate::relay::{Early, End, connect, endure, relay};
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
    let _ = client.set_nodelay(true);
    let Some(_place) = session.worker().take_place(&session.connection) else {
        session.status = Session::UNAVAILABLE;
        return;
    };
    if session.route.listener.accept_proxy
        && let Err(failure) = session.accept_proxy_header(&mut client).await
    {
        // As nginx: ngx_stream_proxy_protocol_handler.
        session.status = if matches!(failure, Failure::Bad(_)) { Session::BAD_REQUEST } else { Session::OK };
        return;
    }
    let Some(_client_place) = session.worker().enter(&session.connection) else {
        session.status = Session::UNAVAILABLE;
        return;
    };
    let Some((endpoint, _in_flight)) = reach_endpoint(&mut session).await else {
        session.status = Session::BAD_GATEWAY;
        return;
    };
    session.status = Session::OK;
    let idle = session.settings().timeout;
    endure(&client, idle);
    let mut sides = Sides { client, endpoint, whole: false };
    match relay(Early::default(), &mut sides.client, &mut sides.endpoint, idle, &session.deadline, &mut session.carried)
        .await
    {
        End::Finished | End::Idle => sides.whole = true,
        End::Client(error) | End::Endpoint(error) => {
            let service = session.route.name();
            tracing::debug!(client = %session.connection.peer, service, %error, "a session has failed");
        }
    }
}

/// Both sides of a session. Where one has failed, or the gateway cuts them off, they are reset: whoever is left must not
/// take a part for the whole.
struct Sides {
    client: TcpStream,
    endpoint: TcpStream,
    whole: bool,
}

impl Drop for Sides {
    fn drop(&mut self) {
        if !self.whole {
            for side in [&self.client, &self.endpoint] {
                let _ = SockRef::from(side).set_linger(Some(Duration::ZERO));
            }
        }
    }
}

/// Connects to the first endpoint that takes the connection, and tells it of the client where it wants to know.
async fn reach_endpoint(session: &mut Session) -> Option<(TcpStream, Pick)> {
    let told = session.route.listener.send_proxy;
    let header = told.then(|| proxy_protocol::encode(session.connection.peer, session.connection.local));
    let header = header.unwrap_or_default();
    while let Some(pick) = session.next_endpoint() {
        let address = pick.address();
        match greet(address, header.as_bytes(), session.settings().timeout).await {
            Ok(stream) => return Some((stream, pick)),
            Err(error) => tracing::debug!(%address, %error, service = session.route.name(), "cannot connect"),
        }
    }
    None
}

async fn greet(address: SocketAddr, header: &[u8], silence: Duration) -> io::Result<TcpStream> {
    let mut stream = connect(address, CONNECT, silence).await?;
    stream.write_all(header).await?;
    Ok(stream)
}
