use super::{BackendId, BackendTls, Template};
use std::num::NonZero;
use std::sync::Arc;

/// `mirror-target`: a server that gets copies of requests. What it responds is dropped. Gateway API: the filter `RequestMirror`.
///
/// A copy has the method and the headers of the client's request. It is sent beside the request, which never waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mirror {
    /// Whose endpoints get the copies.
    pub backend: BackendId,
    /// How many requests are copied. Default all.
    pub share: Option<Share>,
    /// They are sent over HTTP/2. Default false: over HTTP/1.1.
    pub http2: bool,
    /// They are sent over TLS.
    pub tls: bool,
    /// How TLS is spoken, where it is. Default none: as in ingress-nginx, any certificate is taken.
    pub tls_settings: Option<Arc<BackendTls>>,
    /// The host of the URL: the name that TLS sends (SNI).
    pub server_name: Arc<str>,
    /// Path and query of the URL.
    pub target: Template,
    /// `mirror-host`: the `Host` header. Default: the host of the URL, without its port.
    pub host: Template,
    /// `mirror-request-body`: copies have the request's body. Default true.
    pub sends_body: bool,
    /// What copies are marked with, so that none comes back and is copied again: letters, digits, `-`, `.` and `/`, the same in
    /// every replica.
    pub mark: Arc<str>,
}

/// A share of requests, each by chance: so many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    /// How many.
    pub numerator: u32,
    /// Of how many.
    pub denominator: NonZero<u32>,
}
