//! Ports for what is told its port instead of choosing one.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// A port that nobody listens on, below those that the system gives to clients, and given to one test only.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset = std::process::id().wrapping_mul(64) % 10_000;
        let port = 20_000 + u16::try_from(offset).unwrap_or(0) + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
}
