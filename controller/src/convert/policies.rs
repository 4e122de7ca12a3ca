//! AditPolicies: what an Ingress asks for that Gateway API does not have.

use super::annotations::{Fate, family, fate};
use super::ports;
use super::source::Source;
use crate::annotation::{Annotation, Applied, FieldType, policy_fields};
use crate::gateway_api::{OWN_API, OWN_GROUP};
use crate::object::{Kind, ObjectKey};
use crate::registry::parse_bool;
use gateway::config::{Action, BackendProtocol, Route, RouteBackend};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The families that say who comes in, which `no-auth-locations` leaves out.
const GUARDS: [&str; 2] = ["External authentication", "Passwords"];

/// What the policies of an Ingress are called: that of most rules, and the one without authentication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PolicyNames {
    pub(super) usual: Option<String>,
    pub(super) open: Option<String>,
}

/// The policies of all Ingresses.
#[derive(Debug, Default)]
pub(super) struct Policies(BTreeMap<ObjectKey, OfIngress>);

#[derive(Debug, Default)]
struct OfIngress {
    names: PolicyNames,
    objects: Vec<Value>,
}

/// What the routes of an Ingress make of its policy.
#[derive(Clone, Copy, Debug, Default)]
struct Needs {
    /// Some need no authentication.
    open: bool,
    /// Their backends are spoken to in HTTP, and an HTTPRoute would speak what the Service says.
    plain_http: bool,
}

impl Policies {
    pub(super) fn of(source: &Source) -> Self {
        let needs = needs(source);
        let of_ingress = |key: &ObjectKey| {
            let needs = needs.get(key).copied().unwrap_or_default();
            let mut of_ingress = OfIngress::default();
            let usual = fields(key, needs, false, source);
            if needs.open {
                let open = fields(key, needs, true, source);
                of_ingress.names.open = of_ingress.add(key, format!("{}-open", key.name), &open);
            }
            of_ingress.names.usual = of_ingress.add(key, key.name.to_string(), &usual);
            (key.clone(), of_ingress)
        };
        Self(source.ingresses().map(|stored| of_ingress(&stored.key)).collect())
    }

    /// What the policies of an Ingress are called.
    pub(super) fn names(&self, ingress: &ObjectKey) -> PolicyNames {
        self.0.get(ingress).map(|of_ingress| of_ingress.names.clone()).unwrap_or_default()
    }

    /// The policies of these Ingresses that are among the filters of rules.
    pub(super) fn objects(&self, is_wanted: impl Fn(&ObjectKey) -> bool) -> Vec<Value> {
        let wanted = self.0.iter().filter(|(key, _)| is_wanted(key));
        wanted.flat_map(|(_, of_ingress)| of_ingress.objects.iter().cloned()).collect()
    }
}

impl OfIngress {
    /// Adds a policy with these fields, if there are any. Its name.
    fn add(&mut self, ingress: &ObjectKey, name: String, fields: &Map<String, Value>) -> Option<String> {
        if fields.is_empty() {
            return None;
        }
        let metadata = json!({"namespace": &*ingress.namespace, "name": name});
        self.objects.push(
            json!({"apiVersion": OWN_API, "kind": Kind::AditPolicy.name(), "metadata": metadata, "spec": fields}),
        );
        Some(name)
    }
}

/// The filter that names a policy.
pub(super) fn filter(name: &str) -> Value {
    json!({"type": "ExtensionRef", "extensionRef": {"group": OWN_GROUP, "kind": Kind::AditPolicy.name(), "name": name}})
}

fn needs(source: &Source) -> BTreeMap<ObjectKey, Needs> {
    let mut needs: BTreeMap<ObjectKey, Needs> = BTreeMap::new();
    for route in source.translator.hosts().flat_map(|host| &host.routes) {
        if let Some(ingress) = ObjectKey::of(&route.origin.object) {
            let needs = needs.entry(ingress).or_default();
            needs.open |= source.is_open(route);
            needs.plain_http |= needs_plain_http(route, source);
        }
    }
    needs
}

fn needs_plain_http(route: &Route, source: &Source) -> bool {
    let Action::Forward(backends) = &route.action else { return false };
    let differs = |backend: &RouteBackend| {
        let port = backend.backend.service().and_then(|id| ports::find(id, &source.store).ok());
        let is_http = backend.policies.protocol == BackendProtocol::Http;
        is_http && port.is_some_and(|port| port.protocol != BackendProtocol::Http)
    };
    backends.iter().any(differs)
}

/// The fields of a policy of an Ingress; `is_open` leaves out who has to say who they are.
fn fields(ingress: &ObjectKey, needs: Needs, is_open: bool, source: &Source) -> Map<String, Value> {
    let given = source.given(ingress);
    let kept = given.applied().filter_map(|applied| {
        let annotation = Annotation::named(applied.key)?;
        let is_left_out = is_open && GUARDS.contains(&family(annotation));
        match fate(annotation, &given) {
            Fate::Kept(field) if !is_left_out => {
                let (_, kind) = policy_fields().get(&field)?;
                Some((field, value(*kind, applied)))
            }
            _ => None,
        }
    });
    let plain_http = needs.plain_http.then(|| ("backendProtocol".to_owned(), "HTTP".into()));
    plain_http.into_iter().chain(kept).collect()
}

/// A value as YAML has it: what is neither a Boolean nor a number stays a text.
fn value(kind: FieldType, applied: &Applied) -> Value {
    let text = applied.value.trim();
    let number = || text.parse::<i64>().ok().map(Value::from);
    let typed = match kind {
        FieldType::Boolean => parse_bool(text).map(Value::from),
        FieldType::Switch => Some(Value::from(text == "on")),
        FieldType::Integer | FieldType::Quantity => number(),
        FieldType::Text => None,
    };
    typed.unwrap_or_else(|| applied.value.as_ref().into())
}
