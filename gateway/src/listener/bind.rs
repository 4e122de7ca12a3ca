//! Opens listening sockets: one per worker and address, so that the kernel spreads connections (SO_REUSEPORT).

use socket2::{Domain, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

/// Connections that may wait to be accepted. The kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 65535;
/// When an idle connection is asked whether its client is still there, how often then, and how many times in vain.
const KEEPALIVE: TcpKeepalive =
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(10)).with_retries(6);
/// How long bytes sent to a client may stay unacknowledged, which keep-alive does not watch, before it counts as gone.
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// What clients speak at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP in cleartext.
    Http,
    /// HTTP over TLS.
    Https,
}

/// An address to listen on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) address: SocketAddr,
    pub(super) protocol: Protocol,
    /// The port that clients use, where it differs from the one listened on.
    pub(super) advertised_port: Option<u16>,
}

/// One worker's socket of an address.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) protocol: Protocol,
    /// The port that clients use.
    pub(super) advertised_port: u16,
}

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}{}", hint(.error, Some(.flag)))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
        /// The flag that chooses another port.
        flag: &'static str,
    },
    /// A thread cannot be started.
    #[error("cannot start a worker: {0}")]
    Thread(io::Error),
}

/// What may be wrong, and the flag that chooses another port, if there is one.
pub(super) fn hint(error: &io::Error, flag: Option<&str>) -> String {
    let cause = match error.kind() {
        io::ErrorKind::PermissionDenied => "ports below 1024 need root or the capability NET_BIND_SERVICE",
        io::ErrorKind::AddrInUse => "another process listens there",
        _ => return String::new(),
    };
    match flag {
        Some(flag) => format!(" ({cause}; or choose another port with {flag})"),
        None => format!(" ({cause})"),
    }
}

impl Protocol {
    fn flag(self) -> &'static str {
        match self {
            Self::Http => "--http-port",
            Self::Https => "--https-port",
        }
    }
}

/// The addresses as bound, and for each worker its sockets.
pub(super) fn bind(wanted: &[Wanted], workers: usize) -> Result<(Vec<SocketAddr>, Vec<Vec<Listener>>), BindError> {
    let mut bound = Vec::with_capacity(wanted.len());
    let mut listeners: Vec<Vec<Listener>> = (0..workers).map(|_| Vec::new()).collect();
    for &Wanted { address, protocol, advertised_port } in wanted {
        let failed = |error| BindError::Listen { address, error, flag: protocol.flag() };
        // The first socket settles the port, where the caller left it open.
        let first = listen(address).map_err(failed)?;
        let settled = first.local_addr().map_err(failed)?;
        bound.push(settled);
        let mut sockets = vec![first];
        for _ in 1..workers {
            sockets.push(listen(settled).map_err(failed)?);
        }
        for (worker, socket) in listeners.iter_mut().zip(sockets) {
            let advertised_port = advertised_port.unwrap_or(settled.port());
            worker.push(Listener { socket, protocol, advertised_port });
        }
    }
    Ok((bound, listeners))
}

pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = shared(address, Type::STREAM, socket2::Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    // Connections inherit these from their listener.
    socket.set_tcp_keepalive(&KEEPALIVE)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A socket for the datagrams of an address, one among several.
pub(crate) fn listen_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = shared(address, Type::DGRAM, socket2::Protocol::UDP)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A socket that shares its address with those of other workers, and an IPv6 one that takes IPv4, too.
fn shared(address: SocketAddr, kind: Type, protocol: socket2::Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
