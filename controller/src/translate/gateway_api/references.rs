use super::rank::Rank;
use super::route::ParsedRoute;
use crate::diagnostic::Place;
use crate::object::ObjectKey;
use crate::route_defaults::UpstreamSettings;
use gateway::config::ServiceBackend;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which routes name a Service's port.
#[derive(Debug, Default)]
pub(in crate::translate) struct RouteReferences(BTreeMap<ServiceBackend, BTreeMap<ObjectKey, Referrer>>);

/// Where a route names it.
#[derive(Clone, Debug)]
pub(in crate::translate) struct Referrer {
    /// `spec.rules[0].backendRefs[0]`.
    pub(in crate::translate) field: Arc<str>,
    pub(in crate::translate) place: Option<Place>,
    /// What its policies ask for on behalf of it.
    upstream: Option<(Rank, UpstreamSettings)>,
}

impl RouteReferences {
    pub(in crate::translate) fn of(&self, id: &ServiceBackend) -> impl Iterator<Item = (&ObjectKey, &Referrer)> {
        self.0.get(id).into_iter().flatten()
    }

    /// What the oldest of the routes asks for whose policies ask for something.
    pub(in crate::translate) fn settings(&self, id: &ServiceBackend) -> Option<&UpstreamSettings> {
        let asking = self.of(id).filter_map(|(_, referrer)| referrer.upstream.as_ref());
        asking.min_by_key(|(rank, _)| rank).map(|(_, settings)| settings)
    }

    /// The ports of a Service that some route names.
    pub(in crate::translate) fn of_service<'a>(
        &'a self,
        namespace: &'a str,
        service: &'a str,
    ) -> impl Iterator<Item = &'a ServiceBackend> {
        let first = ServiceBackend::tcp(namespace, service, "");
        let from_here = self.0.range(first..).map(|(id, _)| id);
        from_here.take_while(move |id| *id.namespace == *namespace && *id.service == *service)
    }

    pub(super) fn add(&mut self, route: &ParsedRoute) {
        for (id, field) in &route.references {
            let upstream = route.upstreams.get(id).map(|settings| (route.rank.clone(), settings.clone()));
            let referrer = Referrer { field: Arc::clone(field), place: route.rank.age.place.clone(), upstream };
            self.0.entry(id.clone()).or_default().insert(route.rank.key.clone(), referrer);
        }
    }

    pub(super) fn remove(&mut self, route: &ParsedRoute) {
        for id in route.references.keys() {
            if let Some(referrers) = self.0.get_mut(id) {
                referrers.remove(&route.rank.key);
                if referrers.is_empty() {
                    self.0.remove(id);
                }
            }
        }
    }
}
