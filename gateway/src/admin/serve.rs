use super::Admin;
use super::respond::respond;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections at once. More wait to be accepted, for at most [`CONNECTION_TIME`].
const CONNECTIONS: usize = 64;
/// Time for a request head.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Time for a whole connection, which is one request: no client can occupy a connection for longer.
const CONNECTION_TIME: Duration = Duration::from_secs(60);
/// The largest request head in bytes.
const HEAD_LIMIT: usize = 32 << 10;
/// How long to wait after an `accept` that failed, as it does while there are no file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the admin port until the future is dropped, and its connections with it. Needs a runtime with I/O and time.
pub async fn serve(listener: TcpListener, admin: Admin) -> Infallible {
    let admin = Arc::new(admin);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed; were it, there would be no limit but the port would still answer.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                let admin = Arc::clone(&admin);
                connections.spawn(async move {
                    let _permit = place;
                    connection(stream, &admin).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the admin port");
                sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, admin: &Admin) {
    let Ok(peer) = stream.peer_addr() else { return };
    let service = service_fn(async |request| Ok::<_, Infallible>(respond(admin, peer.ip(), &request).await));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEAD_LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(CONNECTION_TIME, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection to the admin port failed"),
        Err(_) => tracing::debug!(%peer, "a connection to the admin port took too long"),
    }
}
