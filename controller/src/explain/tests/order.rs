//! What acts on a request, in which order, and where it ends.

use super::*;

/// The names of what acts on it, with what comes of that where it is not that the request goes on.
fn policies(explanation: &Explanation) -> Vec<String> {
    let shown = |policy: &Policy| match policy.outcome {
        Outcome::Passes => policy.name.clone(),
        outcome => format!("{}: {}", policy.name, outcome.words()),
    };
    explanation.policies.iter().map(shown).collect()
}

#[test]
fn a_request_that_is_forwarded_meets_all_of_them() {
    let explanation = explained("http://api.test/API/users?id=1");
    assert_eq!(policies(&explanation), ["look-up", "root", "size of the body", "buffering", "rewrite", "backend"]);
    let what = |name: &str| explanation.policies.iter().find(|policy| policy.name == name).map(|policy| &*policy.what);
    assert_eq!(what("root"), Some("app-root: / leads to /home"));
    assert_eq!(what("rewrite"), Some("the backend sees /users?id=1"));
    assert_eq!(what("backend"), Some("default/cart:80, at one of 10.0.0.1:8080, 10.0.0.2:8080"));
    assert!(explanation.listener.starts_with("plain HTTP, usually port 80"), "{}", explanation.listener);
}

#[test]
fn one_of_them_answers_and_the_others_are_not_reached() {
    let ingress = "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: guarded
  annotations:
    nginx.ingress.kubernetes.io/force-ssl-redirect: 'true'
    nginx.ingress.kubernetes.io/enable-cors: 'true'
    nginx.ingress.kubernetes.io/whitelist-source-range: 10.0.0.0/8
    nginx.ingress.kubernetes.io/limit-rps: '5'
spec:
  rules:
    - host: guarded.test
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: pay, port: { number: 80 } } } }] }
";
    let explain = |url| explain_objects(&format!("{OBJECTS}{ingress}"), ControllerSettings::default(), url);
    let before = ["look-up", "preflight"];
    let redirected = [
        "redirect to HTTPS: answers",
        "size of the body: not reached",
        "limits: not reached",
        "address of the client: not reached",
        "buffering: not reached",
        "response headers",
    ];
    assert_eq!(policies(&explain("http://guarded.test/")), [&before[..], &redirected].concat());
    let explanation = explain("https://guarded.test/");
    let refused = [
        "redirect to HTTPS",
        "size of the body",
        "limits",
        "address of the client: answers",
        "buffering: not reached",
        "response headers",
    ];
    assert_eq!(policies(&explanation), [&before[..], &refused].concat());
    let text = explanation.to_string();
    for line in [
        "\n    redirect to HTTPS: plain HTTP is redirected to HTTPS with 308, and this is HTTPS\n",
        "\n  > address of the client: the address of the client is not allowed\n",
        "\n    buffering (not reached): a body is read",
        "\nlistener\n    HTTPS, usually port 443: TLS ends here",
    ] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
}

#[test]
fn who_finds_no_route_ends_there() {
    for (url, expected) in [
        ("http://unknown.test/", ["look-up", "what is found: answers"].as_slice()),
        ("http://www.api.test/api/x", &["look-up", "what is found: answers"]),
        ("http://shop.example.com/../x", &["look-up: answers"]),
    ] {
        assert_eq!(policies(&explained(url)), expected, "{url}");
    }
    let passed = explain_under(
        ControllerSettings { ssl_passthrough: true, ..ControllerSettings::default() },
        "https://vault.test/x",
    );
    assert_eq!(policies(&passed), [""; 0]);
}

const HTTP_ROUTE: &str = "
kind: GatewayClass
apiVersion: gateway.networking.k8s.io/v1
metadata: { name: adit }
spec: { controllerName: adit.dev/gateway-controller }
---
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1
metadata: { name: edge }
spec: { gatewayClassName: adit, listeners: [{ name: http, port: 80, protocol: HTTP }] }
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: { name: route }
spec:
  parentRefs: [{ name: edge }]
  rules:
    - matches: [{ path: { value: /old } }]
      filters:
        - type: RequestHeaderModifier
          requestHeaderModifier: { set: [{ name: X-Token, value: secret }, { name: X-A, value: a }], remove: [X-Gone] }
        - type: ResponseHeaderModifier
          responseHeaderModifier: { add: [{ name: X-Seen, value: seen }] }
        - type: URLRewrite
          urlRewrite: { hostname: new.test, path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } }
      backendRefs:
        - name: pay
          port: 80
          filters:
            - type: RequestHeaderModifier
              requestHeaderModifier: { add: [{ name: X-B, value: b }] }
            - type: ResponseHeaderModifier
              responseHeaderModifier: { remove: [X-Inner] }
    - matches: [{ path: { value: /moved } }]
      filters:
        - type: RequestRedirect
          requestRedirect: { hostname: new.test, path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } }
---
";

#[test]
fn filters_of_an_http_route_are_among_them() {
    let explain = |url| explain_objects(&format!("{HTTP_ROUTE}{OBJECTS}"), ControllerSettings::default(), url);
    let explanation = explain("http://h.test/old/a");
    let expected = [
        "look-up",
        "size of the body",
        "buffering",
        "rewrite",
        "backend",
        "request headers",
        "response headers of the backend",
    ];
    assert_eq!(policies(&explanation), expected);
    let what = |name: &str| explanation.policies.iter().find(|policy| policy.name == name).map(|policy| &*policy.what);
    assert_eq!(what("rewrite"), Some("the backend sees /new/a"));
    assert_eq!(
        what("request headers"),
        Some("Host is new.test; the route removes X-Gone, sets X-Token and X-A; the backend adds to X-B")
    );
    assert_eq!(
        what("response headers of the backend"),
        Some("the backend removes x-inner; the route adds to x-seen"),
        "the backend's come first"
    );
    let redirected = explain("http://h.test/moved/a");
    let expected = ["look-up", "fixed answer: answers", "size of the body: not reached", "buffering: not reached"];
    assert_eq!(policies(&redirected), expected);
    assert!(redirected.to_string().contains("302 to http://new.test/new/a: the route is a redirect"), "{redirected}");
}

/// Those that are refused before.
#[test]
fn a_redirect_of_an_http_route_says_where_it_would_lead() {
    let config = "---
kind: ConfigMap
apiVersion: v1
metadata: { name: adit, namespace: adit }
data: { global-auth-url: http://$host/ }
";
    let settings = ControllerSettings { configmap: "adit/adit".parse().ok(), ..ControllerSettings::default() };
    let explanation = explain_objects(&format!("{HTTP_ROUTE}{OBJECTS}{config}"), settings, "http://h.test/moved/a");
    assert_eq!(policies(&explanation)[..3], ["look-up", "refusal: answers", "fixed answer: not reached"]);
    assert_eq!(explanation.policies[2].what, "302 to {scheme}://new.test/new{rest of the path}");
}
