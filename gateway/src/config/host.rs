use super::{BackendId, HostName, HostTls, Origin, RoutePolicies};
use std::sync::Arc;
use std::time::Duration;

/// Everything that is served under one host name. A `server-alias` is a virtual host of its own with equal routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualHost {
    /// The name it answers to.
    pub name: HostName,
    /// Its routes, in any order: the table orders them by precedence.
    pub routes: Vec<Route>,
    /// The host is only a redirect to its twin with or without `www.`; `routes` is then empty.
    pub www_redirect: Option<WwwRedirect>,
    /// How it speaks TLS; `None` where no Ingress has a TLS section for it: then with the default certificate.
    pub tls: Option<HostTls>,
    /// Its TLS connections are not terminated, but passed on.
    pub passthrough: Option<Passthrough>,
}

/// TLS connections to a host go to a backend as they are (`ssl-passthrough`). Its routes still serve plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passthrough {
    /// Whose endpoints end the TLS.
    pub backend: BackendId,
    /// `proxy-connect-timeout` of the path `/`: how long one endpoint may take to accept.
    pub connect_timeout: Duration,
    /// The annotation that asks for it.
    pub origin: Origin,
}

/// Redirects every request of a host to another host (`from-to-www-redirect`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WwwRedirect {
    /// The host to send clients to.
    pub to: Arc<str>,
    /// The status: 301, 302, 307 or 308.
    pub code: u16,
    /// The annotation that asks for it.
    pub origin: Origin,
}

/// One path of a virtual host, and what happens to requests for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The rule that it comes from.
    pub origin: Origin,
    /// Who owns it, for metrics and logs.
    pub owner: Owner,
    /// The path as declared: `/shop`, `/shop/`, or a regular expression.
    pub path: Arc<str>,
    /// How the path matches.
    pub kind: PathKind,
    /// Where requests go.
    pub target: Target,
    /// What is done to them on the way. Shared by the routes of one Ingress.
    pub policies: Arc<RoutePolicies>,
}

/// How a route's path matches the decoded and normalised path of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathKind {
    /// Byte for byte.
    Exact,
    /// By whole path elements.
    Prefix,
    /// As `(?i)^PATH`: without regard to case, anchored at the start only.
    Regex,
}

/// Where the requests of a route go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a backend's endpoints; without one, 503 (or the route's `default_backend`).
    Backend(BackendId),
    /// To the gateway's default backend; without one, 404.
    Default,
}

/// The labels that metrics and logs give a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Namespace of the Ingress.
    pub namespace: Arc<str>,
    /// Name of the Ingress.
    pub ingress: Arc<str>,
    /// Name of the Service, empty where there is none.
    pub service: Arc<str>,
    /// Port of the Service as the rule names it, empty where there is none.
    pub service_port: Arc<str>,
}
