//! What decides beside the route.

use super::*;

/// A Gateway for all hosts.
const GATEWAY: &str = "---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: adit }
spec: { controllerName: adit.dev/gateway-controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge }
spec: { gatewayClassName: adit, listeners: [{ name: http, port: 80, protocol: HTTP }] }
";

#[test]
fn the_auth_server_is_named() {
    let explain = |url: &str| {
        let ingress = format!(
            "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{ name: guarded, annotations: {{ nginx.ingress.kubernetes.io/auth-url: '{url}' }} }}
spec:
  rules:
    - host: guarded.test
      http:
        paths:
          - {{ path: /, pathType: Prefix, backend: {{ service: {{ name: pay, port: {{ number: 80 }} }} }} }}
"
        );
        explain_objects(&format!("{OBJECTS}{ingress}"), ControllerSettings::default(), "http://guarded.test/").action
    };
    let forwarded = "forwarded to default/pay:80 as /\n  at 10.0.0.3:8080\n";
    let by_service = explain("http://pay.default.svc/check?x").to_string();
    assert_eq!(by_service, format!("{forwarded}  if http://pay.default.svc allows it, at 10.0.0.3:8080"));
    let by_name = explain("https://auth.example.org/check").to_string();
    assert_eq!(
        by_name,
        format!("{forwarded}  if https://auth.example.org allows it, at the addresses of auth.example.org:443")
    );
    let nowhere = "500: the auth server http://pay.default.svc:81 has no endpoint";
    assert_eq!(explain("http://pay.default.svc:81/").to_string(), nowhere);
}

#[test]
fn the_auth_server_of_a_filter_is_named() {
    let route = "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: guarded }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [filtered.test]
  rules:
    - filters: [{ type: ExternalAuth, externalAuth: { protocol: HTTP, backendRef: { name: pay, port: 80 } } }]
      backendRefs: [{ name: pay, port: 80 }]
";
    let objects = format!("{OBJECTS}{GATEWAY}{route}");
    let explanation = explain_objects(&objects, ControllerSettings::default(), "http://filtered.test/");
    let forwarded = "forwarded to default/pay:80 as /\n  at 10.0.0.3:8080\n";
    let expected = format!("{forwarded}  if http://pay.default.svc:80 allows it, at 10.0.0.3:8080");
    assert_eq!(explanation.action.to_string(), expected);
    let asks = explanation.policies.iter().find(|policy| policy.name == "auth server").map(|policy| &*policy.what);
    assert_eq!(asks, Some("ExternalAuth: asks http://pay.default.svc:80"));
}

#[test]
fn the_mirror_is_named() {
    let explain = |url: &str| {
        let ingress = format!(
            "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{ name: copied, annotations: {{ nginx.ingress.kubernetes.io/mirror-target: '{url}' }} }}
spec:
  rules:
    - host: copied.test
      http:
        paths:
          - {{ path: /, pathType: Prefix, backend: {{ service: {{ name: pay, port: {{ number: 80 }} }} }} }}
"
        );
        explain_objects(&format!("{OBJECTS}{ingress}"), ControllerSettings::default(), "http://copied.test/").action
    };
    let forwarded = "forwarded to default/pay:80 as /\n  at 10.0.0.3:8080\n";
    let by_service = explain("http://pay.default.svc$request_uri").to_string();
    assert_eq!(by_service, format!("{forwarded}  with a copy to http://pay.default.svc, at 10.0.0.3:8080"));
    let by_name = explain("https://mirror.example.org/x").to_string();
    let url = "https://mirror.example.org";
    assert_eq!(by_name, format!("{forwarded}  with a copy to {url}, at the addresses of mirror.example.org:443"));
    let nowhere = explain("http://pay.default.svc:81/").to_string();
    assert_eq!(nowhere, format!("{forwarded}  without a copy to http://pay.default.svc, which has no endpoint"));
}

#[test]
fn a_missing_password_leads_to_the_sign_in_page() {
    let objects = r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: guarded
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/auth-secret: users
    nginx.ingress.kubernetes.io/auth-url: http://pay.default.svc/
    nginx.ingress.kubernetes.io/auth-signin: http://$host/start
spec:
  rules:
    - host: guarded.test
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: pay, port: { number: 80 } } } }
---
apiVersion: v1
kind: Secret
metadata: { name: users }
stringData: { auth: "foo:{PLAIN}bar" }
"#;
    let said = explain_objects(objects, ControllerSettings::default(), "http://guarded.test/").action.to_string();
    assert_eq!(said, "302: auth-signin: the request has no name and password of a user");
}

