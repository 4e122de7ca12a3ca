use super::{
    AccessLog, BackendId, Blocked, Compression, Denied, ErrorPages, GeoSettings, Hsts, LimitSettings, MappedVariable,
    RealIp, StreamSettings, Template, TlsSettings, TracingSettings,
};
use ipnet::IpNet;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// Settings of the whole gateway: ingress-nginx's ConfigMap, parsed. `Default` is an empty ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatewaySettings {
    /// `path-matching`: how paths match. Default [`PathMatching::Nginx`].
    pub path_matching: PathMatching,
    /// `server-tokens`: responses have `Server: adit`, and error pages name Adit. Default false: neither.
    pub server_tokens: bool,
    /// `allow-backend-server-header`: with `server_tokens`, a backend's own `Server` is passed on. Default false: it is
    /// removed.
    pub backend_server_header: bool,
    /// `--default-backend-service`: serves requests that no route matches. Default none: they are answered with 404.
    pub default_backend: Option<BackendId>,
    /// `error-pages`: the same as [`super::RoutePolicies::error_pages`], where the route has none for the error, and where no
    /// route matches. Default none.
    pub error_pages: Option<ErrorPages>,
    /// A setting that protects requests is invalid or not supported: every route answers 503. Default none.
    pub denied: Option<Denied>,
    /// The requests that are answered with 403 on every host.
    pub blocked: Blocked,
    /// Which headers and proxies are trusted for the client's address, scheme, port and host.
    pub forwarded: Forwarded,
    /// `set_real_ip_from` and its like in `http-snippet`: whose word is taken for a client's address, in place of what `forwarded`
    /// says of that. Default none.
    pub real_ip: Option<RealIp>,
    /// `generate-request-id`: a request without `X-Request-ID` gets a random one. Default true.
    pub generate_request_id: bool,
    /// Limits on the requests of a client connection.
    pub client: ClientSettings,
    /// Limits on the number of client connections.
    pub connections: ConnectionLimits,
    /// How the requests of a client are counted, and refused above a limit of their route.
    pub limits: LimitSettings,
    /// HTTP/2 with clients.
    pub http2: Http2Settings,
    /// Idle connections to backends.
    pub upstream: UpstreamConnections,
    /// `--health-check-path`: the path at which load balancers ask whether a port is served, under a name that no host has.
    /// Default `/healthz`.
    pub health_path: Arc<str>,
    /// `max-temp-files-size`: bytes of all temporary files, of bodies that are held back. Above 0. Default 1 GiB.
    pub temp_files: u64,
    /// `add-headers`: headers that are set on every response; names in lower case. A header whose value is empty is removed.
    /// Default none.
    pub add_headers: Arc<[(Arc<str>, Template)]>,
    /// `proxy-set-headers`: headers that are set on every request to a backend; names in lower case. A header whose value
    /// is empty is removed. Default none.
    pub set_headers: Arc<[(Arc<str>, Template)]>,
    /// `hide-headers`: headers that are removed from every response of a backend; names in lower case. Default none.
    pub hide_headers: Arc<[Arc<str>]>,
    /// How responses are compressed. Default not at all.
    pub compression: Compression,
    /// `map` and `geo` of `http-snippet`: variables that are made of others, each name once. Default none.
    pub mapped: Arc<[MappedVariable]>,
    /// GeoIP2 databases.
    pub geo: GeoSettings,
    /// How TLS is terminated, for all hosts.
    pub tls: TlsSettings,
    /// `hsts`: the header `Strict-Transport-Security` of every response over HTTPS; `None` sets none. Default
    /// [`Hsts::default`].
    pub hsts: Option<Hsts>,
    /// The access log for HTTP.
    pub access_log: AccessLog,
    /// Traces of requests.
    pub tracing: TracingSettings,
    /// The opposite of `disable-ipv6`: Adit listens on IPv6, if the machine has it. Default true. Read at the start.
    pub ipv6: bool,
    /// The opposite of `disable-ipv6-dns`: names of backends lead to IPv6 addresses, too. Default true.
    pub ipv6_dns: bool,
    /// Sessions of TCP and UDP services, and of TLS passthrough.
    pub streams: StreamSettings,
    /// `worker-processes`: the number of workers, from 1 to 1024; `None` is the number of CPUs. Default `None`. Read at
    /// the start.
    pub worker_processes: Option<usize>,
    /// `worker-shutdown-timeout`: how long requests, upgraded connections and sessions may go on when no connections are
    /// accepted any more. Then they are cut off. Above 0. Default 240 s. Read at the end.
    pub shutdown_timeout: Duration,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            path_matching: PathMatching::default(),
            server_tokens: false,
            backend_server_header: false,
            default_backend: None,
            error_pages: None,
            denied: None,
            blocked: Blocked::default(),
            forwarded: Forwarded::default(),
            real_ip: None,
            generate_request_id: true,
            client: ClientSettings::default(),
            connections: ConnectionLimits::default(),
            limits: LimitSettings::default(),
            http2: Http2Settings::default(),
            upstream: UpstreamConnections::default(),
            health_path: "/healthz".into(),
            temp_files: 1 << 30,
            add_headers: Arc::from([]),
            set_headers: Arc::from([]),
            hide_headers: Arc::from([]),
            compression: Compression::default(),
            mapped: Arc::from([]),
            geo: GeoSettings::default(),
            tls: TlsSettings::default(),
            hsts: Some(Hsts::default()),
            access_log: AccessLog::default(),
            tracing: TracingSettings::default(),
            ipv6: true,
            ipv6_dns: true,
            streams: StreamSettings::default(),
            worker_processes: None,
            shutdown_timeout: Duration::from_secs(240),
        }
    }
}

