use super::rank::Rank;
use super::route::ParsedRoute;
use crate::object::ObjectKey;
use crate::route_defaults::UpstreamSettings;
use crate::translate::small_map::SmallMap;
use gateway::config::ServiceBackend;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which routes name a Service's port, the oldest first.
#[derive(Debug, Default)]
pub(in crate::translate) struct RouteReferences(BTreeMap<ServiceBackend, SmallMap<Arc<Rank>, Box<Referrer>>>);

/// Where a route names it.
#[derive(Debug)]
pub(in crate::translate) struct Referrer {
    /// `spec.rules[0].backendRefs[0]`.
    pub(in crate::translate) field: Arc<str>,
    /// What its policies ask for on behalf of it.
    upstream: Option<Box<UpstreamSettings>>,
}

impl RouteReferences {
    pub(in crate::translate) fn of(&self, id: &ServiceBackend) -> impl Iterator<Item = (&Rank, &Referrer)> {
        let referrers = self.0.get(id).into_iter().flat_map(SmallMap::iter);
        referrers.map(|(rank, referrer)| (rank.as_ref(), referrer.as_ref()))
    }

    /// The routes that name it.
    pub(super) fn routes(&self, id: &ServiceBackend) -> impl Iterator<Item = &ObjectKey> {
        self.of(id).map(|(rank, _)| &rank.key)
    }

    /// What the oldest of the routes asks for whose policies ask for something.
    pub(in crate::translate) fn settings(&self, id: &ServiceBackend) -> Option<&UpstreamSettings> {
        self.of(id).find_map(|(_, referrer)| referrer.upstream.as_deref())
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
            let upstream = route.upstreams.get(id).cloned().map(Box::new);
            let referrer = Box::new(Referrer { field: Arc::clone(field), upstream });
            self.0.entry(id.clone()).or_default().insert(Arc::clone(&route.rank), referrer);
        }
    }

    pub(super) fn remove(&mut self, route: &ParsedRoute) {
        for id in route.references.keys() {
            if let Some(referrers) = self.0.get_mut(id) {
                referrers.remove(&route.rank);
                if referrers.is_empty() {
                    self.0.remove(id);
                }
            }
        }
    }
}
