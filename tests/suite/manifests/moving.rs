//! The way from ingress-nginx, as README.md and docs/migrating.md have it: what its last steps delete and add.

use super::installation::{Installation, directory, list, text};
use super::pods::selected;
use crate::ADIT;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// What the chart of ingress-nginx makes with all that it can, by kind, name and component; and whether Adit may need it.
const OBJECTS: [(&str, &str, &str, bool); 31] = [
    ("deployment", "ingress-nginx-controller", "controller", false),
    ("daemonset", "ingress-nginx-controller", "controller", false),
    ("hpa", "ingress-nginx-controller", "controller", false),
    ("pdb", "ingress-nginx-controller", "controller", false),
    ("networkpolicy", "ingress-nginx-controller", "controller", false),
    ("serviceaccount", "ingress-nginx", "controller", false),
    ("role", "ingress-nginx", "controller", false),
    ("rolebinding", "ingress-nginx", "controller", false),
    ("clusterrole", "ingress-nginx", "", false),
    ("clusterrolebinding", "ingress-nginx", "", false),
    ("service", "ingress-nginx-controller-admission", "controller", false),
    ("service", "ingress-nginx-controller-metrics", "controller", false),
    ("validatingwebhookconfiguration", "ingress-nginx-admission", "admission-webhook", false),
    ("service", "ingress-nginx-controller", "controller", true),
    ("service", "ingress-nginx-controller-internal", "controller", true),
    ("service", "ingress-nginx-defaultbackend", "default-backend", true),
    ("configmap", "ingress-nginx-controller", "controller", true),
    ("configmap", "ingress-nginx-tcp", "controller", true),
    ("configmap", "ingress-nginx-udp", "controller", true),
    ("configmap", "ingress-nginx-custom-add-headers", "controller", true),
    ("configmap", "ingress-nginx-custom-proxy-headers", "controller", true),
    ("configmap", "custom-error-pages", "default-backend", true),
    ("ingressclass", "nginx", "controller", true),
    ("ingressclass", "nginx-internal", "controller", true),
    ("deployment", "ingress-nginx-defaultbackend", "default-backend", true),
    ("hpa", "ingress-nginx-defaultbackend", "default-backend", true),
    ("pdb", "ingress-nginx-defaultbackend", "default-backend", true),
    ("networkpolicy", "ingress-nginx-defaultbackend", "default-backend", true),
    ("serviceaccount", "ingress-nginx-backend", "default-backend", true),
    // No object of the chart: a certificate that ingress-nginx shows by default, and Adit itself.
    ("secret", "default-certificate", "", true),
    ("serviceaccount", "adit", "adit's", true),
];

/// A command that deletes: `kubectl delete KIND,KIND... [NAME...] [-l LABEL=VALUE,...]`.
struct Deletion {
    kinds: Vec<String>,
    names: Vec<String>,
    labels: Vec<(String, String)>,
}

impl Deletion {
    fn of(command: &str) -> Option<Self> {
        let command = command.split("  #").next()?;
        let mut words = command.split_whitespace().skip_while(|word| *word != "delete").skip(1);
        let kinds = words.next()?.split(',').map(str::to_owned).collect();
        let (mut names, mut labels) = (Vec::new(), Vec::new());
        while let Some(word) = words.next() {
            match word {
                "-l" => labels.extend(words.next()?.split(',').filter_map(|label| {
                    label.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
                })),
                "--ignore-not-found" => {}
                name => names.push(name.to_owned()),
            }
        }
        assert!(names.is_empty() != labels.is_empty(), "either names or labels: {command}");
        Some(Self { kinds, names, labels })
    }

    fn takes(&self, (kind, name, component, _): &(&str, &str, &str, bool)) -> bool {
        let ours = if name.starts_with("adit") { "adit" } else { "ingress-nginx" };
        let has = |label: &(String, String)| match label.0.as_str() {
            "app.kubernetes.io/name" | "app.kubernetes.io/instance" => label.1 == ours,
            "app.kubernetes.io/component" => label.1 == *component,
            // Those of the records that Helm keeps.
            _ => false,
        };
        self.kinds.iter().any(|of| of == kind)
            && (self.names.iter().any(|of| of == name) || !self.labels.is_empty() && self.labels.iter().all(has))
    }
}

