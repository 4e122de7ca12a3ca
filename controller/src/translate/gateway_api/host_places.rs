//! The hosts of entry points, found by the names that cover them.

use gateway::config::{EntryPoint, HostName};
use std::collections::BTreeMap;

/// A host at an entry point.
pub(in crate::translate) type HostPlace = (EntryPoint, HostName);

/// The hosts that something makes hosts of entry points, and how many do.
#[derive(Debug, Default)]
pub(super) struct HostPlaces(BTreeMap<(EntryPoint, String), (HostName, usize)>);

impl HostPlaces {
    pub(super) fn contain(&self, (entry, name): &HostPlace) -> bool {
        self.0.contains_key(&(*entry, from_the_right(name)))
    }

    pub(super) fn add(&mut self, (entry, name): HostPlace) {
        let (_, count) = self.0.entry((entry, from_the_right(&name))).or_insert((name, 0));
        *count += 1;
    }

    pub(super) fn remove(&mut self, (entry, name): &HostPlace) {
        let key = (*entry, from_the_right(name));
        if let Some((_, count)) = self.0.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&key);
            }
        }
    }

    /// A place, and those that its name has a say on: what it covers at its entry point.
    pub(super) fn below(&self, place: &HostPlace) -> Vec<HostPlace> {
        let (entry, name) = place;
        let beginning = match name {
            HostName::Any => String::new(),
            HostName::Subdomains(suffix) => reversed(suffix) + ".",
            _ => return vec![place.clone()],
        };
        let from_there = self.0.range((*entry, beginning.clone())..);
        let covered = from_there.take_while(|((at, key), _)| at == entry && key.starts_with(&beginning));
        std::iter::once(place.clone()).chain(covered.map(|(_, (name, _))| (*entry, name.clone()))).collect()
    }
}

/// The labels of a name from the right to the left, so that those that a name covers stand together.
fn from_the_right(name: &HostName) -> String {
    match name {
        HostName::Any => String::new(),
        HostName::Exact(text) => reversed(text),
        HostName::Wildcard(suffix) | HostName::Subdomains(suffix) => reversed(suffix) + ".*",
        HostName::Pattern(text) => format!("~{text}"),
    }
}

fn reversed(text: &str) -> String {
    text.rsplit('.').collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::super::host_names::{covers, parse};
    use super::*;
    use std::collections::BTreeSet;

    const NAMES: [&str; 9] = ["", "b", "ab", "a.b", "c.a.b", "a-b", "*.b", "*.a.b", "*.ab"];

    fn names() -> impl Iterator<Item = HostName> {
        NAMES.iter().map(|text| parse(Some(text)).expect("a host name"))
    }

    #[test]
    fn what_a_name_covers_is_below_it() {
        let mut places = HostPlaces::default();
        let all =
            || [EntryPoint::Http, EntryPoint::Https].into_iter().flat_map(|at| names().map(move |name| (at, name)));
        all().for_each(|place| places.add(place));
        for place in all() {
            let (entry, name) = &place;
            let covered: BTreeSet<_> = all().filter(|(at, other)| at == entry && covers(name, other)).collect();
            assert_eq!(places.below(&place).into_iter().collect::<BTreeSet<_>>(), covered, "{place:?}");
        }
    }

    #[test]
    fn a_place_is_there_as_long_as_somebody_makes_it_one() {
        let mut places = HostPlaces::default();
        let place = || (EntryPoint::Http, HostName::Exact("a.b".into()));
        places.add(place());
        places.add(place());
        places.remove(&place());
        assert!(places.contain(&place()) && !places.contain(&(EntryPoint::Https, place().1)));
        places.remove(&place());
        assert!(!places.contain(&place()));
        let below = places.below(&(EntryPoint::Http, HostName::Any));
        assert_eq!(below, [(EntryPoint::Http, HostName::Any)], "itself, though nobody makes it one");
    }
}
