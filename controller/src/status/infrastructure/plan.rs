//! What to write for Gateways with a Service for themselves: from what they ask for, and from what there is.

use super::inventory::{Inventory, Role};
use super::objects::{Desired, Maker, is_as_desired, is_owned};
use super::target_ports::assign;
use crate::address::Address;
use crate::gateway_api::{GatewayService, ObjectStatus, OwnService, ServiceType, StatusParts};
use crate::object::{Kind, Object, ObjectKey};
use crate::settings::{ControllerSettings, OwnPorts};
use crate::status::gateway_api::Place;
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::status) struct Change {
    /// Of which object.
    pub(in crate::status) key: ObjectKey,
    /// What is done.
    pub(in crate::status) verb: Verb,
    /// The Gateway that it is for; none for the list of target ports.
    gateway: Option<ObjectKey>,
    /// The version of the object that this was made from.
    version: Option<String>,
}

/// What is done to an object.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::status) enum Verb {
    /// It is created, if there is none.
    Create(Value),
    /// These fields change, if it still is of the version that they name.
    Merge(Value),
    /// These fields are to be so, and those of ours that are not named are to go.
    Apply(Value),
    /// It is deleted, if it still is the one with this UID.
    Delete(String),
}

/// Why an object is not written now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    /// It is being written.
    Writing,
    /// What was written is not seen yet.
    Awaited,
    /// The API server refused, and would again.
    Refused,
}

/// All that is asked for, and all that there is.
#[derive(Debug)]
pub(in crate::status) struct Plan {
    controller: String,
    own_ports: OwnPorts,
    inventory: Inventory,
    wishes: BTreeMap<ObjectKey, OwnService>,
    /// Services that are asked for, by which Gateway.
    asked: HashMap<ObjectKey, ObjectKey>,
    due: BTreeSet<ObjectKey>,
    is_list_due: bool,
    busy: HashMap<ObjectKey, Busy>,
    /// What the API server said to what it refused, by Gateway; none for the list.
    refusals: BTreeMap<Option<ObjectKey>, BTreeMap<ObjectKey, String>>,
    /// Ports that no target port is left for.
    unserved: BTreeSet<String>,
    /// Gateways that may be reached elsewhere than was told last.
    moved: BTreeSet<ObjectKey>,
}

impl Plan {
    /// Without any object.
    pub(in crate::status) fn new(settings: &ControllerSettings) -> Self {
        Self {
            controller: settings.gateway_controller.clone(),
            own_ports: settings.own_ports,
            inventory: Inventory::new(settings),
            wishes: BTreeMap::new(),
            asked: HashMap::new(),
            due: BTreeSet::new(),
            is_list_due: false,
            busy: HashMap::new(),
            refusals: BTreeMap::new(),
            unserved: BTreeSet::new(),
            moved: BTreeSet::new(),
        }
    }

    /// An object is this now.
    pub(in crate::status) fn observe(&mut self, key: &ObjectKey, object: Object) {
        let role = self.inventory.observe(key, object);
        self.touch(key, role);
    }

    /// An object is no more.
    pub(in crate::status) fn forget(&mut self, key: &ObjectKey) {
        if key.kind == Kind::Gateway {
            self.wishes.remove(key);
            self.asked.retain(|_, gateway| gateway != key);
            self.due.remove(key);
            self.refusals.remove(&Some(key.clone()));
            self.is_list_due = true;
            return;
        }
        let role = self.inventory.forget(key);
        self.touch(key, role);
    }

    /// Has those looked at again that an object concerns, and ends the wait for it.
    fn touch(&mut self, key: &ObjectKey, role: Role) {
        if self.busy.get(key) == Some(&Busy::Awaited) {
            self.busy.remove(key);
        }
        match role {
            Role::Source => self.due.extend(self.wishes.keys().cloned()),
            Role::List => self.is_list_due = true,
            Role::Made(gateway) => {
                let concerned: Vec<_> = gateway.into_iter().chain(self.asked.get(key).cloned()).collect();
                self.is_list_due |= !concerned.is_empty();
                self.moved.extend(concerned.iter().cloned());
                self.due.extend(concerned);
            }
            Role::None => {}
        }
    }

