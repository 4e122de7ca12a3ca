//! `adit diff`: what a change of manifests does to what is served.

use super::ADIT;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const OLD: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations: {nginx.ingress.kubernetes.io/limit-rps: '5'}
spec:
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}
      - {path: /admin, pathType: Exact, backend: {service: {name: cart, port: {number: 80}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: blog}
spec:
  rules:
  - host: blog.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-1, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1]}]
ports: [{port: 8080}]
";

fn new() -> String {
    OLD.replace("'5'", "'9'").replace("path: /admin", "path: /backstage").replace("blog.example", "news.example")
}

fn directory(text: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("objects.yaml"), text).expect("a file");
    directory
}

fn diff(paths: &[&Path], arguments: &[&str]) -> Output {
    Command::new(ADIT).arg("diff").args(paths).args(arguments).output().expect("adit runs")
}

fn text(output: &Output) -> &str {
    str::from_utf8(&output.stdout).expect("text")
}

/// The difference of two versions as JSON, and the exit code.
fn json(old: &str, new: &str) -> (Value, Option<i32>) {
    let (old, new) = (directory(old), directory(new));
    let output = diff(&[old.path(), new.path()], &["--output=json"]);
    (serde_json::from_slice(&output.stdout).expect("JSON"), output.status.code())
}

#[test]
fn exit_codes_are_those_of_diff() {
    let (old, changed) = (directory(OLD), directory(&new()));
    let same = diff(&[old.path(), old.path()], &[]);
    assert_eq!((same.status.code(), text(&same)), (Some(0), ""));
    assert_eq!(diff(&[old.path(), changed.path()], &[]).status.code(), Some(1));
    for arguments in [&["/nowhere"][..], &["--requests=/nowhere"], &["--file=/nowhere"], &["--output=xml", "."], &[]] {
        let output = diff(&[old.path()], arguments);
        assert_eq!((output.status.code(), text(&output)), (Some(2), ""), "{arguments:?}");
    }
}

#[test]
fn a_flag_without_effect_is_told() {
    let old = directory(OLD);
    let output = diff(&[old.path(), old.path()], &["--sync-period=1m"]);
    let said = str::from_utf8(&output.stderr).expect("text");
    assert!(said.contains("--sync-period is accepted and ignored: "), "{said}");
}

#[test]
fn routes_are_added_removed_and_changed() {
    let (report, code) = json(OLD, &new());
    assert_eq!(code, Some(1));
    let changes = report["changes"].as_array().expect("changes").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found: Vec<_> = changes.map(|change| ["kind", "host", "what"].map(|key| text(&change[key]))).collect();
    let expected = [
        ["removed", "blog.example", "route Prefix /"],
        ["added", "news.example", "route Prefix /"],
        ["removed", "shop.example", "route Exact /admin"],
        ["changed", "shop.example", "route Prefix /"],
        ["changed", "shop.example", "route Prefix /cart"],
        ["added", "shop.example", "route Exact /backstage"],
    ];
    assert_eq!(found, expected);
    let details = &report["changes"][4]["details"];
    assert_eq!(details[0], "annotation limit-rps: \"5\" -> \"9\"");
    assert!(details[1].as_str().is_some_and(|detail| detail.ends_with(": 5 -> 9")), "{details}");
}

#[test]
fn each_route_has_a_sample_request() {
    let (report, _) = json(OLD, &new());
    assert_eq!(report["compared"], 6);
    let requests = report["requests"].as_array().expect("requests");
    let found: Vec<_> = requests.iter().map(|answer| answer["request"].as_str().expect("text")).collect();
    let expected = [
        "GET http://blog.example/",
        "GET http://news.example/",
        "GET http://shop.example/admin",
        "GET http://shop.example/backstage",
        "GET http://shop.example/cart",
    ];
    assert_eq!(found, expected, "the limit on /cart is part of its answer");
    assert!(requests[2]["before"].as_str().is_some_and(|text| text.starts_with("forwarded to default/cart:80")));
    assert!(requests[2]["after"].as_str().is_some_and(|text| text.starts_with("404")));
}

#[test]
fn requests_may_be_listed() {
    let (old, changed) = (directory(OLD), directory(&new()));
    let list = old.path().join("requests.txt");
    std::fs::write(&list, "# what matters\nhttp://shop.example/admin\nPOST http://shop.example/none\n")
        .expect("a file");
    let list = format!("--requests={}", list.display());
    let output = diff(&[old.path(), changed.path()], &[&list, "-ojson"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["compared"], report["requests"].as_array().map(Vec::len)), (&2.into(), Some(1)));
}

#[test]
fn a_file_replaces_the_objects_of_its_names() {
    let old = directory(OLD);
    let file = directory(OLD.split("---").nth(1).expect("the blog").replace("path: /", "path: /posts").as_str());
    let file = format!("--file={}", file.path().join("objects.yaml").display());
    let output = diff(&[old.path()], &[&file]);
    let shown = text(&output);
    assert!(shown.contains("~ route Prefix /, Ingress default/blog"), "{shown}");
    assert!(shown.contains("forwarded to default/cart:80 -> forwarded to the default backend"), "{shown}");
    assert!(shown.contains("+ route Prefix /posts, Ingress default/blog"), "{shown}");
    assert!(!shown.contains("shop.example"), "{shown}");
}

#[test]
fn a_password_that_changes_is_told_and_not_shown() {
    let guarded = |password: &str| {
        let guard = "nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users";
        let ingress = OLD.replace("nginx.ingress.kubernetes.io/limit-rps: '5'", guard);
        format!(
            "{ingress}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: users}}\nstringData: {{auth: 'ann:{password}'}}\n"
        )
    };
    let (old, new) = ("$apr1$aaaaaaaa$0123456789012345678901", "$apr1$bbbbbbbb$0123456789012345678901");
    let (report, code) = json(&guarded(old), &guarded(new));
    assert_eq!(code, Some(1), "{report:#}");
    let all = report.to_string();
    assert!(!all.contains("aaaaaaaa") && !all.contains("bbbbbbbb"), "{all}");
    assert_eq!(json(&guarded(old), &guarded(old)).1, Some(0));
}

#[test]
fn annotations_of_github_name_the_file_and_the_line() {
    let wrong = new().replace("limit-rps: '9'", "proxy-read-timeout: many").replace("/backstage", "'/back:stage,100%'");
    let (old, changed) = (directory(OLD), directory(&wrong));
    let output = diff(&[old.path(), changed.path()], &["-ogithub"]);
    let lines: Vec<_> = text(&output).lines().collect();
    assert!(
        lines.iter().all(|line| ["::error ", "::warning ", "::notice "].iter().any(|level| line.starts_with(level)))
    );
    let file = format!("file={},line=2,", changed.path().join("objects.yaml").display());
    let about = |text: &str| lines.iter().filter(|line| line.contains(text) && line.contains(&file)).count();
    assert_eq!(about("proxy-read-timeout]: \"many\" is not valid"), 1, "{lines:#?}");
    assert_eq!(about("title=added for shop.example%3A route Exact /back%3Astage%2C100%25::"), 1, "{lines:#?}");
}

#[test]
fn problems_that_only_moved_are_not_new() {
    let wrong = OLD.replace("'5'", "many");
    let (report, code) = json(&wrong, &format!("# a comment\n{wrong}"));
    assert_eq!((&report["problems"], code), (&Value::Array(Vec::new()), Some(0)));
}
