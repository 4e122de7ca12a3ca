use crate::object::ObjectKey;
use gateway::config::ServiceBackend;
use gateway::telemetry::Orphan;
use std::collections::{BTreeMap, BTreeSet};

/// The Ingresses with routes to Service ports that cannot serve, and which of them changed.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    by_backend: BTreeMap<ServiceBackend, BackendOrphans>,
    /// On account of how many backends an Ingress is an orphan.
    counts: BTreeMap<(ObjectKey, Orphan), usize>,
    changed: BTreeSet<(ObjectKey, Orphan)>,
}

/// Why a Service port cannot serve, and the Ingresses with routes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BackendOrphans {
    pub(super) why: Orphan,
    pub(super) ingresses: BTreeSet<ObjectKey>,
}

impl Orphans {
    /// Sets what becomes of the Ingresses of a backend, in place of what did before; `None` if it serves.
    pub(super) fn set(&mut self, backend: &ServiceBackend, orphans: Option<BackendOrphans>) {
        let former = match &orphans {
            Some(orphans) => self.by_backend.insert(backend.clone(), orphans.clone()),
            None => self.by_backend.remove(backend),
        };
        if former == orphans {
            return;
        }
        for (ingress, why) in former.into_iter().flat_map(BackendOrphans::each) {
            self.remove((ingress, why));
        }
        for (ingress, why) in orphans.into_iter().flat_map(BackendOrphans::each) {
            *self.counts.entry((ingress.clone(), why)).or_default() += 1;
            self.changed.insert((ingress, why));
        }
    }

    fn remove(&mut self, orphan: (ObjectKey, Orphan)) {
        if let Some(count) = self.counts.get_mut(&orphan) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&orphan);
            }
        }
        self.changed.insert(orphan);
    }

    /// The Ingresses that may have become orphans since the last call, or no longer are, and whether they are.
    pub(super) fn take_changes(&mut self) -> Vec<(ObjectKey, Orphan, bool)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed
            .map(|orphan| {
                let is_orphan = self.counts.contains_key(&orphan);
                (orphan.0, orphan.1, is_orphan)
            })
            .collect()
    }
}

impl BackendOrphans {
    fn each(self) -> impl Iterator<Item = (ObjectKey, Orphan)> {
        self.ingresses.into_iter().map(move |ingress| (ingress, self.why))
    }
}
