//! Accepts connections, until the worker drains.

use super::bind::ServedPort;
use super::worker::Worker;
use crate::connection::{Connection, ConnectionGuard, Controls, Stage, canonical};
use std::io;
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How long accepting pauses when the process is out of file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(50);
/// How long a listener that is to close still accepts. A client is connected a round trip before the kernel has its
/// connection to accept, and would be reset if the listener closed meanwhile. Well below the time that such connections
/// have for their request ([`super::DrainTimeouts::idle`]).
const LATE: Duration = Duration::from_millis(100);

/// Accepts connections until the port is `closed` or the worker drains; then those whose clients have connected already. Of a
/// port that is closed alone, the connections then end as they do when all are closed: each after its last request.
pub(super) async fn accept(
    listener: TcpListener,
    ServedPort { protocol, advertised_port, own_port }: ServedPort,
    closed: impl Future<Output = ()>,
    worker: Arc<Worker>,
    listening: ConnectionGuard,
) {
    let mut is_closed = false;
    let end = async { is_closed = closes_alone(closed, &worker.controls).await };
    accept_until(listener, listening, end, |tcp, (peer, local)| {
        let own_port = own_port.clone();
        let facts =
            Connection { id: worker.next_id(), peer, local, advertised_port, proxied: None, own_port, tls: None };
        // Counted at once: when the listener closes, the worker waits for whoever is counted.
        tokio::spawn(worker.clone().serve(tcp, protocol, facts, worker.controls.count()));
    })
    .await;
    if let Some(port) = own_port.filter(|_| is_closed) {
        worker.deadlines.close(&port);
    }
}

/// Waits until a port is `closed` or the worker drains. Returns whether it is the port alone: with the worker all are closed.
pub(super) async fn closes_alone(closed: impl Future<Output = ()>, controls: &Controls) -> bool {
    tokio::select! {
        biased;
        () = controls.reached(Stage::Draining) => false,
        () = closed => true,
    }
}

/// Accepts connections until `end`; then those whose clients have connected already. `take` gets each of them with its
/// peer's address and ours.
pub(super) async fn accept_until(
    listener: TcpListener,
    _listening: ConnectionGuard,
    end: impl Future<Output = ()>,
    take: impl Fn(TcpStream, (SocketAddr, SocketAddr)),
) {
    tokio::pin!(end);
    // Asked of each connection only where the listener takes those of several addresses.
    let own = listener.local_addr().ok().filter(|own| !own.ip().is_unspecified());
    let accepted = async |accepted| match accepted {
        Ok((tcp, peer)) => {
            let local = own.or_else(|| TcpStream::local_addr(&tcp).ok()).unwrap_or(peer);
            take(tcp, (canonical(peer), canonical(local)));
        }
        Err(error) if is_of_the_peer(&error) => {}
        Err(error) => {
            tracing::warn!(%error, "cannot accept connections; trying again");
            tokio::time::sleep(EXHAUSTED).await;
        }
    };
    loop {
        tokio::select! {
            biased;
            () = &mut end => break,
            next = listener.accept() => accepted(next).await,
        }
    }
    let late = async {
        loop {
            accepted(listener.accept().await).await;
        }
    };
    let Err(_) = timeout(LATE, late).await;
    // The kernel may have completed connections that the runtime has not polled yet.
    let Ok(listener) = listener.into_std() else { return };
    loop {
        match listener.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            next => accepted(next.and_then(adopt)).await,
        }
    }
}

/// Registers a connection with the runtime that was accepted without it.
fn adopt((tcp, peer): (net::TcpStream, SocketAddr)) -> io::Result<(TcpStream, SocketAddr)> {
    tcp.set_nonblocking(true)?;
    Ok((TcpStream::from_std(tcp)?, peer))
}

/// Whether accepting failed because of that one connection.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}
