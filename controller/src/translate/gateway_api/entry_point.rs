use crate::settings::OwnPorts;
use gateway::config::{EntryPoint, StreamProtocol};

/// A port: its number may have a listener for TCP and one for UDP.
pub(super) type StreamPort = (StreamProtocol, u16);

/// Where the hosts of a listener are. Ports 80 and 443 are those that clients use of the process's own. The error says why
/// nothing can be served there.
pub(super) fn entry_point(port: u16, tls: bool, own: &OwnPorts) -> Result<EntryPoint, String> {
    match (port, tls) {
        (80, false) => Ok(EntryPoint::Http),
        (443, true) => Ok(EntryPoint::Https),
        (port, false) if port == own.http => Ok(EntryPoint::Http),
        (port, true) if port == own.https => Ok(EntryPoint::Https),
        (port, tls) => stream_port(port, StreamProtocol::Tcp, own).map(|(_, port)| EntryPoint::Port { port, tls }),
    }
}

/// The port on which the sessions of a listener are served. The error says why none can be.
pub(super) fn stream_port(port: u16, protocol: StreamProtocol, own: &OwnPorts) -> Result<StreamPort, String> {
    match own.flag(port) {
        Some(flag) => Err(format!("is a port of Adit itself ({flag}): expected another port")),
        None => Ok((protocol, port)),
    }
}
