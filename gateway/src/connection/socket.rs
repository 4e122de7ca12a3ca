//! Sockets that clients come to, each shared by all workers.

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

/// A socket for the connections of an address, one among several.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = shared(address, Type::STREAM, socket2::Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    // Connections inherit what follows from their listener.
    socket.set_tcp_keepalive(&KEEPALIVE)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    socket.set_tcp_nodelay(true)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpStream};

    #[test]
    fn connections_inherit_the_options_of_their_listener() {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        listener.set_nonblocking(false).expect("an option of the socket");
        let (accepted, _) = listener.accept().expect("a connection");
        let accepted = socket2::SockRef::from(&accepted);
        assert!(accepted.tcp_nodelay().expect("an option") && accepted.keepalive().expect("an option"));
        assert_eq!(accepted.tcp_user_timeout().expect("an option"), Some(USER_TIMEOUT));
        drop(client);
    }
}
