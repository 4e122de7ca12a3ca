use super::{AccessLog, BackendId, BackendTls, Origin, StreamProtocol, Template};
use std::sync::Arc;
use std::time::Duration;

/// A TCP or UDP service: a port whose sessions are carried to backends. It is an entry of ingress-nginx's `tcp-services`
/// or `udp-services`, or a listener of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamListener {
    /// The transport.
    pub protocol: StreamProtocol,
    /// The port, from 1 to 65535, on the addresses on which HTTP is served.
    pub port: u16,
    /// Where its sessions go. Where none has a weight, each is ended at once.
    pub backends: Arc<[StreamBackend]>,
    /// Clients must send a PROXY header first. TCP only. Default false.
    pub accept_proxy: bool,
    /// Endpoints get a PROXY header of version 1 first. TCP only. Default false.
    pub send_proxy: bool,
    /// The entry of the ConfigMap, or the rule of the route.
    pub origin: Origin,
}

/// A backend of sessions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamBackend {
    /// Whose endpoints serve it.
    pub backend: BackendId,
    /// Its share of the sum of all weights: each session is given to one backend.
    pub weight: u32,
    /// How TLS is spoken to it, where TLS has ended here before ([`super::TlsRoute::terminates`]). Default none: it gets what comes
    /// in the clear.
    pub tls: Option<Arc<BackendTls>>,
}

impl StreamBackend {
    /// The one that gets all sessions.
    pub fn only(backend: impl Into<BackendId>) -> Arc<[Self]> {
        Arc::new([Self { backend: backend.into(), weight: 1, tls: None }])
    }
}

/// Sessions of TCP and UDP services, and of TLS passthrough.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamSettings {
    /// `proxy-stream-timeout`: how long a session may carry no bytes. Above 0. Default 600 s. Then it is ended.
    pub timeout: Duration,
    /// `proxy-stream-next-upstream`: another endpoint is tried if one cannot be reached. Default true.
    pub next_upstream: bool,
    /// `proxy-stream-next-upstream-tries`: the most endpoints that are tried for one session, the first included; 0 is no
    /// limit. Default 3.
    pub next_upstream_tries: u32,
    /// `proxy-stream-next-upstream-timeout`: how long other endpoints are tried for one session; zero is no limit. Default
    /// 600 s.
    pub next_upstream_timeout: Duration,
    /// `proxy-stream-responses`: how many datagrams a UDP service sends back for each datagram of a client. A session
    /// ends when all of them have come; with 0, as soon as the client's datagrams are delivered. Default 1.
    pub responses: u32,
    /// The access log of sessions. Its values are always escaped by [`super::Escape::Default`].
    pub log: AccessLog,
}

impl StreamSettings {
    /// ingress-nginx's `log-format-stream`.
    pub const DEFAULT_FORMAT: &str =
        "[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time";

    /// Whether another endpoint is tried after so many, and so long (nginx: ngx_stream_proxy_next_upstream).
    pub fn allow_another(&self, tried: usize, elapsed: Duration) -> bool {
        let tries_left = self.next_upstream_tries == 0 || tried < self.next_upstream_tries as usize;
        let time_left = self.next_upstream_timeout.is_zero() || elapsed < self.next_upstream_timeout;
        self.next_upstream && tries_left && time_left
    }
}

impl Default for StreamSettings {
    fn default() -> Self {
        let format = Template::parse(Self::DEFAULT_FORMAT).unwrap_or_default();
        Self {
            timeout: Duration::from_secs(600),
            next_upstream: true,
            next_upstream_tries: 3,
            next_upstream_timeout: Duration::from_secs(600),
            responses: 1,
            log: AccessLog { format, ..AccessLog::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_log_format_parses() {
        assert!(Template::parse(StreamSettings::DEFAULT_FORMAT).is_ok());
    }
}
