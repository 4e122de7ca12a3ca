use super::parsed_ingress::{ParsedIngress, Reference};
use super::rank::Rank;
use super::small_map::{SmallMap, SmallSet};
use crate::annotation::AffinitySettings;
use crate::object::ObjectKey;
use crate::route_defaults::UpstreamSettings;
use gateway::config::{Affinity, HostName, ServiceBackend, Subject};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which Ingresses have a say on a host, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Claims(BTreeMap<HostName, SmallSet<Arc<Rank>>>);

impl Claims {
    pub(super) fn of(&self, host: &HostName) -> impl Iterator<Item = &Arc<Rank>> {
        self.0.get(host).into_iter().flat_map(SmallMap::keys)
    }

    pub(super) fn add(&mut self, host: HostName, rank: Arc<Rank>) {
        self.0.entry(host).or_default().insert(rank, ());
    }

    pub(super) fn remove(&mut self, host: &HostName, rank: &Rank) {
        if let Some(ranks) = self.0.get_mut(host) {
            ranks.remove(rank);
            if ranks.is_empty() {
                self.0.remove(host);
            }
        }
    }
}

/// Which Ingresses name a Service port, the oldest first.
#[derive(Debug, Default)]
pub(super) struct References(BTreeMap<ServiceBackend, SmallMap<Arc<Rank>, Box<Referrer>>>);

/// One Ingress that names a Service port.
#[derive(Debug)]
pub(super) struct Referrer {
    /// `Ingress default/shop`.
    pub(super) object: Subject,
    /// Where.
    pub(super) reference: Reference,
    /// The settings that it asks for.
    upstream: Arc<UpstreamSettings>,
    /// The affinity that it asks for, if it has a say in that.
    affinity: Option<AffinitySettings>,
}

impl References {
    pub(super) fn of(&self, backend: &ServiceBackend) -> impl Iterator<Item = (&Rank, &Referrer)> {
        let referrers = self.0.get(backend).into_iter().flat_map(SmallMap::iter);
        referrers.map(|(rank, referrer)| (rank.as_ref(), referrer.as_ref()))
    }

    /// The Ingresses with a route to a backend.
    pub(super) fn routed(&self, backend: &ServiceBackend) -> impl Iterator<Item = &ObjectKey> {
        self.of(backend).filter(|(_, referrer)| referrer.reference.routed).map(|(rank, _)| &rank.key)
    }

    /// The backends of a Service that some Ingress names.
    pub(super) fn of_service(&self, namespace: &Arc<str>, service: &Arc<str>) -> impl Iterator<Item = &ServiceBackend> {
        let first = ServiceBackend::tcp(namespace.clone(), service.clone(), "");
        self.0
            .range(first..)
            .map(|(id, _)| id)
            .take_while(move |id| id.namespace == *namespace && id.service == *service)
    }

    /// What the oldest Ingress that routes to the backend asks for (rule 24 of ingress-nginx's).
    pub(super) fn settings(&self, backend: &ServiceBackend) -> Option<&UpstreamSettings> {
        self.of(backend).find(|(_, referrer)| referrer.reference.routed).map(|(_, referrer)| referrer.upstream.as_ref())
    }

    /// The affinity of a backend, if an Ingress that is no canary has rules with it and asks for that. The oldest that has a
    /// mode decides about this, the youngest about the cookie (ingress-nginx: `getBackendServers`).
    pub(super) fn affinity(&self, backend: &ServiceBackend) -> Option<Arc<Affinity>> {
        let asking = || self.of(backend).filter_map(|(_, referrer)| referrer.affinity.as_ref());
        let cookie = asking().filter_map(|settings| settings.cookie.as_ref()).last()?;
        let mode = asking().find_map(|settings| settings.mode).unwrap_or_default();
        if cookie.mode == mode {
            return Some(Arc::clone(cookie));
        }
        Some(Arc::new(Affinity { mode, ..cookie.as_ref().clone() }))
    }

    pub(super) fn add(&mut self, ingress: &ParsedIngress) {
        for (id, reference) in &ingress.references {
            let has_say = reference.in_rules && ingress.canary.is_none();
            let referrer = Referrer {
                object: ingress.object.clone(),
                reference: reference.clone(),
                upstream: Arc::clone(&ingress.upstream),
                affinity: has_say.then(|| ingress.affinity.clone()),
            };
            self.0.entry(id.clone()).or_default().insert(Arc::clone(&ingress.rank), Box::new(referrer));
        }
    }

    pub(super) fn remove(&mut self, ingress: &ParsedIngress) {
        for id in ingress.references.keys() {
            if let Some(referrers) = self.0.get_mut(id) {
                referrers.remove(&ingress.rank);
                if referrers.is_empty() {
                    self.0.remove(id);
                }
            }
        }
    }
}
