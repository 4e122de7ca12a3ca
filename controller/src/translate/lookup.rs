use crate::object::{Kind, ObjectKey};
use crate::store::Store;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::networking::v1::IngressClass;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The store, as one unit of translation sees it: what it looks for is recorded, found or not, so that the unit is
/// translated again when that changes.
pub struct Lookup<'a> {
    store: &'a Store,
    reads: RefCell<BTreeSet<ObjectKey>>,
}

impl<'a> Lookup<'a> {
    /// A view that has looked for nothing yet.
    pub fn new(store: &'a Store) -> Self {
        Self { store, reads: RefCell::default() }
    }

    /// The IngressClass of this name.
    pub fn ingress_class(&self, name: &str) -> Option<&'a Arc<IngressClass>> {
        self.record(Kind::IngressClass, "", name);
        self.store.ingress_class(name)
    }

    /// The Service of this name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&'a Arc<Service>> {
        self.record(Kind::Service, namespace, name);
        self.store.service(namespace, name)
    }

    /// The ConfigMap of this name.
    pub fn config_map(&self, namespace: &str, name: &str) -> Option<&'a Arc<ConfigMap>> {
        self.record(Kind::ConfigMap, namespace, name);
        self.store.config_map(namespace, name)
    }

    /// The Secret of this name.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<&'a Arc<Secret>> {
        self.record(Kind::Secret, namespace, name);
        self.store.secret(namespace, name)
    }

    /// All that was looked for.
    pub(super) fn reads(self) -> BTreeSet<ObjectKey> {
        self.reads.into_inner()
    }

    fn record(&self, kind: Kind, namespace: &str, name: &str) {
        self.reads.borrow_mut().insert(ObjectKey::new(kind, namespace, name));
    }
}

/// Which units read what: the way from a change to what it concerns.
#[derive(Debug)]
pub(super) struct Readers<Unit, Read> {
    reads: HashMap<Unit, BTreeSet<Read>>,
    readers: BTreeMap<Read, BTreeSet<Unit>>,
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
    pub(super) fn of(&self, read: &Read) -> impl Iterator<Item = &Unit> {
        self.readers.get(read).into_iter().flatten()
    }

    /// Sets what a unit reads, in place of what it read before.
    pub(super) fn set(&mut self, unit: &Unit, reads: BTreeSet<Read>) {
        if self.reads.get(unit) == Some(&reads) {
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
        for read in &reads {
            self.readers.entry(read.clone()).or_default().insert(unit.clone());
        }
        if !reads.is_empty() {
            self.reads.insert(unit.clone(), reads);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_follow_what_is_read() {
        let mut readers = Readers::default();
        readers.set(&"a", BTreeSet::from([1, 2]));
        readers.set(&"b", BTreeSet::from([2]));
        assert_eq!(readers.of(&2).collect::<Vec<_>>(), [&"a", &"b"]);
        readers.set(&"a", BTreeSet::from([1]));
        assert_eq!(readers.of(&2).collect::<Vec<_>>(), [&"b"]);
        readers.set(&"a", BTreeSet::new());
        assert_eq!(readers.of(&1).count(), 0);
    }
}
