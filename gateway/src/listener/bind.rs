//! Opens listening sockets: one per worker and address, so that the kernel spreads connections (SO_REUSEPORT).

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Connections that may wait to be accepted. The kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 65535;

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}{}", hint(.error))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start a worker: {0}")]
    Thread(io::Error),
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            " (ports below 1024 need root or the capability NET_BIND_SERVICE; or choose another with --http-port)"
        }
        io::ErrorKind::AddrInUse => " (another process listens there; or choose another port with --http-port)",
        _ => "",
    }
}

/// The addresses as bound, and for each worker its sockets.
pub(super) fn bind(
    wanted: &[SocketAddr],
    workers: usize,
) -> Result<(Vec<SocketAddr>, Vec<Vec<TcpListener>>), BindError> {
    let mut bound = Vec::with_capacity(wanted.len());
    let mut listeners: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for &address in wanted {
        let failed = |error| BindError::Listen { address, error };
        // The first socket settles the port, where the caller left it open.
        let first = listen(address).map_err(failed)?;
        let settled = first.local_addr().map_err(failed)?;
        bound.push(settled);
        let mut sockets = vec![first];
        for _ in 1..workers {
            sockets.push(listen(settled).map_err(failed)?);
        }
        for (worker, socket) in listeners.iter_mut().zip(sockets) {
            worker.push(socket);
        }
    }
    Ok((bound, listeners))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
