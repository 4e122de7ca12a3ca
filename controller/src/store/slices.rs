//! EndpointSlices, found by the Service that they name.

use super::change::Change;
use crate::object::{ObjectKey, service_name};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use litemap::LiteMap;
use std::collections::HashMap;
use std::sync::Arc;

/// What is read of an EndpointSlice once its Service is known. Its labels alone are often larger than that.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceEndpoints {
    /// Its endpoints: their addresses, conditions and hints, and the kind, name and UID of their target.
    pub endpoints: Box<[Endpoint]>,
    /// Their ports.
    pub ports: Box<[EndpointPort]>,
}

impl SliceEndpoints {
    /// Those of a slice.
    pub fn of(slice: &EndpointSlice) -> Self {
        Self {
            endpoints: slice.endpoints.iter().flatten().map(what_is_read).collect(),
            ports: slice.ports.iter().flatten().cloned().collect(),
        }
    }
}

fn what_is_read(endpoint: &Endpoint) -> Endpoint {
    let Endpoint { addresses, conditions, hints, target_ref, .. } = endpoint;
    let target_ref = target_ref.as_ref().map(|ObjectReference { kind, name, uid, .. }| ObjectReference {
        kind: kind.clone(),
        name: name.clone(),
        uid: uid.clone(),
        ..ObjectReference::default()
    });
    Endpoint {
        addresses: addresses.clone(),
        conditions: conditions.clone(),
        hints: hints.clone(),
        target_ref,
        ..Endpoint::default()
    }
}

/// Most Services have one, and a node of a map of the standard library has room for eleven.
type SlicesByName = LiteMap<Arc<str>, Arc<SliceEndpoints>>;

/// EndpointSlices by namespace and Service, then by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Slices {
    by_service: HashMap<Arc<str>, HashMap<Arc<str>, SlicesByName>>,
    /// The Service that each slice names, to find a slice whose label changed.
    service_of: HashMap<ObjectKey, Arc<str>>,
}

impl Slices {
    pub(super) fn is_empty(&self) -> bool {
        self.service_of.is_empty()
    }

    pub(super) fn of_service(&self, namespace: &str, service: &str) -> impl Iterator<Item = &Arc<SliceEndpoints>> {
        self.by_service.get(namespace).and_then(|services| services.get(service)).into_iter().flat_map(LiteMap::values)
    }

    /// A slice that names no Service is nobody's, and is forgotten.
    pub(super) fn insert(&mut self, key: &ObjectKey, slice: &EndpointSlice) -> Vec<Change> {
        let Some(service) = service_name(slice) else { return self.remove(key).into_iter().collect() };
        let service: Arc<str> = service.into();
        let mut changes = Vec::new();
        if self.service_of.get(key).is_some_and(|former| *former != service) {
            changes.extend(self.remove(key));
        }
        self.service_of.insert(key.clone(), service.clone());
        let services = self.by_service.entry(key.namespace.clone()).or_default();
        let slices = services.entry(service.clone()).or_insert_with(|| LiteMap::with_capacity(1));
        let endpoints = SliceEndpoints::of(slice);
        if slices.get(&key.name).is_none_or(|old| **old != endpoints) {
            slices.insert(key.name.clone(), Arc::new(endpoints));
            changes.push(Change::endpoints(&key.namespace, &service));
        }
        changes
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) -> Option<Change> {
        let service = self.service_of.remove(key)?;
        let services = self.by_service.get_mut(&key.namespace)?;
        let slices = services.get_mut(&service)?;
        slices.remove(&key.name);
        if slices.is_empty() {
            services.remove(&service);
        }
        if services.is_empty() {
            self.by_service.remove(&key.namespace);
        }
        Some(Change::endpoints(&key.namespace, &service))
    }
}
