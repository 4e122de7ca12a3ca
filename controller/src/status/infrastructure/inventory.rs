//! What there is: Services, the EndpointSlices of Adit's own, those that were made, and the list of target ports.

use super::objects::{made_for, service_targets, slice_targets};
use crate::gateway_api::target_ports_name;
use crate::object::{Kind, Object, ObjectKey, service_name};
use crate::settings::ControllerSettings;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// All of it.
#[derive(Debug)]
pub(super) struct Inventory {
    controller: String,
    /// The Service with Adit's endpoints.
    published: Option<ObjectKey>,
    list_key: Option<ObjectKey>,
    list: Option<Arc<ConfigMap>>,
    services: HashMap<ObjectKey, Arc<Service>>,
    sources: BTreeMap<ObjectKey, Arc<EndpointSlice>>,
    slices: HashMap<ObjectKey, Arc<EndpointSlice>>,
    /// Services and EndpointSlices by the Gateway that they were made for, and the other way round.
    made: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    gateway_of: HashMap<ObjectKey, ObjectKey>,
}

/// What an object is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An EndpointSlice of Adit's own Service.
    Source,
    /// The list of target ports.
    List,
    /// A Service or an EndpointSlice, with the Gateway that it was or is made for.
    Made(Option<ObjectKey>),
    /// It does not matter.
    None,
}

impl Inventory {
    /// Without any object.
    pub(super) fn new(settings: &ControllerSettings) -> Self {
        let published = settings.published_service.as_ref();
        let key = |kind, name: &str| published.map(|published| ObjectKey::new(kind, published.namespace.clone(), name));
        Self {
            controller: settings.gateway_controller.clone(),
            published: published.and_then(|published| key(Kind::Service, &published.name)),
            list_key: published.and_then(|published| key(Kind::ConfigMap, &target_ports_name(&published.name))),
            list: None,
            services: HashMap::new(),
            sources: BTreeMap::new(),
            slices: HashMap::new(),
            made: BTreeMap::new(),
            gateway_of: HashMap::new(),
        }
    }

    /// An object is this now.
    pub(super) fn observe(&mut self, key: &ObjectKey, object: Object) -> Role {
        let former = self.gateway_of.get(key).cloned();
        let made = match object {
            Object::Service(service) => {
                let made = self.index(key, &service.metadata);
                self.services.insert(key.clone(), service);
                made
            }
            Object::EndpointSlice(slice) if self.is_source(key, &slice) => {
                self.sources.insert(key.clone(), slice);
                return Role::Source;
            }
            Object::EndpointSlice(slice) => {
                let made = self.index(key, &slice.metadata);
                match made {
                    Some(_) => drop(self.slices.insert(key.clone(), slice)),
                    None => drop(self.slices.remove(key)),
                }
                if made.is_none() && former.is_none() {
                    return Role::None;
                }
                made
            }
            Object::ConfigMap(map) if self.list_key.as_ref() == Some(key) => {
                self.list = Some(map);
                return Role::List;
            }
            _ => return Role::None,
        };
        Role::Made(made.or(former))
    }

    /// An object is no more.
    pub(super) fn forget(&mut self, key: &ObjectKey) -> Role {
        if self.sources.remove(key).is_some() {
            return Role::Source;
        }
        if self.list_key.as_ref() == Some(key) {
            self.list = None;
            return Role::List;
        }
        let existed = self.services.remove(key).is_some() | self.slices.remove(key).is_some();
        let former = self.unindex(key);
        if existed { Role::Made(former) } else { Role::None }
    }

    /// Whether anything can be made: a Service needs somebody's endpoints.
    pub(super) fn has_sources(&self) -> bool {
        !self.sources.is_empty()
    }

    /// The EndpointSlices of Adit's own Service.
    pub(super) fn sources(&self) -> impl Iterator<Item = &EndpointSlice> {
        self.sources.values().map(AsRef::as_ref)
    }

    pub(super) fn service(&self, key: &ObjectKey) -> Option<&Service> {
        self.services.get(key).map(AsRef::as_ref)
    }

    /// One that was made.
    pub(super) fn slice(&self, key: &ObjectKey) -> Option<&EndpointSlice> {
        self.slices.get(key).map(AsRef::as_ref)
    }

    /// The key of the list, if there can be one, and the list.
    pub(super) fn list(&self) -> Option<(&ObjectKey, Option<&ConfigMap>)> {
        Some((self.list_key.as_ref()?, self.list.as_deref()))
    }

    /// What was made for a Gateway.
    pub(super) fn made(&self, gateway: &ObjectKey) -> impl Iterator<Item = &ObjectKey> {
        self.made.get(gateway).into_iter().flatten()
    }

    /// The target ports that something leads to.
    pub(super) fn targets(&self) -> BTreeSet<u16> {
        let services = self.gateway_of.keys().filter_map(|key| self.service(key));
        let slices = self.slices.values().flat_map(|slice| slice_targets(slice));
        services.flat_map(service_targets).chain(slices).collect()
    }

    pub(super) fn metadata(&self, key: &ObjectKey) -> Option<&ObjectMeta> {
        match key.kind {
            Kind::Service => self.service(key).map(|object| &object.metadata),
            Kind::ConfigMap => self.list.as_ref().map(|object| &object.metadata),
            _ => self.slice(key).map(|object| &object.metadata),
        }
    }

    pub(super) fn version(&self, key: &ObjectKey) -> Option<&str> {
        self.metadata(key)?.resource_version.as_deref()
    }

    fn is_source(&self, key: &ObjectKey, slice: &EndpointSlice) -> bool {
        self.published.as_ref().is_some_and(|published| {
            published.namespace == key.namespace && service_name(slice) == Some(&*published.name)
        })
    }

    fn index(&mut self, key: &ObjectKey, metadata: &ObjectMeta) -> Option<ObjectKey> {
        let gateway = made_for(metadata, &self.controller);
        if self.gateway_of.get(key) != gateway.as_ref() {
            self.unindex(key);
            if let Some(gateway) = &gateway {
                self.gateway_of.insert(key.clone(), gateway.clone());
                self.made.entry(gateway.clone()).or_default().insert(key.clone());
            }
        }
        gateway
    }

    fn unindex(&mut self, key: &ObjectKey) -> Option<ObjectKey> {
        let gateway = self.gateway_of.remove(key)?;
        if let Some(made) = self.made.get_mut(&gateway) {
            made.remove(key);
            if made.is_empty() {
                self.made.remove(&gateway);
            }
        }
        Some(gateway)
    }
}
