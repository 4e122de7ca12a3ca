//! What adds the admission webhook to an installation.

use super::installation::{Installation, list, text};
use super::permissions::{allowed, owned};
use serde_json::json;

#[test]
fn the_webhook_is_asked_about_ingresses_and_settings_only_and_in_nobodys_way() {
    let admission = Installation::named("admission");
    let [ingresses, config_maps] = list(&admission.only("ValidatingWebhookConfiguration")["webhooks"]) else {
        panic!("two webhooks")
    };
    for (webhook, group, resource) in [(ingresses, "networking.k8s.io", "ingresses"), (config_maps, "", "configmaps")] {
        let rules = json!([{
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "resources": [resource],
            "operations": ["CREATE", "UPDATE"],
            "scope": "Namespaced",
        }]);
        assert_eq!(webhook["rules"], rules);
        assert_eq!(webhook["clientConfig"], ingresses["clientConfig"]);
        assert_eq!(webhook["failurePolicy"], "Ignore");
        assert_eq!((&webhook["sideEffects"], &webhook["matchPolicy"]), (&json!("None"), &json!("Equivalent")));
        assert!(webhook["timeoutSeconds"].as_u64().is_some_and(|seconds| (6..=10).contains(&seconds)), "{webhook}");
    }
    let namespaces = &config_maps["namespaceSelector"]["matchExpressions"];
    let own = json!([{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["adit"]}]);
    assert_eq!(*namespaces, own, "what others keep in ConfigMaps is none of ours");
    let names = text(&config_maps["matchConditions"][0]["expression"]);
    let config = &Installation::named("loadbalancer").settings().controller.configmap;
    let config = config.as_ref().expect("a ConfigMap");
    assert!(names.contains(&format!("[\"{}\",", config.name)), "{names}");
}

/// The Service, the Secret and the configuration have the name of the flag `--validating-webhook-name`, by default.
#[test]
fn the_service_leads_to_the_pods_of_every_installation() {
    let admission = Installation::named("admission");
    let (service, configuration) = (admission.only("Service"), admission.only("ValidatingWebhookConfiguration"));
    let named = &configuration["webhooks"][0]["clientConfig"]["service"];
    let name = controller::settings::WebhookSettings::default().name;
    for found in [&service["metadata"]["name"], &configuration["metadata"]["name"], &named["name"]] {
        assert_eq!(*found, json!(name));
    }
    assert_eq!(named["namespace"], service["metadata"]["namespace"]);
    assert_eq!(named["port"], service["spec"]["ports"][0]["port"]);
    for install in Installation::all() {
        let labels = &install.template()["metadata"]["labels"];
        for (label, value) in service["spec"]["selector"].as_object().expect("a selector") {
            assert_eq!(&labels[label], value, "{}", install.name);
        }
    }
}

#[test]
fn roles_allow_to_keep_one_certificate_and_no_more() {
    let admission = Installation::named("admission");
    assert_eq!(
        allowed(&admission, "ClusterRole"),
        owned(&["admissionregistration.k8s.io/validatingwebhookconfigurations(adit-admission) get patch"])
    );
    assert_eq!(allowed(&admission, "Role"), owned(&["/secrets create", "/secrets(adit-admission) get update"]));
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        let [subject] = list(&admission.only(kind)["subjects"]) else { panic!("one account") };
        assert_eq!(*subject, json!({"kind": "ServiceAccount", "name": "adit", "namespace": "adit"}), "{kind}");
    }
}
