//! What one watch says of its objects, and which of them a list no longer has. Pure.

use super::arrival::Arrival;
use crate::diagnostic::Diagnostic;
use crate::object::{Kind, ObjectKey, Observed};
use crate::source::manifest::{Typed, key, observe};
use std::collections::HashSet;

/// What a watch brings.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WatchEvent {
    /// A list begins. One that began before and did not end says nothing of what is gone.
    Listing,
    /// An object of the list, or a changed one.
    Apply(Arrival),
    /// An object went away.
    Delete(Arrival),
    /// The list has ended: what it did not have is gone.
    Listed,
}

/// What is known of one object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ObjectState {
    pub(super) key: ObjectKey,
    pub(super) presence: Presence,
    /// All that is wrong with it.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Whether an object is there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Presence {
    /// It is there, and is this.
    Present(Observed),
    /// It cannot be read: it stays what it was, if it was anything.
    Malformed,
    /// It went away.
    Gone,
}

/// The objects of one watch.
#[derive(Debug)]
pub(super) struct Objects {
    kind: Kind,
    keys: HashSet<ObjectKey>,
    /// Those that the list has had so far, while one runs.
    listed: Option<HashSet<ObjectKey>>,
}

impl Objects {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, keys: HashSet::new(), listed: None }
    }

    /// Takes an event in: the states that follow from it.
    pub(super) fn handle(&mut self, event: WatchEvent) -> Vec<ObjectState> {
        match event {
            WatchEvent::Listing => {
                self.listed = Some(HashSet::new());
                Vec::new()
            }
            WatchEvent::Apply(arrival) => vec![self.apply(&arrival)],
            WatchEvent::Delete(arrival) => {
                let key = key(self.kind, &arrival.0);
                self.keys.remove(&key);
                vec![gone(key)]
            }
            WatchEvent::Listed => {
                let listed = self.listed.take().unwrap_or_default();
                std::mem::replace(&mut self.keys, listed.clone())
                    .into_iter()
                    .filter(|key| !listed.contains(key))
                    .map(gone)
                    .collect()
            }
        }
    }

    /// Everything is gone: the watch ends.
    pub(super) fn forget(self) -> Vec<ObjectState> {
        self.keys.into_iter().map(gone).collect()
    }

    fn apply(&mut self, arrival: &Arrival) -> ObjectState {
        let key = key(self.kind, &arrival.0);
        self.keys.insert(key.clone());
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
        match observe(self.kind, &arrival.0) {
            // The API server has dropped unknown fields already. Those that only we do not know are nobody's mistake.
            Ok(Typed { mut observed, findings, .. }) => {
                // One key for all who keep it.
                observed.key.clone_from(&key);
                ObjectState { key, presence: Presence::Present(observed), diagnostics: findings }
            }
            Err(wrong) => ObjectState { key, presence: Presence::Malformed, diagnostics: vec![wrong] },
        }
    }
}

fn gone(key: ObjectKey) -> ObjectState {
    ObjectState { key, presence: Presence::Gone, diagnostics: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn service(name: &str) -> Arrival {
        Arrival(json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}}))
    }

    fn changed(objects: &mut Objects, events: impl IntoIterator<Item = WatchEvent>) -> Vec<String> {
        let mut changed: Vec<_> = events
            .into_iter()
            .flat_map(|event| objects.handle(event))
            .map(|state| match state.presence {
                Presence::Present(_) => format!("+{}", state.key.name),
                Presence::Malformed => format!("?{}", state.key.name),
                Presence::Gone => format!("-{}", state.key.name),
            })
            .collect();
        changed.sort();
        changed
    }

    #[test]
    fn what_a_list_no_longer_has_is_gone() {
        let mut objects = Objects::new(Kind::Service);
        let list =
            [WatchEvent::Listing, WatchEvent::Apply(service("a")), WatchEvent::Apply(service("b")), WatchEvent::Listed];
        assert_eq!(changed(&mut objects, list), ["+a", "+b"]);
        assert_eq!(changed(&mut objects, [WatchEvent::Apply(service("c"))]), ["+c"]);
        let list =
            [WatchEvent::Listing, WatchEvent::Apply(service("b")), WatchEvent::Apply(service("d")), WatchEvent::Listed];
        assert_eq!(changed(&mut objects, list), ["+b", "+d", "-a", "-c"]);
        assert_eq!(changed(&mut objects, [WatchEvent::Delete(service("d"))]), ["-d"]);
        assert_eq!(changed(&mut objects, [WatchEvent::Listing, WatchEvent::Listed]), ["-b"]);
    }

    #[test]
    fn a_list_that_does_not_end_deletes_nothing() {
        let mut objects = Objects::new(Kind::Service);
        changed(
            &mut objects,
            [WatchEvent::Listing, WatchEvent::Apply(service("a")), WatchEvent::Apply(service("b")), WatchEvent::Listed],
        );
        assert_eq!(changed(&mut objects, [WatchEvent::Listing, WatchEvent::Apply(service("b"))]), ["+b"]);
        assert_eq!(
            changed(&mut objects, [WatchEvent::Listing, WatchEvent::Apply(service("a")), WatchEvent::Listed]),
            ["+a", "-b"]
        );
    }

    #[test]
    fn what_is_malformed_stays_and_is_named() {
        let mut objects = Objects::new(Kind::Service);
        changed(&mut objects, [WatchEvent::Listing, WatchEvent::Apply(service("a")), WatchEvent::Listed]);
        let malformed =
            |name: &str, spec: Value| Arrival(json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec}));
        let states = objects.handle(WatchEvent::Apply(malformed("a", json!(1))));
        assert_eq!(
            (&states[0].presence, &*states[0].diagnostics[0].object.to_string()),
            (&Presence::Malformed, "Service shop/a")
        );
        assert_eq!(
            changed(
                &mut objects,
                [WatchEvent::Listing, WatchEvent::Apply(malformed("a", json!([]))), WatchEvent::Listed]
            ),
            ["?a"]
        );
        assert_eq!(changed(&mut objects, [WatchEvent::Listing, WatchEvent::Listed]), ["-a"]);
    }

    #[test]
    fn an_ended_watch_takes_its_objects_along() {
        let mut objects = Objects::new(Kind::Service);
        objects.handle(WatchEvent::Apply(service("a")));
        assert_eq!(objects.forget(), [gone(ObjectKey::new(Kind::Service, "shop", "a"))]);
    }
}
