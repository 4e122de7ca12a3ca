use ipnet::IpNet;
use std::sync::Arc;

/// Whose word is taken for a client's address: `set_real_ip_from`, `real_ip_header` and `real_ip_recursive` of snippets, with what
/// they inherit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RealIp {
    /// The proxies that are believed. Default none.
    pub trusted: Arc<[IpNet]>,
    /// The header in which they have the client's address last, in lower case. Default `None`: nothing but a PROXY header is
    /// believed.
    pub header: Option<Arc<str>>,
    /// Of several addresses the last one counts that is not a trusted proxy's. Default false: the last.
    pub recursive: bool,
}
