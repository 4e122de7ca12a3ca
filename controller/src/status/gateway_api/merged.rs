//! A status with ours in it. What is not ours stays as it is: conditions of other types, and the entries of other
//! controllers.

use super::place::{Place, chosen};
use super::unopened::Unopened;
use crate::address::Address;
use crate::gateway_api::{
    Condition, GROUP, GatewayAddress, ListenerStatus, ObjectStatus, OwnService, ParentReference, ParentStatus,
    RouteGroupKind, SUPPORTED_FEATURES, StatusParts,
};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

/// The types of conditions that we do not always have.
const OCCASIONAL: [&str; 5] =
    ["Conflicted", "InsecureFrontendValidationMode", "OverlappingTLSConfig", "PartiallyInvalid", "ResolvedRefs"];

/// The most characters that the API takes in the message of a condition.
const LONGEST_MESSAGE: usize = 32_768;

/// Where a status has an entry for each object that another one is attached to.
struct Entries {
    field: &'static str,
    /// What names the object in an entry.
    reference: &'static str,
    /// The most entries that the API takes, of all controllers.
    most: usize,
}

const PARENTS: Entries = Entries { field: "parents", reference: "parentRef", most: 32 };
const ANCESTORS: Entries = Entries { field: "ancestors", reference: "ancestorRef", most: 16 };

/// What is known here and not by translation.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    /// The name of our controller.
    pub(super) controller: &'a str,
    /// Where we are reached; none if there is no address yet.
    pub(super) addresses: &'a [Address],
    /// Where a Gateway is reached that has a Service for itself, as far as that is known.
    pub(super) place: Option<&'a Place>,
    /// The ports that cannot be opened.
    pub(super) unopened: &'a Unopened,
    /// Now.
    pub(super) time: String,
}

/// The fields of the status as they are to be; `None` where they are so already.
pub(super) fn merged(now: &Value, status: &ObjectStatus, facts: &Facts<'_>) -> Option<Value> {
    let merge = Merge { generation: status.generation, time: &facts.time };
    let fields = match &status.parts {
        StatusParts::GatewayClass(conditions) => {
            let features = SUPPORTED_FEATURES.iter().map(|name| json!({"name": name})).collect();
            vec![("conditions", merge.conditions(&now["conditions"], conditions)), ("supportedFeatures", features)]
        }
        StatusParts::Gateway { conditions, listeners, attached_sets, addresses, service } => {
            let place = facts.place_of(addresses, service);
            let (conditions, listeners) = facts.unopened.seen(conditions, listeners);
            let conditions: Vec<_> = conditions.iter().map(|condition| reachable(condition, &place)).collect();
            vec![
                ("addresses", place.addresses.iter().map(address).collect()),
                ("conditions", merge.conditions(&now["conditions"], &conditions)),
                ("listeners", merge.listeners(&now["listeners"], &listeners)),
                ("attachedListenerSets", json!(attached_sets)),
            ]
        }
        StatusParts::ListenerSet { conditions, listeners } => {
            let (conditions, listeners) = facts.unopened.seen(conditions, listeners);
            vec![
                ("conditions", merge.conditions(&now["conditions"], &conditions)),
                ("listeners", merge.listeners(&now["listeners"], &listeners)),
            ]
        }
        StatusParts::Route(parents) => vec![(PARENTS.field, merge.entries(&PARENTS, now, parents, facts.controller))],
        StatusParts::Policy(ancestors) => {
            vec![(ANCESTORS.field, merge.entries(&ANCESTORS, now, ancestors, facts.controller))]
        }
    };
    let is_same = |(field, value): &(&str, Value)| now[field] == *value || is_empty(value) && is_empty(&now[field]);
    let is_written = fields.iter().all(is_same);
    (!is_written)
        .then(|| fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect::<Map<_, _>>().into())
}

fn is_empty(value: &Value) -> bool {
    value.as_array().map_or(value.is_null(), Vec::is_empty)
}

impl Facts<'_> {
    /// Where a Gateway is reached that asks for these addresses, and for this Service.
    fn place_of(&self, addresses: &[GatewayAddress], service: &OwnService) -> Place {
        match (service, self.place) {
            (OwnService::None, _) => chosen(addresses, self.addresses),
            (OwnService::Wanted(_), Some(place)) if place.problem.is_some() => place.clone(),
            (OwnService::Wanted(_), Some(place)) => chosen(addresses, &place.addresses),
            (OwnService::Wanted(_) | OwnService::Undecided, _) => chosen(addresses, &[]),
        }
    }
}

/// A Gateway that is not reached where it asks for is not programmed, whatever translation made of it. What translation waits
/// for may not come.
fn reachable(condition: &Condition, place: &Place) -> Condition {
    let Some((reason, message)) = place.problem.as_ref().filter(|_| condition.kind == "Programmed") else {
        return condition.clone();
    };
    if condition.holds || condition.reason == "Pending" && *reason != "AddressNotAssigned" {
        return Condition::fails(condition.kind, reason, message);
    }
    condition.clone()
}

