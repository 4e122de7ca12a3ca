//! Opens listening sockets: one per worker and address, so that the kernel spreads connections (SO_REUSEPORT).

use crate::connection::OwnPort;
use crate::connection::socket::listen;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// The protocol of an address.
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
    pub(super) port: ServedPort,
}

/// What is served on a port for HTTP or HTTPS.
#[derive(Clone, Debug)]
pub(super) struct ServedPort {
    pub(super) protocol: Protocol,
    /// The port that clients use.
    pub(super) advertised_port: u16,
    /// Where it has hosts of its own.
    pub(super) own_port: Option<Arc<OwnPort>>,
}

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}{}", hint(.error, Some(.flag)))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
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
        // Where the caller has left the port open, the first socket determines it.
        let first = listen(address).map_err(failed)?;
        let settled = first.local_addr().map_err(failed)?;
        bound.push(settled);
        let mut sockets = vec![first];
        for _ in 1..workers {
            sockets.push(listen(settled).map_err(failed)?);
        }
        for (worker, socket) in listeners.iter_mut().zip(sockets) {
            let advertised_port = advertised_port.unwrap_or(settled.port());
            worker.push(Listener { socket, port: ServedPort { protocol, advertised_port, own_port: None } });
        }
    }
    Ok((bound, listeners))
}
