use super::attachment::Attached;
use super::listeners::ParsedListener;
use super::route::ParsedRoute;
use crate::object::ObjectKey;
use std::collections::BTreeSet;

/// The routes that are attached to the listeners of a Gateway and of its ListenerSets.
pub(super) struct AttachedRoutes<'a>(Vec<BTreeSet<Place<'a>>>);

/// The name of a listener, and the set that it is in.
type Place<'a> = (Option<&'a ObjectKey>, &'a str);

impl<'a> AttachedRoutes<'a> {
    /// Of these routes.
    pub(super) fn of(gateway: &ObjectKey, routes: impl Iterator<Item = &'a ParsedRoute>) -> Self {
        let places = |Attached { set, listeners, .. }: &'a Attached| {
            listeners.iter().map(move |name| (set.as_ref(), name.as_str()))
        };
        let of_route = |route: &'a ParsedRoute| {
            let attached = route.attached().filter(|attached| attached.gateway == *gateway);
            attached.flat_map(places).collect()
        };
        Self(routes.map(of_route).collect())
    }

    /// How many are attached to a listener.
    pub(super) fn count(&self, listener: &ParsedListener) -> usize {
        let place = (listener.set.as_ref().map(|set| &set.key), listener.name.as_str());
        self.0.iter().filter(|places| places.contains(&place)).count()
    }
}