/// How paths match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PathMatching {
    /// As ingress-nginx does.
    #[default]
    Nginx,
    /// As the specification of Ingress v1.
    Strict,
}

/// Which headers and proxies are trusted for the client's address, scheme, port and host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Forwarded {
    /// `use-forwarded-headers`: host, port and scheme are taken from the `X-Forwarded-*` headers of every client, and the
    /// client address from `header` if the connection comes from `trusted`. Default false.
    pub trust_headers: bool,
    /// `enable-real-ip`: only the client address is taken from `header`, if the connection comes from `trusted`. Has no effect
    /// with `proxy_protocol`, which tells it. Default false.
    pub real_ip: bool,
    /// `compute-full-forwarded-for`: backends get the whole `X-Forwarded-For` with the address of the connection
    /// appended. Has no effect without `trust_headers`. Default false: they get the client address only.
    pub full_chain: bool,
    /// `forwarded-for-header`: the header with the client address, in lower case. Default `x-forwarded-for`.
    pub header: Arc<str>,
    /// `forwarded-host-header`: the header that backends get as `X-Original-Forwarded-Host`, in lower case. Default
    /// `x-forwarded-host`.
    pub host_header: Arc<str>,
    /// `forwarded-for-proxy-protocol-header`: the header in which backends get what the client address is taken from,
    /// with both `trust_headers` and `proxy_protocol`; in lower case. Default `x-forwarded-for-proxy-protocol`.
    pub proxy_protocol_header: Arc<str>,
    /// `proxy-add-original-uri-header`: backends get path and query of the client's request in `X-Original-URI`. Default
    /// false.
    pub original_uri: bool,
    /// `proxy-real-ip-cidr`: the trusted proxies. Default all IPv4 addresses. Empty trusts none.
    pub trusted: Arc<[IpNet]>,
    /// `use-proxy-protocol`: connections for HTTP and HTTPS must begin with a PROXY header; without one they are closed.
    /// Its addresses are used if the connection comes from `trusted`. Default false.
    pub proxy_protocol: bool,
    /// `proxy-protocol-header-timeout`: how long a client may take to send that header. Above 0. Default 5 s. Then the
    /// connection is closed.
    pub proxy_header_timeout: Duration,
}

impl Forwarded {
    /// Whether the proxy at this address is trusted.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Whether `header` names the client. Behind a PROXY header it does only where the headers of HTTP are trusted, too.
    pub fn names_clients(&self) -> bool {
        self.trust_headers || self.real_ip && !self.proxy_protocol
    }

    /// Whether backends get the whole chain: that of a client that is not trusted goes no further.
    pub fn sends_chain(&self) -> bool {
        self.trust_headers && self.full_chain
    }
}

impl Default for Forwarded {
    fn default() -> Self {
        Self {
            trust_headers: false,
            real_ip: false,
            full_chain: false,
            header: "x-forwarded-for".into(),
            host_header: "x-forwarded-host".into(),
            proxy_protocol_header: "x-forwarded-for-proxy-protocol".into(),
            original_uri: false,
            trusted: Arc::from([IpNet::from(ipnet::Ipv4Net::default())]),
            proxy_protocol: false,
            proxy_header_timeout: Duration::from_secs(5),
        }
    }
}

