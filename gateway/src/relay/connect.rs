//! Connections to endpoints that Pingora does not open.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// An idle connection is asked for a sign of life after so long, and then at this pace.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// An endpoint that acknowledges nothing for so long is gone (`TCP_USER_TIMEOUT`).
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// Opens a connection to an endpoint within `time`. It notices when the endpoint's machine vanishes, but lets it be
/// silent for `silence`.
///
/// # Errors
/// With [`io::ErrorKind::TimedOut`] if it takes too long; as the system has it otherwise.
pub(crate) async fn connect(address: SocketAddr, time: Duration, silence: Duration) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(time, TcpStream::connect(address)).await;
    let tcp = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(&tcp);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE_INTERVAL))?;
    endure(&tcp, silence);
    Ok(tcp)
}

/// Lets whoever is at the other end not read for so long. To Linux that is as if it were gone, but it is for the timeouts
/// to judge.
pub(crate) fn endure(tcp: &TcpStream, silence: Duration) {
    let _ = SockRef::from(tcp).set_tcp_user_timeout(Some(UNACKNOWLEDGED.max(silence)));
}
