//! Accepts connections, until the worker drains.

use super::bind::Protocol;
use super::controls::Stage;
use super::worker::Worker;
use crate::telemetry::Connection;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How long accepting rests when the process is out of file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Accepts connections until the worker drains; then what the kernel has already completed, and no more.
pub(super) async fn accept(listener: TcpListener, protocol: Protocol, advertised_port: u16, worker: Arc<Worker>) {
    accept_until(listener, worker.controls.reached(Stage::Draining), |tcp, (peer, local)| {
        let facts = Connection { id: worker.next_id(), peer, local, advertised_port, tls: None };
        tokio::spawn(worker.clone().serve(tcp, protocol, facts));
    })
    .await;
}

/// Accepts connections until `end`; then what the kernel has already completed, and no more. `take` gets each of them
/// with its peer's address and ours.
pub(super) async fn accept_until(
    listener: TcpListener,
    end: impl Future<Output = ()>,
    take: impl Fn(TcpStream, (SocketAddr, SocketAddr)),
) {
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = &mut end => return,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let local = tcp.local_addr().unwrap_or(peer);
                take(tcp, (canonical(peer), canonical(local)));
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// IPv4 clients of a dual-stack socket appear as IPv4.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether accepting failed because of that one connection.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}
