//! What a case's objects must be like for an API server.

use super::{LABEL, NAMESPACE};
use crate::case::Mode;
use serde_json::{Value, json};

/// What tells objects apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity<'a> {
    pub(super) kind: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

/// Who an object is, which names its namespace.
pub(super) fn identity(object: &Value) -> Identity<'_> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    Identity { kind: text("/kind"), namespace: text("/metadata/namespace"), name: text("/metadata/name") }
}

/// The objects with a namespace and our label each. The gateway's ConfigMap is that of the Adit that plays cases, and
/// says which mode it plays in; Services have neither Pods nor an address that the case could choose.
pub(super) fn for_a_cluster(mut objects: Vec<Value>, mode: Mode) -> Vec<Value> {
    for object in &mut objects {
        if object.pointer("/metadata/namespace").is_none() {
            object["metadata"]["namespace"] = json!("default");
        }
        if is_gateways(object) {
            object["metadata"]["namespace"] = json!(NAMESPACE);
        }
        object["metadata"]["labels"][LABEL] = json!("");
        if object["kind"] == "Service"
            && let Some(spec) = object["spec"].as_object_mut()
        {
            spec.remove("selector");
            spec.retain(|field, value| field != "clusterIP" || value == "None");
        }
    }
    if mode == Mode::Strict {
        set_strict(&mut objects);
    }
    objects
}

fn is_gateways(object: &Value) -> bool {
    identity(object) == Identity { kind: "ConfigMap", namespace: "adit", name: "adit" }
}

fn set_strict(objects: &mut Vec<Value>) {
    let gateways = Identity { kind: "ConfigMap", namespace: NAMESPACE, name: "adit" };
    let place = match objects.iter().position(|object| identity(object) == gateways) {
        Some(place) => place,
        None => {
            let metadata = json!({"name": "adit", "namespace": NAMESPACE, "labels": {LABEL: ""}});
            objects.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}));
            objects.len() - 1
        }
    };
    objects[place]["data"]["path-matching"] = json!("strict");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_left_to_the_test() {
        let service = json!({"kind": "Service", "metadata": {"name": "s"},
            "spec": {"selector": {"app": "s"}, "clusterIP": "10.0.0.1", "ports": []}});
        let metadata = json!({"name": "s", "namespace": "default", "labels": {LABEL: ""}});
        let expected = json!({"kind": "Service", "metadata": metadata, "spec": {"ports": []}});
        assert_eq!(for_a_cluster(vec![service], Mode::Nginx), [expected]);
    }

    #[test]
    fn the_mode_is_in_the_gateways_config_map() {
        let given = json!({"kind": "ConfigMap", "metadata": {"name": "adit", "namespace": "adit"}, "data": {"a": "b"}});
        for objects in [vec![], vec![given]] {
            let objects = for_a_cluster(objects, Mode::Strict);
            assert_eq!(identity(&objects[0]), Identity { kind: "ConfigMap", namespace: NAMESPACE, name: "adit" });
            assert_eq!(objects[0]["data"]["path-matching"], "strict");
        }
    }
}
