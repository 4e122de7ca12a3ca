//! What the statuses of objects are to say, and which were told anew.

use crate::gateway_api::ObjectStatus;
use crate::object::ObjectKey;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The statuses of the objects that are ours. Whoever writes them shares them.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    all: BTreeMap<ObjectKey, Arc<ObjectStatus>>,
    told: BTreeSet<ObjectKey>,
}

impl Statuses {
    /// The status of an object says this, or nothing of us.
    pub(super) fn set(&mut self, key: &ObjectKey, status: Option<ObjectStatus>) {
        match status {
            Some(status) => drop(self.all.insert(key.clone(), Arc::new(status))),
            None => drop(self.all.remove(key)),
        }
        self.told.insert(key.clone());
    }

    /// Those of all objects that are ours.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &ObjectStatus)> {
        self.all.iter().map(|(key, status)| (key, status.as_ref()))
    }

    /// Those that were set since they were taken last.
    pub(super) fn take(&mut self) -> Vec<(ObjectKey, Option<Arc<ObjectStatus>>)> {
        let told = std::mem::take(&mut self.told).into_iter();
        told.map(|key| (key.clone(), self.all.get(&key).cloned())).collect()
    }
}
