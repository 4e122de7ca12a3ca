//! Ports and addresses for what is told where it listens instead of choosing.

use crate::connection::PATIENCE;
use anyhow::{Context, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use tokio::net::TcpStream;
use tokio::time::timeout;

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

/// An address of the loopback for one test only, so that no other one has its ports.
pub fn own_address() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 128 | high, low, NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

/// Waits until somebody listens at an address.
///
/// # Errors
/// If nobody does in time.
pub async fn opens(address: SocketAddr) -> Result<()> {
    // Nothing tells a client when a port opens.
    let opened = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, opened).await.with_context(|| format!("{address} does not open"))
}

/// Waits until nobody listens at an address.
///
/// # Errors
/// If somebody still does after a long time.
pub async fn refuses(address: SocketAddr) -> Result<()> {
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(PATIENCE, refused).await.with_context(|| format!("{address} stays open"))
}
