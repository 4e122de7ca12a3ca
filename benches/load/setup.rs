//! What proxies are set up to do, beside to pass requests on.

use serde::Serialize;

/// The same for all proxies of a group.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Setup {
    pub(crate) workers: usize,
    /// The last one is asked for.
    pub(crate) routes: usize,
    pub(crate) access_log: bool,
    /// Whether a backend gets requests when their bodies are there to the end, as in ingress-nginx.
    pub(crate) buffered: bool,
    pub(crate) protocol: Protocol,
    pub(crate) policy: Policy,
}

/// What backends speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/1.1, which WebSockets begin with.
    Websocket,
    /// HTTP/2 in cleartext.
    Grpc,
}

/// A policy of the route that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Policy {
    None,
    /// Only clients of [`NETWORKS`] may ask.
    AddressList,
    /// So many requests per second and client that none is refused.
    Limit,
    /// An auth server, asked once for all requests with the same [`CREDENTIALS`].
    Auth,
    /// All origins.
    Cors,
    /// A cookie that leads to one of two endpoints.
    Affinity,
    /// Texts, at level 1 where there are levels.
    Gzip,
}

/// Those that may ask: the load comes from the first.
pub(crate) const NETWORKS: [&str; 4] = ["127.0.0.1/32", "192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"];
/// What the auth server lets in.
pub(crate) const CREDENTIALS: &str = "Basic YWxpY2U6c2VjcmV0";

impl Setup {
    /// The headers of requests that it is about.
    pub(crate) fn headers(&self) -> Vec<String> {
        let mut headers: Vec<String> = match self.policy {
            Policy::Auth => vec![format!("authorization: {CREDENTIALS}")],
            Policy::Cors => vec!["origin: https://app.example".to_owned()],
            Policy::Gzip => vec!["accept-encoding: gzip".to_owned()],
            Policy::None | Policy::AddressList | Policy::Limit | Policy::Affinity => Vec::new(),
        };
        if self.protocol == Protocol::Grpc {
            headers.extend(["content-type: application/grpc", "te: trailers"].map(str::to_owned));
        }
        headers
    }
}
