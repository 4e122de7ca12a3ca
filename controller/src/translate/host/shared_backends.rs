use gateway::config::RouteBackend;
use std::collections::HashMap;
use std::sync::Arc;

/// What the routes of an Ingress share.
pub(super) type Backends = Arc<[RouteBackend]>;

/// Backends that were changed: what routes shared before, they share afterwards, too.
#[derive(Default)]
pub(super) struct SharedBackends {
    /// What came of those at an address. The former ones are kept, so that it stays theirs.
    changed: HashMap<*const RouteBackend, (Backends, Backends)>,
}

impl SharedBackends {
    /// What comes of `backends`, which is made once.
    pub(super) fn change(&mut self, backends: &Backends, change: impl FnOnce() -> Backends) -> Backends {
        let key = Arc::as_ptr(backends).cast();
        let (_, changed) = self.changed.entry(key).or_insert_with(|| (Arc::clone(backends), change()));
        Arc::clone(changed)
    }
}
