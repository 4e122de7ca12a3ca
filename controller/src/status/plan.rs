//! Which statuses to write: from what is served, what each status says, and our addresses. Pure.
//!
//! What is not known clears nothing: without addresses there is nothing to write, and only an Ingress that was served,
//! and no longer is, loses what is ours in its status.

use super::observation::Observation;
use crate::address::Address;
use crate::object::ObjectKey;
use std::collections::{BTreeSet, HashMap};

/// A status to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patch {
    /// Of which Ingress.
    pub(super) key: ObjectKey,
    /// What it said, in its order.
    pub(super) before: Vec<Address>,
    /// What it is to say; when this is empty, `before` is to be taken away, if it still is there.
    pub(super) after: Vec<Address>,
}

/// What is known of all Ingresses, and which of them to look at.
#[derive(Debug, Default)]
pub(super) struct Plan {
    ingresses: HashMap<ObjectKey, StatusState>,
    /// Ours, sorted; empty until they are known.
    addresses: Vec<Address>,
    due: BTreeSet<ObjectKey>,
    /// Those that a patch is under way for, since a second one might overtake it; and whether they were
    /// observed meanwhile, which may be newer than the patch.
    writing: HashMap<ObjectKey, bool>,
}

/// What is known of an Ingress.
#[derive(Debug, Default)]
struct StatusState {
    is_served: bool,
    /// It has changed, and whether it is served will be reported: until then it may be another controller's already.
    is_pending: bool,
    /// It was served, and its status may still say so.
    was_served: bool,
    status: Vec<Address>,
}

impl Plan {
    /// Takes in what was observed of an Ingress.
    pub(super) fn record(&mut self, observation: Observation) {
        match observation {
            Observation::Changed(key) => {
                if let Some(state) = self.ingresses.get_mut(&key) {
                    state.is_pending = true;
                }
            }
            Observation::Ingress(key, status) => {
                if let Some(was_observed) = self.writing.get_mut(&key) {
                    *was_observed = true;
                }
                let state = self.ingresses.entry(key).or_default();
                // Somebody took care of it.
                state.was_served &= status == state.status;
                state.status = status;
            }
            Observation::Gone(key) => {
                self.due.remove(&key);
                self.ingresses.remove(&key);
            }
            Observation::Served(key, is_served) => {
                let Some(state) = self.ingresses.get_mut(&key) else { return };
                state.was_served = !is_served && (state.is_served || state.was_served);
                state.is_served = is_served;
                state.is_pending = false;
                self.due.insert(key);
            }
            Observation::Object(..)
            | Observation::Statuses(_)
            | Observation::Unopened(_)
            | Observation::Service(_)
            | Observation::Infrastructure(..) => {}
        }
    }

    /// These are our addresses now. None says that they are not known, and changes nothing.
    pub(super) fn publish(&mut self, mut addresses: Vec<Address>) {
        addresses.sort();
        addresses.dedup();
        if !addresses.is_empty() && addresses != self.addresses {
            self.addresses = addresses;
            self.review();
        }
    }

    /// Every status is to be looked at again.
    pub(super) fn review(&mut self) {
        self.due.extend(self.ingresses.keys().cloned());
    }

    /// The next status that differs from what it should be.
    pub(super) fn next(&mut self) -> Option<Patch> {
        loop {
            let key = self.due.iter().find(|key| !self.writing.contains_key(*key)).cloned()?;
            self.due.remove(&key);
            if let Some(patch) = self.patch(&key) {
                self.writing.insert(key, false);
                return Some(patch);
            }
        }
    }

    /// How many patches are under way.
    pub(super) fn writing(&self) -> usize {
        self.writing.len()
    }

    /// A patch was written.
    pub(super) fn written(&mut self, patch: Patch) {
        let was_observed = self.writing.remove(&patch.key).unwrap_or_default();
        let Some(state) = self.ingresses.get_mut(&patch.key) else { return };
        state.was_served &= !patch.after.is_empty();
        if !was_observed {
            state.status = patch.after;
        }
    }

    /// A patch was not written, and will not be until its Ingress is looked at again.
    pub(super) fn refused(&mut self, patch: &Patch) {
        self.writing.remove(&patch.key);
    }

    /// A patch was not written for now.
    pub(super) fn failed(&mut self, patch: &Patch) {
        self.writing.remove(&patch.key);
        if self.ingresses.contains_key(&patch.key) {
            self.due.insert(patch.key.clone());
        }
    }

    /// What takes our addresses away everywhere.
    pub(super) fn withdrawal(&self) -> Vec<Patch> {
        let ours = self
            .ingresses
            .iter()
            .filter(|(_, state)| (state.is_served || state.was_served) && is_same(&state.status, &self.addresses));
        let taken = |(key, state): (&ObjectKey, &StatusState)| removal(key, state);
        ours.map(taken).filter(|patch| !patch.before.is_empty()).collect()
    }

    fn patch(&self, key: &ObjectKey) -> Option<Patch> {
        let state = self.ingresses.get(key)?;
        let is_ours = is_same(&state.status, &self.addresses);
        if self.addresses.is_empty() || state.is_pending {
            None
        } else if state.is_served && !is_ours {
            let after = self.addresses.clone();
            Some(Patch { key: key.clone(), before: state.status.clone(), after })
        } else if state.was_served && is_ours {
            Some(removal(key, state))
        } else {
            None
        }
    }
}

fn removal(key: &ObjectKey, state: &StatusState) -> Patch {
    Patch { key: key.clone(), before: state.status.clone(), after: Vec::new() }
}

/// Whether a status says these addresses, which are sorted, in whatever order.
fn is_same(status: &[Address], sorted: &[Address]) -> bool {
    let mut status: Vec<_> = status.iter().collect();
    status.sort();
    status.into_iter().eq(sorted)
}

#[cfg(test)]
mod tests;
