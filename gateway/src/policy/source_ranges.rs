//! `denylist-source-range` and `allowlist-source-range`: 403 for clients by their address. Ten thousand networks cost a
//! request no more than ten.

use super::Verdict;
use crate::config;
use crate::request::{Reason, Reply};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixSet;
use std::net::IpAddr;

/// Compiled lists of networks.
#[derive(Debug)]
pub struct SourceRanges {
    deny: Networks,
    allow: Option<Networks>,
}

/// A set of networks.
#[derive(Debug, Default)]
pub(super) struct Networks {
    v4: PrefixSet<Ipv4Net>,
    v6: PrefixSet<Ipv6Net>,
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

impl Networks {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        let mut sets = Self::default();
        for network in networks {
            match network.trunc() {
                IpNet::V4(network) => drop(sets.v4.insert(network)),
                IpNet::V6(network) => drop(sets.v6.insert(network)),
            }
        }
        sets
    }

    pub(super) fn contain(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.get_lpm(&Ipv4Net::from(address)).is_some(),
            IpAddr::V6(address) => self.v6.get_lpm(&Ipv6Net::from(address)).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

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

    fn network() -> impl Strategy<Value = IpNet> {
        let v4 = (0..4u32, 0..=32u8)
            .prop_map(|(high, length)| IpNet::new(Ipv4Addr::from(high << 29 | high).into(), length).expect("a length"));
        let v6 = (0..4u128, 0..=128u8).prop_map(|(high, length)| {
            IpNet::new(Ipv6Addr::from(high << 125 | high).into(), length).expect("a length")
        });
        prop_oneof![v4, v6]
    }

    proptest! {
        #[test]
        fn a_set_holds_what_its_networks_hold(networks in prop::collection::vec(network(), 0..8), low in 0..4u32, high in 0..8u32) {
            let set = Networks::new(&networks);
            for address in [
                IpAddr::from(Ipv4Addr::from(high << 29 | low)),
                IpAddr::from(Ipv6Addr::from(u128::from(high) << 125 | u128::from(low))),
            ] {
                let expected = networks.iter().any(|network| network.contains(&address));
                prop_assert_eq!(set.contain(address), expected, "{} in {:?}", address, networks);
            }
        }
    }
}
