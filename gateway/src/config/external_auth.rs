use super::{BackendId, BackendTls, Block, Template, Timeouts};
use http::Method;
use std::sync::Arc;
use std::time::Duration;

/// `auth-url`: a server that authorizes each request before its backend gets it. Gateway API: the filter `ExternalAuth`, which asks
/// and hears it otherwise ([`AuthFilter`]).
///
/// An auth request has the client's headers and no body. A response with a status of 200 to 299 allows the client's
/// request. 401 and 403 are the client's answer, too. Anything else is answered with 500.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalAuth {
    /// Whose endpoints get the auth requests.
    pub backend: BackendId,
    /// They are sent over TLS.
    pub tls: bool,
    /// How TLS is spoken, where it is. Default none: as in ingress-nginx, any certificate is taken.
    pub tls_settings: Option<Arc<BackendTls>>,
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
    /// What is otherwise with the filter `ExternalAuth`. Default none: it is `auth-url`.
    pub filter: Option<AuthFilter>,
}

/// The filter `ExternalAuth` of Gateway API.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthFilter {
    /// What the server speaks.
    pub protocol: AuthProtocol,
    /// `allowedHeaders`, with HTTP and `authorization`: the headers of the client's request that the server gets; names in lower case.
    /// Default all.
    pub request_headers: Option<Arc<[Arc<str>]>>,
    /// No `http.allowedResponseHeaders`, which are [`ExternalAuth::response_headers`]: the backend gets all headers of the response
    /// that can be one of its request.
    pub copies_all: bool,
    /// `forwardBody.maxSize`: the server gets the client's body, which has to fit into so many bytes of memory:
    /// [`super::RoutePolicies::body_limit`] is no more. Default none: it gets no body.
    pub body_memory: Option<usize>,
}

/// What the auth server of a filter speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthProtocol {
    /// HTTP. An auth request has the method and the `Host` of the client's. The status 200 alone allows that. A status from 300 to 499
    /// is the client's answer, with headers and body; another one below 500 is answered with 403, and what is left with 500.
    Http,
    /// Envoy's protocol of gRPC, `envoy.service.auth.v3.Authorization`. What cannot be done as it says is answered with 500.
    Grpc,
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
