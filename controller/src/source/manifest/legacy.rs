//! Ingresses of `networking.k8s.io/v1beta1` and `extensions/v1beta1`, which Kubernetes 1.22 removed and many guides still
//! show, rewritten as v1 before they are typed.

use serde_json::{Map, Value, json};

/// The API versions that [`upgrade`] reads.
pub(crate) const API_VERSIONS: [&str; 2] = ["networking.k8s.io/v1beta1", "extensions/v1beta1"];

/// Rewrites an Ingress as `networking.k8s.io/v1`. What has not the expected form stays, for typing to report.
pub(crate) fn upgrade(ingress: &mut Value) {
    ingress["apiVersion"] = json!("networking.k8s.io/v1");
    let Some(spec) = ingress.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if let Some(mut backend) = spec.remove("backend") {
        upgrade_backend(&mut backend);
        spec.insert("defaultBackend".to_owned(), backend);
    }
    let rules = spec.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten();
    let paths = rules.filter_map(|rule| rule.pointer_mut("/http/paths")?.as_array_mut()).flatten();
    for path in paths.filter_map(Value::as_object_mut) {
        upgrade_path(path);
    }
}

fn upgrade_path(path: &mut Map<String, Value>) {
    if path.get("path").is_some_and(Value::is_null) {
        path.remove("path");
    }
    if path.get("pathType").is_none_or(Value::is_null) {
        path.insert("pathType".to_owned(), json!("ImplementationSpecific"));
    }
    if let Some(backend) = path.get_mut("backend") {
        upgrade_backend(backend);
    }
}

/// `serviceName` and `servicePort` become `service`; a port in quotes is a number all the same.
fn upgrade_backend(backend: &mut Value) {
    let Some(backend) = backend.as_object_mut() else { return };
    let mut service = Map::new();
    if let Some(name) = backend.remove("serviceName") {
        service.insert("name".to_owned(), name);
    }
    if let Some(port) = backend.remove("servicePort") {
        let port = match port.as_str().map(|text| (text, text.parse::<u16>())) {
            Some((_, Ok(number))) => json!({"number": number}),
            Some((name, Err(_))) => json!({"name": name}),
            None => json!({"number": port}),
        };
        service.insert("port".to_owned(), port);
    }
    if !service.is_empty() {
        backend.insert("service".to_owned(), service.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgraded(mut ingress: Value) -> Value {
        upgrade(&mut ingress);
        ingress
    }

    #[test]
    fn every_field_has_its_v1_form() {
        let old = json!({
            "apiVersion": "extensions/v1beta1",
            "kind": "Ingress",
            "spec": {
                "backend": {"serviceName": "all", "servicePort": "http"},
                "rules": [{"host": "a.example", "http": {"paths": [
                    {"path": null, "backend": {"serviceName": "one", "servicePort": 80}},
                    {"path": "/two", "pathType": "Exact", "backend": {"serviceName": "two", "servicePort": "8080"}},
                    {"path": "/three", "backend": {"resource": {"kind": "Bucket", "name": "three"}}},
                ]}}],
            },
        });
        let new = json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "spec": {
                "defaultBackend": {"service": {"name": "all", "port": {"name": "http"}}},
                "rules": [{"host": "a.example", "http": {"paths": [
                    {"pathType": "ImplementationSpecific", "backend": {"service": {"name": "one", "port": {"number": 80}}}},
                    {"path": "/two", "pathType": "Exact", "backend": {"service": {"name": "two", "port": {"number": 8080}}}},
                    {"path": "/three", "pathType": "ImplementationSpecific", "backend": {"resource": {"kind": "Bucket", "name": "three"}}},
                ]}}],
            },
        });
        assert_eq!(upgraded(old), new);
    }

    #[test]
    fn what_is_malformed_stays_for_typing_to_report() {
        for spec in
            [json!(null), json!([]), json!({"rules": 1}), json!({"rules": [1, {"http": 2}, {"http": {"paths": [3]}}]})]
        {
            assert_eq!(upgraded(json!({"spec": spec.clone()}))["spec"], spec);
        }
        assert_eq!(upgraded(json!({"spec": {"backend": "x"}}))["spec"], json!({"defaultBackend": "x"}));
    }
}
