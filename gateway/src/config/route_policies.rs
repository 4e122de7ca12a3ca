use super::{
    BackendId, BasicAuth, Block, ClientLimits, Cors, CustomErrors, DigestAuth, ErrorPages, ExternalAuth, HeaderChanges,
    Mirror, Origin, PathChange, RealIp, RequestBuffering, ResponseBuffering, ResponseRate, ResponseRewrites,
    SnippetLimits, Tracing, Waf,
};
use ipnet::IpNet;
use std::sync::Arc;

/// What is done to the requests of a route. The values are final: the defaults of the ConfigMap are already applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoutePolicies {
    /// Answers every request with 503, because a setting that protects the route is invalid or not supported. Default
    /// none.
    pub denied: Option<Denied>,
    /// `allowlist-source-range` and `denylist-source-range`: the client addresses that are served; others get 403. Default
    /// all.
    pub source_ranges: SourceRanges,
    /// `enable-cors`: which pages of other origins may use the route. Default none: nothing is added, and browsers
    /// refuse.
    pub cors: Option<Cors>,
    /// `auth-type: basic`: requests need a name and a password. Default none.
    pub basic_auth: Option<Arc<BasicAuth>>,
    /// `auth-type: digest`: the same, and the password is not shown. Default none.
    pub digest_auth: Option<Arc<DigestAuth>>,
    /// `custom-headers`: headers that are set on every response; names in lower case. Default none.
    pub custom_headers: Arc<[(Arc<str>, Arc<str>)]>,
    /// `limit-rps`, `limit-rpm` and `limit-connections`: how much one client may ask; more is answered with the statuses of
    /// [`super::LimitSettings`]. Default none: no limits.
    pub client_limits: Option<ClientLimits>,
    /// `limit_req`, `limit_conn` and what goes with them in snippets: further limits, and what holds for all. Default none.
    pub snippet_limits: Option<SnippetLimits>,
    /// `limit-rate`: how fast a response is sent. Default no limit.
    pub response_rate: ResponseRate,
    /// `auth-url`: a server authorizes each request. Default none.
    pub external_auth: Option<ExternalAuth>,
    /// `enable-modsecurity`: the web application firewall. Default none.
    pub waf: Option<Arc<Waf>>,
    /// `mirror-target`: servers that get copies of requests. Default none.
    pub mirrors: Arc<[Mirror]>,
    /// `satisfy`: how address lists, passwords and the auth server combine. Default all.
    pub satisfy: Satisfy,
    /// `ssl-redirect` on a host with TLS, or `force-ssl-redirect`: requests over plain HTTP are redirected to HTTPS.
    /// Default none.
    pub https_redirect: Option<HttpsRedirect>,
    /// `no-tls-redirect-locations`: plain HTTP is served also where the host requires certificates of its clients. Default
    /// false.
    pub serves_plain_http: bool,
    /// `relative-redirects`: `Location` stays a path in a `redirect` to a path, and in a redirect that adds a slash.
    /// Default false: scheme and host are added.
    pub relative_redirects: bool,
    /// Where only a slash at the end of the path lacks, the request is redirected to the path with it, with
    /// [`super::PathMatching::Nginx`]. Default true.
    pub add_slash: bool,
    /// What is changed of the headers of requests. Default nothing.
    pub request_headers: HeaderChanges,
    /// What is changed of the headers of backends' responses. Default nothing.
    pub response_headers: HeaderChanges,
    /// The path that the backend gets. Default none: the request's.
    pub path_change: Option<PathChange>,
    /// `rewrite-target`: replaces the path that the backend gets. Default none: the backend gets the request's.
    pub rewrite: Option<Rewrite>,
    /// `proxy-body-size`: the largest request body in bytes; `None` is no limit. A larger one is answered with 413.
    /// Default 1 MiB.
    pub body_limit: Option<u64>,
    /// `proxy-request-buffering` and `client-body-buffer-size`: whether a request's body is held back until all of it has
    /// come. Default [`RequestBuffering::default`].
    pub request_buffering: RequestBuffering,
    /// `proxy-buffering` and what goes with it: whether a response is read faster than its client takes it. Default
    /// [`ResponseBuffering::default`].
    pub response_buffering: ResponseBuffering,
    /// `default-backend`: serves the requests when the route's own backend has no endpoint. Default none: they are
    /// answered with 503.
    pub default_backend: Option<BackendId>,
    /// `custom-http-errors`: which errors another backend answers. Default none.
    pub custom_errors: CustomErrors,
    /// `error-pages`: the bodies of our own responses to errors, and of those to errors of backends that `custom_errors` has.
    /// Default none: the gateway's, or those that say the status.
    pub error_pages: Option<ErrorPages>,
    /// `proxy-redirect-from`, `proxy-cookie-domain` and `proxy-cookie-path`: what of a backend's responses is rewritten.
    /// Default nothing.
    pub response_rewrites: ResponseRewrites,
    /// `configuration-snippet` and the ConfigMap's: what is done before the route's other rules. Default none.
    pub snippet: Option<Arc<Block>>,
    /// `internal`: the route takes no request by the path that the client asks for: such a request is answered with 404. A
    /// snippet may lead one there. Default false.
    pub internal: bool,
    /// `set_real_ip_from` and its like in `configuration-snippet`: whose word is taken for a client's address, unless one has been
    /// taken before. Default none.
    pub real_ip: Option<RealIp>,
    /// `enable-access-log`: whether requests are written to the access log. Default true.
    pub access_log: bool,
    /// `enable-opentelemetry`: how requests are traced. Default none: they are not.
    pub tracing: Option<Tracing>,
}