fn address(address: &Address) -> Value {
    match address {
        Address::Ip(ip) => json!({"type": "IPAddress", "value": ip}),
        Address::Hostname(name) => json!({"type": "Hostname", "value": name}),
    }
}

struct Merge<'a> {
    generation: Option<i64>,
    time: &'a str,
}

impl Merge<'_> {
    /// The conditions with ours, each in its place. One that we no longer have is gone.
    fn conditions(&self, now: &Value, ours: &[Condition]) -> Value {
        let now = items(now);
        let of_kind = |kind: &str| now.iter().find(|condition| condition["type"] == kind);
        let of_us = |condition: &Value| ours.iter().find(|ours| condition["type"] == ours.kind);
        let is_former = |condition: &Value| OCCASIONAL.iter().any(|kind| condition["type"] == *kind);
        let kept = now.iter().filter_map(|condition| match of_us(condition) {
            Some(ours) => Some(self.condition(Some(condition), ours)),
            None => (!is_former(condition)).then(|| condition.clone()),
        });
        let new = ours.iter().filter(|ours| of_kind(ours.kind).is_none());
        kept.chain(new.map(|ours| self.condition(None, ours))).collect()
    }

    fn condition(&self, now: Option<&Value>, ours: &Condition) -> Value {
        let status = if ours.holds { "True" } else { "False" };
        let is_kept = now.filter(|now| now["status"] == status);
        let since = is_kept.and_then(|now| now["lastTransitionTime"].as_str()).unwrap_or(self.time);
        json!({
            "type": ours.kind,
            "status": status,
            "observedGeneration": self.generation,
            "lastTransitionTime": since,
            "reason": ours.reason,
            "message": ours.message.chars().take(LONGEST_MESSAGE).collect::<String>(),
        })
    }

    fn listeners(&self, now: &Value, ours: &[ListenerStatus]) -> Value {
        let of_name = |name: &str| items(now).iter().find(|listener| listener["name"] == name).unwrap_or(&Value::Null);
        let listener = |ours: &ListenerStatus| {
            json!({
                "name": ours.name,
                "supportedKinds": ours.supported_kinds.iter().map(kind).collect::<Value>(),
                "attachedRoutes": ours.attached_routes,
                "conditions": self.conditions(&of_name(&ours.name)["conditions"], &ours.conditions),
            })
        };
        ours.iter().map(listener).collect()
    }

    /// The entries with ours: those that are there already in their places.
    fn entries(&self, of: &Entries, now: &Value, ours: &[ParentStatus], controller: &str) -> Value {
        let now = items(&now[of.field]);
        let is_ours = |entry: &&Value| entry["controllerName"] == controller;
        let is_of =
            |entry: &Value, parent: &ParentReference| reference_of(&entry[of.reference]) == Some(with_defaults(parent));
        let entry = |now: &Value, status: &ParentStatus| {
            json!({
                of.reference: reference(&status.parent),
                "controllerName": controller,
                "conditions": self.conditions(&now["conditions"], &status.conditions),
            })
        };
        let kept = now.iter().filter_map(|known| match is_ours(&known) {
            true => Some(entry(known, ours.iter().find(|status| is_of(known, &status.parent))?)),
            false => Some(known.clone()),
        });
        let is_new = |status: &&ParentStatus| !now.iter().filter(is_ours).any(|known| is_of(known, &status.parent));
        let new = ours.iter().filter(is_new).map(|status| entry(&Value::Null, status));
        kept.chain(new).take(of.most).collect()
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn kind(kind: &RouteGroupKind) -> Value {
    json!({"group": kind.group.as_deref().unwrap_or(GROUP), "kind": kind.kind})
}

/// A reference of an entry, with what the API server fills in.
fn reference_of(value: &Value) -> Option<ParentReference> {
    ParentReference::deserialize(value).ok().as_ref().map(with_defaults)
}

fn with_defaults(parent: &ParentReference) -> ParentReference {
    let group = parent.group.clone().unwrap_or_else(|| GROUP.to_owned());
    let kind = parent.kind.clone().unwrap_or_else(|| "Gateway".to_owned());
    ParentReference { group: Some(group), kind: Some(kind), ..parent.clone() }
}

fn reference(parent: &ParentReference) -> Value {
    let ParentReference { group, kind, namespace, name, section_name, port } = with_defaults(parent);
    let mut reference = json!({"group": group, "kind": kind, "name": name});
    let optional = [
        ("namespace", namespace.map(Value::from)),
        ("sectionName", section_name.map(Value::from)),
        ("port", port.map(Value::from)),
    ];
    for (field, value) in optional {
        if let Some(value) = value {
            reference[field] = value;
        }
    }
    reference
}

#[cfg(test)]
mod tests;
