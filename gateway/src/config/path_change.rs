use std::sync::Arc;

/// Another path in place of the request's, whose query is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathChange {
    /// This one.
    Full(Arc<str>),
    /// The request's with the beginning replaced, by whole elements.
    Prefix {
        /// What the route's path is, without a slash at its end: how the request's path begins.
        prefix: Arc<str>,
        /// What stands there instead, without a slash at its end; it may be empty.
        replacement: Arc<str>,
    },
}

/// A redirect to another URL, of which the parts that are not given are the request's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UrlRedirect {
    /// The status: 301, 302, 303, 307 or 308.
    pub code: u16,
    /// `http` or `https`.
    pub scheme: Option<Arc<str>>,
    /// The host, without a port.
    pub host: Option<Arc<str>>,
    /// The port. Default: that of `scheme`, or, without that, the one that the client uses, where it is no shared entry point's.
    /// The usual port of a scheme is not written.
    pub port: Option<u16>,
    /// The path.
    pub path: Option<PathChange>,
}
