//! `monitoring.yaml`: it finds the Pods, and asks for metrics that there are.

use super::installation::{Installation, list, text};
use super::pods::selected;
use regex::Regex;
use std::collections::BTreeSet;

const METRICS: &str = include_str!("../../../docs/metrics.md");

#[test]
fn the_monitor_finds_the_service_and_the_service_the_pods() {
    let monitoring = Installation::named("monitoring");
    let install = Installation::named("nodeport");
    let (service, monitor) = (monitoring.only("Service"), monitoring.only("ServiceMonitor"));
    assert_eq!(service["spec"]["selector"], selected(&install));
    assert_eq!(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"]);
    assert_ne!(monitor["spec"]["selector"]["matchLabels"], install.only("Service")["metadata"]["labels"]);
    let [port] = list(&service["spec"]["ports"]) else { panic!("expected one port") };
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], port["name"]);
    assert!(list(&install.container()["ports"]).iter().any(|other| other["name"] == port["targetPort"]));
    for object in &monitoring.objects {
        assert_eq!(object["metadata"]["namespace"], install.only("Namespace")["metadata"]["name"]);
    }
}

#[test]
fn alerts_name_metrics_and_labels_that_exist() {
    let metric = Regex::new(r"\b(?:nginx_ingress_controller|adit)_\w+").expect("a pattern");
    let label = Regex::new(r"\$labels\.(\w+)|by \(([^)]*)\)|\{(\w+)=").expect("a pattern");
    let mut alerts = BTreeSet::new();
    for rule in rules() {
        let (name, query) = (text(&rule["alert"]), text(&rule["expr"]));
        let named: BTreeSet<_> = metric.find_iter(&query).map(|found| found.as_str()).collect();
        assert!(!named.is_empty(), "{name}: {query}");
        let rows: Vec<_> = named
            .iter()
            .map(|metric| {
                let row = METRICS.lines().find(|line| line.starts_with(&format!("| `{metric}` |")));
                row.unwrap_or_else(|| panic!("{name}: there is no metric {metric}"))
            })
            .collect();
        let told = format!("{query} {}", rule["annotations"]);
        let labels = label.captures_iter(&told).flat_map(|found| {
            let names: Vec<_> = found.iter().skip(1).flatten().flat_map(|names| names.as_str().split(", ")).collect();
            names
        });
        let labels = labels.map(|label| label.strip_prefix("exported_").unwrap_or(label));
        for label in labels.filter(|label| !label.starts_with("controller_")) {
            assert!(rows.iter().all(|row| row.contains(&format!("`{label}`"))), "{name}: no label {label}");
        }
        assert!(alerts.insert(name.clone()), "{name} twice");
    }
    assert!(!alerts.is_empty(), "there are no alerts");
}

pub(crate) fn rules() -> Vec<serde_json::Value> {
    let monitoring = Installation::named("monitoring");
    let groups = list(&monitoring.only("PrometheusRule")["spec"]["groups"]);
    groups.iter().flat_map(|group| list(&group["rules"])).cloned().collect()
}
