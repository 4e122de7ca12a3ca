//! A values file of ingress-nginx's chart is taken as it is.

use super::rendered::{Rendered, data};
use super::typed;
use crate::manifests::{list, text};
use serde_json::{Value, json};

/// With every value of that chart, `tests/data/chart/ingress-nginx.yaml`.
fn taken() -> Rendered {
    let file = data().join("ingress-nginx.yaml");
    Rendered::make(&["-f", file.to_str().expect("a path in UTF-8")]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_value_of_ingress_nginx_is_taken() {
    let taken = taken();
    for object in &taken.objects {
        typed::check(object).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(taken.flags().warnings, [""; 0]);
    let settings = taken.flags().settings.controller;
    assert_eq!(settings.controller_classes, ["k8s.io/ingress-nginx"]);
    assert_eq!(settings.ingress_classes, ["nginx"]);
    assert_eq!(taken.object("IngressClass/nginx")["spec"]["controller"], "k8s.io/ingress-nginx");
    let webhook = &taken.object("ValidatingWebhookConfiguration/adit-admission")["webhooks"][0];
    assert_eq!((&webhook["failurePolicy"], &webhook["timeoutSeconds"]), (&json!("Fail"), &json!(10)));
}

/// What belongs to the image of ingress-nginx would harm Adit: its name, its users, a program that ours does not have, and a
/// probe that succeeds before all is served.
#[test]
fn nothing_of_the_image_of_ingress_nginx_is_left() {
    let taken = taken();
    let container = taken.container();
    assert_eq!(container["image"], concat!("adit.dev/adit:", env!("CARGO_PKG_VERSION")));
    assert_eq!(container["lifecycle"], Value::Null);
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(taken.template()["spec"]["securityContext"]["runAsUser"], 65532);
    assert_eq!(list(&taken.template()["spec"]["volumes"]).len(), 1);
    assert!(!json!(taken.objects).to_string().contains("registry.k8s.io"), "{:?}", taken.objects);
}

#[test]
fn notes_name_what_has_no_effect() {
    let notes = taken().notes;
    for name in [
        "controller.image.runAsUser",
        "controller.enableMimalloc",
        "controller.admissionWebhooks.certificate",
        "controller.admissionWebhooks.patch,",
        "controller.image:\n  it names the image of ingress-nginx",
        "controller.lifecycle.preStop",
        "controller.readinessProbe.httpGet.path",
    ] {
        assert!(notes.contains(name), "nothing is said of {name}: {notes}");
    }
    for name in ["maxmind", "dhParam", "extraModules", "customTemplate", "enableAnnotationValidations"] {
        assert!(!notes.contains(name), "{name} is not set: {notes}");
    }
    let silent = Rendered::make(&[]).expect("the chart with its defaults").notes;
    assert!(!silent.contains("no effect"), "{silent}");
}

#[test]
fn notes_name_each_value_without_effect_that_is_set() {
    let values = "controller.enableAnnotationValidations=false,dhParam=AAAA,controller.maxmindLicenseKey=key,\
        controller.customTemplate.configMapName=template,controller.metrics.serviceMonitor.enabled=true,\
        controller.kind=DaemonSet,controller.autoscaling.enabled=true,controller.containerPort.special=8000,\
        enabled=true,controller.autoscaling.apiVersion=autoscaling/v2beta2";
    let notes = Rendered::make(&["--set", values]).expect("a release").notes;
    for name in [
        "controller.enableAnnotationValidations",
        "dhParam",
        "controller.maxmindLicenseKey",
        "controller.customTemplate.configMapName",
        "controller.metrics.serviceMonitor",
        "controller.autoscaling",
        "controller.containerPort: special",
        "* enabled:",
        "controller.autoscaling.apiVersion",
    ] {
        assert!(notes.contains(name), "nothing is said of {name}: {notes}");
    }
}

/// For files that rely on the class that ingress-nginx's chart has by default.
#[test]
fn takeover_serves_the_class_nginx() {
    let file = super::rendered::chart().join("takeover.yaml");
    let taken = Rendered::make(&["-f", file.to_str().expect("a path in UTF-8")]).expect("a release");
    let class = taken.object("IngressClass/nginx");
    let settings = taken.flags().settings.controller;
    assert_eq!(settings.controller_classes, [text(&class["spec"]["controller"])]);
    assert_eq!(settings.ingress_classes, ["nginx"]);
    // One family of addresses: two would be another address for clients, and some load balancers refuse them.
    assert_eq!(taken.object("Service/adit-controller")["spec"]["ipFamilyPolicy"], "SingleStack");
}

#[test]
fn an_image_of_ones_own_is_kept_and_one_of_ingress_nginx_is_not() {
    let own = concat!("adit:", env!("CARGO_PKG_VERSION"));
    for (values, expected) in [
        (
            "controller.image.repository=registry.example.com/edge/adit,controller.image.tag=v1.2",
            "registry.example.com/edge/adit:v1.2".to_owned(),
        ),
        (
            "controller.image.registry=registry.example.com,controller.image.image=edge",
            format!("registry.example.com/edge:{}", env!("CARGO_PKG_VERSION")),
        ),
        ("controller.image.tag=nightly", "adit.dev/adit:nightly".to_owned()),
        ("controller.image.tag=v1.9.4,controller.image.digest=", format!("adit.dev/{own}")),
        ("controller.image.repository=registry.example.com/ingress-nginx/controller", format!("adit.dev/{own}")),
        (
            "controller.image.image=ingress-nginx/controller-chroot,global.image.registry=registry.example.com",
            format!("registry.example.com/{own}"),
        ),
    ] {
        let rendered = Rendered::make(&["--set", values]).unwrap_or_else(|error| panic!("{values}: {error}"));
        assert_eq!(rendered.container()["image"], expected, "{values}");
    }
}
