use gateway::config::Template;
use std::sync::Arc;

/// The URL of a server that gets requests of our own accord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// Whether its scheme is `https`.
    pub tls: bool,
    /// Its host: a DNS name in lower case, an address without brackets, or [`Self::HOST`].
    pub host: Arc<str>,
    /// Its port, also where it is the scheme's own.
    pub port: u16,
    /// Host and port as the URL has them.
    pub authority: Arc<str>,
    /// Path and query. `None` where it has neither.
    pub target: Option<Template>,
}

impl ServerUrl {
    /// In place of the host of an auth server's URL: the host that the client asks for. Each host of an Ingress has another one.
    pub const HOST: &str = "$host";
}
