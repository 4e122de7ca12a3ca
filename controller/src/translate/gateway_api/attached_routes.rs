use super::route::ParsedRoute;
use crate::object::ObjectKey;
use std::collections::{BTreeMap, BTreeSet};

/// How many routes are attached to each listener of Gateways and of ListenerSets.
#[derive(Debug, Default)]
pub(super) struct AttachedRoutes(BTreeMap<ObjectKey, BTreeMap<String, usize>>);

/// A listener: what it stands in, and its name.
type Place<'a> = (&'a ObjectKey, &'a str);

impl AttachedRoutes {
    /// How many are attached to a listener.
    pub(super) fn count(&self, (owner, name): Place<'_>) -> usize {
        self.0.get(owner).and_then(|listeners| listeners.get(name)).copied().unwrap_or_default()
    }

    /// A route is another one now. Returns the Gateways to whose listeners more or fewer are attached by that.
    pub(super) fn replace(&mut self, former: Option<&ParsedRoute>, now: Option<&ParsedRoute>) -> BTreeSet<ObjectKey> {
        let (left, taken) = (places(former), places(now));
        let (leaves, takes) = (without(&left, &taken), without(&taken, &left));
        leaves.iter().for_each(|(place, _)| self.remove(*place));
        takes.iter().for_each(|(place, _)| self.add(*place));
        leaves.into_iter().chain(takes).map(|(_, gateway)| gateway.clone()).collect()
    }

    fn add(&mut self, (owner, name): Place<'_>) {
        *self.0.entry(owner.clone()).or_default().entry(name.to_owned()).or_default() += 1;
    }

    fn remove(&mut self, (owner, name): Place<'_>) {
        let Some(listeners) = self.0.get_mut(owner) else { return };
        if let Some(count) = listeners.get_mut(name) {
            *count -= 1;
        }
        listeners.retain(|_, count| *count > 0);
        if listeners.is_empty() {
            self.0.remove(owner);
        }
    }
}

/// The listeners that a route is attached to, each with its Gateway.
fn places(route: Option<&ParsedRoute>) -> BTreeMap<Place<'_>, &ObjectKey> {
    let attached = route.into_iter().flat_map(ParsedRoute::attached);
    let listeners = attached.flat_map(|attached| {
        let owner = attached.set.as_ref().unwrap_or(&attached.gateway);
        attached.listeners.iter().map(move |name| ((owner, name.as_str()), &attached.gateway))
    });
    listeners.collect()
}

/// Those of the first that are not in the second.
fn without<'a>(
    places: &BTreeMap<Place<'a>, &'a ObjectKey>,
    others: &BTreeMap<Place<'a>, &'a ObjectKey>,
) -> Vec<(Place<'a>, &'a ObjectKey)> {
    places.iter().filter(|(place, _)| !others.contains_key(place)).map(|(place, gateway)| (*place, *gateway)).collect()
}
