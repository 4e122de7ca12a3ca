//! Addresses: those under which Adit is reached, those that it must not be sent to, and URLs that name a server.

use crate::object::is_name;
use gateway::config::{is_forbidden, is_loopback};
use http::Uri;
use http::uri::{Authority, Scheme};
use std::net::IpAddr;
use std::str::FromStr;

/// An address of a load balancer, as the status of Ingresses and Services has it. IP addresses come before names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// An IP address, as it was written.
    Ip(String),
    /// A host name.
    Hostname(String),
}

impl Address {
    /// From an entry of a status, where the IP address counts if there are both; `None` if there is neither.
    pub fn of(ip: Option<&str>, hostname: Option<&str>) -> Option<Self> {
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        given(ip).map(Self::Ip).or_else(|| given(hostname).map(Self::Hostname))
    }
}

impl FromStr for Address {
    type Err = &'static str;

    /// Takes an IP address, or a name that the API server accepts as a host's.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Self::Ip(text.to_owned()));
        }
        if is_name(text) {
            Ok(Self::Hostname(text.to_owned()))
        } else {
            Err("is neither an IP address nor a host name in lower case")
        }
    }
}

/// What a host must be that [`is_off_limits`].
pub(crate) const OFF_LIMITS: &str = "is not allowed: expected neither this machine, nor a link-local, multicast or \
     unspecified address, nor a cloud's metadata service";

/// Whether nobody may have Adit send requests to a host, which may end with a dot: it is this machine itself, or an
/// address that no backend may have. Names are resolved later, by the gateway, which refuses the same addresses.
pub(crate) fn is_off_limits(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => is_loopback(address) || is_forbidden(address),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// The scheme of a URL that names a server and nothing more, and its host and port: neither a user before the host, nor
/// anything but a port and a slash behind it.
pub(crate) fn server_of(url: &str) -> Option<(Scheme, Authority)> {
    let parts = url.parse::<Uri>().ok()?.into_parts();
    let is_plain = |authority: &Authority| {
        let port = authority.as_str().strip_prefix(authority.host());
        !authority.host().is_empty() && (port == Some("") || port.is_some() && authority.port_u16().is_some())
    };
    let is_bare = parts.path_and_query.is_none_or(|path| path == "/");
    let authority = parts.authority.filter(is_plain).filter(|_| is_bare)?;
    Some((parts.scheme?, authority))
}

/// The host as sockets take it: an IPv6 address without its brackets.
pub(crate) fn host_to_connect(authority: &Authority) -> &str {
    authority.host().trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Address {
        Address::Ip(text.into())
    }

    fn name(text: &str) -> Address {
        Address::Hostname(text.into())
    }

    #[test]
    fn this_machine_has_many_names() {
        for host in [
            "127.0.0.1",
            "127.9.9.9.",
            "0.0.0.0",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "Localhost.",
            "a.localhost",
            "169.254.169.254.",
            "fe80::1",
        ] {
            assert!(is_off_limits(host), "{host}");
        }
        for host in ["", "10.0.0.1", "notlocalhost", "localhost.example", "2001:db8::1"] {
            assert!(!is_off_limits(host), "{host}");
        }
    }

    #[test]
    fn an_address_is_an_ip_or_a_name() {
        assert_eq!(["1.2.3.4", "2001:db8::1"].map(str::parse), [Ok(ip("1.2.3.4")), Ok(ip("2001:db8::1"))]);
        assert_eq!("lb-1.example.com".parse(), Ok(name("lb-1.example.com")));
        for text in ["", "-a", "a-", "a..b", "A.com", "a b", "a:80", "http://a"] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
        let mut sorted = vec![name("a"), ip("9.0.0.1"), ip("10.0.0.1")];
        sorted.sort();
        assert_eq!(sorted, [ip("10.0.0.1"), ip("9.0.0.1"), name("a")]);
    }
}
