use super::{BackendTls, FastCgi, HeaderChanges, PathChange, Retries, Template};
use std::sync::Arc;
use std::time::Duration;

/// How requests are sent to one of a route's backends. Values are final: defaults from the ConfigMap are already applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendPolicies {
    /// `backend-protocol`: the protocol for the backend. Default [`BackendProtocol::Http`].
    pub protocol: BackendProtocol,
    /// `proxy-http-version: 1.0`: requests are sent in HTTP/1.0 where they would be in HTTP/1.1. Default false.
    pub http_10: bool,
    /// `upstream-vhost`: the `Host` header that the backend gets. Default none: the host that the client asked for.
    pub host: Option<Template>,
    /// The path that it gets. Default none: that which its route makes of the request's.
    pub path_change: Option<Arc<PathChange>>,
    /// What programs of FastCGI are told beside what all are. Counts with [`BackendProtocol::FastCgi`]. Default none.
    pub fastcgi: Option<Arc<FastCgi>>,
    /// `proxy-ssl-secret`, or a BackendTLSPolicy: how TLS is spoken to it, where it is. Default none: any certificate is taken.
    pub tls: Option<Arc<BackendTls>>,
    /// `connection-proxy-header`: the `Connection` header that the backend gets. Default none: connections are kept.
    pub connection: Option<ConnectionHeader>,
    /// What is changed of the headers of requests for it, after what its route changes. Default nothing.
    pub request_headers: Option<Arc<HeaderChanges>>,
    /// The same of its responses.
    pub response_headers: Option<Arc<HeaderChanges>>,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// When requests for it end at the latest.
    pub deadlines: Deadlines,
    /// When another of its endpoints is tried.
    pub retries: Retries,
}

impl BackendPolicies {
    /// An Ingress without annotations under an empty ConfigMap.
    pub const DEFAULT: Self = Self {
        protocol: BackendProtocol::Http,
        http_10: false,
        host: None,
        path_change: None,
        fastcgi: None,
        tls: None,
        connection: None,
        request_headers: None,
        response_headers: None,
        timeouts: Timeouts::DEFAULT,
        deadlines: Deadlines::NONE,
        retries: Retries::DEFAULT,
    };
}

impl Default for BackendPolicies {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The protocol for a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BackendProtocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/1.1 over TLS. As in ingress-nginx, the certificate is not verified and no name is sent.
    Https,
    /// HTTP/2 by prior knowledge.
    Grpc,
    /// HTTP/2 over TLS, with the same caveat.
    Grpcs,
    /// HTTP/1.1, over TLS where the client's own connection has it.
    Auto,
    /// FastCGI 1.0, without TLS.
    FastCgi,
}

impl BackendProtocol {
    /// Whether the backend is connected over TLS, given whether the client is (nginx's `$scheme`).
    pub fn uses_tls(self, client_uses_tls: bool) -> bool {
        match self {
            Self::Http | Self::Grpc | Self::FastCgi => false,
            Self::Https | Self::Grpcs => true,
            Self::Auto => client_uses_tls,
        }
    }

    /// The same over TLS, whatever the client's connection has.
    #[must_use]
    pub fn over_tls(self) -> Self {
        if self.is_http2() { Self::Grpcs } else { Self::Https }
    }

    /// Whether it is HTTP/2.
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Grpc | Self::Grpcs)
    }
}

/// A fixed `Connection` header for the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionHeader {
    /// `close`: the backend closes the connection after the response.
    Close,
    /// `keep-alive`: the backend keeps the connection, as HTTP/1.1 does without the header.
    KeepAlive,
}

/// How long Adit waits for a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timeouts {
    /// `proxy-connect-timeout`: to open a connection to an endpoint. At least 1 ms. Default 5 s. Then another endpoint
    /// is tried, if [`Retries`] allow it, or the request is answered with 504.
    pub connect: Duration,
    /// `proxy-send-timeout`: between two writes of a request. At least 1 ms. Default 60 s. Then likewise.
    pub send: Duration,
    /// `proxy-read-timeout`: between two reads of a response. At least 1 ms. Default 60 s. Then likewise, or a
    /// response that has begun is cut off. It also ends upgraded connections on which nothing moves.
    pub read: Duration,
}

impl Timeouts {
    /// ingress-nginx's.
    pub const DEFAULT: Self =
        Self { connect: Duration::from_secs(5), send: Duration::from_secs(60), read: Duration::from_secs(60) };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long requests may take, however much moves meanwhile. Then they are answered with 504, or a response that has begun is cut
/// off. An upgraded connection has left them behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Deadlines {
    /// From the beginning of the first attempt to the end of the response, with all attempts. Default none: no limit.
    pub request: Option<Duration>,
    /// One attempt: from its beginning to the end of the response. Then another endpoint is tried, if [`Retries`] allow it. Default
    /// none: no limit.
    pub attempt: Option<Duration>,
}

impl Deadlines {
    /// No limits.
    pub const NONE: Self = Self { request: None, attempt: None };
}
