//! A client's connection as data: addresses, port, and the parameters of its TLS session.

use super::own_port::OwnPort;
use crate::config::{EntryPoint, Variable};
use crate::tls::Presented;
use crate::tls::client::ClientCertificate;
use crate::variables::{address, append, number, text};
use std::net::SocketAddr;
use std::sync::Arc;

/// A client's connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Number of the connection in this process.
    pub id: u64,
    /// Address of the peer, which may be a load balancer.
    pub peer: SocketAddr,
    /// Our address.
    pub local: SocketAddr,
    /// The port that clients use (`--advertised-http-port`).
    pub advertised_port: u16,
    /// What the PROXY header says that it begins with, whether its sender is trusted or not.
    pub proxied: Option<Box<ProxiedAddresses>>,
    /// Our port, where it has hosts of its own.
    pub own_port: Option<Arc<OwnPort>>,
    /// Its TLS session; `None` in cleartext.
    pub tls: Option<TlsSession>,
}

/// The connection that a PROXY header describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxiedAddresses {
    /// The client.
    pub source: SocketAddr,
    /// What the client connected to.
    pub destination: SocketAddr,
}

impl Connection {
    /// Where the client has connected to.
    pub fn entry_point(&self) -> EntryPoint {
        self.entry_point_over(self.tls.is_some())
    }

    /// The same of a connection that begins with TLS, or does not.
    pub(crate) fn entry_point_over(&self, tls: bool) -> EntryPoint {
        EntryPoint::of(tls, self.own_port.as_ref().map(|port| port.number()))
    }

    /// The value of a variable about the PROXY header (nginx: ngx_http_variable_proxy_protocol_addr and its like); of other
    /// variables, none.
    pub(crate) fn proxied_value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let Some(ProxiedAddresses { source, destination }) = self.proxied.as_deref() else { return false };
        match variable {
            Variable::ProxyProtocolAddr => address(source.ip(), out),
            Variable::ProxyProtocolPort => number(source.port(), out),
            Variable::ProxyProtocolServerAddr => address(destination.ip(), out),
            Variable::ProxyProtocolServerPort => number(destination.port(), out),
            _ => false,
        }
    }

    /// nginx's `$scheme`: `http` or `https`, by the connection alone, whatever was forwarded.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// The parameters that a handshake has negotiated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSession {
    /// The version as OpenSSL names it: `TLSv1.3`.
    pub protocol: &'static str,
    /// The cipher suite as OpenSSL names it.
    pub cipher: &'static str,
    /// The name in the ClientHello, in lower case.
    pub server_name: Option<Arc<str>>,
    /// The session was resumed.
    pub resumed: bool,
    /// HTTP/2 was negotiated by ALPN.
    pub http2: bool,
    /// The certificates that were presented to the client.
    pub presented: Presented,
    /// The certificate that the client has sent, where one was asked for.
    pub client: Option<Arc<ClientCertificate>>,
}

impl TlsSession {
    /// The value of a variable about TLS (nginx: ngx_http_ssl_vars); of other variables, none.
    pub(crate) fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            Variable::SslCipher => text(self.cipher, out),
            Variable::SslProtocol => text(self.protocol, out),
            Variable::SslServerName => append(self.server_name.as_deref().map(str::as_bytes), out),
            Variable::SslSessionReused => text(if self.resumed { "r" } else { "." }, out),
            _ => false,
        }
    }
}

/// The value of a variable about the certificate of a client (nginx: ngx_http_ssl_vars); of other variables, none.
pub(crate) fn client_value(certificate: &ClientCertificate, variable: &Variable, out: &mut Vec<u8>) -> bool {
    let fields = certificate.fields();
    match variable {
        Variable::SslClientEscapedCert => append(Some(fields.escaped_pem.as_bytes()), out),
        Variable::SslClientFingerprint => text(&fields.fingerprint, out),
        Variable::SslClientIDn => append(Some(fields.issuer.as_bytes()), out),
        Variable::SslClientSDn => append(Some(fields.subject.as_bytes()), out),
        Variable::SslClientSerial => text(&fields.serial, out),
        _ => false,
    }
}

/// IPv4 clients of a dual-stack socket appear as IPv4.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
