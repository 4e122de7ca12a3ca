use super::{AccessLog, BackendId, Denied, Hsts, StreamSettings, Template, TlsSettings};
use ipnet::IpNet;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// Settings of the whole gateway: ingress-nginx's ConfigMap, parsed. `Default` is an empty ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySettings {
    /// `path-matching`.
    pub path_matching: PathMatching,
    /// `server-tokens`: send `Server: adit` and name Adit in error pages.
    pub server_tokens: bool,
    /// `--default-backend-service`: serves what no route takes; without it, 404.
    pub default_backend: Option<BackendId>,
    /// A security setting that is invalid or not supported: every route answers 503.
    pub denied: Option<Denied>,
    /// Whom to believe about the client.
    pub forwarded: Forwarded,
    /// `generate-request-id`: give requests without an `X-Request-ID` one.
    pub generate_request_id: bool,
    /// Limits on client connections.
    pub client: ClientSettings,
    /// How many there may be.
    pub connections: ConnectionLimits,
    /// HTTP/2 with clients.
    pub http2: Http2Settings,
    /// Kept connections to backends.
    pub upstream: UpstreamConnections,
    /// `add-headers`: set on every response, names in lower case.
    pub add_headers: Arc<[(Arc<str>, Arc<str>)]>,
    /// `proxy-set-headers`: set on every request to a backend, names in lower case.
    pub set_headers: Arc<[(Arc<str>, Template)]>,
    /// `hide-headers`: removed from every response of a backend, names in lower case.
    pub hide_headers: Arc<[Arc<str>]>,
    /// How TLS is terminated.
    pub tls: TlsSettings,
    /// `hsts`; `None` where it is off.
    pub hsts: Option<Hsts>,
    /// The access log.
    pub access_log: AccessLog,
    /// Not `disable-ipv6`: listen on IPv6 where the machine has it. Read at the start.
    pub ipv6: bool,
    /// How streams are carried: TCP and UDP services, and TLS that is passed through.
    pub streams: StreamSettings,
    /// `worker-processes`: how many workers there are; `None` is as many as CPUs. Read at the start.
    pub worker_processes: Option<usize>,
    /// `worker-shutdown-timeout`: how long requests, tunnels and sessions may go on once nothing new is accepted.
    /// Default 240 s. Read at the end.
    pub shutdown_timeout: Duration,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            path_matching: PathMatching::default(),
            server_tokens: false,
            default_backend: None,
            denied: None,
            forwarded: Forwarded::default(),
            generate_request_id: true,
            client: ClientSettings::default(),
            connections: ConnectionLimits::default(),
            http2: Http2Settings::default(),
            upstream: UpstreamConnections::default(),
            add_headers: Arc::from([]),
            set_headers: Arc::from([]),
            hide_headers: Arc::from([]),
            tls: TlsSettings::default(),
            hsts: Some(Hsts::default()),
            access_log: AccessLog::default(),
            ipv6: true,
            streams: StreamSettings::default(),
            worker_processes: None,
            shutdown_timeout: Duration::from_secs(240),
        }
    }
}

/// How paths are matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathMatching {
    /// As ingress-nginx does.
    #[default]
    Nginx,
    /// Ingress v1 to the letter.
    Strict,
}

/// Which forwarding headers are believed, and from whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// `use-forwarded-headers`: believe X-Forwarded-Proto, -Host and -Port, and the client address from `trusted`.
    pub trust_headers: bool,
    /// `enable-real-ip`: believe only the client address, and only from `trusted`.
    pub real_ip: bool,
    /// `compute-full-forwarded-for`: append to X-Forwarded-For instead of replacing it.
    pub full_chain: bool,
    /// `forwarded-for-header`, in lower case.
    pub header: Arc<str>,
    /// `proxy-real-ip-cidr`.
    pub trusted: Arc<[IpNet]>,
    /// `use-proxy-protocol`: connections for HTTP and HTTPS begin with a PROXY header, believed from `trusted`.
    pub proxy_protocol: bool,
    /// `proxy-protocol-header-timeout`: time for that header. Default 5 s.
    pub proxy_header_timeout: Duration,
}

impl Forwarded {
    /// Whether what this address says of a client is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

impl Default for Forwarded {
    fn default() -> Self {
        Self {
            trust_headers: false,
            real_ip: false,
            full_chain: false,
            header: "x-forwarded-for".into(),
            trusted: Arc::from([IpNet::from(ipnet::Ipv4Net::default())]),
            proxy_protocol: false,
            proxy_header_timeout: Duration::from_secs(5),
        }
    }
}

/// Limits on client connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// `keep-alive`: how long an idle connection is kept; zero closes after each response. Default 75 s.
    pub keep_alive: Duration,
    /// `keep-alive-requests`: requests on one connection before it is closed. Default 1000.
    pub keep_alive_requests: u32,
    /// `client-header-timeout`: time for a whole request head. Default 60 s.
    pub header_timeout: Duration,
    /// `client-body-timeout`: time between two reads of a request body. Default 60 s.
    pub body_timeout: Duration,
    /// `client-header-buffer-size` in bytes: where reading a head begins. Default 1 KiB.
    pub header_buffer: usize,
    /// `large-client-header-buffers`: how many buffers more. Default 4.
    pub large_header_buffers: usize,
    /// `large-client-header-buffers`: their size in bytes, and so the longest header line (else 400) and request
    /// line (else 414). Default 8 KiB.
    pub large_header_size: usize,
}

impl ClientSettings {
    /// The largest request head in bytes.
    pub fn head_limit(&self) -> usize {
        self.header_buffer + self.large_header_buffers * self.large_header_size
    }
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(75),
            keep_alive_requests: 1000,
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            header_buffer: 1 << 10,
            large_header_buffers: 4,
            large_header_size: 8 << 10,
        }
    }
}

/// How many connections clients may have. One more is closed as soon as it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `max-worker-connections`: of one worker. Default 16384.
    pub per_worker: NonZero<usize>,
    /// `max-connections-per-client`: of one client address (IPv6: of one /64 network), over all workers. Default
    /// unlimited.
    pub per_client: Option<NonZero<usize>>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { per_worker: const { NonZero::new(16384).expect("not zero") }, per_client: None }
    }
}

/// HTTP/2 with clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http2Settings {
    /// `use-http2`: offer it over TLS, and take it by prior knowledge in cleartext. Default true.
    pub enabled: bool,
    /// `http2-max-concurrent-streams`: requests at once on one connection, at least 1. Default 128.
    pub streams: u32,
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self { enabled: true, streams: 128 }
    }
}

/// Kept connections to backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamConnections {
    /// `upstream-keepalive-connections`: idle connections that a worker keeps. Read when a worker starts. Default 320.
    pub idle: usize,
    /// `upstream-keepalive-timeout`: how long an idle connection is kept. Default 60 s.
    pub idle_timeout: Duration,
}

impl Default for UpstreamConnections {
    fn default() -> Self {
        Self { idle: 320, idle_timeout: Duration::from_secs(60) }
    }
}
