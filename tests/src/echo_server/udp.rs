//! Datagrams.

use super::Pod;
use tokio::net::UdpSocket;

/// The longest that there is.
const DATAGRAM: usize = 64 << 10;

/// Sends each datagram back to where it came from, behind a line that names the Pod.
pub(super) async fn serve(pod: &Pod, socket: UdpSocket) {
    let mut datagram = format!("pod {}\n", pod.name).into_bytes();
    let name = datagram.len();
    datagram.resize(name + DATAGRAM, 0);
    loop {
        // One client's refusal (ICMP), or an echo that is too long to be sent, is nothing to the others.
        if let Ok((length, client)) = socket.recv_from(&mut datagram[name..]).await {
            let _ = socket.send_to(&datagram[..name + length], client).await;
        }
    }
}
