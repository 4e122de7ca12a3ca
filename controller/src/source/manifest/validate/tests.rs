use super::*;
use serde_json::{Value, json};

fn ingress(spec: &Value) -> Ingress {
    serde_json::from_value(json!({"metadata": {"name": "shop"}, "spec": spec})).expect("an Ingress")
}

fn backend() -> Value {
    json!({"service": {"name": "a", "port": {"number": 80}}})
}

fn with_path(path_type: &str, path: Option<&str>) -> Ingress {
    let path = json!({"path": path, "pathType": path_type, "backend": backend()});
    ingress(&json!({"rules": [{"http": {"paths": [path]}}]}))
}

fn with_backend(backend: &Value) -> Ingress {
    ingress(&json!({"rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}))
}

fn fields(ingress: &Ingress) -> Vec<String> {
    validate(ingress).iter().map(|diagnostic| diagnostic.field.to_string()).collect()
}

#[test]
fn an_ingress_needs_rules_or_a_default_backend() {
    assert_eq!(fields(&ingress(&json!({}))), ["spec"], "G01");
    assert_eq!(fields(&ingress(&json!({"rules": []}))), ["spec"], "G01");
    assert_eq!(fields(&ingress(&json!({"defaultBackend": backend()}))), [""; 0]);
    assert_eq!(fields(&ingress(&json!({"rules": [{"host": "a.example"}]}))), [""; 0]);
    assert_eq!(fields(&ingress(&json!({"rules": [{"http": {"paths": []}}]}))), ["spec.rules[0].http.paths"], "G02");
}

#[test]
fn paths_are_checked_as_their_type_asks() {
    let path_type = "spec.rules[0].http.paths[0].pathType";
    let path = "spec.rules[0].http.paths[0].path";
    for wrong in ["", "prefix", "Regex"] {
        assert_eq!(fields(&with_path(wrong, Some("/"))), [path_type], "G03 {wrong}");
    }
    for literal in ["Exact", "Prefix"] {
        for wrong in [None, Some(""), Some("a"), Some("a/b")] {
            assert_eq!(fields(&with_path(literal, wrong)), [path], "G04 {wrong:?}");
        }
        for wrong in ["//", "/a//b", "/a/./b", "/a/../b", "/a%2fb", "/a%2Fb", "/..", "/a/..", "/a/."] {
            assert_eq!(fields(&with_path(literal, Some(wrong))), [path], "G05, G06 {wrong}");
        }
        for right in ["/", "/a", "/a/", "/a.b", "/...", "/a(/|$)(.*)"] {
            assert_eq!(fields(&with_path(literal, Some(right))), [""; 0], "{right}");
        }
    }
    for right in [None, Some(""), Some("/a//b"), Some("/a b"), Some("/(?<x>[/.]*)")] {
        assert_eq!(fields(&with_path("ImplementationSpecific", right)), [""; 0], "G07 {right:?}");
    }
    assert_eq!(fields(&with_path("ImplementationSpecific", Some("a"))), [path]);
}

#[test]
fn hosts_are_dns_names() {
    let of =
        |host: &str| fields(&ingress(&json!({"rules": [{"host": host}], "tls": [{"hosts": ["a.example", host]}]})));
    let long = format!("{}.example", "a".repeat(64));
    for wrong in
        ["10.0.0.1", "::1", "a.example:80", "*", "foo.*.com", "*foo.com", "A.example", "a_b", "-a", "a.", "a b", &long]
    {
        assert_eq!(of(wrong), ["spec.rules[0].host", "spec.tls[0].hosts[1]"], "G08 {wrong}");
    }
    for right in ["a.example", "*.a.example", "localhost", "a-1.b"] {
        assert_eq!(of(right), [""; 0], "{right}");
    }
    assert_eq!(fields(&ingress(&json!({"rules": [{"host": ""}]}))), [""; 0]);
}

#[test]
fn backends_name_one_thing_and_one_port() {
    let of = |backend: Value| fields(&with_backend(&backend));
    let service = |name: &str, port: Value| json!({"service": {"name": name, "port": port}});
    let field = "spec.rules[0].http.paths[0].backend";
    assert_eq!(of(service("a", json!({"number": 80, "name": "http"}))), [format!("{field}.service.port")], "G09");
    assert_eq!(of(service("a", json!({}))), [format!("{field}.service.port")], "G09");
    assert_eq!(of(service("a", json!({"number": 65536}))), [format!("{field}.service.port.number")]);
    assert_eq!(of(service("a", json!({"number": -1}))), [format!("{field}.service.port.number")]);
    for wrong in ["80", "Http", "a-name-too-long-", "abcdefghijklmnop", "a--b", "a_b"] {
        assert_eq!(of(service("a", json!({"name": wrong}))), [format!("{field}.service.port.name")], "{wrong}");
    }
    assert_eq!(of(service("A b", json!({"number": 80}))), [format!("{field}.service.name")]);
    assert_eq!(of(service("", json!({}))), [format!("{field}.service.name"), format!("{field}.service.port")]);
    assert_eq!(of(json!({})), [field]);
    assert_eq!(of(json!({"resource": {"kind": "Bucket", "name": "b"}})), [""; 0]);
    assert_eq!(of(json!({"resource": {"kind": "B", "name": "b"}, "service": {"name": "a"}})), [field]);
    assert_eq!(fields(&ingress(&json!({"defaultBackend": {}}))), ["spec.defaultBackend"]);
}

#[test]
fn a_comment_of_another_language_is_explained() {
    let ingress = with_backend(&json!({"service": {"name": "web // the default", "port": {"number": 80}}}));
    let found = validate(&ingress);
    assert_eq!(found[0].value.as_deref(), Some("web // the default"));
    assert!(found[0].message.contains("is not a Service name"), "{}", found[0]);
    assert!(found[0].message.contains("YAML comments begin with '#'"), "{}", found[0]);
}

#[test]
fn what_is_invalid_is_left_out_and_the_rest_stays() {
    let path = |path: &str| json!({"path": path, "pathType": "Prefix", "backend": backend()});
    let mut ingress = ingress(&json!({
        "defaultBackend": {},
        "rules": [
            {"host": "10.0.0.1", "http": {"paths": [path("/")]}},
            {"host": "a.example", "http": {"paths": [path("x"), path("/good"), path("y")]}},
            {"host": "b.example", "http": {"paths": [path("z")]}},
        ],
        "tls": [{"hosts": ["*", "a.example"]}],
    }));
    let found: Vec<String> = prune(&mut ingress).iter().map(|d| format!("{} {}", d.object, d.field)).collect();
    let expected = [
        "spec.defaultBackend",
        "spec.rules[0].host",
        "spec.rules[1].http.paths[0].path",
        "spec.rules[1].http.paths[2].path",
        "spec.rules[2].http.paths[0].path",
        "spec.tls[0].hosts[0]",
    ];
    assert_eq!(found, expected.map(|field| format!("Ingress default/shop {field}")));
    let spec = ingress.spec.expect("a spec");
    assert_eq!(spec.default_backend, None);
    let rules = spec.rules.expect("rules");
    assert_eq!(rules.iter().map(is_left_out).collect::<Vec<_>>(), [true, false, true]);
    let paths = &rules[1].http.as_ref().expect("paths").paths;
    assert_eq!(paths.iter().map(is_path_left_out).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(paths[1].path.as_deref(), Some("/good"));
    assert_eq!(spec.tls.expect("TLS")[0].hosts, Some(vec!["a.example".to_owned()]));
}
