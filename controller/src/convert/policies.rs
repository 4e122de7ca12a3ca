//! AditPolicies: what an Ingress asks for that Gateway API does not have.

use super::annotations::{Fate, family, fate};
use super::names::{self, Names};
use super::ports;
use super::source::Source;
use crate::annotation::{Annotation, Applied, FieldType, policy_fields};
use crate::gateway_api::{OWN_API, OWN_GROUP};
use crate::object::{Kind, ObjectKey};
use crate::registry::parse_bool;
use gateway::config::{Action, BackendProtocol, HostName, Route, RouteBackend};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

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
    /// What the usual one is called at each host, where it is not the same for all.
    at_hosts: BTreeMap<HostName, String>,
    objects: Vec<Value>,
}

/// What the routes of an Ingress make of its policy.
#[derive(Clone, Debug, Default)]
struct Needs {
    /// Some need no authentication.
    open: bool,
    /// Their backends are spoken to in HTTP, and an HTTPRoute would speak what the Service says.
    plain_http: bool,
    /// There is to be a rule for the paths that no other has, which is by its policy, even if that says nothing.
    other_paths: bool,
    /// The hosts that they are on.
    hosts: BTreeSet<HostName>,
}

impl Policies {
    pub(super) fn of(source: &Source) -> Self {
        let needs = needs(source);
        let mut taken = Names::default();
        let mut of_ingress = |key: &ObjectKey| {
            let needs = needs.get(key).cloned().unwrap_or_default();
            let mut of_ingress = OfIngress::default();
            let mut add = |name: String, fields: &Map<String, Value>| {
                let is_wanted = needs.other_paths || !fields.is_empty();
                is_wanted.then(|| of_ingress.add(key, taken.take(Kind::AditPolicy, &key.namespace, &name), fields))
            };
            let at_hosts = at_hosts(key, &needs, source);
            let usual = at_hosts.is_empty().then(|| fields(key, &needs, false, source));
            let usual = usual.and_then(|fields| add(key.name.to_string(), &fields));
            let open = needs.open.then(|| fields(key, &needs, true, source));
            let open = open.and_then(|fields| add(format!("{}-open", key.name), &fields));
            let named = |(host, fields): (HostName, Map<String, Value>)| {
                let name = add(format!("{}-{}", key.name, names::of_host(&host)), &fields)?;
                Some((host, name))
            };
            let at_hosts = at_hosts.into_iter().filter_map(named).collect();
            (of_ingress.names, of_ingress.at_hosts) = (PolicyNames { usual, open }, at_hosts);
            (key.clone(), of_ingress)
        };
        Self(source.ingresses().map(|stored| of_ingress(&stored.key)).collect())
    }

    /// What the policies of an Ingress are called, for the rules of a host.
    pub(super) fn names(&self, ingress: &ObjectKey, host: &HostName) -> PolicyNames {
        let Some(of_ingress) = self.0.get(ingress) else { return PolicyNames::default() };
        let PolicyNames { usual, open } = of_ingress.names.clone();
        PolicyNames { usual: of_ingress.at_hosts.get(host).cloned().or(usual), open }
    }

    /// The policies of these Ingresses that are among the filters of rules.
    pub(super) fn objects(&self, is_wanted: impl Fn(&ObjectKey) -> bool) -> Vec<Value> {
        let wanted = self.0.iter().filter(|(key, _)| is_wanted(key));
        wanted.flat_map(|(_, of_ingress)| of_ingress.objects.iter().cloned()).collect()
    }
}

impl OfIngress {
    /// Adds a policy with these fields. Its name.
    fn add(&mut self, ingress: &ObjectKey, name: String, fields: &Map<String, Value>) -> String {
        let metadata = json!({"namespace": &*ingress.namespace, "name": name});
        self.objects.push(
            json!({"apiVersion": OWN_API, "kind": Kind::AditPolicy.name(), "metadata": metadata, "spec": fields}),
        );
        name
    }
}

/// The filter that names a policy.
pub(super) fn filter(name: &str) -> Value {
    json!({"type": "ExtensionRef", "extensionRef": {"group": OWN_GROUP, "kind": Kind::AditPolicy.name(), "name": name}})
}

fn needs(source: &Source) -> BTreeMap<ObjectKey, Needs> {
    let mut needs: BTreeMap<ObjectKey, Needs> = BTreeMap::new();
    let routes = source.translator.hosts().flat_map(|host| host.routes.iter().map(move |route| (&host.name, route)));
    for (host, route) in routes {
        if let Some(ingress) = ObjectKey::of(&route.origin.object) {
            let needs = needs.entry(ingress).or_default();
            needs.open |= source.is_open(route);
            needs.plain_http |= needs_plain_http(route, source);
            needs.other_paths |= source.guards_other_paths(route);
            needs.hosts.insert(host.clone());
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

/// The fields of its policy at each host, where it has an auth server at the name of each.
fn at_hosts(ingress: &ObjectKey, needs: &Needs, source: &Source) -> BTreeMap<HostName, Map<String, Value>> {
    let Some((scheme, behind)) = source.given(ingress).auth_server_at_host() else { return BTreeMap::new() };
    let usual = fields(ingress, needs, false, source);
    let at = |host: &HostName| {
        let HostName::Exact(name) = host else { return None };
        let mut fields = usual.clone();
        fields.insert("authUrl".to_owned(), format!("{scheme}://{name}{behind}").into());
        Some((host.clone(), fields))
    };
    needs.hosts.iter().filter_map(at).collect()
}

/// The fields of a policy of an Ingress; `is_open` leaves out who has to say who they are.
fn fields(ingress: &ObjectKey, needs: &Needs, is_open: bool, source: &Source) -> Map<String, Value> {
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
