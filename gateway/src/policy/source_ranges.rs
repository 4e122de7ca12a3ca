//! `denylist-source-range` and `allowlist-source-range`: 403 for clients by their address.

use super::Verdict;
use super::networks::Networks;
use crate::config;
use crate::request::{Reason, Reply};
use std::net::IpAddr;

/// Compiled lists of networks.
#[derive(Debug)]
pub struct SourceRanges {
    deny: Networks,
    allow: Option<Networks>,
}

impl SourceRanges {
    /// Compiles the lists; `None` if they admit all clients.
    pub fn compile(ranges: &config::SourceRanges) -> Option<Self> {
        let config::SourceRanges { deny, allow } = ranges;
        if deny.is_empty() && allow.is_none() {
            return None;
        }
        Some(Self { deny: Networks::new(deny), allow: allow.as_deref().map(Networks::new) })
    }
}

/// What the lists say of a client. As in nginx the deny list comes first, and does not allow whom it does not name.
pub(crate) fn check(ranges: Option<&SourceRanges>, client: IpAddr) -> Verdict {
    let Some(SourceRanges { deny, allow }) = ranges else { return Verdict::Silent };
    match allow {
        Some(allow) if !deny.contain(client) && allow.contain(client) => Verdict::Allowed,
        None if !deny.contain(client) => Verdict::Silent,
        _ => Verdict::Refused(Reply::new(403, Reason::SourceRange)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::IpNet;

    fn networks(list: &[&str]) -> Vec<IpNet> {
        list.iter().map(|network| network.parse().expect("a network")).collect()
    }

    fn admits(deny: &[&str], allow: Option<&[&str]>, client: &str) -> bool {
        let allow = allow.map(|allow| networks(allow).into());
        let ranges = SourceRanges::compile(&config::SourceRanges { deny: networks(deny).into(), allow });
        !matches!(check(ranges.as_ref(), client.parse().expect("an address")), Verdict::Refused(_))
    }

    #[test]
    fn the_denied_come_before_the_allowed() {
        assert!(admits(&[], None, "192.0.2.1"));
        assert!(!admits(&["192.0.2.0/24"], None, "192.0.2.1"));
        assert!(admits(&["192.0.2.0/24"], None, "192.0.3.1"));
        assert!(admits(&[], Some(&["10.0.0.0/8", "2001:db8::/32"]), "10.1.2.3"));
        assert!(admits(&[], Some(&["10.0.0.0/8", "2001:db8::/32"]), "2001:db8::1"));
        assert!(!admits(&[], Some(&["10.0.0.0/8", "2001:db8::/32"]), "11.0.0.1"));
        assert!(!admits(&["10.1.0.0/16"], Some(&["10.0.0.0/8"]), "10.1.2.3"));
        assert!(admits(&["10.1.0.0/16"], Some(&["10.0.0.0/8"]), "10.2.2.3"));
        assert!(admits(&[], Some(&["0.0.0.0/0"]), "203.0.113.7") && !admits(&[], Some(&["0.0.0.0/0"]), "::1"));
        assert!(!admits(&[], Some(&[]), "203.0.113.7"), "a list of nobody");
        assert!(!admits(&["192.0.2.77/24"], None, "192.0.2.1"), "bits below the prefix do not count");
    }
}
