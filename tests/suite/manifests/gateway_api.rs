//! What lets an installation serve Gateways.

use super::installation::Installation;
use super::permissions::allowed;
use controller::gateway_api::target_ports_name;
use controller::settings::ControllerSettings;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn the_class_is_that_of_every_installation() {
    let class = Installation::named("gateway-api").only("GatewayClass").clone();
    assert_eq!(class["spec"]["controllerName"], json!(ControllerSettings::default().gateway_controller));
    for install in Installation::all() {
        assert_eq!(class["spec"]["controllerName"], install.settings().controller.gateway_controller);
    }
}

#[test]
fn roles_allow_what_is_asked_for_and_no_more() {
    let install = Installation::named("gateway-api");
    let read = [
        "gatewayclasses",
        "gateways",
        "listenersets",
        "httproutes",
        "grpcroutes",
        "tlsroutes",
        "tcproutes",
        "udproutes",
        "referencegrants",
        "backendtlspolicies",
    ];
    // ReferenceGrants have no status.
    let written = read.into_iter().filter(|resource| *resource != "referencegrants");
    let read = read.map(|resource| format!("gateway.networking.k8s.io/{resource} list watch"));
    let written = written.map(|resource| format!("gateway.networking.k8s.io/{resource}/status patch"));
    let mut rules: BTreeSet<_> = read.into_iter().chain(written).collect();
    let beside = ["/namespaces list watch", "adit.dev/aditpolicies list watch", "adit.dev/aditpolicies/status patch"];
    rules.extend(beside.map(str::to_owned));
    assert_eq!(allowed(&install, "ClusterRole"), rules);
    let binding = install.only("ClusterRoleBinding");
    assert_eq!(binding["roleRef"]["name"], install.only("ClusterRole")["metadata"]["name"]);
    assert_eq!(binding["subjects"], json!([{"kind": "ServiceAccount", "name": "adit", "namespace": "adit"}]));
}

#[test]
fn services_of_gateways_need_rights_of_their_own() {
    let install = Installation::named("gateway-services");
    let written = ["/services create patch delete", "discovery.k8s.io/endpointslices create patch delete"];
    assert_eq!(allowed(&install, "ClusterRole"), written.map(str::to_owned).into());
    let list = format!("/configmaps({}) patch", target_ports_name("adit"));
    assert_eq!(allowed(&install, "Role"), BTreeSet::from(["/configmaps create".to_owned(), list]));
    for installation in ["loadbalancer", "local"] {
        let published = Installation::named(installation).settings().controller.published_service;
        assert_eq!(published.expect("a Service").name.as_ref(), "adit", "{installation}");
    }
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        assert_eq!(
            install.only(kind)["subjects"],
            json!([{"kind": "ServiceAccount", "name": "adit", "namespace": "adit"}])
        );
    }
}
