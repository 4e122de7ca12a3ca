use super::{AccessLog, BackendId, Escape, Origin, StreamProtocol, Template};
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

/// How streams are carried: TCP and UDP services, and TLS that is passed through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// `proxy-stream-timeout`: how long nothing may move before a session ends. Default 600 s.
    pub timeout: Duration,
    /// `proxy-stream-next-upstream`: another endpoint is tried when one cannot be reached. Default true.
    pub next_upstream: bool,
    /// `proxy-stream-next-upstream-tries`: endpoints tried for one session; 0 is all. Default 3.
    pub next_upstream_tries: u32,
    /// `proxy-stream-next-upstream-timeout`: time after which no other endpoint is tried; zero is never. Default 600 s.
    pub next_upstream_timeout: Duration,
    /// `proxy-stream-responses`: datagrams with which a UDP service answers each one of a client. A session ends when
    /// all have come: with 0, as soon as the client's are delivered. Default 1.
    pub responses: u32,
    /// Their access log.
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
            log: AccessLog { enabled: true, format, escape: Escape::Default },
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