#[test]
fn limits_are_named() {
    let explain = |annotations: &str| {
        let ingress = format!(
            "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{ name: limited, annotations: {{ {annotations} }} }}
spec:
  rules:
    - host: limited.test
      http:
        paths:
          - {{ path: /, pathType: Prefix, backend: {{ service: {{ name: pay, port: {{ number: 80 }} }} }} }}
"
        );
        explain_objects(&format!("{OBJECTS}{ingress}"), ControllerSettings::default(), "http://limited.test/").action
    };
    const PREFIX: &str = "nginx.ingress.kubernetes.io";
    let annotations = [("rps", "5"), ("rpm", "20"), ("burst-multiplier", "2"), ("connections", "3"), ("rate", "100")];
    let annotations = annotations.map(|(name, value)| format!("{PREFIX}/limit-{name}: '{value}'")).join(", ");
    assert_eq!(
        explain(&annotations).to_string(),
        "forwarded to default/pay:80 as /\n  at 10.0.0.3:8080\n  \
         at most 5 requests a second of one client, and 10 more at once, else 503\n  \
         at most 20 requests a minute of one client, and 40 more at once, else 503\n  \
         at most 3 requests of one client in progress, else 503\n  \
         the body at 100 kB a second at most"
    );
    assert_eq!(explain(&format!("{PREFIX}/limit-rps: '0'")), forward("default/pay:80", &["10.0.0.3:8080"], "/"));
}

/// Over TLS a certificate is presumed, and named. Over plain HTTP there is none.
#[test]
fn the_certificate_of_the_client_is_named() {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("a certificate");
    let explain = |pattern: &str, url: &str| {
        let objects = format!(
            "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: known
  annotations:
    nginx.ingress.kubernetes.io/auth-tls-secret: default/ca
    nginx.ingress.kubernetes.io/auth-tls-match-cn: '{pattern}'
spec:
  rules:
    - host: known.test
      http:
        paths:
          - {{ path: /, pathType: Prefix, backend: {{ service: {{ name: pay, port: {{ number: 80 }} }} }} }}
---
apiVersion: v1
kind: Secret
metadata: {{ name: ca }}
stringData: {{ ca.crt: {:?} }}
",
            authority.pem()
        );
        explain_objects(&format!("{OBJECTS}{objects}"), ControllerSettings::default(), url).action.to_string()
    };
    let source = "Ingress default/known: metadata.annotations[nginx.ingress.kubernetes.io/auth-tls-secret]";
    assert_eq!(
        explain("CN=shop", "https://known.test/"),
        format!(
            "forwarded to default/pay:80 as /\n  at 10.0.0.3:8080\n  if its client has a valid certificate, whose subject \
             matches \"CN=shop\": {source}"
        )
    );
    let plain = "400: auth-tls-secret: the host requires a certificate of the client, which needs HTTPS";
    assert_eq!(explain("CN=shop", "http://known.test/"), plain);
    for scheme in ["http", "https"] {
        let denied = explain("shop", &format!("{scheme}://known.test/"));
        assert!(denied.starts_with("403: Ingress default/known: ") && denied.contains("expected \"CN=\""), "{denied}");
    }
}

#[test]
fn a_canary_is_named_with_its_share() {
    let canary = "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: canary
  annotations:
    nginx.ingress.kubernetes.io/canary: \"true\"
    nginx.ingress.kubernetes.io/canary-weight: \"20\"
    nginx.ingress.kubernetes.io/canary-by-cookie: beta
spec:
  rules:
    - host: shop.example.com
      http: { paths: [{ path: /cart, pathType: Prefix, backend: { service: { name: pay, port: { number: 80 } } } }] }
";
    let explain = |cookie: &'static str| {
        let request = Request::new("GET", "http://shop.example.com/cart", [("cookie", cookie)]).expect("a URL");
        explain_request(&format!("{OBJECTS}{canary}"), ControllerSettings::default(), &request)
    };
    for (cookie, goes_to, said) in [
        ("a=b", "default/cart:80", "of 100 such requests, 20 go to the canary default/pay:80"),
        ("beta=always", "default/pay:80", "by its header or cookie, which chooses the canary"),
        ("beta=never", "default/cart:80", "by its header or cookie, which does not choose the canary default/pay:80"),
    ] {
        let explanation = explain(cookie);
        let Action::Forward { backend, canary, .. } = &explanation.action else { panic!("{explanation}") };
        assert_eq!((backend.as_str(), canary.as_deref()), (goes_to, Some(&*format!("{said}: Ingress default/canary"))));
        assert!(explanation.to_string().contains(said));
        assert!(explanation.settings.iter().any(|setting| setting.name == "canary-weight"), "{explanation}");
    }
}

