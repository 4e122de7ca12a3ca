//! Values beside which a default of the chart would make a Pod that the API server refuses.

use super::rendered::Rendered;
use crate::manifests::list;
use serde_json::{Value, json};

#[test]
fn a_request_for_memory_is_never_above_the_default_limit() {
    for (values, limit) in [
        ("controller.resources.requests.memory=2Gi", json!("2Gi")),
        ("controller.resources.requests.memory=1100Mi", json!("1100Mi")),
        ("controller.resources.requests.memory=1.5Gi", json!("1.5Gi")),
        ("controller.resources.requests.memory=2G", json!("2G")),
        ("controller.resources.requests.memory=2147483648", json!(2_147_483_648_u64)),
        ("controller.resources.requests.memory=1Gi", json!("1Gi")),
        ("controller.resources.requests.memory=512Mi", json!("1Gi")),
        ("controller.resources.requests.memory=1000M", json!("1Gi")),
        // One of the user's own stays, and so does none.
        ("controller.resources.requests.memory=2Gi,controller.resources.limits.memory=4Gi", json!("4Gi")),
        ("controller.resources.requests.memory=2Gi,controller.resources.limits.memory=512Mi", json!("512Mi")),
        ("controller.resources.requests.memory=2Gi,controller.resources.limits=null", Value::Null),
        ("controller.resources.requests=null", json!("1Gi")),
    ] {
        let rendered = Rendered::make(&["--set", values]).unwrap_or_else(|error| panic!("{values}: {error}"));
        assert_eq!(rendered.container()["resources"]["limits"]["memory"], limit, "{values}");
    }
}

/// As the values for load balancers of AWS have it, which end TLS: Adit cannot speak TLS and HTTP on one port.
#[test]
fn one_port_is_not_for_http_and_https() {
    let values =
        "controller.containerPort.http=80,controller.containerPort.https=80,controller.containerPort.tohttps=2443";
    let rendered = Rendered::make(&["--set", values]).expect("a release");
    let serve = rendered.flags().settings.serve;
    assert_eq!((serve.http_port, serve.https_port), (80, 443));
    let ports: Vec<_> = list(&rendered.container()["ports"]).iter().map(|port| &port["containerPort"]).collect();
    assert_eq!(json!(ports), json!([80, 443, 10254, 8443]));
}

#[test]
fn a_volume_for_temporary_files_takes_the_place_of_that_of_the_chart() {
    let own = "controller.extraVolumes[0].name=tmp,controller.extraVolumes[0].emptyDir.sizeLimit=8Gi";
    let elsewhere = "controller.extraVolumes[0].name=scratch,controller.extraVolumes[0].emptyDir.sizeLimit=8Gi";
    let mount = |name: &str, path: &str| {
        format!("controller.extraVolumeMounts[0].name={name},controller.extraVolumeMounts[0].mountPath={path}")
    };
    for (values, volumes, mounts) in [
        (own.to_owned(), vec!["tmp"], vec![("tmp", "/tmp")]),
        (format!("{own},{}", mount("tmp", "/tmp")), vec!["tmp"], vec![("tmp", "/tmp")]),
        (format!("{elsewhere},{}", mount("scratch", "/tmp/")), vec!["tmp", "scratch"], vec![("scratch", "/tmp/")]),
        (
            format!("{elsewhere},{}", mount("scratch", "/tmp/cache")),
            vec!["tmp", "scratch"],
            vec![("tmp", "/tmp"), ("scratch", "/tmp/cache")],
        ),
    ] {
        let rendered = Rendered::make(&["--set", &values]).unwrap_or_else(|error| panic!("{values}: {error}"));
        let found: Vec<_> =
            list(&rendered.template()["spec"]["volumes"]).iter().map(|volume| &volume["name"]).collect();
        assert_eq!(json!(found), json!(volumes), "{values}");
        let found: Vec<_> = list(&rendered.container()["volumeMounts"])
            .iter()
            .map(|mount| json!([mount["name"], mount["mountPath"]]))
            .collect();
        assert_eq!(json!(found), json!(mounts), "{values}");
    }
}
