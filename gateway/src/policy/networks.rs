//! Sets of IP networks. Ten thousand networks cost a look-up no more than ten.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixSet;
use std::net::IpAddr;

/// A set of networks.
#[derive(Debug, Default)]
pub(super) struct Networks {
    v4: PrefixSet<Ipv4Net>,
    v6: PrefixSet<Ipv6Net>,
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
