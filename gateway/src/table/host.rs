use super::path_index::PathIndex;
use super::pattern::Pattern;
use super::route::Route;
use crate::config::{HostName, Origin, WwwRedirect};
use crate::tls::Keys;
use crate::upstream::Upstream;
use std::sync::Arc;
use std::time::Duration;

/// A compiled virtual host.
#[derive(Debug)]
pub struct Host {
    pub(super) name: HostName,
    /// The compiled name of a [`HostName::Pattern`].
    pub(super) pattern: Option<Pattern>,
    pub(super) www_redirect: Option<WwwRedirect>,
    /// Its certificates; without any, the default one. `None` where no TLS section names it.
    pub(super) keys: Option<Arc<Keys>>,
    pub(super) passthrough: Option<Arc<Passthrough>>,
    pub(super) paths: PathIndex,
}

impl Host {
    /// The name it answers to.
    pub fn name(&self) -> &HostName {
        &self.name
    }

    /// Set if the host is only a redirect to its twin with or without `www.`.
    pub fn www_redirect(&self) -> Option<&WwwRedirect> {
        self.www_redirect.as_ref()
    }

    /// Where its TLS connections go, if they are not terminated here.
    pub fn passthrough(&self) -> Option<&Passthrough> {
        self.passthrough.as_deref()
    }

    /// Its routes in order of precedence: longer paths first; at equal length Exact, Prefix, then Regex. (An Exact
    /// path that matches wins over longer ones.)
    pub fn routes(&self) -> &[Arc<Route>] {
        self.paths.routes()
    }
}

/// Where the TLS connections of a host are passed on to.
#[derive(Debug)]
pub struct Passthrough {
    /// Whose endpoints end the TLS.
    pub upstream: Arc<Upstream>,
    /// How long one endpoint may take to accept.
    pub connect_timeout: Duration,
    /// What asks for it.
    pub origin: Origin,
}

/// Longest host name that is looked up, in bytes. Longer ones are no DNS names, and served as if there were none.
pub const HOST_LIMIT: usize = 255;

/// The host of a `Host` header as it is looked up: in lower case, without port and without one trailing dot. Empty if
/// it is longer than [`HOST_LIMIT`]. `buffer` is written to only if something has to be made lower case.
pub fn canonical_host<'a>(header: &'a str, buffer: &'a mut [u8; HOST_LIMIT]) -> &'a str {
    let host = without_port(header);
    let Some(buffer) = buffer.get_mut(..host.len()) else { return "" };
    if !host.bytes().any(|b| b.is_ascii_uppercase()) {
        return host;
    }
    buffer.copy_from_slice(host.as_bytes());
    buffer.make_ascii_lowercase();
    std::str::from_utf8(buffer).unwrap_or_default()
}

/// The host of a `Host` header as the client wrote it, without port and without one trailing dot.
pub(crate) fn without_port(header: &str) -> &str {
    let end = match header.strip_prefix('[') {
        Some(address) => address.find(']').map_or(header.len(), |bracket| bracket + 2),
        None => memchr::memchr(b':', header.as_bytes()).unwrap_or(header.len()),
    };
    let host = &header[..end];
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_port_dot_and_case() {
        for (header, host) in [
            ("shop.example.com", "shop.example.com"),
            ("Shop.EXAMPLE.com:8080", "shop.example.com"),
            ("h.", "h"),
            ("h.:80", "h"),
            ("h..", "h."),
            ("[::1]:8443", "[::1]"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("[broken", "[broken"),
            ("192.0.2.10:80", "192.0.2.10"),
            (":80", ""),
            ("", ""),
            ("\u{c9}X", "\u{c9}x"),
        ] {
            assert_eq!(canonical_host(header, &mut [0; HOST_LIMIT]), host, "{header}");
        }
    }

    #[test]
    fn a_host_that_is_too_long_is_none() {
        let longest = "a".repeat(HOST_LIMIT);
        assert_eq!(canonical_host(&longest, &mut [0; HOST_LIMIT]), longest);
        assert_eq!(canonical_host(&format!("{longest}a"), &mut [0; HOST_LIMIT]), "");
    }
}
