//! What exists now: the objects by key, as the last event about each left them.
//!
//! The store also answers "does this event matter?". Only what translation reads is compared, so that a status update, a
//! new `resourceVersion` or a leader election's annotation changes nothing.

mod aged;
mod change;
mod gateway_api;
mod slices;

use crate::diagnostic::{Diagnostic, Place};
use crate::feed::SourceEvent;
use crate::object::{Kind, Object, ObjectKey, Observed};
pub use aged::{Aged, Stored};
pub use change::Change;
pub use gateway_api::GatewayObjects;
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Namespace, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
pub use slices::SliceEndpoints;
use slices::Slices;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// All objects that a source reported.
#[derive(Clone, Debug, Default)]
pub struct Store {
    ingresses: Aged<Ingress>,
    gateway_api: GatewayObjects,
    namespaces: Named<Namespace>,
    ingress_classes: Named<IngressClass>,
    services: Named<Service>,
    secrets: Named<Secret>,
    config_maps: Named<ConfigMap>,
    endpoints: Named<Endpoints>,
    slices: Slices,
    /// Where objects stand, of those that come from files.
    places: HashMap<ObjectKey, Place>,
    problems: BTreeMap<Arc<str>, Vec<Diagnostic>>,
    zone: Option<Arc<str>>,
    synced: bool,
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an event in, and says what it changed: nothing when the object is what it was, two Services when an
    /// EndpointSlice moved from one to the other.
    pub fn apply(&mut self, event: SourceEvent) -> Vec<Change> {
        match event {
            SourceEvent::Apply(observed) => self.insert(observed),
            SourceEvent::Delete(key) => self.remove(&key),
            SourceEvent::Problems { part, diagnostics } => {
                let before = if diagnostics.is_empty() {
                    self.problems.remove(&part).unwrap_or_default()
                } else {
                    self.problems.insert(part, diagnostics.clone()).unwrap_or_default()
                };
                if before == diagnostics { Vec::new() } else { vec![Change::Problems] }
            }
            SourceEvent::Zone(zone) => {
                let is_same = self.zone.replace(Arc::clone(&zone)) == Some(zone);
                if is_same { Vec::new() } else { vec![Change::Zone] }
            }
            SourceEvent::Synced => {
                let first = !std::mem::replace(&mut self.synced, true);
                if first { vec![Change::Synced] } else { Vec::new() }
            }
        }
    }

    /// Every Ingress, by namespace and name.
    pub fn ingresses(&self) -> impl Iterator<Item = &Stored<Ingress>> {
        self.ingresses.iter()
    }

    /// The Ingress of this key.
    pub fn ingress(&self, key: &ObjectKey) -> Option<&Stored<Ingress>> {
        self.ingresses.get(&key.namespace, &key.name)
    }

    /// The objects of Gateway API.
    pub fn gateway_api(&self) -> &GatewayObjects {
        &self.gateway_api
    }

