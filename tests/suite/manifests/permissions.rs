//! What Adit may ask of the API server.

use super::installation::{Installation, list, text};
use serde_json::Value;
use std::collections::BTreeSet;

/// In every namespace that is watched. `GROUP/RESOURCE VERB...`
const WATCHED: &[&str] = &[
    "/configmaps list watch",
    "/secrets list watch",
    "/services list watch",
    "discovery.k8s.io/endpointslices list watch",
    "events.k8s.io/events create",
    "networking.k8s.io/ingresses list watch",
    "networking.k8s.io/ingresses/status patch",
];
/// Of what is in no namespace.
const CLUSTER: &[&str] = &["networking.k8s.io/ingressclasses list watch"];
/// Where the addresses in status are those of nodes.
const NODES: &[&str] = &["/nodes get"];
/// In the Pod's own namespace.
const OWN: &[&str] = &["/pods list", "coordination.k8s.io/leases create"];

#[test]
fn roles_allow_what_is_asked_for_and_no_more() {
    for install in Installation::all() {
        let overlay = install.name.trim_end_matches("-takeover");
        let (mut cluster, mut own) = (Vec::new(), OWN.to_vec());
        if overlay == "namespaced" {
            own.extend(WATCHED);
        } else {
            cluster.extend([WATCHED, CLUSTER].concat());
        }
        if ["nodeport", "daemonset", "hostnetwork"].contains(&overlay) {
            cluster.extend(NODES);
        }
        let lease = "coordination.k8s.io/leases(adit-leader) get update";
        own.push(lease);
        assert_eq!(allowed(&install, "ClusterRole"), owned(&cluster), "{}", install.name);
        assert_eq!(allowed(&install, "Role"), owned(&own), "{}", install.name);
        assert!(install.args().contains(&"--election-id=adit-leader".to_owned()), "{}: {lease}", install.name);
    }
}

#[test]
fn every_role_is_bound_to_the_account_of_the_pods() {
    for install in Installation::all() {
        let account = install.only("ServiceAccount");
        assert_eq!(install.pod()["serviceAccountName"], account["metadata"]["name"], "{}", install.name);
        for kind in ["Role", "ClusterRole"] {
            let names = |kind: &str, of: &str| -> BTreeSet<String> {
                install.of(kind).map(|object| text(object.pointer(of).expect("a name"))).collect()
            };
            let bindings = format!("{kind}Binding");
            assert_eq!(names(kind, "/metadata/name"), names(&bindings, "/roleRef/name"), "{}", install.name);
            for binding in install.of(&bindings) {
                let [subject] = list(&binding["subjects"]) else { panic!("{}: {binding}", install.name) };
                assert_eq!(subject["name"], account["metadata"]["name"], "{}", install.name);
                assert_eq!(subject["namespace"], account["metadata"]["namespace"], "{}", install.name);
            }
        }
    }
}

/// The rules of all roles of this kind, each resource on its own.
pub(super) fn allowed(install: &Installation, kind: &str) -> BTreeSet<String> {
    let rules = install.of(kind).flat_map(|role| list(&role["rules"]));
    rules.flat_map(rule_texts).collect()
}

/// `GROUP/RESOURCE(NAMES) VERB...`, for each resource of a rule.
pub(crate) fn rule_texts(rule: &Value) -> Vec<String> {
    let of = |field: &str| list(&rule[field]).iter().map(text).collect::<Vec<_>>();
    let group = of("apiGroups").join(",");
    let verbs = of("verbs").join(" ");
    let names = match of("resourceNames").join(",") {
        names if names.is_empty() => names,
        names => format!("({names})"),
    };
    of("resources").iter().map(|resource| format!("{group}/{resource}{names} {verbs}")).collect()
}

pub(super) fn owned(rules: &[&str]) -> BTreeSet<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}
