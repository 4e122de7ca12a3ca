//! A release beside a running ingress-nginx, in its namespace, with its values file: `docs/chart.md` has the commands.

use super::rendered::{Rendered, chart, data, identity_of};
use super::typed;
use crate::manifests::{Installation, list, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const NAMESPACE: &str = "ingress-nginx";

/// With this values file, or none.
fn beside(values: Option<&Path>) -> Rendered {
    let (takeover, migrate) = (chart().join("takeover.yaml"), chart().join("migrate.yaml"));
    let files = [Some(takeover.as_path()), values, Some(migrate.as_path())].into_iter().flatten();
    let arguments: Vec<_> = files.flat_map(|file| ["-f", file.to_str().expect("a path in UTF-8")]).collect();
    Rendered::in_namespace("adit", NAMESPACE, &arguments).unwrap_or_else(|error| panic!("{values:?}: {error}"))
}

fn all() -> impl Iterator<Item = (String, Rendered)> {
    let entries = std::fs::read_dir(data().join("shapes")).expect("values files");
    let name = |entry: std::fs::DirEntry| format!("shapes/{}", entry.file_name().to_string_lossy());
    let names = entries.map(move |entry| name(entry.expect("a file"))).chain(["ingress-nginx.yaml".to_owned()]);
    names.map(|name| {
        let rendered = beside(Some(&data().join(&name)));
        (name, rendered)
    })
}

/// As `manifests/install/migrate.yaml` does.
#[test]
fn a_release_without_values_is_what_the_manifest_installs() {
    let beside = beside(None);
    let sorted = |mut arguments: Vec<String>| {
        arguments.sort();
        arguments
    };
    assert_eq!(sorted(beside.arguments()), sorted(Installation::named("migrate").args()));
    let labels = &beside.template()["metadata"]["labels"];
    // The selector that README.md gives the Service of ingress-nginx.
    for (label, value) in [("name", "adit"), ("component", "controller")] {
        assert_eq!(labels[format!("app.kubernetes.io/{label}")], value);
    }
}

#[test]
fn the_documents_name_the_files_in_this_order() {
    const ORDER: &str = "-f manifests/chart/adit/takeover.yaml -f values.yaml -f manifests/chart/adit/migrate.yaml";
    let document = std::fs::read_to_string(chart().join("../../../docs/chart.md")).expect("docs/chart.md");
    assert!(document.contains(ORDER), "{ORDER}");
}

/// Helm installs nothing that another release has, and no two Services may have one address or port.
#[test]
fn a_release_takes_nothing_from_ingress_nginx_whatever_its_values_say() {
    for (name, beside) in all() {
        for object in &beside.objects {
            typed::check(object).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(text(&object["metadata"]["name"]).starts_with("adit"), "{name}: {}", identity_of(object));
        }
        for kind in ["IngressClass", "ValidatingWebhookConfiguration"] {
            assert_eq!(beside.of(kind).count(), 0, "{name}: {kind}");
        }
        let service = beside.object("Service/adit-controller");
        assert_eq!(service["spec"]["type"], "ClusterIP", "{name}");
        assert_eq!(service["metadata"]["annotations"], Value::Null, "{name}");
        for field in ["clusterIP", "externalIPs", "loadBalancerIP"] {
            assert_eq!(service["spec"][field], Value::Null, "{name}: {field}");
        }
        let has_node_port = |port: &Value| !port["nodePort"].is_null() || !port["hostPort"].is_null();
        assert!(!list(&service["spec"]["ports"]).iter().any(has_node_port), "{name}: {service}");
        assert!(!list(&beside.container()["ports"]).iter().any(has_node_port), "{name}");
        assert_eq!(beside.template()["spec"]["hostNetwork"], Value::Null, "{name}");

        let arguments = beside.arguments();
        for expected in [
            "--update-status=false",
            "--election-id=adit-leader",
            "--configmap=$(POD_NAMESPACE)/ingress-nginx-controller",
        ] {
            assert!(arguments.iter().any(|argument| argument == expected), "{name}: {expected}: {arguments:?}");
        }
        assert_eq!(beside.flags().warnings, [""; 0], "{name}");
    }
}

/// Else its Service, which leads to Adit from the fourth step on, has targetPorts that no Pod of Adit has.
#[test]
fn the_ports_of_tcp_and_udp_services_have_the_names_that_ingress_nginx_gives_them() {
    let beside = beside(Some(&data().join("shapes/tcp-udp.yaml")));
    let ports: BTreeSet<_> = list(&beside.container()["ports"]).iter().map(|port| text(&port["name"])).collect();
    for name in ["tls-5432-tcp", "tls-6379-tcp", "tls-53-udp"] {
        assert!(ports.contains(name), "{name}: {ports:?}");
    }
    assert!(beside.arguments().contains(&"--tcp-services-configmap=$(POD_NAMESPACE)/adit-tcp".to_owned()));
    assert_eq!(text(&beside.object("ConfigMap/adit-tcp")["data"]["5432"]), "databases/postgres:5432");
}

/// Who has renamed things, or says of the Service what only one can have.
#[test]
fn names_and_addresses_of_the_values_do_not_count() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("values.yaml");
    std::fs::write(
        &file,
        "{nameOverride: ingress-nginx, fullnameOverride: ingress-nginx, serviceAccount: {name: ingress-nginx},
          controller: {electionID: ingress-nginx-leader, extraArgs: {election-id: ingress-nginx-leader},
          ingressClass: internal, ingressClassResource: {name: internal, controllerValue: k8s.io/internal},
          service: {clusterIP: 10.96.0.80, externalIPs: [203.0.113.1], loadBalancerIP: 203.0.113.2,
            annotations: {external-dns.alpha.kubernetes.io/hostname: shop.example.com},
            nodePorts: {http: 30080}, internal: {enabled: true, annotations: {a: b}}}}}",
    )
    .expect("a file");
    let beside = beside(Some(&file));
    for object in &beside.objects {
        assert!(text(&object["metadata"]["name"]).starts_with("adit"), "{object}");
    }
    let [service] = beside.of("Service").collect::<Vec<_>>()[..] else {
        panic!("one Service: {:?}", beside.identities())
    };
    for field in ["clusterIP", "externalIPs", "loadBalancerIP"] {
        assert_eq!(service["spec"][field], Value::Null, "{field}");
    }
    assert_eq!(service["metadata"]["annotations"], Value::Null);
    let settings = beside.flags().settings.controller;
    assert_eq!(settings.controller_classes, ["k8s.io/internal"]);
    assert_eq!(settings.ingress_classes, ["internal"]);
    assert!(beside.arguments().contains(&"--election-id=adit-leader".to_owned()));
}