impl RoutePolicies {
    /// Whether clients have to say who they are.
    pub fn needs_authentication(&self) -> bool {
        self.basic_auth.is_some() || self.digest_auth.is_some() || self.external_auth.is_some()
    }

    /// Lets clients in without that.
    pub fn drop_authentication(&mut self) {
        (self.basic_auth, self.digest_auth, self.external_auth) = (None, None, None);
    }
}

impl Default for RoutePolicies {
    /// The policies of an Ingress without annotations under an empty ConfigMap.
    fn default() -> Self {
        Self {
            denied: None,
            source_ranges: SourceRanges::default(),
            cors: None,
            basic_auth: None,
            digest_auth: None,
            custom_headers: Arc::from([]),
            client_limits: None,
            snippet_limits: None,
            response_rate: ResponseRate::default(),
            external_auth: None,
            waf: None,
            mirrors: Arc::from([]),
            satisfy: Satisfy::All,
            https_redirect: None,
            serves_plain_http: false,
            relative_redirects: false,
            add_slash: true,
            request_headers: HeaderChanges::default(),
            response_headers: HeaderChanges::default(),
            path_change: None,
            rewrite: None,
            body_limit: Some(1 << 20),
            request_buffering: RequestBuffering::default(),
            response_buffering: ResponseBuffering::default(),
            default_backend: None,
            custom_errors: CustomErrors::default(),
            error_pages: None,
            response_rewrites: ResponseRewrites::default(),
            snippet: None,
            internal: false,
            real_ip: None,
            access_log: true,
            tracing: None,
        }
    }
}

/// Which clients are served, by the address that they have as far as forwarding headers are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceRanges {
    /// `denylist-source-range`: these are not, even if the other list has them. Default none.
    pub deny: Arc<[IpNet]>,
    /// `allowlist-source-range`: only these are. Default `None`: all clients.
    pub allow: Option<Arc<[IpNet]>>,
}

/// How many of the ways to let a request in must agree, of those that a route has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Satisfy {
    /// All of them.
    #[default]
    All,
    /// One is enough.
    Any,
}

/// Why a route answers every request with 503.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Denied {
    /// What is wrong, and what is expected: one sentence for a person.
    pub reason: Arc<str>,
    /// The setting that is invalid or not supported.
    pub origin: Origin,
}

/// A redirect to a fixed location.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Redirect {
    /// The status, from 300 to 308.
    pub code: u16,
    /// A URL, or a path to which scheme and host are added unless `relative_redirects` is set. Path and query of the
    /// request are not added.
    pub location: Arc<str>,
}

/// A redirect from HTTP to HTTPS, on the host that the client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HttpsRedirect {
    /// `http-redirect-code`: the status, 301, 302, 307 or 308. Default 308.
    pub code: u16,
    /// `preserve-trailing-slash`: a slash at the end of path or query is kept. Default false: one slash is removed, as
    /// in ingress-nginx.
    pub preserve_trailing_slash: bool,
    /// `use-port-in-redirects`: the port in `Location`. Default none: no port.
    pub port: Option<u16>,
}

/// `rewrite-target`: if `(?i)PATTERN` matches anywhere in the decoded path, the whole path is replaced by `target`, or
/// the client is redirected there (302) where that is a URL. If not, the path is not changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rewrite {
    /// The path of the route, as a regular expression.
    pub pattern: Arc<str>,
    /// The new path, or a URL that begins with `http://`, `https://` or `$scheme://`. `$1` to `$9` insert the groups of the pattern; a group that does not exist is empty. The query is
    /// kept.
    pub target: Arc<str>,
    /// `x-forwarded-prefix`: the header `X-Forwarded-Prefix` of rewritten requests, with `$1` to `$9` likewise. Default
    /// none: the header is not added.
    pub forwarded_prefix: Option<Arc<str>>,
}

impl Rewrite {
    /// The longest target or prefix, in bytes.
    pub const MAX_LENGTH: usize = 2048;
    /// The most groups that a target or a prefix may insert.
    pub const MAX_GROUPS: usize = 20;
    /// The longest text that may come of a target or a prefix, in bytes and without the query. Requests whose path leads to
    /// a longer one are answered with 414.
    pub const MAX_RENDERED: usize = 16 << 10;

    /// What is wrong with the length of a target or prefix, if something is.
    pub fn excess(text: &str) -> Option<&'static str> {
        let is_long = text.len() > Self::MAX_LENGTH || text.matches('$').count() > Self::MAX_GROUPS;
        is_long.then_some("is too long: expected at most 2048 bytes with 20 groups ($1 to $9) in it")
    }
}
