use super::trace_context::TraceContext;
use crate::config::RouteLabels;
use crate::connection::Connection;
use crate::headers::Headers;
use crate::tls::client::{ClientCertificate, Verdict};
use crate::variables::{Assigned, GeoIp, Maps};
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// A request as far as it is known while it is served. The source of the variables that headers and the access log share.
#[derive(Clone, Copy, Debug)]
pub struct RequestInfo<'a> {
    /// The client's connection.
    pub connection: &'a Connection,
    /// Which request of its connection this is; the first is 1.
    pub connection_requests: u64,
    /// The client's address: the connection's, or a forwarded one that is trusted.
    pub client: IpAddr,
    /// `GET`; empty when the request line could not be read.
    pub method: &'a str,
    /// The request target as the client sent it, query included.
    pub target: &'a [u8],
    /// The decoded and normalised path of the target; empty if unknown.
    pub path: &'a [u8],
    /// The target after a rewrite, if there was one: escaped, query included.
    pub rewritten: Option<&'a [u8]>,
    /// The arguments, where snippets may have changed them; empty if there are none.
    pub arguments: Option<&'a [u8]>,
    /// The variables that snippets have set.
    pub assigned: Option<&'a Assigned>,
    /// The variables that are made of others.
    pub maps: Option<&'a Maps>,
    /// The GeoIP2 databases.
    pub geo: Option<&'a GeoIp>,
    /// The headers of the backend's response, and those of the response to the client, where they are known.
    pub response_headers: [Option<&'a HeaderMap>; 2],
    /// `HTTP/1.1`.
    pub version: &'a str,
    /// The host that the client asked for, in lower case and without a port; empty if unknown.
    pub host: &'a str,
    /// The same as it was written, with a port, or as a trusted proxy says; `None` leaves it to the headers.
    pub asked_host: Option<&'a [u8]>,
    /// `http` or `https`, as the client meant it.
    pub scheme: &'a [u8],
    /// The port that it meant; empty leaves it to the connection.
    pub port: &'a [u8],
    /// The request's headers, where they could be read.
    pub headers: Option<&'a Headers>,
    /// `X-Request-ID`, given or made.
    pub request_id: &'a [u8],
    /// The labels of the route that took it.
    pub labels: Option<&'a Arc<RouteLabels>>,
    /// The certificate of the client, where the host verifies it, and what came of that.
    pub client_certificate: Option<(&'a ClientCertificate, Verdict)>,
    /// The trace that it belongs to, where it is traced.
    pub trace: Option<&'a TraceContext>,
}

impl<'a> RequestInfo<'a> {
    /// A request of which nothing is known but its connection.
    pub fn new(connection: &'a Connection, connection_requests: u64) -> Self {
        Self {
            connection,
            connection_requests,
            client: connection.peer.ip(),
            method: "",
            target: b"",
            path: b"",
            rewritten: None,
            arguments: None,
            assigned: None,
            maps: None,
            geo: None,
            response_headers: [None; 2],
            version: "",
            host: "",
            asked_host: None,
            scheme: connection.scheme().as_bytes(),
            port: b"",
            headers: None,
            request_id: b"",
            labels: None,
            client_certificate: None,
            trace: None,
        }
    }
}

/// A request that has ended: what the access log prints and the metrics count.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What was known before it ended.
    pub request: RequestInfo<'a>,
    /// Whether it is logged, as far as its route is concerned.
    pub logged: bool,
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
    /// What has become of the response's body, where it was compressed.
    pub encoded: Option<EncodedBody>,
    /// Attempts at endpoints, in order; empty if there was none.
    pub attempts: &'a [Attempt],
}

/// A body that was compressed.
#[derive(Clone, Copy, Debug)]
pub struct EncodedBody {
    /// The coding, as in `Content-Encoding`.
    pub coding: &'static str,
    /// Its bytes.
    pub received: u64,
    /// Bytes that have come of them.
    pub sent: u64,
}

/// One attempt to get a response from an endpoint.
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
    /// From the start of the request to that of the try.
    pub after: Duration,
    /// The id of its span, where it has one of its own.
    pub span: Option<NonZero<u64>>,
}

/// A TCP, UDP or passed-through TLS session that has ended.
#[derive(Clone, Copy, Debug)]
pub struct StreamRecord<'a> {
    /// The client's connection; with UDP, its address and ours.
    pub connection: &'a Connection,
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// The port of ours that the session came to, regardless of a PROXY header.
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
