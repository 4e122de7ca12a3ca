use super::Admin;
use super::respond::respond;
use super::silent::{Silent, SilentConnection};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Requests at once for what takes work or memory: metrics and debugging. More are refused.
pub(super) const PLACES: usize = 16;
/// Time for a request head.
const HEAD_TIME: Duration = Duration::from_secs(2);
/// Time for a whole connection, which is one request: no client can keep a place for longer.
const CONNECTION_TIME: Duration = Duration::from_secs(60);
/// The largest request head in bytes; a larger one is answered with 431.
pub(super) const HEAD_LIMIT: usize = 16 << 10;
/// How long to wait after an `accept` that failed, as it does while there are no file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the connections share.
struct Port {
    admin: Admin,
    silent: Arc<Silent>,
    places: Semaphore,
}

/// Serves the admin port until the future is dropped, and its connections with it. Needs a runtime with I/O and time.
///
/// Probes are answered whatever others hold: no connection waits to be accepted, only requests for metrics and debugging
/// take a place, and those without a whole head make room for those that come.
pub async fn serve(listener: TcpListener, admin: Admin) -> Infallible {
    let port = Arc::new(Port { admin, silent: Arc::default(), places: Semaphore::new(PLACES) });
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (port, head) = (Arc::clone(&port), port.silent.enter());
                connections.spawn(async move { connection(stream, &head, &port).await });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the admin port");
                sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, head: &SilentConnection, port: &Port) {
    let Ok(peer) = stream.peer_addr() else { return };
    // Here, so that it is kept until the response has been sent.
    let place = OnceLock::new();
    let take_place = || port.places.try_acquire().is_ok_and(|taken| place.set(taken).is_ok());
    let service = service_fn(async |request| {
        head.complete();
        Ok::<_, Infallible>(respond(&port.admin, peer.ip(), request, take_place).await)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A head that has arrived counts, also where its connection was just displaced.
        biased;
        ended = timeout(CONNECTION_TIME, connection) => match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection to the admin port failed"),
            Err(_) => tracing::debug!(%peer, "a connection to the admin port took too long"),
        },
        () = head.displaced() => tracing::debug!(%peer, "too many connections to the admin port are silent"),
    }
}
