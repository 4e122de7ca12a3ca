use super::request::Request;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Resource, namespace, name.
type Key = (String, String, String);

const WITHOUT_NAMESPACE: [&str; 5] =
    ["gatewayclasses", "ingressclasses", "namespaces", "nodes", "validatingwebhookconfigurations"];

/// Objects with versions, and what became of them.
#[derive(Debug, Default)]
pub(super) struct Objects {
    objects: BTreeMap<Key, Value>,
    history: Vec<Change>,
    version: u64,
    /// Changes up to this version are no longer known.
    forgotten: u64,
}

#[derive(Debug)]
struct Change {
    version: u64,
    kind: &'static str,
    key: Key,
    object: Value,
}

/// A version, the type of an event, and its object.
pub(super) type Event = (u64, &'static str, Value);

impl Objects {
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn all(&self) -> Vec<&Value> {
        self.objects.values().collect()
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = &str> {
        self.objects.keys().map(|(resource, ..)| resource.as_str())
    }

    /// Creates or changes an object, with the metadata that a server gives it.
    pub(super) fn apply(&mut self, mut object: Value) -> Result<()> {
        let resource = resource(object["kind"].as_str().context("no kind")?);
        let metadata = object["metadata"].as_object_mut().context("no metadata")?;
        if !WITHOUT_NAMESPACE.contains(&resource.as_str()) {
            metadata.entry("namespace").or_insert(json!("default"));
        }
        self.version += 1;
        metadata.insert("resourceVersion".to_owned(), json!(self.version.to_string()));
        metadata.insert("managedFields".to_owned(), json!([{"manager": "test"}]));
        let text = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = (resource, text("namespace"), text("name"));
        let before = self.objects.get(&key);
        let created = before.map(|before| before["metadata"]["creationTimestamp"].clone());
        let uid = before.map(|before| before["metadata"]["uid"].clone());
        // Whoever changes an object leaves its status to others.
        if let Some(status) = before.and_then(|before| before.get("status"))
            && object.get("status").is_none()
        {
            object["status"] = status.clone();
        }
        let metadata = &mut object["metadata"];
        let now = format!("2024-01-01T00:{:02}:{:02}Z", self.version / 60 % 60, self.version % 60);
        metadata["uid"] = uid.unwrap_or(json!(format!("uid-{}", self.version)));
        metadata["creationTimestamp"] = created.clone().unwrap_or(json!(now));
        let kind = if created.is_some() { "MODIFIED" } else { "ADDED" };
        self.objects.insert(key.clone(), object.clone());
        self.history.push(Change { version: self.version, kind, key, object });
        Ok(())
    }

    /// All objects of a resource.
    pub(super) fn of(&self, resource: &str) -> Vec<Value> {
        self.objects.iter().filter(|((of, ..), _)| of == resource).map(|(_, object)| object.clone()).collect()
    }

    pub(super) fn delete(&mut self, resource: &str, namespace: &str, name: &str) -> Option<()> {
        let key = (resource.to_owned(), namespace.to_owned(), name.to_owned());
        let mut object = self.objects.remove(&key)?;
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.history.push(Change { version: self.version, kind: "DELETED", key, object });
        Some(())
    }

    pub(super) fn find(&self, resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(resource.to_owned(), namespace.to_owned(), name.to_owned()))
    }

    /// All that an object ever was, as far as it is known.
    pub(super) fn history(&self, resource: &str, namespace: &str, name: &str) -> Vec<&Value> {
        let wanted = (resource.to_owned(), namespace.to_owned(), name.to_owned());
        self.history.iter().filter(|change| change.key == wanted).map(|change| &change.object).collect()
    }

    pub(super) fn forget(&mut self) {
        self.forgotten = self.version;
        self.history.clear();
    }

    pub(super) fn select(&self, request: &Request) -> Vec<&Value> {
        self.objects.iter().filter(|(key, object)| selects(request, key, object)).map(|(_, object)| object).collect()
    }

    /// The events after a version; `None` if they are no longer known.
    pub(super) fn since(&self, version: u64, request: &Request) -> Option<Vec<Event>> {
        let later = self.history.iter().filter(|change| change.version > version);
        let selected = later.filter(|change| selects(request, &change.key, &change.object));
        (version >= self.forgotten)
            .then(|| selected.map(|change| (change.version, change.kind, change.object.clone())).collect())
    }
}

fn selects(request: &Request, (resource, namespace, _): &Key, object: &Value) -> bool {
    *resource == request.resource
        && request.namespace.as_ref().is_none_or(|wanted| wanted == namespace)
        && request.selectors.iter().all(|selector| selector.selects(object))
}

fn resource(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        _ if kind.ends_with('s') => format!("{kind}es"),
        Some(stem) if !kind.ends_with("ay") => format!("{stem}ies"),
        _ => format!("{kind}s"),
    }
}
