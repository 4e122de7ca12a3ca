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
