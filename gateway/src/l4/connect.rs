//! Connections to endpoints that Pingora does not open.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// A connection that has been silent for so long is asked for a sign of life, and then at this pace.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// An endpoint that acknowledges nothing for so long is gone (`TCP_USER_TIMEOUT`).
const UNACKNOWLEDGED: Duration = Duration::from_secs(90);

/// Opens a connection to an endpoint, which notices when the endpoint's machine vanishes. Fails with
/// [`io::ErrorKind::TimedOut`] if it takes longer than `patience`.
pub(crate) async fn connect(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(patience, TcpStream::connect(address)).await;
    let tcp = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(&tcp);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE_INTERVAL))?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(tcp)
}
