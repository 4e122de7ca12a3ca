use super::{BackendId, BackendProtocol, Origin, Template};
use std::sync::Arc;
use std::time::Duration;

/// What is done to the requests of a route. Values are final: defaults from the ConfigMap are already in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePolicies {
    /// Refuse every request with 503: a setting that must not be left out, commonly one of security, is invalid or not
    /// supported, so the route fails closed.
    pub denied: Option<Denied>,
    /// `GET /` is redirected (302) to this path on the same host. Set on every route of a host that has it.
    pub app_root: Option<Arc<str>>,
    /// Answer with a redirect instead of proxying.
    pub redirect: Option<Redirect>,
    /// Redirect requests over plain HTTP to HTTPS (`ssl-redirect` on a host with TLS, or `force-ssl-redirect`).
    pub https_redirect: Option<HttpsRedirect>,
    /// Keep `Location` relative in redirects made here (`relative-redirects`).
    pub relative_redirects: bool,
    /// Replace the path sent to the backend.
    pub rewrite: Option<Rewrite>,
    /// The `Host` header sent to the backend, instead of the client's.
    pub upstream_host: Option<Template>,
    /// What the backend speaks.
    pub backend_protocol: BackendProtocol,
    /// The `Connection` header sent to the backend, instead of keep-alive.
    pub connection_header: Option<ConnectionHeader>,
    /// How long to wait for the backend.
    pub timeouts: Timeouts,
    /// The largest request body in bytes; `None` is unlimited. Larger ones are answered 413.
    pub body_limit: Option<u64>,
    /// Serves the request when the route's own backend has no endpoint.
    pub default_backend: Option<BackendId>,
    /// Whether requests are written to the access log.
    pub access_log: bool,
}

impl Default for RoutePolicies {
    /// The policies of an Ingress without annotations under an empty ConfigMap.
    fn default() -> Self {
        Self {
            denied: None,
            app_root: None,
            redirect: None,
            https_redirect: None,
            relative_redirects: false,
            rewrite: None,
            upstream_host: None,
            backend_protocol: BackendProtocol::default(),
            connection_header: None,
            timeouts: Timeouts::default(),
            body_limit: Some(1 << 20),
            default_backend: None,
            access_log: true,
        }
    }
}

/// Why a route refuses every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// One sentence for a person: what is wrong and what would be right.
    pub reason: Arc<str>,
    /// The setting at fault.
    pub origin: Origin,
}

/// A constant redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// 300 to 308.
    pub code: u16,
    /// An absolute URL, or a path that is made absolute unless `relative_redirects` is set.
    pub location: Arc<str>,
}

/// A redirect from HTTP to HTTPS, on the host that the client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpsRedirect {
    /// `http-redirect-code`: 301, 302, 307 or 308.
    pub code: u16,
    /// `preserve-trailing-slash`; else one slash at the end of path or query is dropped, as ingress-nginx does.
    pub preserve_trailing_slash: bool,
    /// The HTTPS port for `Location` to name (`use-port-in-redirects`); commonly none.
    pub port: Option<u16>,
}

/// `rewrite-target`: wherever `(?i)PATTERN` matches the decoded path, the whole path becomes `target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The path of the route, as a regular expression.
    pub pattern: Arc<str>,
    /// The new path, with `$1` to `$9` for the pattern's groups. A group that does not exist is empty.
    pub target: Arc<str>,
    /// `X-Forwarded-Prefix` for rewritten requests; may hold `$1` to `$9`.
    pub forwarded_prefix: Option<Arc<str>>,
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

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), send: Duration::from_secs(60), read: Duration::from_secs(60) }
    }
}
