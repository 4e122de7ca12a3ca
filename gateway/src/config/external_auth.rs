use super::{BackendId, Block, Template, Timeouts};
use http::Method;
use std::sync::Arc;
use std::time::Duration;

/// `auth-url`: a server that authorizes each request before its backend gets it.
///
/// An auth request has the client's headers and no body. A response with a status of 200 to 299 allows the client's
/// request. 401 and 403 are the client's answer, too. Anything else is answered with 500.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalAuth {
    /// Whose endpoints get the auth requests.
    pub backend: BackendId,
    /// They are sent over TLS. As in ingress-nginx, the certificate is not verified.
    pub tls: bool,
    /// The host of the URL: the name that TLS sends (SNI).
    pub host: Arc<str>,
    /// Host and port of the URL: the `Host` header.
    pub authority: Arc<str>,
    /// Path and query of the URL.
    pub target: Template,
    /// `auth-method`: the method. Default `None`, which is GET.
    pub method: Option<Method>,
    /// `auth-request-redirect`: the header `X-Auth-Request-Redirect` of auth requests. Default: path and query of the
    /// client's request.
    pub request_redirect: Template,
    /// `auth-proxy-set-headers`, and `proxy_set_header` of its snippet: headers of auth requests, in place of the client's; names
    /// in lower case. One whose value is empty is removed. Default none.
    pub request_headers: Arc<[(Arc<str>, Template)]>,
    /// `auth-response-headers`: headers of the auth response that the backend gets, in place of the client's. Default none.
    pub response_headers: Arc<[Arc<str>]>,
    /// `auth-always-set-cookie`: the `Set-Cookie` headers of the auth response are added to every response. Default false:
    /// to successful ones and redirects.
    pub always_set_cookie: bool,
    /// `auth-signin`: where clients are redirected (302) instead of 401. Default none.
    pub signin: Option<Template>,
    /// `auth-cache-key`: responses are kept, and the auth server is not asked again as long as one counts. Default none.
    pub cache: Option<AuthCaching>,
    /// `proxy_connect_timeout` and its like of its snippet. Default none: those of the route's backend.
    pub timeouts: Option<Timeouts>,
    /// `auth-snippet`: what is run before the server is asked. What it answers stands for the server's response, and the server
    /// is not asked. It may not change path or arguments, and its effects do not count. Default none.
    pub snippet: Option<Arc<Block>>,
    /// `auth_request_set`: variables that are made of its response, in their order. Default none.
    pub variables: Arc<[(Arc<str>, Template)]>,
}

/// Which auth responses are kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthCaching {
    /// `auth-cache-key`: requests to one path of a rule for which this is the same share a response.
    pub key: Template,
    /// `auth-cache-duration`: statuses, and how long their responses count. The first that has a response's status decides;
    /// one whose status is not there is not kept. Default 200, 202 and 401 for five minutes.
    pub lifetimes: Arc<[(u16, Duration)]>,
}