#[test]
fn the_last_step_deletes_what_ran_ingress_nginx_and_nothing_that_adit_reads() {
    let document = fs::read_to_string(directory().join("../README.md")).expect("README.md");
    let (_, section) = document.split_once("### Moving from ingress-nginx").expect("the steps");
    let (_, step) = section.split_once("\n7. ").expect("the step that removes");
    let (step, _) = step.split_once("\n8. ").expect("the step after it");
    let step = step.replace("\\\n", " ");
    let commands = step.lines().map(str::trim).filter(|line| line.starts_with("$ kubectl"));
    let deletions: Vec<_> = commands.filter_map(Deletion::of).collect();
    assert_eq!(deletions.len(), 5, "{step}");
    for object in &OBJECTS {
        let taken = deletions.iter().any(|deletion| deletion.takes(object));
        assert_eq!(!taken, object.3, "{object:?}");
    }
}

/// What is rendered for the namespace `adit`, with the command of docs/migrating.md for that of ingress-nginx.
fn in_the_namespace_of_ingress_nginx(name: &str) -> Vec<Value> {
    let document = fs::read_to_string(directory().join("../docs/migrating.md")).expect("docs/migrating.md");
    let file = format!("install/{name}.yaml");
    let end = format!("' manifests/{file} | kubectl apply -f -");
    let script = document.lines().find_map(|line| line.strip_prefix("$ sed '")?.strip_suffix(&end)).expect("a command");
    let changed = Command::new("sed").arg(script).arg(directory().join(file)).output().expect("sed");
    assert!(changed.status.success(), "{changed:?}");
    serde_saphyr::from_multiple(&String::from_utf8_lossy(&changed.stdout)).expect("objects")
}

#[test]
fn monitoring_and_the_webhook_can_be_had_in_the_namespace_of_ingress_nginx() {
    let migrated = Installation::named("migrated");
    let account = json!({"kind": "ServiceAccount", "name": "adit", "namespace": "ingress-nginx"});
    for name in ["monitoring", "admission"] {
        for object in in_the_namespace_of_ingress_nginx(name) {
            let what = format!("{name}: {} {}", text(&object["kind"]), text(&object["metadata"]["name"]));
            let namespace = &object["metadata"]["namespace"];
            assert!(namespace.is_null() || namespace == "ingress-nginx", "{what}");
            for subject in list(&object["subjects"]) {
                assert_eq!(*subject, account, "{what}");
            }
            for webhook in list(&object["webhooks"]) {
                assert_eq!(webhook["clientConfig"]["service"]["namespace"], "ingress-nginx", "{what}");
                for of_namespaces in list(&webhook["namespaceSelector"]["matchExpressions"]) {
                    assert_eq!(of_namespaces["values"], json!(["ingress-nginx"]), "{what}");
                }
            }
            if object["kind"] == "Service" {
                assert_eq!(object["spec"]["selector"], selected(&migrated), "{what}");
            }
        }
    }
    assert_eq!(migrated.only("ServiceAccount")["metadata"]["name"], account["name"]);
}

/// The Adit that adds PROXY headers for who compares two gateways.
#[test]
fn nothing_is_said_of_the_objects_that_add_proxy_headers() {
    let document = fs::read_to_string(directory().join("../docs/migrating.md")).expect("docs/migrating.md");
    let (_, rest) = document.split_once("$ cat >proxy.yaml <<'EOF'\n").expect("objects");
    let (objects, rest) = rest.split_once("\nEOF\n").expect("their end");
    let flag = "--tcp-services-configmap=compare/ports";
    assert!(rest.contains(flag), "{rest}");
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("proxy.yaml");
    fs::write(&file, objects).expect("a file");
    let checked = Command::new(ADIT).args(["check", "--fail-on=warning", flag]).arg(&file).output().expect("adit");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
