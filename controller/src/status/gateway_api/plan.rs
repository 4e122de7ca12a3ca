//! Which statuses of Gateway API to write: from what each says, what translation makes of it, and our addresses.

use super::merged::{Facts, merged};
use super::place::Place;
use super::unopened::Unopened;
use crate::address::Address;
use crate::gateway_api::{ObjectStatus, RawStatus, StatusParts};
use crate::object::{Kind, Object, ObjectKey};
use gateway::config::UnopenedPort;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A status to write.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::status) struct StatusUpdate {
    /// Of which object.
    pub(in crate::status) key: ObjectKey,
    /// The version of it that this was made from.
    pub(in crate::status) resource_version: String,
    /// The fields of the status that change.
    pub(in crate::status) fields: Value,
}

/// All objects of Gateway API, and which of them to look at.
#[derive(Debug)]
pub(in crate::status) struct Plan {
    controller: String,
    objects: HashMap<ObjectKey, State>,
    /// Ours, sorted; `None` until they have been looked for.
    addresses: Option<Vec<Address>>,
    /// Where Gateways are reached that have a Service for themselves.
    places: HashMap<ObjectKey, Place>,
    unopened: Unopened,
    due: BTreeSet<ObjectKey>,
    writing: HashSet<ObjectKey>,
}

/// What is known of an object.
#[derive(Debug)]
struct State {
    object: Object,
    status: Option<Arc<ObjectStatus>>,
    /// Our last update is not part of `object`, or another one's is missing.
    is_outdated: bool,
}

impl Plan {
    /// Without any object. The name is that of our controller.
    pub(in crate::status) fn new(controller: &str) -> Self {
        Self {
            controller: controller.to_owned(),
            objects: HashMap::new(),
            addresses: None,
            places: HashMap::new(),
            unopened: Unopened::default(),
            due: BTreeSet::new(),
            writing: HashSet::new(),
        }
    }

    /// An object is this now. It is looked at when translation has seen it.
    pub(in crate::status) fn observe(&mut self, key: ObjectKey, object: Object) {
        match self.objects.get_mut(&key) {
            Some(state) => (state.object, state.is_outdated) = (object, false),
            None => drop(self.objects.insert(key, State { object, status: None, is_outdated: false })),
        }
    }

    /// An object is no more.
    pub(in crate::status) fn forget(&mut self, key: &ObjectKey) {
        self.objects.remove(key);
        self.places.remove(key);
        self.due.remove(key);
    }

    /// A Gateway with a Service for itself is reached there; none: it has no such Service.
    pub(in crate::status) fn place(&mut self, gateway: ObjectKey, place: Option<Place>) {
        let changed = match place {
            Some(place) => self.places.insert(gateway.clone(), place.clone()).as_ref() != Some(&place),
            None => self.places.remove(&gateway).is_some(),
        };
        if changed && self.objects.contains_key(&gateway) {
            self.due.insert(gateway);
        }
    }

    /// These ports cannot be opened now: listeners on them are not served.
    pub(in crate::status) fn unopened(&mut self, ports: &[UnopenedPort]) {
        self.unopened = Unopened::new(ports);
        let has_listeners = |key: &&ObjectKey| matches!(key.kind, Kind::Gateway | Kind::ListenerSet);
        self.due.extend(self.objects.keys().filter(has_listeners).cloned());
    }

    /// The status of an object is to say this, or nothing of us.
    pub(in crate::status) fn require(&mut self, key: ObjectKey, status: Option<Arc<ObjectStatus>>) {
        if let Some(state) = self.objects.get_mut(&key) {
            state.status = status.or_else(|| withdrawn(&state.object));
            self.due.insert(key);
        }
    }

    /// These are our addresses now; none if there are none yet.
    pub(in crate::status) fn publish(&mut self, mut addresses: Vec<Address>) {
        addresses.sort();
        addresses.dedup();
        if self.addresses.as_ref() != Some(&addresses) {
            self.addresses = Some(addresses);
            self.due.extend(self.objects.keys().cloned());
        }
    }

    /// Every status is to be looked at again.
    pub(in crate::status) fn review(&mut self) {
        self.objects.values_mut().for_each(|state| state.is_outdated = false);
        self.due.extend(self.objects.keys().cloned());
    }

    /// The next status that differs from what it should be.
    pub(in crate::status) fn next(&mut self, now: Timestamp) -> Option<StatusUpdate> {
        let addresses = self.addresses.as_deref()?;
        // As the API has it: whole seconds.
        let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut facts = Facts { controller: &self.controller, addresses, place: None, unopened: &self.unopened, time };
        loop {
            let is_ready = |key: &&ObjectKey| {
                !self.writing.contains(*key) && self.objects.get(*key).is_none_or(|state| !state.is_outdated)
            };
            let key = self.due.iter().find(is_ready).cloned()?;
            self.due.remove(&key);
            facts.place = self.places.get(&key);
            if let Some(update) = self.objects.get(&key).and_then(|state| state.update(&key, &facts)) {
                self.writing.insert(key);
                return Some(update);
            }
        }
    }