    /// The Namespace of this name.
    pub fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.get("", name)
    }

    /// The IngressClass of this name.
    pub fn ingress_class(&self, name: &str) -> Option<&Arc<IngressClass>> {
        self.ingress_classes.get("", name)
    }

    /// The Service of this name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Arc<Service>> {
        self.services.get(namespace, name)
    }

    /// What the EndpointSlices have that name this Service, by their names.
    pub fn endpoint_slices(&self, namespace: &str, service: &str) -> impl Iterator<Item = &Arc<SliceEndpoints>> {
        self.slices.of_service(namespace, service)
    }

    /// The Endpoints of this name, which is their Service's.
    pub fn endpoints(&self, namespace: &str, name: &str) -> Option<&Arc<Endpoints>> {
        self.endpoints.get(namespace, name)
    }

    /// The Secret of this name.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<&Arc<Secret>> {
        self.secrets.get(namespace, name)
    }

    /// The ConfigMap of this name.
    pub fn config_map(&self, namespace: &str, name: &str) -> Option<&Arc<ConfigMap>> {
        self.config_maps.get(namespace, name)
    }

    /// The `metadata.uid` of an object, if it is there and has one. EndpointSlices are not found by name.
    pub fn uid(&self, key: &ObjectKey) -> Option<&str> {
        let ObjectKey { kind, namespace, name } = key;
        let metadata = match kind {
            Kind::Ingress => &self.ingress(key)?.object.metadata,
            Kind::IngressClass => &self.ingress_class(name)?.metadata,
            Kind::Service => &self.service(namespace, name)?.metadata,
            Kind::Endpoints => &self.endpoints(namespace, name)?.metadata,
            Kind::Secret => &self.secret(namespace, name)?.metadata,
            Kind::ConfigMap => &self.config_map(namespace, name)?.metadata,
            Kind::Namespace => &self.namespace(name)?.metadata,
            Kind::EndpointSlice => return None,
            _ => self.gateway_api.metadata(key)?,
        };
        metadata.uid.as_deref()
    }

    /// The diagnostic with the place of its object, where it names none and the object comes from a file.
    pub fn locate(&self, diagnostic: Diagnostic) -> Diagnostic {
        if diagnostic.place.is_some() {
            return diagnostic;
        }
        let place = ObjectKey::of(&diagnostic.object).and_then(|key| self.place(&key).cloned());
        diagnostic.at(place)
    }

    /// Where an object stands, if it comes from a file.
    pub fn place(&self, key: &ObjectKey) -> Option<&Place> {
        self.places.get(key)
    }

    /// Whether there is any object of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::Ingress => !self.ingresses.is_empty(),
            Kind::IngressClass => !self.ingress_classes.0.is_empty(),
            Kind::Service => !self.services.0.is_empty(),
            Kind::EndpointSlice => !self.slices.is_empty(),
            Kind::Endpoints => !self.endpoints.0.is_empty(),
            Kind::Secret => !self.secrets.0.is_empty(),
            Kind::ConfigMap => !self.config_maps.0.is_empty(),
            Kind::Namespace => !self.namespaces.0.is_empty(),
            _ => self.gateway_api.has(kind),
        }
    }

    /// What is wrong with the source now, by part.
    pub fn problems(&self) -> impl Iterator<Item = &Diagnostic> {
        self.problems.values().flatten()
    }

    /// The zone that this process runs in, where the source knows it.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Whether everything that exists has been said once.
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    fn insert(&mut self, observed: Observed) -> Vec<Change> {
        let Observed { key, object, age } = observed;
        match &age.place {
            Some(place) => drop(self.places.insert(key.clone(), place.clone())),
            None => drop(self.places.remove(&key)),
        }
        let changed = match object {
            Object::Ingress(object) => self.ingresses.insert(Stored { key: key.clone(), object, age }, same_ingress),
            Object::EndpointSlice(slice) => return self.slices.insert(&key, &slice),
            Object::Endpoints(endpoints) => {
                let changed = self.endpoints.insert(&key, endpoints, |a, b| a.subsets == b.subsets);
                return if changed { vec![Change::endpoints(&key.namespace, &key.name)] } else { Vec::new() };
            }
            Object::IngressClass(class) => self
                .ingress_classes
                .insert(&key, class, |a, b| a.spec == b.spec && a.metadata.annotations == b.metadata.annotations),
            Object::Service(service) => self
                .services
                .insert(&key, service, |a, b| a.spec == b.spec && a.metadata.annotations == b.metadata.annotations),
            Object::Secret(secret) => self
                .secrets
                .insert(&key, secret, |a, b| a.data == b.data && a.string_data == b.string_data && a.type_ == b.type_),
            Object::ConfigMap(map) => {
                self.config_maps.insert(&key, map, |a, b| a.data == b.data && a.binary_data == b.binary_data)
            }
            Object::Namespace(namespace) => {
                self.namespaces.insert(&key, namespace, |a, b| a.metadata.labels == b.metadata.labels)
            }
            object => self.gateway_api.insert(Observed { key: key.clone(), object, age }),
        };
        if changed { vec![Change::Object(key)] } else { Vec::new() }
    }

    fn remove(&mut self, key: &ObjectKey) -> Vec<Change> {
        self.places.remove(key);
        let existed = match key.kind {
            Kind::EndpointSlice => return self.slices.remove(key).into_iter().collect(),
            Kind::Endpoints => {
                let existed = self.endpoints.remove(key);
                return if existed { vec![Change::endpoints(&key.namespace, &key.name)] } else { Vec::new() };
            }
            Kind::Ingress => self.ingresses.remove(key),
            Kind::IngressClass => self.ingress_classes.remove(key),
            Kind::Service => self.services.remove(key),
            Kind::Secret => self.secrets.remove(key),
            Kind::ConfigMap => self.config_maps.remove(key),
            Kind::Namespace => self.namespaces.remove(key),
            _ => self.gateway_api.remove(key),
        };
        if existed { vec![Change::Object(key.clone())] } else { Vec::new() }
    }
}

fn same_ingress(a: &Ingress, b: &Ingress) -> bool {
    a.spec == b.spec && a.metadata.annotations == b.metadata.annotations
}

/// Objects of one kind by namespace and name, found without building a key.
#[derive(Debug)]
struct Named<T>(HashMap<Arc<str>, HashMap<Arc<str>, Arc<T>>>);

impl<T> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Named<T> {
    fn get(&self, namespace: &str, name: &str) -> Option<&Arc<T>> {
        self.0.get(namespace)?.get(name)
    }

    /// Whether the object is new, or not the `same` as it was.
    fn insert(&mut self, key: &ObjectKey, object: Arc<T>, same: impl Fn(&T, &T) -> bool) -> bool {
        let names = self.0.entry(key.namespace.clone()).or_default();
        let is_same = names.get(&key.name).is_some_and(|old| same(old, &object));
        names.insert(key.name.clone(), object);
        !is_same
    }

    /// Whether there was such an object.
    fn remove(&mut self, key: &ObjectKey) -> bool {
        let Some(names) = self.0.get_mut(&key.namespace) else { return false };
        let existed = names.remove(&key.name).is_some();
        if names.is_empty() {
            self.0.remove(&key.namespace);
        }
        existed
    }
}

#[cfg(test)]
mod tests;
