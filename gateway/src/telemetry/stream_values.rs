use super::record::StreamRecord;
use super::request_values::HOSTNAME;
use crate::config::Variable;
use crate::variables::{Values, address, append, binary_address, endpoint, number, seconds, text};

/// The variables of nginx's stream module and ingress-nginx's `$proxy_upstream_name`; those of time are in
/// [`super::Clock`], and those of HTTP have no value.
impl Values for StreamRecord<'_> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        use Variable as V;
        match variable {
            V::BinaryRemoteAddr => binary_address(self.connection.peer.ip(), out),
            V::BytesReceived => number(self.received, out),
            V::BytesSent => number(self.sent, out),
            V::ConnectionId => number(self.connection.id, out),
            V::Hostname => text(&HOSTNAME, out),
            V::Protocol => text(self.protocol, out),
            V::ProxyProtocolAddr | V::ProxyProtocolPort | V::ProxyProtocolServerAddr | V::ProxyProtocolServerPort => {
                self.connection.proxied_value(variable, out)
            }
            V::ProxyUpstreamName => text(self.upstream, out),
            V::RemoteAddr => address(self.connection.peer.ip(), out),
            V::RemotePort => number(self.connection.peer.port(), out),
            V::ServerAddr => address(self.connection.local.ip(), out),
            V::ServerPort => number(self.port, out),
            V::SessionTime => seconds(self.duration, out),
            V::SslPrereadServerName => append(self.server_name.map(str::as_bytes), out),
            V::Status => number(self.status, out),
            V::UpstreamAddr => self.endpoint.is_some_and(|address| endpoint(address, out)),
            V::UpstreamBytesReceived => self.endpoint.is_some() && number(self.sent, out),
            V::UpstreamBytesSent => self.endpoint.is_some() && number(self.received, out),
            _ => false,
        }
    }
}
