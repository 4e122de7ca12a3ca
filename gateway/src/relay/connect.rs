//! Connections to endpoints.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Time after which an idle connection is probed (`TCP_KEEPIDLE`), and between two probes (`TCP_KEEPINTVL`).
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// An endpoint that acknowledges nothing for this time is dead (`TCP_USER_TIMEOUT`).
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// Opens a connection to an endpoint within `time`. Keep-alive detects that the endpoint's machine is gone; an endpoint
/// that reads nothing for up to `silence` is not taken for dead.
///
/// # Errors
/// With [`io::ErrorKind::TimedOut`] if it takes too long; as the system has it otherwise.
pub(crate) async fn connect(address: SocketAddr, time: Duration, silence: Duration) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(time, TcpStream::connect(address)).await;
    let tcp = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(&tcp);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE_INTERVAL))?;
    set_user_timeout(&tcp, silence);
    Ok(tcp)
}

/// Sets `TCP_USER_TIMEOUT` to at least `silence`: Linux takes a peer that does not read for a dead one, but how long it
/// may do so is up to the timeouts of the settings.
pub(crate) fn set_user_timeout(tcp: &TcpStream, silence: Duration) {
    let _ = SockRef::from(tcp).set_tcp_user_timeout(Some(UNACKNOWLEDGED.max(silence)));
}
