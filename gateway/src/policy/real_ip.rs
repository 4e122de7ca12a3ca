//! `set_real_ip_from` and what goes with it: the client's address, where a proxy is believed. As nginx's realip module.

use super::Invalid;
use super::networks::Networks;
use crate::config;
use crate::headers::{Fields, Headers};
use crate::request::forwarded_address;
use http::HeaderName;
use std::net::IpAddr;

/// Whose word is taken for a client's address.
#[derive(Debug, Default)]
pub struct RealIp {
    trusted: Networks,
    header: Option<HeaderName>,
    recursive: bool,
}

impl RealIp {
    /// Compiles it.
    ///
    /// # Errors
    /// The header cannot be one.
    pub(crate) fn compile(configured: &config::RealIp) -> Result<Self, Invalid> {
        let config::RealIp { trusted, header, recursive } = configured;
        let header = header.as_ref().map(|name| {
            let invalid = |_| Invalid { value: name.clone(), reason: "is not the name of a header".to_owned() };
            name.parse().map_err(invalid)
        });
        Ok(Self { trusted: Networks::new(trusted), header: header.transpose()?, recursive: *recursive })
    }

    /// The address of the client of a request that has come from this peer; `None` if the peer is the client, as far as it is
    /// believed.
    pub(crate) fn address(&self, headers: &Headers, peer: IpAddr) -> Option<IpAddr> {
        let header = self.header.as_ref()?;
        forwarded_address(headers.values(header.as_str()), peer, self.recursive, |address| {
            self.trusted.contain(address)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn address(values: &[&str], recursive: bool) -> Option<String> {
        let trusted = ["10.0.0.0/8", "192.0.2.7/32"].map(|network| network.parse().expect("a network")).into();
        let real_ip = config::RealIp { trusted, header: Some("x-client".into()), recursive };
        let real_ip = RealIp::compile(&real_ip).expect("valid");
        let name = HeaderName::from_static("x-client");
        let value = |text: &&str| (name.clone(), HeaderValue::from_str(text).expect("a value"));
        let headers = values.iter().map(value).collect();
        assert_eq!(real_ip.address(&headers, "198.51.100.1".parse().expect("an address")), None, "nobody is believed");
        real_ip.address(&headers, "10.0.0.1".parse().expect("an address")).map(|address| address.to_string())
    }

    #[test]
    fn the_last_address_counts_or_the_last_that_is_no_proxys() {
        for (values, last, first_untrusted) in [
            (&["1.1.1.1"][..], Some("1.1.1.1"), Some("1.1.1.1")),
            (&["1.1.1.1, 192.0.2.7"], Some("192.0.2.7"), Some("1.1.1.1")),
            (&["1.1.1.1", "2.2.2.2, 10.1.1.1"], Some("10.1.1.1"), Some("2.2.2.2")),
            (&["[2001:db8::1]:80"], Some("2001:db8::1"), Some("2001:db8::1")),
            (&["1.1.1.1, nobody, 10.1.1.1"], Some("10.1.1.1"), Some("10.1.1.1")),
            (&["nobody"], None, None),
            (&[""], None, None),
            (&[], None, None),
        ] {
            assert_eq!(address(values, false).as_deref(), last, "{values:?}");
            assert_eq!(address(values, true).as_deref(), first_untrusted, "{values:?}");
        }
    }
}
