use crate::exchange::{BackendTls, Destination};
use std::net::SocketAddr;

/// Connections are shared only between equal keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::lane) struct Key {
    address: SocketAddr,
    endpoint: u64,
    /// `None`: cleartext. Zero: TLS without settings.
    tls: Option<u64>,
}

impl Key {
    pub(in crate::lane) fn of(destination: &Destination) -> Self {
        let settings = |tls: &BackendTls| tls.settings.as_ref().map_or(0, |settings| settings.key());
        Self {
            address: destination.address,
            endpoint: destination.pool_key,
            tls: destination.tls.as_ref().map(settings),
        }
    }
}
