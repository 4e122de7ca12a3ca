use super::small_map::{SmallMap, SmallSet};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Which units read what: the way from a change to what it concerns.
#[derive(Debug)]
pub(super) struct Readers<Unit, Read> {
    /// Ascending. Most units read one or two, and a node of a set has room for eleven.
    reads: HashMap<Unit, Box<[Read]>>,
    readers: BTreeMap<Read, SmallSet<Unit>>,
}

impl<Unit, Read> Default for Readers<Unit, Read> {
    fn default() -> Self {
        Self { reads: HashMap::new(), readers: BTreeMap::new() }
    }
}

impl<Unit, Read> Readers<Unit, Read>
where
    Unit: Clone + Ord + std::hash::Hash,
    Read: Clone + Ord,
{
    /// The units that read this.
    pub(super) fn of<'a>(&'a self, read: &Read) -> impl Iterator<Item = &'a Unit> + use<'a, Unit, Read> {
        self.readers.get(read).into_iter().flat_map(SmallMap::keys)
    }

    /// What a unit reads, ascending.
    pub(super) fn read_by(&self, unit: &Unit) -> &[Read] {
        self.reads.get(unit).map(AsRef::as_ref).unwrap_or_default()
    }

    /// Sets what a unit reads, in place of what it read before.
    pub(super) fn set(&mut self, unit: &Unit, reads: BTreeSet<Read>) {
        if self.reads.get(unit).is_some_and(|before| before.iter().eq(&reads)) {
            return;
        }
        for read in self.reads.remove(unit).into_iter().flatten() {
            if let Some(units) = self.readers.get_mut(&read) {
                units.remove(unit);
                if units.is_empty() {
                    self.readers.remove(&read);
                }
            }
        }
        // Those who read one thing share its name.
        let reads: Box<[Read]> = reads.into_iter().map(|read| self.known(&read).unwrap_or(read)).collect();
        for read in &reads {
            self.readers.entry(read.clone()).or_default().insert(unit.clone(), ());
        }
        if !reads.is_empty() {
            self.reads.insert(unit.clone(), reads);
        }
    }

    /// What somebody else reads already.
    fn known(&self, read: &Read) -> Option<Read> {
        self.readers.get_key_value(read).map(|(known, _)| known.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn readers_follow_what_is_read() {
        let mut readers = Readers::default();
        readers.set(&"a", BTreeSet::from([1, 2]));
        readers.set(&"b", BTreeSet::from([2]));
        assert_eq!(readers.of(&2).collect::<Vec<_>>(), [&"a", &"b"]);
        assert_eq!((readers.read_by(&"a"), readers.read_by(&"c")), (&[1, 2][..], &[][..]));
        readers.set(&"a", BTreeSet::from([1]));
        assert_eq!(readers.of(&2).collect::<Vec<_>>(), [&"b"]);
        readers.set(&"a", BTreeSet::new());
        assert_eq!(readers.of(&1).count(), 0);
    }

    #[test]
    fn who_reads_one_thing_shares_its_name() {
        let mut readers = Readers::default();
        for unit in [1, 2] {
            readers.set(&unit, BTreeSet::from([Arc::<str>::from("class")]));
        }
        let [first, second] = [1, 2].map(|unit| &readers.reads[&unit][0]);
        assert!(Arc::ptr_eq(first, second));
    }
}
