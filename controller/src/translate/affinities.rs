use super::claims::References;
use gateway::config::{Affinity, ServiceBackend};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The affinity of backends: as in ingress-nginx, one for all routes to a backend, of whichever Ingress.
#[derive(Debug, Default)]
pub(super) struct Affinities(BTreeMap<ServiceBackend, Arc<Affinity>>);

impl Affinities {
    /// That of a backend.
    pub(super) fn of(&self, backend: &ServiceBackend) -> Option<&Arc<Affinity>> {
        self.0.get(backend)
    }

    /// Looks at these backends again. Returns those whose affinity is another one now.
    pub(super) fn update(
        &mut self,
        backends: &BTreeSet<ServiceBackend>,
        references: &References,
    ) -> BTreeSet<ServiceBackend> {
        let mut changed = BTreeSet::new();
        for backend in backends {
            let affinity = references.affinity(backend);
            if self.of(backend) != affinity.as_ref() {
                changed.insert(backend.clone());
                match affinity {
                    Some(affinity) => drop(self.0.insert(backend.clone(), affinity)),
                    None => drop(self.0.remove(backend)),
                }
            }
        }
        changed
    }
}