    /// How many updates are under way.
    pub(in crate::status) fn writing(&self) -> usize {
        self.writing.len()
    }

    /// An update was written.
    pub(in crate::status) fn written(&mut self, update: &StatusUpdate) {
        self.writing.remove(&update.key);
        if let Some(state) = self.objects.get_mut(&update.key) {
            state.is_outdated |= state.version() == update.resource_version;
        }
    }

    /// An update was not written, since the object is not what it was made from: it is made again when that has come.
    pub(in crate::status) fn outdated(&mut self, update: &StatusUpdate) {
        self.written(update);
        self.due_again(update);
    }

    /// An update was not written, and will not be until its object is looked at again.
    pub(in crate::status) fn refused(&mut self, update: &StatusUpdate) {
        self.writing.remove(&update.key);
    }

    /// An update was not written for now.
    pub(in crate::status) fn failed(&mut self, update: &StatusUpdate) {
        self.writing.remove(&update.key);
        self.due_again(update);
    }

    fn due_again(&mut self, update: &StatusUpdate) {
        if self.objects.contains_key(&update.key) {
            self.due.insert(update.key.clone());
        }
    }
}

impl State {
    /// What to write. An object that translation has not seen in its newest generation is looked at when it has.
    fn update(&self, key: &ObjectKey, facts: &Facts<'_>) -> Option<StatusUpdate> {
        let (metadata, now) = parts(&self.object)?;
        let status = self.status.as_ref()?;
        if metadata.generation != status.generation {
            return None;
        }
        let fields = merged(&now.read(), status, facts)?;
        Some(StatusUpdate { key: key.clone(), resource_version: self.version().to_owned(), fields })
    }

    fn version(&self) -> &str {
        parts(&self.object).and_then(|(metadata, _)| metadata.resource_version.as_deref()).unwrap_or_default()
    }
}

/// What the status of an object of which nothing is ours says: a route or a policy has no entry of us, and anything else is of those
/// who have it now.
fn withdrawn(object: &Object) -> Option<Arc<ObjectStatus>> {
    let none = match object {
        Object::GatewayClass(_) | Object::Gateway(_) | Object::ListenerSet(_) => return None,
        Object::BackendTlsPolicy(_) | Object::AditPolicy(_) => StatusParts::Policy(Vec::new()),
        _ => StatusParts::Route(Vec::new()),
    };
    let (metadata, _) = parts(object)?;
    Some(Arc::new(ObjectStatus { generation: metadata.generation, parts: none }))
}

