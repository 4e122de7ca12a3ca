//! The chart and the kustomizations install the same: neither changes without the other.

use super::rendered::{Rendered, identity_of};
use crate::manifests::{Installation, list, rule_texts, rules, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What only the chart has: settings are values of it, and `helm uninstall` is to find what Adit writes.
const OWN: [&str; 3] = ["ConfigMap/adit", "Lease/adit-leader", "Secret/adit-admission"];

/// What the API server takes where a field is absent.
const DEFAULTS: [(&str, &str); 4] =
    [("protocol", "TCP"), ("revisionHistoryLimit", "10"), ("minReadySeconds", "0"), ("type", "ClusterIP")];

/// By which releases are told apart, and which kustomize does not know.
const LABELS: [&str; 3] = ["app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"];

#[test]
fn the_chart_installs_what_the_kustomizations_do() {
    let mut expected = compared(&[Installation::named("loadbalancer").objects, admission()].concat());
    expected.remove("Namespace/adit");
    let container =
        &mut expected.get_mut("Deployment/adit").expect("a Deployment")["spec"]["template"]["spec"]["containers"][0];
    let args = container["args"].as_array_mut().expect("arguments");
    args.extend([json!("--validating-webhook=:8443"), json!("--validating-webhook-name=adit-admission")]);
    container["ports"].as_array_mut().expect("ports").push(json!({"name": "webhook", "containerPort": 8443}));

    let mut chart = compared(&Rendered::make(&[]).expect("the chart with its defaults").objects);
    for own in OWN {
        assert!(chart.remove(own).is_some(), "{own} is missing: {:?}", chart.keys());
    }
    assert_eq!(chart.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let (named, may_be_named) = (take_reviewed(&mut chart), take_reviewed(&mut expected));
    assert!(!named.is_empty() && named.is_subset(&may_be_named), "{named:?} of {may_be_named:?}");
    for (name, object) in &chart {
        assert_eq!(object, &expected[name], "{name}: the chart, and the kustomizations");
    }
}

#[test]
fn the_chart_serves_gateways_as_the_kustomization_does() {
    let values = "controller.gatewayClassResource.enabled=true";
    let chart = Rendered::make(&["--set", values]).expect("the chart with a GatewayClass");
    assert!(chart.arguments().contains(&"--gateway-controller=adit.dev/gateway-controller".to_owned()));
    let chart = compared(&chart.objects);
    for (name, object) in compared(&Installation::named("gateway-api").objects) {
        assert_eq!(chart[&name], object, "{name}: the chart, and the kustomization");
    }
}

#[test]
fn the_chart_lets_gateways_have_services_as_the_kustomization_does() {
    let values = "controller.gatewayClassResource.enabled=true,controller.gatewayClassResource.services=true";
    let chart = compared(&Rendered::make(&["--set", values]).expect("the chart with Services").objects);
    for (name, object) in compared(&Installation::named("gateway-services").objects) {
        assert_eq!(chart[&name], object, "{name}: the chart, and the kustomization");
    }
    assert!(chart.contains_key("ConfigMap/adit-gateway-ports"), "{:?}", chart.keys());
}

#[test]
fn the_chart_monitors_as_the_kustomization_does() {
    let values = "controller.metrics.enabled=true,controller.metrics.portName=admin,\
        controller.metrics.serviceMonitor.enabled=true,controller.metrics.prometheusRule.enabled=true";
    let chart = compared(&Rendered::make(&["--set", values]).expect("the chart with metrics").objects);
    let expected = compared(&Installation::named("monitoring").objects);
    assert_eq!(chart["Service/adit-metrics"]["spec"], expected["Service/adit-metrics"]["spec"]);
    let monitor = |objects: &BTreeMap<String, Value>| {
        let spec = &objects["ServiceMonitor/adit"]["spec"];
        (spec["selector"].clone(), spec["endpoints"][0]["port"].clone())
    };
    assert_eq!(monitor(&chart), monitor(&expected));
    let alerts = chart["PrometheusRule/adit"]["spec"]["groups"][0]["rules"].clone();
    assert_eq!(alerts, json!(rules()));
}

#[test]
fn the_versions_are_that_of_adit() {
    let text = std::fs::read_to_string(super::rendered::chart().join("Chart.yaml")).expect("Chart.yaml");
    let chart: Value = serde_saphyr::from_str(&text).expect("YAML");
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], chart["version"]);
}

/// Takes the names of the ConfigMaps that the webhook is asked about: values of the chart say what these are, and the
/// kustomization has all names that they may have.
fn take_reviewed(objects: &mut BTreeMap<String, Value>) -> BTreeSet<String> {
    let configuration = objects.get_mut("ValidatingWebhookConfiguration/adit-admission").expect("a webhook");
    let expression = text(&configuration["webhooks"][1]["matchConditions"][0]["expression"].take());
    let names = expression.strip_prefix("object.metadata.name in ").expect("a list of names");
    serde_json::from_str(names).expect("names")
}

fn admission() -> Vec<Value> {
    Installation::named("admission").objects
}

/// Objects by kind and name, without what may differ.
fn compared(objects: &[Value]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for object in objects {
        let mut object = without_differences(object);
        if object["rules"].is_array() {
            let mut rules: Vec<_> = list(&object["rules"]).iter().flat_map(rule_texts).collect();
            rules.sort();
            object["rules"] = json!(rules);
        }
        assert_eq!(all.insert(identity_of(&object), object), None);
    }
    all
}

fn without_differences(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("adit-controller", "adit")),
        Value::Array(items) => items.iter().map(without_differences).collect(),
        Value::Object(fields) => {
            let is_default = |name: &str, value: &Value| DEFAULTS.contains(&(name, text(value).as_str()));
            let kept =
                fields.iter().filter(|(name, value)| !LABELS.contains(&name.as_str()) && !is_default(name, value));
            kept.map(|(name, value)| (name.clone(), without_differences(value))).collect()
        }
        other => other.clone(),
    }
}
