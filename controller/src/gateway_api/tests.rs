use super::*;
use serde_json::{Value, json};

fn read<S: Default + DeserializeOwned>(value: Value) -> Result<Resource<S>, serde_json::Error> {
    serde_json::from_value(value)
}

#[test]
fn a_route_has_what_its_manifest_says() {
    let route: HttpRoute = read(json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "shop", "generation": 3},
        "spec": {
            "parentRefs": [{"name": "edge", "sectionName": "web", "port": 80}],
            "hostnames": ["shop.example"],
            "rules": [{
                "matches": [{
                    "path": {"type": "Exact", "value": "/cart"},
                    "queryParams": [{"name": "a", "value": "b"}],
                    "method": "GET",
                }],
                "filters": [{
                    "type": "URLRewrite",
                    "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/"}},
                }],
                "backendRefs": [{"name": "cart", "port": 8080, "weight": 0}],
                "timeouts": {"backendRequest": "2s"},
            }],
        },
    }))
    .expect("an HTTPRoute");
    let [rule] = &*route.spec.rules else { panic!("one rule") };
    assert_eq!(route.metadata.generation, Some(3));
    assert_eq!(route.spec.parent_refs[0].section_name.as_deref(), Some("web"));
    assert_eq!(rule.matches[0].path.as_ref().and_then(|path| path.kind.as_deref()), Some("Exact"));
    assert_eq!((&*rule.matches[0].query_params[0].name, rule.matches[0].method.as_deref()), ("a", Some("GET")));
    assert!(rule.filters[0].url_rewrite.is_some());
    assert_eq!((rule.backend_refs[0].port, rule.backend_refs[0].weight), (Some(8080), Some(0)));
    assert_eq!(rule.timeouts.as_ref().and_then(|timeouts| timeouts.backend_request.as_deref()), Some("2s"));
}

#[test]
fn abbreviations_keep_their_capitals() {
    let policy: BackendTlsPolicy = read(json!({"spec": {"validation": {
        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
        "wellKnownCACertificates": "System",
        "subjectAltNames": [{"type": "URI", "uri": "spiffe://a/b"}],
    }}}))
    .expect("a BackendTLSPolicy");
    let validation = &policy.spec.validation;
    assert_eq!(&*validation.ca_certificate_refs[0].name, "ca");
    assert_eq!(validation.well_known_ca_certificates.as_deref(), Some("System"));
    assert_eq!(validation.subject_alt_names[0].uri.as_deref(), Some("spiffe://a/b"));
    let gateway: Gateway = read(json!({"spec": {"tls": {"frontend": {"perPort": [
        {"port": 443, "tls": {"validation": {"caCertificateRefs": [{"name": "ca"}]}}},
    ]}}}}))
    .expect("a Gateway");
    let frontend = gateway.spec.tls.and_then(|tls| tls.frontend).expect("a frontend");
    let validation = frontend.per_port[0].tls.validation.as_ref().expect("a validation");
    assert_eq!(&*validation.ca_certificate_refs[0].name, "ca");
}

/// The API server leaves out what is `null`; files may have it.
#[test]
fn null_is_as_if_it_were_not_there() {
    let empty = Gateway::default();
    assert_eq!(read(json!({"spec": null})).expect("a Gateway"), empty);
    assert_eq!(read(json!({"spec": {"listeners": null, "tls": null}})).expect("a Gateway"), empty);
    let route: HttpRoute =
        read(json!({"spec": {"rules": [{"matches": null, "filters": null}]}})).expect("an HTTPRoute");
    assert_eq!(route.spec.rules, [HttpRouteRule::default()]);
}

#[test]
fn a_value_that_is_not_known_is_no_error() {
    let gateway: Gateway = read(json!({"spec": {"listeners": [
        {"name": "a", "port": 1, "protocol": "QUIC", "allowedRoutes": {"namespaces": {"from": "Some"}}},
    ]}}))
    .expect("a Gateway");
    assert_eq!(gateway.spec.listeners[0].protocol, "QUIC");
    let route: GrpcRoute =
        read(json!({"spec": {"rules": [{"filters": [{"type": "New", "new": {"x": 1}}]}]}})).expect("a GRPCRoute");
    assert_eq!(route.spec.rules[0].filters[0].kind, "New");
}