/// Limits on the requests of a client connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientSettings {
    /// `keep-alive`: how long an idle connection stays open; zero closes it after each response. Default 75 s.
    pub keep_alive: Duration,
    /// `keep-alive-requests`: the most requests on one connection, at least 1. Then it is closed; an HTTP/2 client gets
    /// GOAWAY. Default 1000.
    pub keep_alive_requests: u32,
    /// `client-header-timeout`: how long a client may take to send a request head. Above 0. Default 60 s. Then it gets
    /// 408, and the connection is closed.
    pub header_timeout: Duration,
    /// `client-body-timeout`: the time between two reads of a request body of HTTP/1. Above 0. Default 60 s. Then the
    /// client gets 408, and the connection is closed.
    pub body_timeout: Duration,
    /// `client-header-buffer-size` in bytes, from 1 to 1 MiB: a part of [`Self::head_limit`]. Default 1 KiB.
    pub header_buffer: usize,
    /// The number of `large-client-header-buffers`, from 1 to 64: a part of [`Self::head_limit`]. Default 4.
    pub large_header_buffers: usize,
    /// The size of `large-client-header-buffers` in bytes, from 1 to 1 MiB: the longest request line (a longer one is
    /// answered with 414) and the longest header line (a longer one is answered with 400). Default 8 KiB.
    pub large_header_size: usize,
    /// `max-headers`: the most headers of a request, from 1 to 256. More are answered with 400. Each piece that HTTP/2
    /// splits a cookie into counts. Default 128.
    pub headers: usize,
    /// `send-timeout`: how long a client may take for a piece of a response, of up to 16 KiB. Above 0. Default 60 s. Then
    /// its connection is closed, or its stream of HTTP/2 reset.
    pub send_timeout: Duration,
    /// `ignore-invalid-headers`: headers are dropped whose names have other bytes than letters, digits and `-`. Default
    /// true.
    pub ignore_invalid_headers: bool,
    /// `enable-underscores-in-headers`: `_` is valid in names of headers, too. Default false.
    pub underscores_in_headers: bool,
}

impl ClientSettings {
    /// The largest request head in bytes. A larger one is answered with 400.
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
            headers: 128,
            send_timeout: Duration::from_secs(60),
            ignore_invalid_headers: true,
            underscores_in_headers: false,
        }
    }
}

/// Limits on the number of client connections. Further ones are closed as soon as they are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionLimits {
    /// `max-worker-connections`: the most connections of one worker. Default 16384.
    pub per_worker: NonZero<usize>,
    /// `max-connections-per-client`: the most connections of one client address (IPv6: of one /64 network), over all
    /// workers. Default none: no limit.
    pub per_client: Option<NonZero<usize>>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { per_worker: const { NonZero::new(16384).expect("not zero") }, per_client: None }
    }
}

/// HTTP/2 with clients.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Http2Settings {
    /// `use-http2`: HTTP/2 is offered over TLS, and accepted in cleartext by prior knowledge. Default true.
    pub enabled: bool,
    /// `http2-max-concurrent-streams`: the most requests in progress on one connection, at least 1. Further ones are
    /// refused (REFUSED_STREAM). Default 128.
    pub streams: u32,
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self { enabled: true, streams: 128 }
    }
}

/// Connections to backends that are kept for further requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamConnections {
    /// `upstream-keepalive-connections`: the most idle connections that a worker keeps, from 0 to 1048576. Read when a
    /// worker starts. Default 320.
    pub idle: usize,
    /// `upstream-keepalive-timeout`: how long an idle connection is kept. Above 0. Default 60 s.
    pub idle_timeout: Duration,
    /// `upstream-keepalive-time`: how long after it was opened a connection gets further requests. Above 0. Default 1 h.
    pub lifetime: Duration,
    /// `upstream-keepalive-requests`: the most requests on one connection, at least 1. Default 10000.
    pub requests: u32,
}

impl Default for UpstreamConnections {
    fn default() -> Self {
        Self {
            idle: 320,
            idle_timeout: Duration::from_secs(60),
            lifetime: Duration::from_secs(60 * 60),
            requests: 10_000,
        }
    }
}
