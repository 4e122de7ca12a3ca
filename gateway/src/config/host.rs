use super::{Block, ClientCertificates, HostName, HostTls, Location, Origin, RealIp, Route, StreamBackend};
use std::sync::Arc;
use std::time::Duration;

/// Everything that is served under one host name. A `server-alias` is a virtual host of its own with equal routes.
/// There are tens of thousands, so what few have is boxed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualHost {
    /// The name of the host. Requests with this host use the routes below.
    pub name: HostName,
    /// Its routes. The table orders them by precedence; of equal ones the first comes first.
    pub routes: Vec<Route>,
    /// Routes that are asked where none of these takes a request, one list after the other: those of less specific names. Each
    /// is ordered like `routes`. Default none.
    pub less_specific: Vec<Vec<Route>>,
    /// The locations of its `server-snippet` and then of the ConfigMap's, in their order. Of two that are the same prefix or the
    /// same exact path the first counts.
    pub locations: Vec<Location>,
    /// What holds for the host whichever Ingress a route comes from.
    pub policies: Arc<HostPolicies>,
    /// The host only redirects to its counterpart with or without `www.`; `routes` is then empty.
    pub www_redirect: Option<Box<WwwRedirect>>,
    /// The certificates of the host. `None` if no Ingress has a TLS section for it: then TLS uses the default certificate.
    pub tls: Option<HostTls>,
    /// TLS connections to the host are led on as connections, and not as requests.
    pub tls_route: Option<Box<TlsRoute>>,
}

impl VirtualHost {
    /// A host with these routes and nothing else.
    pub fn new(name: HostName, routes: Vec<Route>) -> Self {
        Self {
            name,
            routes,
            less_specific: Vec::new(),
            locations: Vec::new(),
            policies: Arc::default(),
            www_redirect: None,
            tls: None,
            tls_route: None,
        }
    }
}

/// What is done to the requests of a host, whichever route takes them. Of several Ingresses with rules for the host the
/// oldest that has a setting decides it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HostPolicies {
    /// `app-root`: requests for the path `/` are redirected (302) to this absolute path on the same host. Default none.
    pub app_root: Option<Arc<str>>,
    /// `server-snippet` and the ConfigMap's: what is done before a route is looked up. Default none.
    pub snippet: Option<Arc<Block>>,
    /// `set_real_ip_from` and its like in these snippets: whose word is taken for a client's address. Default none: what the
    /// settings say.
    pub real_ip: Option<RealIp>,
    /// `auth-tls-secret`: the certificates of clients are verified. Default none: they are not asked for.
    pub client_certificates: Option<ClientCertificates>,
}

/// TLS connections to a host are given to backends (`ssl-passthrough`, TLSRoutes). Its routes still serve plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsRoute {
    /// Where they go. Where none has a weight, each is closed at once.
    pub backends: Arc<[StreamBackend]>,
    /// TLS ends here, and backends get what comes within it. Default false: they get the connections as they come.
    pub terminates: bool,
    /// `proxy-connect-timeout`, of an Ingress that of its path `/`: how long connecting to one endpoint may take. Default 5 s.
    pub connect_timeout: Duration,
    /// What asks for it.
    pub origin: Origin,
}

/// Redirects every request of a host to another host (`from-to-www-redirect`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WwwRedirect {
    /// The host in `Location`.
    pub to: Arc<str>,
    /// The status: 301, 302, 307 or 308. Default 308.
    pub code: u16,
    /// The annotation that asks for it.
    pub origin: Origin,
}
