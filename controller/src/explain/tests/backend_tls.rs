//! How TLS is spoken to the backend.

use super::*;
use crate::certificate::tests::pem;

/// An Ingress for `secured.test` with these annotations, and the Secret `client`.
fn explain_ingress(annotations: &[(&str, &str)], url: &str) -> Explanation {
    let (certificate, key) = pem(&["client"]);
    let annotations: String = annotations
        .iter()
        .map(|(name, value)| format!("    nginx.ingress.kubernetes.io/{name}: \"{value}\"\n"))
        .collect();
    let objects = format!(
        "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: secured
  annotations:
{annotations}
spec:
  rules:
    - host: secured.test
      http:
        paths:
          - {{ path: /, pathType: Prefix, backend: {{ service: {{ name: pay, port: {{ number: 80 }} }} }} }}
---
apiVersion: v1
kind: Secret
metadata: {{ name: client }}
stringData: {{ tls.crt: {certificate:?}, tls.key: {key:?}, ca.crt: {certificate:?} }}
"
    );
    explain_objects(&format!("{OBJECTS}{objects}"), ControllerSettings::default(), url)
}

const FORWARDED: &str = "forwarded to default/pay:80 as /\n  at 10.0.0.3:8080";

#[test]
fn tls_to_the_backend_of_an_ingress_is_told() {
    let unverified = "over TLS: no name is sent; its certificate is not verified; it is shown none";
    let https = [("backend-protocol", "HTTPS")];
    let explained = explain_ingress(&https, "http://secured.test/");
    assert_eq!(explained.action.to_string(), format!("{FORWARDED}\n  {unverified}"));
    let backend = explained.policies.iter().find(|policy| policy.name == "backend").expect("a backend");
    assert_eq!(backend.what, format!("default/pay:80, at 10.0.0.3:8080; {unverified}"));

    let verified = [
        ("backend-protocol", "HTTPS"),
        ("proxy-ssl-secret", "default/client"),
        ("proxy-ssl-verify", "on"),
        ("proxy-ssl-name", "pay.test"),
    ];
    let shown = "it is shown that of Secret default/client";
    let required = "its certificate has to be for pay.test, from the authority CN=rcgen self signed cert";
    assert_eq!(
        explain_ingress(&verified, "http://secured.test/").action.to_string(),
        format!("{FORWARDED}\n  over TLS: no name is sent; {required}; {shown}")
    );
    let named: Vec<_> = verified.into_iter().chain([("proxy-ssl-server-name", "on")]).collect();
    assert_eq!(
        explain_ingress(&named, "http://secured.test/").action.to_string(),
        format!("{FORWARDED}\n  over TLS: the name pay.test is sent; {required}; {shown}")
    );
}

#[test]
fn nothing_is_told_where_there_is_none() {
    let of = |protocol: &str, url: &str| explain_ingress(&[("backend-protocol", protocol)], url).action.to_string();
    assert_eq!(of("HTTP", "https://secured.test/"), FORWARDED);
    assert_eq!(of("AUTO_HTTP", "http://secured.test/"), FORWARDED);
    assert!(of("AUTO_HTTP", "https://secured.test/").starts_with(&format!("{FORWARDED}\n  over TLS: ")));
}

