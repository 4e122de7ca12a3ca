use std::sync::Arc;

/// How the requests of one client go to one endpoint of a backend, by a cookie (`affinity: cookie`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Affinity {
    /// `session-cookie-name`: the name of the cookie, with regard to case. Default `INGRESSCOOKIE`.
    pub cookie: Arc<str>,
    /// `affinity-mode`: how its value leads to an endpoint. Default [`AffinityMode::Balanced`].
    pub mode: AffinityMode,
    /// `session-cookie-change-on-failure`: a request whose endpoint fails goes to another one, and its client stays there.
    /// Default false: it is answered with 502, and the client stays with the endpoint that failed.
    pub change_on_failure: bool,
    /// How the cookie is set that begins a session. `None`: the route sets none, and only goes by those of others.
    pub sets: Option<CookieAttributes>,
}

/// How the value of a session's cookie leads to an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AffinityMode {
    /// By consistent hashing, so that some clients move when there are more endpoints.
    #[default]
    Balanced,
    /// By the endpoint's name, so that clients move only when their endpoint is gone.
    Persistent,
}

/// The attributes of a session's cookie, beside `HttpOnly`, which it always has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CookieAttributes {
    /// `session-cookie-path`: its `Path`. Default: the path of the route.
    pub path: Option<Arc<str>>,
    /// `session-cookie-domain`: its `Domain`. Default none.
    pub domain: Option<Arc<str>>,
    /// `session-cookie-samesite`: its `SameSite`. Default none.
    pub same_site: Option<SameSite>,
    /// `session-cookie-secure`: `Secure` also over plain HTTP. Default false: over TLS only.
    pub secure: bool,
    /// `session-cookie-expires`: its `Expires`, in seconds from now, which may be past. Default none.
    pub expires: Option<i32>,
    /// `session-cookie-max-age`: its `Max-Age`, in seconds. Default none.
    pub max_age: Option<i32>,
}

/// From which sites a browser sends a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// From its own.
    Strict,
    /// From its own, and when a link leads there.
    Lax,
    /// From every site.
    None,
    /// The same, without the attribute for browsers that would refuse the cookie with it
    /// (`session-cookie-conditional-samesite-none`).
    NoneWhereKnown,
}
