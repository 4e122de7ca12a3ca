//! Which Gateway's port is served on which target port.

use crate::gateway_api::{TARGET_PORTS, target_port};
use std::collections::{BTreeMap, BTreeSet};
use twox_hash::XxHash3_64;

/// What changes of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Assigned {
    /// Entries that come, and with `None` those that go.
    pub(super) changes: BTreeMap<String, Option<String>>,
    /// Those that wait in vain, because the range is used up.
    pub(super) unserved: BTreeSet<String>,
}

/// Gives each of `wanted` a target port, and takes those away that nobody wants or names. `reserved` are never given.
pub(super) fn assign(
    list: &BTreeMap<String, String>,
    wanted: &BTreeSet<String>,
    is_named: impl Fn(u16) -> bool,
    is_reserved: impl Fn(u16) -> bool,
) -> Assigned {
    let mut assigned = Assigned::default();
    let mut served = BTreeSet::new();
    for (key, owner) in list {
        let port = target_port(key);
        let is_first = port.is_some() && wanted.contains(owner) && served.insert(owner.as_str());
        if !is_first && !port.is_some_and(&is_named) {
            assigned.changes.insert(key.clone(), None);
        }
    }
    for owner in wanted.iter().filter(|owner| !served.contains(owner.as_str())) {
        // One that has just become free is left alone: somebody may not have heard of that yet.
        let is_taken = |port: &u16| {
            let key = port.to_string();
            list.contains_key(&key) || assigned.changes.contains_key(&key) || is_reserved(*port)
        };
        match candidates(owner).find(|port| !is_taken(port)) {
            Some(port) => drop(assigned.changes.insert(port.to_string(), Some(owner.clone()))),
            None => drop(assigned.unserved.insert(owner.clone())),
        }
    }
    assigned
}

/// All target ports, in an order of its own for each owner: what a port was used for last is seldom used again soon.
fn candidates(owner: &str) -> impl Iterator<Item = u16> + use<> {
    let first = usize::try_from(XxHash3_64::oneshot(owner.as_bytes())).unwrap_or_default() % TARGET_PORTS.len();
    TARGET_PORTS.skip(first).chain(TARGET_PORTS.take(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, owner)| ((*key).to_owned(), (*owner).to_owned())).collect()
    }

    fn owners(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// The list after one change.
    fn after(mut list: BTreeMap<String, String>, assigned: &Assigned) -> BTreeMap<String, String> {
        for (key, owner) in &assigned.changes {
            match owner {
                Some(owner) => drop(list.insert(key.clone(), owner.clone())),
                None => drop(list.remove(key)),
            }
        }
        list
    }

    #[test]
    fn each_port_of_a_gateway_has_one_and_keeps_it() {
        let wanted = owners(&["shop/edge:80/TCP", "shop/edge:443/TCP", "blog/edge:80/TCP"]);
        let first = after(BTreeMap::new(), &assign(&BTreeMap::new(), &wanted, |_| false, |_| false));
        assert_eq!(first.values().cloned().collect::<BTreeSet<_>>(), wanted);
        assert_eq!(assign(&first, &wanted, |_| false, |_| false), Assigned::default());
        let more = &wanted | &owners(&["blog/edge:443/TCP"]);
        let assigned = assign(&first, &more, |_| false, |_| false);
        assert!(assigned.changes.values().all(Option::is_some), "{assigned:?}");
    }

    #[test]
    fn one_that_nobody_wants_goes_when_nothing_leads_there_any_more() {
        let now = list(&[("20001", "shop/edge:80/TCP"), ("20002", "gone/edge:80/TCP")]);
        let wanted = owners(&["shop/edge:80/TCP"]);
        assert_eq!(assign(&now, &wanted, |port| port == 20_002, |_| false), Assigned::default());
        let assigned = assign(&now, &wanted, |_| false, |_| false);
        assert_eq!(assigned.changes, BTreeMap::from([("20002".to_owned(), None)]));
    }

    #[test]
    fn what_is_no_entry_goes() {
        let now = list(&[("80", "shop/edge:80/TCP"), ("020001", "x"), ("20001", "a:1/TCP"), ("20002", "a:1/TCP")]);
        let assigned = assign(&now, &owners(&["a:1/TCP"]), |_| false, |_| false);
        let gone: Vec<_> = assigned.changes.keys().map(String::as_str).collect();
        assert_eq!(gone, ["020001", "20002", "80"]);
    }

    #[test]
    fn a_range_has_an_end() {
        let all: BTreeMap<_, _> = TARGET_PORTS.map(|port| (port.to_string(), format!("a:{port}/TCP"))).collect();
        let wanted = &all.values().cloned().collect::<BTreeSet<_>>() | &owners(&["b:80/TCP"]);
        assert_eq!(assign(&all, &wanted, |_| false, |_| false).unserved, owners(&["b:80/TCP"]));
        let reserved = assign(&BTreeMap::new(), &owners(&["b:80/TCP"]), |_| false, |_| true);
        assert_eq!(reserved.unserved, owners(&["b:80/TCP"]));
    }
}