/// Of the kinds whose statuses we write: the metadata, and the status.
pub(in crate::status) fn parts(object: &Object) -> Option<(&ObjectMeta, &RawStatus)> {
    Some(match object {
        Object::GatewayClass(object) => (&object.metadata, &object.status),
        Object::Gateway(object) => (&object.metadata, &object.status),
        Object::ListenerSet(object) => (&object.metadata, &object.status),
        Object::HttpRoute(object) => (&object.metadata, &object.status),
        Object::GrpcRoute(object) => (&object.metadata, &object.status),
        Object::TlsRoute(object) => (&object.metadata, &object.status),
        Object::TcpRoute(object) => (&object.metadata, &object.status),
        Object::UdpRoute(object) => (&object.metadata, &object.status),
        Object::BackendTlsPolicy(object) => (&object.metadata, &object.status),
        Object::AditPolicy(object) => (&object.metadata, &object.status),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_api::{Condition, ListenerStatus, OwnService};
    use gateway::config::{Origin, StreamProtocol};
    use serde_json::json;

    fn key() -> ObjectKey {
        ObjectKey::new(Kind::GatewayClass, "", "adit")
    }

    fn class(generation: i64, version: u32, status: &Value) -> Object {
        let metadata = json!({"name": "adit", "generation": generation, "resourceVersion": version.to_string()});
        let class = json!({"metadata": metadata, "status": status});
        Object::GatewayClass(serde_json::from_value(class).expect("a GatewayClass"))
    }

    fn accepted(generation: i64) -> Arc<ObjectStatus> {
        let condition = Condition::holds("Accepted", "Accepted");
        Arc::new(ObjectStatus { generation: Some(generation), parts: StatusParts::GatewayClass(vec![condition]) })
    }

    fn plan() -> Plan {
        let mut plan = Plan::new("adit.dev/gateway-controller");
        plan.publish(vec![]);
        plan
    }

    fn next(plan: &mut Plan) -> Option<StatusUpdate> {
        plan.next(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_status_is_written_once_for_each_generation() {
        let mut plan = plan();
        plan.observe(key(), class(1, 1, &Value::Null));
        assert_eq!(next(&mut plan), None, "it is not translated yet");
        plan.require(key(), Some(accepted(1)));
        let update = next(&mut plan).expect("an update");
        assert_eq!(update.fields["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
        assert_eq!(update.resource_version, "1");
        plan.written(&update);
        plan.observe(key(), class(1, 2, &update.fields));
        plan.review();
        assert_eq!(next(&mut plan), None);

        plan.observe(key(), class(2, 3, &update.fields));
        plan.review();
        assert_eq!(next(&mut plan), None, "it is not translated yet");
        plan.require(key(), Some(accepted(2)));
        assert_eq!(next(&mut plan).expect("an update").fields["conditions"][0]["observedGeneration"], 2);
    }

    #[test]
    fn what_was_written_is_waited_for() {
        let mut plan = plan();
        plan.observe(key(), class(1, 1, &Value::Null));
        plan.require(key(), Some(accepted(1)));
        let update = next(&mut plan).expect("an update");
        plan.require(key(), Some(accepted(1)));
        assert_eq!(next(&mut plan), None, "one is under way");
        plan.written(&update);
        assert_eq!(next(&mut plan), None, "and is not seen yet");
        plan.observe(key(), class(1, 2, &update.fields));
        assert_eq!(next(&mut plan), None, "and says it all");
    }

    #[test]
    fn what_another_one_wrote_is_waited_for() {
        let mut plan = plan();
        plan.observe(key(), class(1, 1, &Value::Null));
        plan.require(key(), Some(accepted(1)));
        let update = next(&mut plan).expect("an update");
        plan.outdated(&update);
        assert_eq!(next(&mut plan), None);
        plan.observe(key(), class(1, 2, &json!({"conditions": [{"type": "example.com/Checked"}]})));
        assert_eq!(next(&mut plan).expect("an update").fields["conditions"][0]["type"], "example.com/Checked");
    }

    #[test]
    fn what_failed_is_tried_again_and_what_was_refused_is_not() {
        let mut plan = plan();
        plan.observe(key(), class(1, 1, &Value::Null));
        plan.require(key(), Some(accepted(1)));
        let update = next(&mut plan).expect("an update");
        plan.failed(&update);
        assert_eq!(next(&mut plan), Some(update.clone()));
        plan.refused(&update);
        assert_eq!((next(&mut plan), plan.writing()), (None, 0));
        plan.review();
        assert_eq!(next(&mut plan), Some(update.clone()));
        plan.forget(&key());
        plan.failed(&update);
        assert_eq!(next(&mut plan), None);
    }

    #[test]
    fn a_gateway_is_told_of_ports_as_they_are_closed_and_open() {
        let (mut plan, key) = (plan(), ObjectKey::new(Kind::Gateway, "default", "edge"));
        let gateway = |version: u32, status: &Value| {
            let metadata = json!({"name": "edge", "generation": 1, "resourceVersion": version.to_string()});
            let gateway = json!({"metadata": metadata, "status": status});
            Object::Gateway(serde_json::from_value(gateway).expect("a Gateway"))
        };
        let (port, holds) = ((StreamProtocol::Tcp, 8080), || vec![Condition::holds("Programmed", "Programmed")]);
        let listener = ListenerStatus {
            name: "web".to_owned(),
            supported_kinds: Vec::new(),
            port: Some(port),
            attached_routes: 0,
            conditions: holds(),
        };
        let parts = StatusParts::Gateway {
            conditions: holds(),
            listeners: vec![listener],
            attached_sets: 0,
            addresses: Vec::new(),
            service: OwnService::None,
        };
        let origin = Origin::new(&key, "spec.listeners[0].port");
        let closed = UnopenedPort { protocol: port.0, port: port.1, origin, message: "is taken".to_owned() };
        plan.publish(vec![Address::Ip("1.2.3.4".into())]);
        plan.observe(key.clone(), gateway(1, &Value::Null));
        plan.require(key.clone(), Some(Arc::new(ObjectStatus { generation: Some(1), parts })));
        for (version, ports, reason) in
            [(1, vec![], "Programmed"), (2, vec![closed], "Pending"), (3, vec![], "Programmed")]
        {
            plan.unopened(&ports);
            let update = next(&mut plan).expect("an update");
            assert_eq!(update.fields["listeners"][0]["conditions"][0]["reason"], reason, "{version}");
            plan.written(&update);
            plan.observe(key.clone(), gateway(version + 1, &update.fields));
            plan.unopened(&ports);
            assert_eq!(next(&mut plan), None, "it says so");
        }
    }

    #[test]
    fn nothing_is_written_before_the_addresses_were_looked_for() {
        let mut plan = Plan::new("adit.dev/gateway-controller");
        plan.observe(key(), class(1, 1, &Value::Null));
        plan.require(key(), Some(accepted(1)));
        assert_eq!(next(&mut plan), None);
        plan.publish(vec![]);
        assert!(next(&mut plan).is_some());
    }
}
