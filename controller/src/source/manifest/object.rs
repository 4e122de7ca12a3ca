//! One object, from untyped to typed: the same for files and for a cluster.

use super::{typed, validate};
use crate::diagnostic::Diagnostic;
use crate::gateway_api::{GROUP, OWN_GROUP};
use crate::object::{Age, Kind, Object, ObjectKey, Observed, is_name};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Where `kubectl apply` keeps a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Where a status says how the object is reached.
const LOAD_BALANCER: &str = "loadBalancer";

/// Leaves out what nobody here reads: often more than half of an object.
pub(crate) fn strip(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else { return };
    // The parts of a status that are others' are written again with ours. Of Ingresses and of Services: all that their
    // statuses are read for.
    if !has_entries_of_others(fields)
        && let Some(status) = fields.remove("status")
        && let Some(balancer) = status.get(LOAD_BALANCER)
    {
        fields.insert("status".to_owned(), json!({LOAD_BALANCER: balancer}));
    }
    let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    metadata.remove("managedFields");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
}

/// Whether it is one of Gateway API, or a policy of ours beside it.
fn has_entries_of_others(fields: &Map<String, Value>) -> bool {
    let group = fields.get("apiVersion").and_then(Value::as_str).and_then(|version| version.split('/').next());
    matches!(group, Some(GROUP | OWN_GROUP))
}

/// What typing made of an object.
pub(crate) struct Typed {
    /// The object. Its name may be empty, and its age has no place.
    pub(crate) observed: Observed,
    /// What Kubernetes would refuse of it, which is left out.
    pub(crate) findings: Vec<Diagnostic>,
    /// The fields that its kind does not have, or not in the version of Kubernetes that Adit is built with.
    pub(crate) unknown: Vec<String>,
}

/// Types an object.
///
/// # Errors
/// The first field that is not of its kind's form.
pub(crate) fn observe(kind: Kind, value: &Value) -> Result<Typed, Diagnostic> {
    let key = key(kind, value);
    for (field, name) in [("metadata.namespace", &key.namespace), ("metadata.name", &key.name)] {
        if !name.is_empty() && !is_name(name) {
            let message = "is not a name: expected a-z, 0-9, '-' and '.', at most 253 of them; the object is not read";
            return Err(Diagnostic::error(&key, field, message).with_value(name));
        }
    }
    let mut unknown = Vec::new();
    let mut object = typed::object(kind, value, &mut unknown).map_err(|wrong| {
        let diagnostic = Diagnostic::error(&key, wrong.field.as_str(), wrong.message);
        wrong.value.iter().fold(diagnostic, |diagnostic, value| diagnostic.with_value(value))
    })?;
    let findings = match &mut object {
        Object::Ingress(ingress) => validate::prune(Arc::make_mut(ingress)),
        _ => Vec::new(),
    };
    leave_out_unread(&mut object);
    let created = metadata(&object).creation_timestamp.as_ref().map(|time| time.0.as_second());
    Ok(Typed { observed: Observed { key, object, age: Age { created, place: None } }, findings, unknown })
}

/// Leaves out what nobody reads of a typed object, for the kinds of which there are thousands. A map of labels alone takes more
/// memory than a path.
fn leave_out_unread(object: &mut Object) {
    match object {
        Object::Ingress(ingress) => {
            let metadata = &mut Arc::make_mut(ingress).metadata;
            (metadata.labels, metadata.resource_version) = (None, None);
        }
        // Statuses are written to the version that was seen.
        Object::HttpRoute(route) => Arc::make_mut(route).metadata.labels = None,
        Object::GrpcRoute(route) => Arc::make_mut(route).metadata.labels = None,
        // Those with an owner may be ours, made for Gateways: then they are compared as a whole.
        Object::Service(service) if service.metadata.owner_references.is_none() => {
            let Service { metadata, spec, .. } = Arc::make_mut(service);
            (metadata.labels, metadata.resource_version) = (None, None);
            if let Some(spec) = spec {
                (spec.cluster_ips, spec.ip_families, spec.ip_family_policy) = (None, None, None);
                (spec.internal_traffic_policy, spec.session_affinity_config) = (None, None);
            }
        }
        _ => {}
    }
}

