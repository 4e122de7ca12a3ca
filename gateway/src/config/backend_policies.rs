use super::Template;
use std::time::Duration;

/// How a route speaks to one of its backends. Values are final: defaults from the ConfigMap are already in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendPolicies {
    /// What the backend speaks.
    pub protocol: BackendProtocol,
    /// The `Host` header sent to it, instead of the client's.
    pub host: Option<Template>,
    /// The `Connection` header sent to it, instead of keep-alive.
    pub connection: Option<ConnectionHeader>,
    /// How long to wait for it.
    pub timeouts: Timeouts,
}

impl BackendPolicies {
    /// An Ingress without annotations under an empty ConfigMap.
    pub const DEFAULT: Self =
        Self { protocol: BackendProtocol::Http, host: None, connection: None, timeouts: Timeouts::DEFAULT };
}

impl Default for BackendPolicies {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a backend speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

impl BackendProtocol {
    /// Whether it is spoken over TLS to a request that came over TLS, or not (nginx's `$scheme`).
    pub fn uses_tls(self, client_uses_tls: bool) -> bool {
        match self {
            Self::Http | Self::Grpc => false,
            Self::Https | Self::Grpcs => true,
            Self::Auto => client_uses_tls,
        }
    }

    /// Whether it is HTTP/2.
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Grpc | Self::Grpcs)
    }
}

/// A fixed `Connection` header towards the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionHeader {
    /// `close`: one request per connection.
    Close,
    /// `keep-alive`, said out loud.
    KeepAlive,
}

/// How long to wait for a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To open a connection. Default 5 s.
    pub connect: Duration,
    /// Between two writes. Default 60 s.
    pub send: Duration,
    /// Between two reads. Default 60 s.
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
