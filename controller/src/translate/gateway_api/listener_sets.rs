//! The listeners that ListenerSets add to a Gateway.

use super::findings::Findings;
use super::listener::ParsedListener;
use super::listener_reader::Scene;
use super::listeners::{self, Taken};
use super::namespaces;
use super::programmed::programmed;
use super::rank::Rank;
use crate::diagnostic::{Diagnostic, Reason};
use crate::gateway_api::{Condition, Fault, Gateway, ListenerSet};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::store::Stored;
use std::ops::Range;

/// A ListenerSet that names a Gateway of ours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParsedSet {
    pub(super) rank: Rank,
    pub(super) generation: Option<i64>,
    /// Why the Gateway does not take it: the reason of its conditions, and a sentence.
    refused: Option<Fault>,
    /// Which of the listeners of the Gateway are its own.
    own: Range<usize>,
}

/// The Gateway that a set names.
pub(super) fn parent(set: &Stored<ListenerSet>) -> ObjectKey {
    let reference = &set.object.spec.parent_ref;
    let namespace = reference.namespace.as_deref().unwrap_or(&set.key.namespace);
    ObjectKey::new(Kind::Gateway, namespace, reference.name.as_str())
}

/// Says where a set names a Gateway that is not there: in a cluster that may be as it should be.
pub(super) fn without_gateway(set: &Stored<ListenerSet>, lookup: &Lookup<'_>) -> Vec<Diagnostic> {
    let parent = parent(set);
    let mut findings = Findings::of(&set.key, set.age.place.as_ref());
    if lookup.gateway(&parent.namespace, &parent.name).is_none() && findings.is_in_file() {
        let message = format!("names {parent}, which does not exist: the set is not served");
        findings.ignored("spec.parentRef.name", &parent.name, &message);
    }
    findings.diagnostics
}

/// What comes of the sets that name a Gateway, the oldest first.
#[derive(Debug, Default)]
pub(super) struct AddedSets {
    pub(super) sets: Vec<ParsedSet>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl AddedSets {
    /// Adds the listeners of these sets to those of the Gateway that they name, if it takes them.
    pub(super) fn read(
        gateway: &Stored<Gateway>,
        is_refused: bool,
        mut sets: Vec<&Stored<ListenerSet>>,
        scene: &Scene<'_>,
        listeners: &mut Vec<ParsedListener>,
    ) -> Self {
        sets.sort_by(|a, b| (&a.age, &a.key).cmp(&(&b.age, &b.key)));
        let (mut added, mut taken) = (Self::default(), Taken::default());
        taken.add(listeners);
        for set in sets {
            let first = listeners.len();
            let mut findings = Findings::of(&set.key, set.age.place.as_ref());
            let rank = Rank { age: set.age.clone(), key: set.key.clone() };
            let refused = refusal(gateway, is_refused, set, scene);
            match &refused {
                Some((_, message)) => {
                    let name = &set.object.spec.parent_ref.name;
                    let message = format!("{message}; the set is not served");
                    findings.error(Reason::Denied, "spec.parentRef.name", name, &message);
                }
                None => {
                    let scene = Scene { owner: &set.key, ..*scene };
                    let mut own = listeners::parse(&set.object.spec.listeners, &taken, &scene, &mut findings);
                    own.iter_mut().for_each(|listener| listener.set = Some(rank.clone()));
                    taken.add(&own);
                    listeners.append(&mut own);
                }
            }
            let own = first..listeners.len();
            added.sets.push(ParsedSet { rank, generation: set.object.metadata.generation, refused, own });
            added.diagnostics.append(&mut findings.diagnostics);
        }
        added
    }
}

/// Why a Gateway does not take a set.
fn refusal(gateway: &Stored<Gateway>, is_refused: bool, set: &Stored<ListenerSet>, scene: &Scene<'_>) -> Option<Fault> {
    if is_refused {
        return Some(("ParentNotAccepted", "is a Gateway that is not served itself".to_owned()));
    }
    let allowed = gateway.object.spec.allowed_listeners.as_ref().and_then(|allowed| allowed.namespaces.as_ref());
    let takes = namespaces::parse(allowed, "None")
        .is_ok_and(|namespaces| namespaces.have(&set.key.namespace, &gateway.key.namespace, scene.lookup));
    let message = "is a Gateway that takes no ListenerSets of this namespace (allowedListeners)";
    (!takes).then(|| ("NotAllowed", message.to_owned()))
}

impl ParsedSet {
    /// Whether it adds a listener that serves, of these of its Gateway.
    pub(super) fn is_accepted(&self, listeners: &[ParsedListener]) -> bool {
        self.refused.is_none() && self.own(listeners).iter().any(is_valid)
    }

    /// Its own ones of the listeners of its Gateway.
    pub(super) fn own<'a>(&self, listeners: &'a [ParsedListener]) -> &'a [ParsedListener] {
        listeners.get(self.own.clone()).unwrap_or_default()
    }

    /// What its status has, likewise.
    pub(super) fn conditions(&self, listeners: &[ParsedListener]) -> Vec<Condition> {
        if let Some((reason, message)) = &self.refused {
            return ["Accepted", "Programmed"].map(|kind| Condition::fails(kind, reason, message)).into();
        }
        const INVALID: &str = "ListenersNotValid";
        let is_accepted = self.is_accepted(listeners);
        let own = self.own(listeners);
        let accepted = match is_accepted && own.iter().all(is_valid) {
            true => Condition::holds("Accepted", "Accepted"),
            false => Condition {
                holds: is_accepted,
                ..Condition::fails("Accepted", INVALID, "some listeners are not valid")
            },
        };
        vec![accepted, programmed(own.iter(), INVALID)]
    }
}

/// Whether it serves, or will as soon as it has a port.
fn is_valid(listener: &ParsedListener) -> bool {
    listener.entry.is_some() || listener.is_pending
}
