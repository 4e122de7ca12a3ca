//! What the ValidatingWebhookConfiguration has to say of the certificate.

use crate::object::NamespacedName;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{ValidatingWebhook, ValidatingWebhookConfiguration};
use serde_json::{Value, json};

/// The JSON patch by which each webhook for our Service comes to believe these certificates; `None` if all do.
pub(super) fn patch(
    configuration: &ValidatingWebhookConfiguration,
    service: &NamespacedName,
    trusted: &[u8],
) -> Option<Value> {
    let webhooks = configuration.webhooks.iter().flatten().enumerate();
    let ours = webhooks.filter(|(_, webhook)| is_for(webhook, service));
    let wrong = ours.filter(|(_, webhook)| webhook.client_config.ca_bundle.as_ref().is_none_or(|ca| ca.0 != trusted));
    let operations = wrong.flat_map(|(index, webhook)| {
        let path = format!("/webhooks/{index}");
        // Somebody may have put another one there since.
        let test = json!({"op": "test", "path": format!("{path}/name"), "value": webhook.name});
        let value = ByteString(trusted.to_vec());
        [test, json!({"op": "add", "path": format!("{path}/clientConfig/caBundle"), "value": value})]
    });
    let operations: Vec<_> = operations.collect();
    (!operations.is_empty()).then(|| operations.into())
}

fn is_for(webhook: &ValidatingWebhook, service: &NamespacedName) -> bool {
    let named = webhook.client_config.service.as_ref();
    named.is_some_and(|named| *named.name == *service.name && *named.namespace == *service.namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_for_our_service_believe_us() {
        let service: NamespacedName = "adit/adit-admission".parse().expect("a name");
        let webhook = |name: &str, namespace: &str, ca: Option<&str>| {
            let service = json!({"namespace": namespace, "name": "adit-admission"});
            let client = json!({"service": service, "caBundle": ca.map(|ca| ByteString(ca.into()))});
            json!({"name": name, "clientConfig": client, "sideEffects": "None", "admissionReviewVersions": ["v1"]})
        };
        let patched = |webhooks: &[Value]| {
            let configuration = json!({"metadata": {"name": "x"}, "webhooks": webhooks});
            patch(&serde_json::from_value(configuration).expect("a configuration"), &service, b"new")
        };
        assert_eq!(patched(&[]), None);
        assert_eq!(patched(&[webhook("a", "other", None), webhook("b", "adit", Some("new"))]), None);
        let operations = patched(&[webhook("a", "other", None), webhook("b", "adit", Some("old"))]);
        let expected = json!([
            {"op": "test", "path": "/webhooks/1/name", "value": "b"},
            {"op": "add", "path": "/webhooks/1/clientConfig/caBundle", "value": "bmV3"},
        ]);
        assert_eq!(operations, Some(expected));
    }
}