    /// What the statuses of objects say of the Services that Gateways ask for. One that is not ours asks for nothing, and
    /// what was made for it stays until it goes.
    pub(in crate::status) fn require(&mut self, statuses: &[(ObjectKey, Option<Arc<ObjectStatus>>)]) {
        for (gateway, status) in statuses.iter().filter(|(key, _)| key.kind == Kind::Gateway) {
            let wish = match status.as_ref().map(|status| &status.parts) {
                Some(StatusParts::Gateway { service, .. }) => service.clone(),
                _ => OwnService::Undecided,
            };
            if self.wishes.get(gateway) == Some(&wish) {
                continue;
            }
            self.asked.retain(|_, other| other != gateway);
            if let OwnService::Wanted(service) = &wish {
                let key = ObjectKey::new(Kind::Service, gateway.namespace.clone(), service.name.as_str());
                self.asked.insert(key, gateway.clone());
            }
            self.wishes.insert(gateway.clone(), wish);
            let refused = self.refusals.remove(&Some(gateway.clone())).unwrap_or_default();
            self.busy.retain(|key, _| !refused.contains_key(key));
            self.due.insert(gateway.clone());
            self.moved.insert(gateway.clone());
            self.is_list_due = true;
        }
    }

    /// Everything is to be looked at again, also what was refused.
    pub(in crate::status) fn review(&mut self) {
        self.busy.retain(|_, busy| *busy == Busy::Writing);
        self.due.extend(self.wishes.keys().cloned());
        self.is_list_due = !self.wishes.is_empty();
    }

    /// The next write.
    pub(in crate::status) fn next(&mut self) -> Option<Change> {
        let change = self.next_of_list().or_else(|| self.next_of_gateways())?;
        self.busy.insert(change.key.clone(), Busy::Writing);
        Some(change)
    }

    fn next_of_list(&mut self) -> Option<Change> {
        let is_busy = self.inventory.list().is_none_or(|(key, _)| self.busy.contains_key(key));
        if is_busy || !std::mem::take(&mut self.is_list_due) {
            return None;
        }
        self.list_change()
    }

    fn next_of_gateways(&mut self) -> Option<Change> {
        loop {
            let changes = self.changes(self.due.first()?);
            let is_right = changes.is_empty();
            let change = changes.into_iter().find(|change| !self.busy.contains_key(&change.key));
            if change.is_some() {
                return change;
            }
            let gateway = self.due.pop_first()?;
            if is_right && self.refusals.remove(&Some(gateway.clone())).is_some() {
                self.moved.insert(gateway);
            }
        }
    }

    /// How many writes are under way.
    pub(in crate::status) fn writing(&self) -> usize {
        self.busy.values().filter(|busy| **busy == Busy::Writing).count()
    }

    /// A write has come about, or somebody else's before it: what follows from it is seen later.
    pub(in crate::status) fn written(&mut self, change: &Change) {
        if let Some(refused) = self.refusals.get_mut(&change.gateway) {
            refused.remove(&change.key);
        }
        if self.inventory.version(&change.key) == change.version.as_deref() {
            self.busy.insert(change.key.clone(), Busy::Awaited);
        } else {
            self.busy.remove(&change.key);
        }
        self.due_again(change);
    }

    /// A write was refused, for this reason: it is tried again when everything is looked at again.
    pub(in crate::status) fn refused(&mut self, change: &Change, reason: &str) {
        self.busy.insert(change.key.clone(), Busy::Refused);
        self.refusals.entry(change.gateway.clone()).or_default().insert(change.key.clone(), reason.to_owned());
        self.due_again(change);
    }

    /// A write has not come about for now.
    pub(in crate::status) fn failed(&mut self, change: &Change) {
        self.busy.remove(&change.key);
        self.due_again(change);
    }

