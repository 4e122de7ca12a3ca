//! `allow` and `deny`, of which the first rule that an address is in counts, as two lists of which the one that denies counts
//! first.

use crate::route_defaults::AccessRule;
use gateway::config::SourceRanges;
use ipnet::IpNet;

/// So many networks may come of the rules of a location.
const MAX_NETWORKS: usize = 10_000;

/// The same as lists. `None` if these would be too long.
pub(super) fn source_ranges(rules: &[AccessRule]) -> Option<SourceRanges> {
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    let mut all_others = None;
    for AccessRule { allows, networks } in rules {
        if networks.len() > 1 {
            // Of what comes after `all` nothing counts.
            all_others = Some(*allows);
            break;
        }
        if *allows {
            allowed.extend(networks);
        } else {
            denied.extend(networks.iter().flat_map(|network| without(*network, &allowed)));
        }
        if allowed.len() + denied.len() > MAX_NETWORKS {
            return None;
        }
    }
    denied.sort_unstable();
    denied.dedup();
    allowed.sort_unstable();
    allowed.dedup();
    Some(SourceRanges { deny: denied.into(), allow: (all_others == Some(false)).then(|| allowed.into()) })
}

/// A network without the addresses of others.
fn without(network: IpNet, others: &[IpNet]) -> Vec<IpNet> {
    others.iter().fold(vec![network], |parts, other| {
        parts.into_iter().take(MAX_NETWORKS + 1).flat_map(|part| difference(part, other)).collect()
    })
}

/// Of two networks one contains the other, or they have nothing in common.
fn difference(network: IpNet, other: &IpNet) -> Vec<IpNet> {
    if other.contains(&network) {
        return Vec::new();
    }
    if !network.contains(other) {
        return vec![network];
    }
    let mut parts = Vec::new();
    let mut rest = network;
    // Halves that do not contain the other, down to the one that is it.
    while rest != *other
        && let Ok(halves) = rest.subnets(rest.prefix_len() + 1)
    {
        let (inside, outside): (Vec<_>, Vec<_>) = halves.partition(|half| half.contains(other));
        parts.extend(outside);
        let Some(half) = inside.first() else { break };
        rest = *half;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn rule(allows: bool, network: &str) -> AccessRule {
        let networks = match network {
            "all" => vec!["0.0.0.0/0".parse().expect("a network"), "::/0".parse().expect("a network")],
            network => vec![network.parse().expect(network)],
        };
        AccessRule { allows, networks }
    }

    fn lets_in(ranges: &SourceRanges, address: IpAddr) -> bool {
        let is_in = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        !is_in(&ranges.deny) && ranges.allow.as_ref().is_none_or(|allow| is_in(allow))
    }

    #[test]
    fn usual_lists_stay_as_they_are() {
        let ranges = source_ranges(&[rule(false, "10.0.0.1/32"), rule(true, "10.0.0.0/8"), rule(false, "all")]);
        let ranges = ranges.expect("few");
        assert_eq!(*ranges.deny, ["10.0.0.1/32".parse::<IpNet>().expect("a network")]);
        assert_eq!(ranges.allow.as_deref(), Some(&["10.0.0.0/8".parse::<IpNet>().expect("a network")][..]));
        assert_eq!(source_ranges(&[]), Some(SourceRanges::default()));
        assert!(lets_in(
            &source_ranges(&[rule(true, "all"), rule(false, "all")]).expect("few"),
            Ipv4Addr::LOCALHOST.into()
        ));
        assert!(!lets_in(&source_ranges(&[rule(false, "all")]).expect("few"), Ipv4Addr::LOCALHOST.into()));
    }

    #[test]
    fn too_long_lists_are_refused() {
        let allowed = (0..1000_u32).map(|n| rule(true, &format!("{}/32", Ipv4Addr::from(n << 16 | 1))));
        let rules: Vec<_> = allowed.chain([rule(false, "0.0.0.0/1"), rule(false, "128.0.0.0/1")]).collect();
        assert_eq!(source_ranges(&rules), None);
    }

    proptest! {
        #[test]
        fn the_first_rule_counts(
            rules in proptest::collection::vec((any::<bool>(), 0..16_u8, 27..=32_u8), 0..8),
            last in proptest::option::of(any::<bool>()),
            host in 0..=32_u8,
        ) {
            let mut rules: Vec<_> = rules
                .into_iter()
                .map(|(allows, host, length)| {
                    let network = IpNet::new(Ipv4Addr::new(10, 0, 0, host).into(), length).expect("a length").trunc();
                    rule(allows, &network.to_string())
                })
                .collect();
            rules.extend(last.map(|allows| rule(allows, "all")));
            let address = IpAddr::from(Ipv4Addr::new(10, 0, 0, host));
            let first = rules.iter().find(|rule| rule.networks.iter().any(|network| network.contains(&address)));
            let ranges = source_ranges(&rules).expect("few");
            prop_assert_eq!(lets_in(&ranges, address), first.is_none_or(|rule| rule.allows));
        }
    }
}
