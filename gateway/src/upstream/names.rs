use crate::config::BackendId;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// A name to resolve for as long as it is wanted. A name that is dropped and named again is a new want, so that it is
/// resolved again even if no request found it missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Want {
    pub(super) name: Arc<str>,
    number: u64,
}

/// The DNS names that backends have, and their addresses. Backends with the same name share one resolution.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashMap<Arc<str>, Known>,
    wanted: watch::Sender<BTreeSet<Want>>,
    wants: u64,
}

#[derive(Debug)]
struct Known {
    want: Want,
    backends: BTreeSet<BackendId>,
    /// `None` until the first resolution succeeded or failed.
    addresses: Option<Box<[IpAddr]>>,
}

impl Names {
    /// What is wanted, and each change of it.
    pub(super) fn wanted(&self) -> watch::Receiver<BTreeSet<Want>> {
        self.wanted.subscribe()
    }

    /// `backend` has this name from now on.
    pub(super) fn claim(&mut self, name: &Arc<str>, backend: &BackendId) {
        let known = self.known.entry(Arc::clone(name)).or_insert_with(|| {
            self.wants += 1;
            let want = Want { name: Arc::clone(name), number: self.wants };
            self.wanted.send_if_modified(|wanted| wanted.insert(want.clone()));
            Known { want, backends: BTreeSet::new(), addresses: None }
        });
        known.backends.insert(backend.clone());
    }

    /// `backend` does not have this name any more. The last one to say so ends its resolution.
    pub(super) fn release(&mut self, name: &str, backend: &BackendId) {
        let Some(known) = self.known.get_mut(name) else { return };
        known.backends.remove(backend);
        if known.backends.is_empty() {
            self.wanted.send_if_modified(|wanted| wanted.remove(&known.want));
            self.known.remove(name);
        }
    }

    /// The addresses of a name; `None` while its first resolution is under way.
    pub(super) fn addresses(&self, name: &str) -> Option<&[IpAddr]> {
        self.known.get(name)?.addresses.as_deref()
    }

    /// Whether a name waits for its first resolution.
    pub(super) fn is_resolving(&self) -> bool {
        self.known.values().any(|known| known.addresses.is_none())
    }

    /// The backends that have the name of a want.
    pub(super) fn backends(&self, want: &Want) -> impl Iterator<Item = &BackendId> {
        self.known.get(&want.name).filter(|known| known.want == *want).into_iter().flat_map(|known| &known.backends)
    }

    /// Remembers the outcome of a resolution: addresses, or a failure, which takes nothing away from a name that has
    /// resolved before. Whether this changed anything.
    pub(super) fn record(&mut self, want: &Want, outcome: Option<Vec<IpAddr>>) -> bool {
        let Some(known) = self.known.get_mut(&want.name).filter(|known| known.want == *want) else { return false };
        let addresses = match (outcome, &known.addresses) {
            (Some(addresses), _) => addresses.into(),
            (None, None) => Box::default(),
            (None, Some(_)) => return false,
        };
        let changed = known.addresses.as_ref() != Some(&addresses);
        known.addresses = Some(addresses);
        changed
    }
}
