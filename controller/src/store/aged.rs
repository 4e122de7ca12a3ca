//! Objects of one kind of which the age matters: it decides conflicts.

use crate::object::{Age, ObjectKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An object with its key and age.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    /// Its key.
    pub key: ObjectKey,
    /// The object.
    pub object: Arc<T>,
    /// How old it is among others of its kind.
    pub age: Age,
}

/// Objects of one kind by namespace and name, found without building a key.
#[derive(Clone, Debug)]
pub struct Aged<T>(BTreeMap<Arc<str>, BTreeMap<Arc<str>, Stored<T>>>);

impl<T> Default for Aged<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Aged<T> {
    /// The object of this name; the namespace of kinds that are in none is empty.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Stored<T>> {
        self.0.get(namespace)?.get(name)
    }

    /// All of them, by namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = &Stored<T>> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// Those of a namespace, by name.
    pub fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Stored<T>> {
        self.0.get(namespace).into_iter().flat_map(BTreeMap::values)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the object is new, of another age or place, or not the `same` as it was.
    pub(super) fn insert(&mut self, stored: Stored<T>, same: impl Fn(&T, &T) -> bool) -> bool {
        let names = self.0.entry(stored.key.namespace.clone()).or_default();
        let is_same =
            names.get(&stored.key.name).is_some_and(|old| old.age == stored.age && same(&old.object, &stored.object));
        names.insert(stored.key.name.clone(), stored);
        !is_same
    }

    /// Whether there was such an object.
    pub(super) fn remove(&mut self, key: &ObjectKey) -> bool {
        let Some(names) = self.0.get_mut(&key.namespace) else { return false };
        let existed = names.remove(&key.name).is_some();
        if names.is_empty() {
            self.0.remove(&key.namespace);
        }
        existed
    }
}
