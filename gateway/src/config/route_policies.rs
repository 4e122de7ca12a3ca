use super::{BackendId, Origin};
use ipnet::IpNet;
use std::sync::Arc;

/// What is done to the requests of a route. Values are final: defaults from the ConfigMap are already in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePolicies {
    /// Refuse every request with 503: a setting that must not be left out, commonly one of security, is invalid or not
    /// supported, so the route fails closed.
    pub denied: Option<Denied>,
    /// Which clients are served, by address; the others are answered 403. Default all.
    pub source_ranges: SourceRanges,
    /// Redirect requests over plain HTTP to HTTPS (`ssl-redirect` on a host with TLS, or `force-ssl-redirect`).
    pub https_redirect: Option<HttpsRedirect>,
    /// Keep `Location` relative in redirects made here (`relative-redirects`).
    pub relative_redirects: bool,
    /// Replace the path sent to the backend.
    pub rewrite: Option<Rewrite>,
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
            source_ranges: SourceRanges::default(),
            https_redirect: None,
            relative_redirects: false,
            rewrite: None,
            body_limit: Some(1 << 20),
            default_backend: None,
            access_log: true,
        }
    }
}

/// Which clients are served, by the address that they have as far as forwarding headers are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRanges {
    /// `denylist-source-range`: these are not, whatever else is said. Default none.
    pub deny: Arc<[IpNet]>,
    /// `allowlist-source-range`: nobody but these is. Default `None`, which is everybody.
    pub allow: Option<Arc<[IpNet]>>,
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
