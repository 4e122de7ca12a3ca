use super::{EntryPoint, Origin};

/// A port for HTTP or HTTPS that is opened beside those of the process, on the addresses on which these are served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpPort {
    /// The port that is opened, from 1 to 65535.
    pub port: u16,
    /// The port that clients use to reach it: `$server_port`, `X-Forwarded-Port` and the port in redirects.
    pub advertised: u16,
    /// Connections begin with a TLS handshake.
    pub tls: bool,
    /// What asks for it.
    pub origin: Origin,
}

impl HttpPort {
    /// Where its hosts are.
    pub fn entry_point(&self) -> EntryPoint {
        EntryPoint::Port { port: self.port, tls: self.tls }
    }
}