/// A Gateway with listeners for HTTP and TLS, a route of each kind to `pay`, and policies. Backends are shown a certificate.
fn explain_policies(policies: &str, url: &str) -> String {
    let (certificate, key) = pem(&["stream.test"]);
    let objects = format!(
        "---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{ name: adit }}
spec: {{ controllerName: adit.dev/gateway-controller }}
---
apiVersion: v1
kind: Secret
metadata: {{ name: pair }}
type: kubernetes.io/tls
stringData: {{ tls.crt: {certificate:?}, tls.key: {key:?} }}
---
apiVersion: v1
kind: ConfigMap
metadata: {{ name: authorities }}
data: {{ ca.crt: {certificate:?} }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{ name: edge }}
spec:
  gatewayClassName: adit
  tls: {{ backend: {{ clientCertificateRef: {{ name: pair }} }} }}
  listeners:
    - {{ name: http, port: 80, protocol: HTTP }}
    - {{ name: tls, port: 443, protocol: TLS, tls: {{ mode: Terminate, certificateRefs: [{{ name: pair }}] }} }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{ name: web }}
spec:
  parentRefs: [{{ name: edge, sectionName: http }}]
  hostnames: [web.test]
  rules:
    - backendRefs: [{{ name: pay, port: 80 }}]
    - matches: [{{ path: {{ value: /shared }} }}, {{ path: {{ value: no-path }} }}]
      backendRefs: [{{ name: pay, port: 80, weight: 1000 }}, {{ name: cart, port: 80, weight: 1 }}]
    - {{ matches: [{{ path: {{ value: /nothing }} }}], backendRefs: [{{ name: pay, port: 80, weight: 0 }}] }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {{ name: stream }}
spec:
  parentRefs: [{{ name: edge, sectionName: tls }}]
  hostnames: [stream.test]
  rules: [{{ backendRefs: [{{ name: pay, port: 80 }}] }}]
"
    );
    let objects = format!("{OBJECTS}{objects}{policies}");
    explain_objects(&objects, ControllerSettings::default(), url).action.to_string()
}

/// A policy for `pay` that has these authorities.
fn policy(name: &str, authorities: &str) -> String {
    format!(
        "---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{ name: {name} }}
spec:
  targetRefs: [{{ group: '', kind: Service, name: pay }}]
  validation: {{ hostname: pay.test, {authorities} }}
"
    )
}

#[test]
fn tls_that_a_policy_asks_for_is_told_of_requests_and_of_what_comes_within_tls() {
    let names = "subjectAltNames: [{ type: Hostname, hostname: a.test }, { type: URI, uri: 'spiffe://b.test/pay' }]";
    let policy = policy("pay", &format!("{names}, wellKnownCACertificates: System"));
    let spoken = "over TLS, as BackendTLSPolicy default/pay asks: the name pay.test is sent; its certificate has to be for a.test or \
                  spiffe://b.test/pay, from an authority of the system; it is shown that of Secret default/pair";
    assert_eq!(explain_policies(&policy, "http://web.test/"), format!("{FORWARDED}\n  {spoken}"));
    assert_eq!(
        explain_policies(&policy, "https://stream.test/"),
        format!(
            "what comes over TLS goes as it is to default/pay:80; the routes and settings above do not apply\n  at \
             10.0.0.3:8080\n  {spoken}\n  TLSRoute default/stream: spec.rules[0]"
        )
    );
}

#[test]
fn authorities_of_a_policy_are_named_and_so_is_a_policy_that_comes_after_it() {
    let given = "caCertificateRefs: [{ group: '', kind: ConfigMap, name: authorities }]";
    let policies = [policy("first", given), policy("second", "wellKnownCACertificates: System")].concat();
    let asked = "over TLS, as BackendTLSPolicy default/first asks: the name pay.test is sent; its certificate has to be for \
                 pay.test, from the authority CN=rcgen self signed cert; it is shown that of Secret default/pair; \
                 BackendTLSPolicy default/second: spec.targetRefs: \"pay\" has BackendTLSPolicy default/first, which comes first: this one has no effect there";
    assert_eq!(explain_policies(&policies, "http://web.test/"), format!("{FORWARDED}\n  {asked}"));
}

#[test]
fn a_policy_that_cannot_be_had_is_named_with_what_is_wrong_with_it() {
    let broken = policy("broken", "caCertificateRefs: [{ group: '', kind: ConfigMap, name: nothing }]");
    let of_rule = |index: u32, kind: &str, effect: &str| {
        format!(
            "{kind}: spec.rules[{index}].backendRefs[0].name: \"pay\" is a Service for which BackendTLSPolicy default/broken asks \
             for TLS that cannot be had; {effect}; BackendTLSPolicy default/broken: \
             spec.validation.caCertificateRefs[0].name: \"nothing\" names ConfigMap default/nothing, which does not exist; \
             BackendTLSPolicy default/broken: spec.validation.caCertificateRefs: leads to no certificate of an authority; \
             requests for its Services are answered with 500"
        )
    };
    let answered = "its requests are answered with 500";
    for (url, index) in [("http://web.test/", 0), ("http://web.test/shared", 1)] {
        let said = of_rule(index, "HTTPRoute default/web", answered);
        // One in a thousand goes to the other backend.
        let mut tries = (0..20).map(|_| explain_policies(&broken, url));
        assert_eq!(tries.find(|said| said.starts_with("500")), Some(format!("500: {said}")), "{url}");
    }
    let of_stream = explain_policies(&broken, "https://stream.test/");
    let said = of_rule(0, "TLSRoute default/stream", "its connections are closed at once");
    let closed = "what comes over TLS goes as it is to nowhere; the routes and settings above do not apply\n  which has no \
                  endpoint: connections are closed";
    assert_eq!(of_stream, format!("{closed}\n  {said}\n  TLSRoute default/stream: spec.rules[0]"));
}

#[test]
fn a_rule_without_a_share_for_anybody_says_so() {
    let why = "the rule has no backend with a weight, or cannot be served as it is meant";
    let said = explain_policies("", "http://web.test/nothing");
    assert_eq!(said, format!("500: HTTPRoute default/web: spec.rules[2].matches[0]: {why}"));
}
