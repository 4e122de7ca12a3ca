//! What `adit check` says of names that nobody reads, and of objects of old versions.

use super::ADIT;
use std::process::{Command, Output};
use tempfile::TempDir;

fn directory(text: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("objects.yaml"), text).expect("a file");
    directory
}

fn check(arguments: &[&str], text: &str) -> Output {
    let directory = directory(text);
    Command::new(ADIT).arg("check").args(arguments).arg(directory.path()).output().expect("adit runs")
}

/// The one line of `adit check` that holds this text.
fn line(text: &str, about: &str) -> String {
    let output = String::from_utf8(check(&[], text).stdout).expect("text");
    let lines: Vec<_> = output.lines().filter(|line| line.contains(about)).collect();
    let [line] = lines[..] else { panic!("{} lines have {about:?}: {output}", lines.len()) };
    line.to_owned()
}

const INGRESS: &str = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations:
    nginx.ingress.kubernetes.io/rewrite-target: /$2
spec:
  rules:
  - host: shop.example
    http:
      paths:
      - path: /cart(/|$)(.*)
        pathType: ImplementationSpecific
        backend:
          service: {name: cart, port: {number: 80}}
";

const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
";

#[test]
fn fault_n07_unknown_fields_are_named() {
    let objects = INGRESS.to_owned() + SERVICE;
    assert!(check(&["--fail-on=warning"], INGRESS).status.success());
    for (right, wrong, said, number) in [
        ("rules:", "rulez:", "spec.rulez: is not a field of this kind; it is ignored; did you mean \"rules\"?", 9),
        ("    http:", "    Http: {}\n    http:", "spec.rules[0].Http: is not a field", 10),
        ("- path:", "- pathtype: Exact\n        path:", "paths[0].pathtype: is not a field", 12),
        ("service: {", "serviceName: cart\n          service: {", "serviceName: is not a field", 15),
        ("spec: {ports", "spec: {port: 80, ports", "spec.port: is not a field", 20),
        ("annotations:", "annotation: {a: b}\n  annotations:", "metadata.annotation: is not a field", 5),
    ] {
        let line = line(&objects.replacen(right, wrong, 1), said);
        assert!(line.starts_with("warning: ") && line.ends_with(&format!(", line {number})")), "{line}");
        assert!(line.contains("did you mean"), "{line}");
    }
}

#[test]
fn fault_n07_wrong_prefixes_are_named() {
    for (wrong, suggests) in [
        ("ingress.nginx.kubernetes.io/rewrite-target", true),
        ("nginx.ingress.kubernets.io/rewrite-target", true),
        ("nginx.ingress.k8s.io/rewrite-target", true),
        ("ingress.kubernetes.io/rewrite-target", true),
        ("rewrite-target", true),
        ("nginx.org/rewrites", false),
    ] {
        let objects = INGRESS.replace("nginx.ingress.kubernetes.io/rewrite-target", wrong);
        let line = line(&objects, &format!("metadata.annotations[{wrong}]: "));
        assert!(line.starts_with("warning: Ingress default/shop: ") && line.contains("ignored"), "{line}");
        assert_eq!(line.contains("did you mean \"nginx.ingress.kubernetes.io/rewrite-target\"?"), suggests, "{line}");
    }
}

#[test]
fn fault_n07_groups_that_the_path_does_not_have_are_named() {
    let said = line(&INGRESS.replace("/$2", "/$3"), "/rewrite-target]: \"/$3\" names the group $3");
    assert!(said.starts_with("warning: ") && said.contains("\"/cart(/|$)(.*)\" has 2 groups"), "{said}");
    let prefix = "rewrite-target: /$2\n    nginx.ingress.kubernetes.io/x-forwarded-prefix: /$4";
    let said = line(&INGRESS.replace("rewrite-target: /$2", prefix), "x-forwarded-prefix]: \"/$4\" names the group $4");
    assert!(said.starts_with("warning: "), "{said}");
}

#[test]
fn fault_n07_kinds_that_are_not_ours_are_counted() {
    let others = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME}\n";
    let route = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\n";
    let objects = [INGRESS, &others.replace("NAME", "a"), &others.replace("NAME", "b"), route].concat();
    let said = line(&objects, "note: not read");
    assert!(said.ends_with(": 2 Deployment, 1 VirtualService"), "{said}");
    assert!(check(&["--fail-on=warning"], &objects).status.success(), "a note is no warning");
    for (wrong, right) in [("Ingess", "Ingress"), ("ingresses", "Ingress"), ("Sevice", "Service")] {
        let objects = [INGRESS, SERVICE].concat().replacen(&format!("kind: {right}"), &format!("kind: {wrong}"), 1);
        let said = line(&objects, &format!("kind: {wrong:?} "));
        assert!(said.starts_with("warning: ") && said.contains(&format!("expected {right} of ")), "{said}");
    }
}

const LEGACY: &str = "# the shop
apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  name: shop
spec:
  rules:
  - host: shop.example
    http:
      paths:
      - path: /cart
        backend: {serviceName: cart, servicePort: 80}
";

#[test]
fn fault_n10_an_old_version_is_one_line() {
    let said = line(LEGACY, "is a version of Ingress that Kubernetes has removed");
    assert!(said.starts_with("warning: Ingress default/shop: apiVersion: \"extensions/v1beta1\" "), "{said}");
    assert!(said.contains("`adit check --fix`") && said.ends_with("objects.yaml, document 1, line 2)"), "{said}");
    let output = String::from_utf8(check(&[], LEGACY).stdout).expect("text");
    assert_eq!(output.lines().filter(|line| !line.starts_with("note: ")).count(), 2, "{output}");
}

#[test]
fn fault_n10_an_old_version_is_written_anew() {
    let output = check(&["--fix"], &[LEGACY, SERVICE].concat());
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("warning: Ingress default/shop: apiVersion: \"extensions/v1beta1\""), "{said}");
    let fixed = String::from_utf8(output.stdout).expect("text");
    assert!(fixed.starts_with("---\n# ") && fixed.contains("objects.yaml, document 1, line 2\n"), "{fixed}");
    assert!(!fixed.contains("kind: Service"), "only what is old is written: {fixed}");
    let object: serde_json::Value = serde_saphyr::from_str(&fixed).expect("one document");
    let expected = serde_json::json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "shop"},
        "spec": {"rules": [{"host": "shop.example", "http": {"paths": [{
            "path": "/cart",
            "pathType": "ImplementationSpecific",
            "backend": {"service": {"name": "cart", "port": {"number": 80}}},
        }]}}]},
    });
    assert_eq!(object, expected, "{fixed}");
    let again = check(&["--fail-on=warning"], &fixed);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(check(&["--fix"], SERVICE).stdout, b"");
}
