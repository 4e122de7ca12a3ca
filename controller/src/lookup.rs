//! Reading from the store, where what is read is recorded.

use crate::gateway_api::{AditPolicy, Gateway, GatewayClass, ListenerSet, ReferenceGrant};
use crate::object::{Kind, ObjectKey};
use crate::store::{Store, Stored};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::Endpoint;
use k8s_openapi::api::networking::v1::IngressClass;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The store, as one unit of translation sees it: what it looks for is recorded, found or not, so that the unit is
/// translated again when that changes.
pub struct Lookup<'a> {
    store: &'a Store,
    /// A ConfigMap as it is to become.
    draft: Option<(&'a ObjectKey, &'a Arc<ConfigMap>)>,
    reads: RefCell<BTreeSet<ObjectKey>>,
}

impl<'a> Lookup<'a> {
    /// A view that has looked for nothing yet.
    pub fn new(store: &'a Store) -> Self {
        Self { store, draft: None, reads: RefCell::default() }
    }

    /// The same, where a ConfigMap is as it is to become.
    #[must_use]
    pub(crate) fn with_config_map(self, key: &'a ObjectKey, map: &'a Arc<ConfigMap>) -> Self {
        Self { draft: Some((key, map)), ..self }
    }

    /// The IngressClass of this name.
    pub fn ingress_class(&self, name: &str) -> Option<&'a Arc<IngressClass>> {
        self.record(Kind::IngressClass, "", name);
        self.store.ingress_class(name)
    }

    /// The Service of this name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&'a Arc<Service>> {
        self.record(Kind::Service, namespace, name);
        self.store.service(namespace, name)
    }

    /// How many ready endpoints a Service has. An endpoint with addresses of both families counts once.
    pub fn ready_endpoints(&self, namespace: &str, service: &str) -> usize {
        self.record(Kind::EndpointSlice, namespace, service);
        let slices = self.store.endpoint_slices(namespace, service);
        let endpoints = slices.flat_map(|slice| &slice.endpoints);
        let ready = endpoints
            .filter(|endpoint| endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true));
        let target = |endpoint: &'a Endpoint| endpoint.target_ref.as_ref().and_then(|target| target.name.as_ref());
        ready.map(|endpoint| target(endpoint).or(endpoint.addresses.first())).collect::<BTreeSet<_>>().len()
    }

    /// The ConfigMap of this name.
    pub fn config_map(&self, namespace: &str, name: &str) -> Option<&'a Arc<ConfigMap>> {
        self.record(Kind::ConfigMap, namespace, name);
        match self.draft {
            Some((key, map)) if (&*key.namespace, &*key.name) == (namespace, name) => Some(map),
            _ => self.store.config_map(namespace, name),
        }
    }

    /// The Secret of this name.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<&'a Arc<Secret>> {
        self.record(Kind::Secret, namespace, name);
        self.store.secret(namespace, name)
    }

    /// The Namespace of this name.
    pub fn namespace(&self, name: &str) -> Option<&'a Arc<Namespace>> {
        self.record(Kind::Namespace, "", name);
        self.store.namespace(name)
    }

    /// The GatewayClass of this name.
    pub fn gateway_class(&self, name: &str) -> Option<&'a Stored<GatewayClass>> {
        self.record(Kind::GatewayClass, "", name);
        self.store.gateway_api().gateway_classes.get("", name)
    }

    /// The Gateway of this name.
    pub fn gateway(&self, namespace: &str, name: &str) -> Option<&'a Stored<Gateway>> {
        self.record(Kind::Gateway, namespace, name);
        self.store.gateway_api().gateways.get(namespace, name)
    }

    /// The ListenerSet of this name.
    pub fn listener_set(&self, namespace: &str, name: &str) -> Option<&'a Stored<ListenerSet>> {
        self.record(Kind::ListenerSet, namespace, name);
        self.store.gateway_api().listener_sets.get(namespace, name)
    }

    /// The AditPolicy of this name.
    pub fn adit_policy(&self, namespace: &str, name: &str) -> Option<&'a Stored<AditPolicy>> {
        self.record(Kind::AditPolicy, namespace, name);
        self.store.gateway_api().adit_policies.get(namespace, name)
    }

    /// All ReferenceGrants of a namespace. Recorded is [`Self::all_of`].
    pub fn reference_grants(&self, namespace: &str) -> impl Iterator<Item = &'a Stored<ReferenceGrant>> {
        self.reads.borrow_mut().insert(Self::all_of(Kind::ReferenceGrant, namespace));
        self.store.gateway_api().reference_grants.in_namespace(namespace)
    }

    /// What stands for all objects of a kind in a namespace, of which any may come, change or go: no object has such a key.
    pub(crate) fn all_of(kind: Kind, namespace: &str) -> ObjectKey {
        ObjectKey::new(kind, namespace, "")
    }

    /// Takes over what was looked for once for several units.
    pub(crate) fn add_reads(&self, reads: &BTreeSet<ObjectKey>) {
        self.reads.borrow_mut().extend(reads.iter().cloned());
    }

    /// All that was looked for.
    pub(crate) fn reads(self) -> BTreeSet<ObjectKey> {
        self.reads.into_inner()
    }

    fn record(&self, kind: Kind, namespace: &str, name: &str) {
        self.reads.borrow_mut().insert(ObjectKey::new(kind, namespace, name));
    }
}
