//! Objects that many tests need, as Kubernetes has them.

use anyhow::Result;
use controller::annotation::Annotation;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An Ingress for all of a host of the same name, to port 80 of the Service `backend`, with annotations by their names after
/// the prefix.
pub fn ingress(host: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations = annotations.iter().map(|(key, value)| (full_name(key), *value));
    let annotations = annotations.collect::<BTreeMap<_, _>>();
    let backend = json!({"service": {"name": "backend", "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": host, "annotations": annotations},
        "spec": {"rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
    })
}

/// The name of an annotation with its prefix: ingress-nginx's, or that of ours.
pub fn full_name(key: &str) -> String {
    Annotation::full_name(key, "nginx.ingress.kubernetes.io")
}

/// The Service `backend`.
pub fn backend() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend"}, "spec": {"ports": [{"port": 80}]}})
}

/// A GatewayClass of Adit's, and a Gateway `edge` with these listeners.
pub fn gateway(listeners: &Value) -> [Value; 2] {
    let api_version = "gateway.networking.k8s.io/v1";
    [
        json!({"apiVersion": api_version, "kind": "GatewayClass", "metadata": {"name": "adit"},
            "spec": {"controllerName": "adit.dev/gateway-controller"}}),
        json!({"apiVersion": api_version, "kind": "Gateway", "metadata": {"name": "edge"},
            "spec": {"gatewayClassName": "adit", "listeners": listeners}}),
    ]
}

/// A Service for external authentication at <http://auth.default.svc.cluster.local>.
pub fn auth_service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "auth"}, "spec": {"ports": [{"port": 80}]}})
}

/// A ConfigMap of the namespace `adit` with this data; that of the settings is called `adit`, too.
pub fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "adit"}, "data": data})
}

/// A Secret with this data.
pub fn secret(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

/// A Secret with a new certificate for a host, of the host's name.
///
/// # Errors
/// If the name cannot be in a certificate.
pub fn certificate(host: &str) -> Result<Value> {
    let made = rcgen::generate_simple_self_signed([host.to_owned()])?;
    Ok(secret(host, &json!({"tls.crt": made.cert.pem(), "tls.key": made.signing_key.serialize_pem()})))
}
