use crate::config::Variable;
use crate::table::Route;
use crate::tls::Presented;
use crate::variables::{append, text};
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// All that is known of a request when it has ended: what the access log prints and the metrics count.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The client's connection.
    pub connection: &'a Connection,
    /// Which request of its connection this is; the first is 1.
    pub connection_requests: u64,
    /// The client's address: the connection's, or a forwarded one that is trusted.
    pub client: IpAddr,
    /// `GET`; empty when the request line could not be read.
    pub method: &'a str,
    /// The request target as the client sent it, query included.
    pub target: &'a str,
    /// The decoded and normalised path, after a rewrite if there was one; empty if unknown.
    pub path: &'a [u8],
    /// `HTTP/1.1`.
    pub version: &'a str,
    /// The host that the client asked for, in lower case and without a port; empty if unknown.
    pub host: &'a str,
    /// `http` or `https`, as the client meant it.
    pub scheme: &'a str,
    /// The request's headers, where they could be read.
    pub headers: Option<&'a HeaderMap>,
    /// `X-Request-ID`, given or made.
    pub request_id: &'a str,
    /// The route that took it.
    pub route: Option<&'a Arc<Route>>,
    /// Why we answered ourselves: a fixed label such as `no-route`; `None` for a backend's answer.
    pub reply: Option<&'static str>,
    /// Bytes of the request, head and body.
    pub request_length: u64,
    /// From the first byte of the request to the last of the response.
    pub duration: Duration,
    /// The response's status.
    pub status: u16,
    /// Bytes of the response's body.
    pub body_bytes_sent: u64,
    /// Bytes of the response, head and body.
    pub bytes_sent: u64,
    /// Tries at endpoints, in order; empty when none was tried.
    pub attempts: &'a [Attempt],
}

/// A client's connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Number of the connection in this process.
    pub id: u64,
    /// Address of whoever is at the other end, which may be a load balancer.
    pub peer: SocketAddr,
    /// Our address.
    pub local: SocketAddr,
    /// The port that the client meant (`--advertised-http-port`).
    pub advertised_port: u16,
    /// Its TLS session; `None` in cleartext.
    pub tls: Option<TlsSession>,
}

impl Connection {
    /// nginx's `$scheme`: `http` or `https`, by the connection alone, whatever was forwarded.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// What a handshake has settled.
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
    /// ALPN has settled on HTTP/2.
    pub http2: bool,
    /// What the client was shown.
    pub presented: Presented,
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

/// One try at an endpoint.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The endpoint.
    pub address: SocketAddr,
    /// The answer's status, or 502 or 504 when there was none.
    pub status: Option<u16>,
    /// Time to connect; zero on a kept connection, `None` if it failed.
    pub connect: Option<Duration>,
    /// From the start of the try to the response's head.
    pub header: Option<Duration>,
    /// From the start of the try to the end of the response.
    pub response: Duration,
    /// Bytes of the response's body.
    pub response_length: u64,
}

/// All that is known of a TCP, UDP or passed-through TLS session when it has ended.
#[derive(Clone, Copy, Debug)]
pub struct StreamRecord<'a> {
    /// The client's connection; with UDP, its address and ours.
    pub connection: &'a Connection,
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// The port of ours that the session came to, whatever a PROXY header says.
    pub port: u16,
    /// As nginx calls the backend of a stream: `tcp-<namespace>-<service>-<port>`, or `upstream-default-backend`-like
    /// for a passed-through host: its `<namespace>-<service>-<port>`.
    pub upstream: &'a str,
    /// The endpoint that was tried last.
    pub endpoint: Option<SocketAddr>,
    /// The name in the ClientHello of a passed-through connection.
    pub server_name: Option<&'a str>,
    /// As nginx: 200 a session that ended well, 400 data of the client that cannot be read, 403 forbidden, 500 a fault
    /// of ours, 502 no endpoint could be reached, 503 too many connections.
    pub status: u16,
    /// Bytes from the client.
    pub received: u64,
    /// Bytes to the client.
    pub sent: u64,
    /// From accepting the session to its end.
    pub duration: Duration,
}
