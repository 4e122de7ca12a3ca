use super::{BackendId, Origin};
use std::time::Duration;

/// A port on which bytes are carried to a backend, whatever they mean: an entry of ingress-nginx's `tcp-services` or
/// `udp-services`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamListener {
    /// The transport.
    pub protocol: StreamProtocol,
    /// The port, on all addresses that HTTP is served on.
    pub port: u16,
    /// Whose endpoints serve it.
    pub backend: BackendId,
    /// Clients begin with a PROXY header. TCP only.
    pub accept_proxy: bool,
    /// Endpoints are sent a PROXY header. TCP only.
    pub send_proxy: bool,
    /// The entry of the ConfigMap.
    pub origin: Origin,
}

/// What carries a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// How streams are carried: TCP and UDP services, and TLS that is passed through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// `proxy-stream-timeout`: how long nothing may move before a session ends. Default 600 s.
    pub timeout: Duration,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(600) }
    }
}