    fn due_again(&mut self, change: &Change) {
        match &change.gateway {
            Some(gateway) if self.wishes.contains_key(gateway) => {
                self.due.insert(gateway.clone());
                self.moved.insert(gateway.clone());
            }
            Some(_) => {}
            None => {
                self.is_list_due |= !self.busy.contains_key(&change.key);
                self.moved.extend(self.wishes.keys().cloned());
            }
        }
    }

    /// Whether a Gateway is reached at the nodes.
    pub(in crate::status) fn is_at_nodes(&self) -> bool {
        self.wishes.values().any(|wish| match wish {
            OwnService::Wanted(service) => service.service_type == ServiceType::NodePort,
            OwnService::None | OwnService::Undecided => false,
        })
    }

    /// The nodes' addresses have changed.
    pub(in crate::status) fn nodes_moved(&mut self) {
        self.moved.extend(self.wishes.keys().cloned());
    }

    /// Where the Gateways are reached of which that may have changed, given where Services are; `None`: at Adit's own
    /// addresses, or it is not known.
    pub(in crate::status) fn take_places(
        &mut self,
        addresses: impl Fn(&Service) -> Vec<Address>,
    ) -> Vec<(ObjectKey, Option<Place>)> {
        let moved = std::mem::take(&mut self.moved).into_iter();
        moved
            .map(|gateway| {
                let place = match self.wishes.get(&gateway) {
                    Some(OwnService::Wanted(service)) => Some(self.place(&gateway, service, &addresses)),
                    _ => None,
                };
                (gateway, place)
            })
            .collect()
    }

    fn place(
        &self,
        gateway: &ObjectKey,
        service: &GatewayService,
        addresses: impl Fn(&Service) -> Vec<Address>,
    ) -> Place {
        let key = self.maker(gateway, service).key();
        let existing = self.inventory.service(&key);
        if existing.is_some_and(|existing| !is_owned(&existing.metadata, &service.owner)) {
            let message = format!("{key} exists, and was not made for this Gateway: it is left alone");
            return Place { addresses: Vec::new(), problem: Some(("Invalid", message)) };
        }
        let addresses = existing.map(addresses).unwrap_or_default();
        let refusals = self.refusals.get(&Some(gateway.clone()));
        let problem = match refusals.and_then(|refusals| refusals.iter().next()) {
            Some((key, reason)) => {
                let is_of_address = service.address.is_some() && key.kind == Kind::Service;
                let word = if is_of_address { "AddressNotUsable" } else { "NoResources" };
                Some((word, format!("{key} is refused: {reason}")))
            }
            None => self.unassigned(gateway, service),
        };
        Place { addresses, problem }
    }

    /// Why not all ports of a Gateway have a target port, unless that is to come.
    fn unassigned(&self, gateway: &ObjectKey, service: &GatewayService) -> Option<(&'static str, String)> {
        let mut missing = service.ports.iter().filter(|(_, target)| target.is_none());
        let (port, _) = missing.next()?;
        if let Some((key, reason)) = self.refusals.get(&None).and_then(|refusals| refusals.iter().next()) {
            return Some(("NoResources", format!("{key}, which has the target ports, is refused: {reason}")));
        }
        let is_unserved = self.unserved.contains(&port.of_gateway(&gateway.namespace, &gateway.name));
        is_unserved.then(|| ("NoResources", format!("no target port is left for {port}")))
    }