#[test]
fn the_endpoint_of_a_session_is_named() {
    let ingress = "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: sticky, annotations: { nginx.ingress.kubernetes.io/affinity: cookie } }
spec:
  rules:
    - host: sticky.test
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: pay, port: { number: 80 } } } }
";
    let explain = |headers: &[(&str, &str)]| {
        let request = Request::new("GET", "http://sticky.test/", headers.iter().copied()).expect("a URL");
        let objects = format!("{OBJECTS}{ingress}");
        explain_request(&objects, ControllerSettings::default(), &request).action.to_string()
    };
    let forwarded = "forwarded to default/pay:80 as /\n  at 10.0.0.3:8080\n";
    let sets = "at any of them, and the response sets the cookie INGRESSCOOKIE, which leads there again";
    assert_eq!(explain(&[]), format!("{forwarded}  {sets}"));
    let by_cookie = "by its cookie INGRESSCOOKIE at 10.0.0.3:8080";
    assert_eq!(explain(&[("cookie", "INGRESSCOOKIE=key")]), format!("{forwarded}  {by_cookie}"));
}

#[test]
fn the_endpoints_of_a_key_are_named() {
    let ingress = |more: &str| {
        format!(
            "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: hashed
  creationTimestamp: 2020-01-01T00:00:00Z
  annotations: {{ nginx.ingress.kubernetes.io/upstream-hash-by: $http_x_user-$request_uri{more} }}
spec:
  rules:
    - host: hashed.test
      http:
        paths:
          - {{ path: /, pathType: Prefix, backend: {{ service: {{ name: pay, port: {{ number: 80 }} }} }} }}
"
        )
    };
    let explain = |more: &str| {
        let request = Request::new("GET", "http://hashed.test/a?b", [("x-user", "al\"ice")]).expect("a URL");
        let objects = format!("{OBJECTS}{}", ingress(more));
        explain_request(&objects, ControllerSettings::default(), &request).action.to_string()
    };
    let by_key = "by its key \"al\\\"ice-/a?b\" (upstream-hash-by) at 10.0.0.3:8080";
    assert_eq!(explain(""), format!("forwarded to default/pay:80 as /a?b\n  at 10.0.0.3:8080\n  {by_key}"));
    assert!(
        explain(", nginx.ingress.kubernetes.io/affinity: cookie").contains("sets the cookie"),
        "affinity comes first"
    );
}

/// An Ingress of the name of the route has nothing to do with it.
#[test]
fn the_fields_of_a_rules_policies_are_shown() {
    const ROUTE: &str = "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: api }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [policed.test]
  rules:
    - filters: [{ type: ExtensionRef, extensionRef: { group: adit.dev, kind: AditPolicy, name: limits } }]
      backendRefs: [{ name: pay, port: 80 }]
---
apiVersion: adit.dev/v1alpha1
kind: AditPolicy
metadata: { name: limits }
spec: { limitRps: 5, allowlistSourceRange: none }
";
    let objects = format!("{OBJECTS}{GATEWAY}{ROUTE}");
    let explained = explain_objects(&objects, ControllerSettings::default(), "http://policed.test/");
    let shown =
        |setting: &Setting| format!("{} {:?} of {}", setting.source.field, setting.value, setting.source.object);
    let settings: Vec<_> = explained.settings.iter().map(shown).collect();
    let of = "of AditPolicy default/limits";
    assert_eq!(settings, [format!("spec.allowlistSourceRange \"none\" {of}"), format!("spec.limitRps \"5\" {of}")]);
    assert!(explained.settings[1].effect.contains("all rules with the policy"), "{:?}", explained.settings);
    let answer = explained.action.to_string();
    assert!(answer.contains("503: AditPolicy default/limits: spec.allowlistSourceRange: the field"), "{answer}");
}
