//! ReferenceGrants, for what is in another namespace than what names it.

use super::names::Names;
use crate::object::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What may be named from where: the kind and the name of the object, and the kind and the namespace that names it.
type Grant = ((&'static str, String), (&'static str, String));

/// The ReferenceGrants that these objects need.
pub(super) fn of(objects: &[Value]) -> Vec<Value> {
    let mut grants: BTreeMap<String, BTreeSet<Grant>> = BTreeMap::new();
    for object in objects {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(from) = [Kind::Gateway, Kind::ListenerSet, Kind::HttpRoute, Kind::TlsRoute]
            .into_iter()
            .find(|kind| kind.name() == text("/kind"))
        else {
            continue;
        };
        let (list, below, to) = match from {
            Kind::Gateway | Kind::ListenerSet => ("/spec/listeners", "/tls/certificateRefs", "Secret"),
            _ => ("/spec/rules", "/backendRefs", "Service"),
        };
        let all = object.pointer(list).and_then(Value::as_array).into_iter().flatten();
        let references = all.filter_map(|part| part.pointer(below)?.as_array()).flatten();
        for reference in references {
            if let (Some(namespace), Some(name)) = (reference["namespace"].as_str(), reference["name"].as_str()) {
                let grant = ((to, name.to_owned()), (from.name(), text("/metadata/namespace")));
                grants.entry(namespace.to_owned()).or_default().insert(grant);
            }
        }
    }
    let mut names = Names::default();
    let of_namespace = |(namespace, grants): (String, BTreeSet<Grant>)| {
        grants.into_iter().map(|grant| object(&namespace, grant, &mut names)).collect::<Vec<_>>()
    };
    grants.into_iter().flat_map(of_namespace).collect()
}

fn object(namespace: &str, ((to, name), (from, of)): Grant, names: &mut Names) -> Value {
    let own_name = names.take(Kind::ReferenceGrant, namespace, &format!("{name}-for-{of}"));
    json!({
        "apiVersion": Kind::ReferenceGrant.api_version(),
        "kind": "ReferenceGrant",
        "metadata": {"namespace": namespace, "name": own_name},
        "spec": {
            "from": [{"group": Kind::Gateway.group(), "kind": from, "namespace": of}],
            "to": [{"group": "", "kind": to, "name": name}],
        },
    })
}