/// The key of an untyped object; its name may be empty.
pub(crate) fn key(kind: Kind, value: &Value) -> ObjectKey {
    let metadata = |key: &str| value.get("metadata")?.get(key)?.as_str().filter(|text| !text.is_empty());
    let namespace = if kind.is_namespaced() { metadata("namespace").unwrap_or("default") } else { "" };
    ObjectKey::new(kind, namespace, metadata("name").unwrap_or_default())
}

fn metadata(object: &Object) -> &ObjectMeta {
    match object {
        Object::Ingress(object) => &object.metadata,
        Object::IngressClass(object) => &object.metadata,
        Object::Service(object) => &object.metadata,
        Object::EndpointSlice(object) => &object.metadata,
        Object::Endpoints(object) => &object.metadata,
        Object::Secret(object) => &object.metadata,
        Object::ConfigMap(object) => &object.metadata,
        Object::Namespace(object) => &object.metadata,
        Object::GatewayClass(object) => &object.metadata,
        Object::Gateway(object) => &object.metadata,
        Object::ListenerSet(object) => &object.metadata,
        Object::HttpRoute(object) => &object.metadata,
        Object::GrpcRoute(object) => &object.metadata,
        Object::TlsRoute(object) => &object.metadata,
        Object::TcpRoute(object) => &object.metadata,
        Object::UdpRoute(object) => &object.metadata,
        Object::ReferenceGrant(object) => &object.metadata,
        Object::BackendTlsPolicy(object) => &object.metadata,
        Object::AditPolicy(object) => &object.metadata,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_versions_are_kept_where_they_are_read() {
        let read = |kind, owners: Value| {
            let meta = json!({"name": "a", "labels": {"b": "c"}, "resourceVersion": "7", "ownerReferences": owners});
            let typed = observe(kind, &json!({"metadata": meta, "spec": {"clusterIPs": ["10.0.0.1"]}}));
            let object = typed.expect("valid").observed.object;
            (metadata(&object).labels.is_some(), metadata(&object).resource_version.is_some())
        };
        let owners = json!([{"apiVersion": "v1", "kind": "Gateway", "name": "a", "uid": "1"}]);
        for (kind, owners, expected) in [
            (Kind::Ingress, &Value::Null, (false, false)),
            (Kind::Service, &Value::Null, (false, false)),
            (Kind::Service, &owners, (true, true)),
            (Kind::HttpRoute, &Value::Null, (false, true)),
            (Kind::Gateway, &Value::Null, (true, true)),
            (Kind::Namespace, &Value::Null, (true, true)),
        ] {
            assert_eq!(read(kind, owners.clone()), expected, "{kind:?}");
        }
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let mut object = json!({
            "metadata": {"name": "a", "managedFields": [{}], "annotations": {LAST_APPLIED: "{}", "a/b": "c"}},
            "spec": {"x": 1},
            "status": {"loadBalancer": {}, "conditions": []},
        });
        strip(&mut object);
        let metadata = json!({"name": "a", "annotations": {"a/b": "c"}});
        let expected = json!({"metadata": metadata, "spec": {"x": 1}, "status": {"loadBalancer": {}}});
        assert_eq!(object, expected);
        for version in ["gateway.networking.k8s.io/v1", "adit.dev/v1alpha1"] {
            let object = json!({"apiVersion": version, "status": {"conditions": []}});
            let mut stripped = object.clone();
            strip(&mut stripped);
            assert_eq!(stripped, object);
        }
        let mut node = json!({"status": {"conditions": []}});
        strip(&mut node);
        assert_eq!(node, json!({}));
        for odd in [json!(null), json!([]), json!({"metadata": []}), json!({"metadata": {"annotations": 1}})] {
            let mut stripped = odd.clone();
            strip(&mut stripped);
            assert_eq!(stripped, odd);
        }
    }
}