    fn maker<'a>(&'a self, gateway: &'a ObjectKey, service: &'a GatewayService) -> Maker<'a> {
        Maker { controller: &self.controller, gateway, service }
    }

    /// What to write for a Gateway: nothing as long as it is not known what it asks for, or which endpoints Adit has.
    fn changes(&self, gateway: &ObjectKey) -> Vec<Change> {
        let desired = match self.wishes.get(gateway) {
            Some(OwnService::None) => Some(Vec::new()),
            Some(OwnService::Wanted(service)) => self.desired(gateway, service),
            Some(OwnService::Undecided) | None => None,
        };
        let Some(desired) = desired else { return Vec::new() };
        let is_stale = |key: &&ObjectKey| desired.iter().all(|desired| desired.key != **key);
        let stale = self.inventory.made(gateway).filter(is_stale);
        let deletions: Vec<_> = stale.filter_map(|key| self.deletion(key, gateway)).collect();
        let applications = desired.into_iter().filter_map(|desired| self.application(desired, gateway));
        applications.chain(deletions).collect()
    }

    fn desired(&self, gateway: &ObjectKey, service: &GatewayService) -> Option<Vec<Desired>> {
        let maker = self.maker(gateway, service);
        let existing = self.inventory.service(&maker.key());
        let is_foreign = existing.is_some_and(|existing| !is_owned(&existing.metadata, &service.owner));
        let wanted = maker.service().filter(|_| !is_foreign && self.inventory.has_sources())?;
        let slices = self.inventory.sources().map(|source| maker.slice(source));
        Some([wanted].into_iter().chain(slices).collect())
    }

    fn application(&self, desired: Desired, gateway: &ObjectKey) -> Option<Change> {
        let is_there = match desired.key.kind {
            Kind::Service => self.inventory.service(&desired.key).is_some_and(|object| is_as_desired(object, &desired)),
            _ => self.inventory.slice(&desired.key).is_some_and(|object| is_as_desired(object, &desired)),
        };
        let Desired { key, mut body } = desired;
        // Another one of the name may have come in its place.
        if let Some(uid) = self.inventory.metadata(&key).and_then(|metadata| metadata.uid.as_deref()) {
            body["metadata"]["uid"] = json!(uid);
        }
        (!is_there).then(|| self.change(&key, Some(gateway), Verb::Apply(body)))
    }

    fn deletion(&self, key: &ObjectKey, gateway: &ObjectKey) -> Option<Change> {
        let uid = self.inventory.metadata(key)?.uid.clone()?;
        Some(self.change(key, Some(gateway), Verb::Delete(uid)))
    }

    /// What to write into the list of target ports.
    fn list_change(&mut self) -> Option<Change> {
        let (key, list) = self.inventory.list()?;
        let none = BTreeMap::new();
        let entries = list.and_then(|map| map.data.as_ref()).unwrap_or(&none);
        let named = self.inventory.targets();
        let is_own = |port| self.own_ports.flag(port).is_some();
        let assigned = assign(entries, &self.wanted_ports(), |port| named.contains(&port), is_own);
        let data = json!(assigned.changes);
        let verb = match list {
            Some(map) => {
                Verb::Merge(json!({"metadata": {"resourceVersion": map.metadata.resource_version}, "data": data}))
            }
            None => {
                let labels = json!({"app.kubernetes.io/managed-by": "adit"});
                let metadata = json!({"name": key.name, "namespace": key.namespace, "labels": labels});
                Verb::Create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))
            }
        };
        let change = (!assigned.changes.is_empty()).then(|| self.change(key, None, verb));
        if assigned.unserved != self.unserved {
            self.unserved = assigned.unserved;
            self.moved.extend(self.wishes.keys().cloned());
        }
        change
    }

    /// The ports of all Gateways that need a target port, as the list names them.
    fn wanted_ports(&self) -> BTreeSet<String> {
        let wanted = self.wishes.iter().filter_map(|(gateway, wish)| match wish {
            OwnService::Wanted(service) => Some((gateway, service)),
            OwnService::None | OwnService::Undecided => None,
        });
        let owners = wanted.flat_map(|(gateway, service)| {
            service.ports.keys().map(|port| port.of_gateway(&gateway.namespace, &gateway.name))
        });
        owners.collect()
    }

    fn change(&self, key: &ObjectKey, gateway: Option<&ObjectKey>, verb: Verb) -> Change {
        let version = self.inventory.version(key).map(str::to_owned);
        Change { key: key.clone(), verb, gateway: gateway.cloned(), version }
    }
}

#[cfg(test)]
mod tests;
