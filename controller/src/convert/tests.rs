use super::testing::converted;
use super::{Conversion, Verdict};
use serde_json::{Value, json};

const SERVICES: &str = "
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: other}
spec: {ports: [{port: 80}]}
";

/// An Ingress of a namespace with annotations and a spec.
fn ingress(namespace: &str, name: &str, annotations: &[(&str, &str)], spec: &str) -> String {
    let annotations: String =
        annotations.iter().map(|(key, value)| format!("\n    nginx.ingress.kubernetes.io/{key}: {value:?}")).collect();
    let annotations = if annotations.is_empty() { " {}".to_owned() } else { annotations };
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  namespace: {namespace}\n  annotations:\
         {annotations}\nspec: {spec}\n"
    )
}

/// A rule of a host that leads a path to a Service.
fn rule(host: &str, path: &str, service: &str, port: &str) -> String {
    let backend = format!("{{service: {{name: {service}, port: {{{port}}}}}}}");
    format!("{{host: {host}, http: {{paths: [{{path: {path}, pathType: Prefix, backend: {backend}}}]}}}}")
}

fn of(ingresses: &[String]) -> Conversion {
    converted(&(ingresses.concat() + SERVICES))
}

fn object<'c>(conversion: &'c Conversion, kind: &str, name: &str) -> &'c Value {
    let found = conversion.objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}: {:#?}", conversion.objects))
}

fn names<'c>(conversion: &'c Conversion, kind: &str) -> Vec<&'c str> {
    let of_kind = conversion.objects.iter().filter(|object| object["kind"] == kind);
    of_kind.filter_map(|object| object["metadata"]["name"].as_str()).collect()
}

/// Why an Ingress is not converted.
fn why(conversion: &Conversion, object: &str) -> Vec<String> {
    let subject = conversion.report.ingresses.iter().find(|subject| subject.object == object).expect("the Ingress");
    let left = subject.findings.iter().filter(|finding| finding.verdict == Verdict::NotConverted);
    left.map(|finding| format!("{}: {}", finding.setting, finding.detail)).collect()
}

#[test]
fn a_rule_becomes_a_route_at_a_listener_of_its_host() {
    let spec = format!("{{rules: [{}]}}", rule("shop.example", "/cart", "web", "name: http"));
    let conversion = of(&[ingress("shop", "shop", &[], &spec)]);
    assert_eq!(conversion.report.count(Verdict::Converted), 1, "{:#?}", conversion.report);
    assert_eq!(
        object(&conversion, "Gateway", "ingress"),
        &json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"namespace": "shop", "name": "ingress"},
            "spec": {
                "gatewayClassName": "adit",
                "listeners": [{"name": "http-shop.example", "hostname": "shop.example", "port": 80, "protocol": "HTTP"}],
            },
        })
    );
    assert_eq!(
        object(&conversion, "HTTPRoute", "shop")["spec"],
        json!({
            "parentRefs": [{"name": "ingress", "sectionName": "http-shop.example"}],
            "hostnames": ["shop.example"],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": "/cart"}}],
                "backendRefs": [{"name": "web", "port": 80}],
            }],
        })
    );
    assert_eq!(conversion.without_tls, ["shop.example".to_owned()].into());
}

/// Where no Secret is given, those are named that the Ingress names.
#[test]
fn a_host_with_tls_is_redirected_over_http_and_served_over_https() {
    let rule = rule("shop.example", "/", "web", "number: 80");
    let spec = format!("{{tls: [{{hosts: [shop.example], secretName: shop}}], rules: [{rule}]}}");
    let conversion = of(&[ingress("shop", "shop", &[], &spec)]);
    let listeners = &object(&conversion, "Gateway", "ingress")["spec"]["listeners"];
    assert_eq!(listeners[1]["tls"], json!({"mode": "Terminate", "certificateRefs": [{"name": "shop"}]}));
    let redirect = &object(&conversion, "HTTPRoute", "shop-https-redirect")["spec"];
    assert_eq!(redirect["parentRefs"], json!([{"name": "ingress", "sectionName": "http-shop.example"}]));
    let filter = json!({"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 308}});
    assert_eq!(redirect["rules"][0]["filters"], json!([filter]));
    let served = &object(&conversion, "HTTPRoute", "shop")["spec"];
    assert_eq!(served["parentRefs"], json!([{"name": "ingress", "sectionName": "https-shop.example"}]));
}

#[test]
fn a_host_of_two_namespaces_has_one_gateway_which_lets_both_in() {
    let spec = |path| format!("{{rules: [{}]}}", rule("shop.example", path, "web", "number: 80"));
    let conversion = of(&[ingress("shop", "shop", &[], &spec("/")), ingress("other", "admin", &[], &spec("/admin"))]);
    assert_eq!(names(&conversion, "Gateway"), ["ingress"]);
    let listener = &object(&conversion, "Gateway", "ingress")["spec"]["listeners"][0];
    let selector = &listener["allowedRoutes"]["namespaces"]["selector"];
    assert_eq!(selector["matchExpressions"][0]["values"], json!(["other", "shop"]));
    let parent = &object(&conversion, "HTTPRoute", "admin")["spec"]["parentRefs"][0];
    assert_eq!(parent["namespace"], "shop");
}

#[test]
fn a_canary_is_matches_and_weights_of_the_main_route() {
    let spec = |service, port| format!("{{rules: [{}]}}", rule("shop.example", "/", service, port));
    let canary = [("canary", "true"), ("canary-by-header", "x-canary"), ("canary-weight", "20")];
    let conversion = of(&[
        ingress("shop", "main", &[], &spec("web", "number: 80")),
        ingress("shop", "canary", &canary, &spec("api", "number: 8080")),
    ]);
    assert_eq!(names(&conversion, "HTTPRoute"), ["main"]);
    let rules = &object(&conversion, "HTTPRoute", "main")["spec"]["rules"];
    let header = |rule: usize| &rules[rule]["matches"][0]["headers"][0]["value"];
    assert_eq!((header(0), header(1), header(2)), (&json!("always"), &json!("never"), &Value::Null));
    let weighted = json!([{"name": "api", "port": 8080, "weight": 20}, {"name": "web", "port": 80, "weight": 80}]);
    assert_eq!(rules[2]["backendRefs"], weighted);
}

#[test]
fn what_gateway_api_does_not_have_is_a_policy() {
    let spec = format!("{{rules: [{}]}}", rule("shop.example", "/", "web", "number: 80"));
    let annotations = [("limit-rps", "10"), ("enable-cors", "true"), ("whitelist-source-range", "10.0.0.0/8")];
    let conversion = of(&[ingress("shop", "shop", &annotations, &spec)]);
    let policy = object(&conversion, "AditPolicy", "shop");
    assert_eq!(policy["apiVersion"], "adit.dev/v1alpha1");
    assert_eq!(policy["spec"], json!({"limitRps": 10, "enableCors": true, "allowlistSourceRange": "10.0.0.0/8"}));
    let filters = &object(&conversion, "HTTPRoute", "shop")["spec"]["rules"][0]["filters"];
    let reference = json!({"group": "adit.dev", "kind": "AditPolicy", "name": "shop"});
    assert_eq!(*filters, json!([{"type": "ExtensionRef", "extensionRef": reference}]));
    assert_eq!(conversion.report.count(Verdict::Kept), 1);
}

/// Challenges of ACME need no password.
#[test]
fn a_path_without_authentication_has_a_policy_of_its_own() {
    let rules = [
        rule("h.example", "/", "web", "number: 80"),
        rule("h.example", "/.well-known/acme-challenge", "api", "number: 8080"),
    ];
    let annotations = [("auth-type", "basic"), ("auth-secret", "users"), ("limit-rps", "10")];
    let spec = format!("{{rules: [{}]}}", rules.join(", "));
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: users, namespace: shop}\nstringData: {auth: 'a:{PLAIN}b'}\n";
    let conversion = of(&[ingress("shop", "shop", &annotations, &spec), secret.to_owned()]);
    assert_eq!(object(&conversion, "AditPolicy", "shop-open")["spec"], json!({"limitRps": 10}));
    assert_eq!(object(&conversion, "AditPolicy", "shop")["spec"]["authType"], "basic");
    let rules = object(&conversion, "HTTPRoute", "shop")["spec"]["rules"].as_array().expect("rules");
    let name_at = |path: &str| {
        let rule = rules.iter().find(|rule| rule["matches"][0]["path"]["value"] == path).expect("a rule");
        rule["filters"][0]["extensionRef"]["name"].clone()
    };
    assert_eq!((name_at("/"), name_at("/.well-known/acme-challenge")), (json!("shop"), json!("shop-open")));
}

/// An Ingress's settings hold for what no path of the host takes, too.
#[test]
fn other_paths_have_a_rule_that_leads_nowhere_where_the_ingress_has_settings() {
    let spec = format!("{{rules: [{}]}}", rule("shop.example", "/cart", "web", "number: 80"));
    let rules = |annotations: &[(&str, &str)]| {
        let conversion = of(&[ingress("shop", "shop", annotations, &spec)]);
        assert_eq!(conversion.report.count(Verdict::Differs), 0, "{:#?}", conversion.report);
        object(&conversion, "HTTPRoute", "shop")["spec"]["rules"].as_array().expect("rules").clone()
    };
    let guarded = rules(&[("denylist-source-range", "10.0.0.0/8")]);
    let other = guarded.iter().find(|rule| rule["matches"][0]["path"]["value"] == "/").expect("a rule for other paths");
    assert_eq!((&other["backendRefs"], &other["filters"][0]["extensionRef"]["name"]), (&Value::Null, &json!("shop")));
    assert_eq!(guarded.len(), 2);
    assert_eq!(rules(&[("rewrite-target", "/new")]).len(), 1, "a rewrite is nothing to a 404");
}

#[test]
fn an_auth_server_at_host_is_one_of_each_host() {
    let hosts = ["a.example", "b.example"].map(|host| rule(host, "/", "web", "number: 80"));
    let annotations = [("auth-url", "https://$host/auth?x=$arg_y"), ("limit-rps", "10")];
    let conversion = of(&[ingress("shop", "shop", &annotations, &format!("{{rules: [{}]}}", hosts.join(", ")))]);
    assert_eq!(names(&conversion, "AditPolicy"), ["shop-a.example", "shop-b.example"]);
    let policy = &object(&conversion, "AditPolicy", "shop-b.example")["spec"];
    assert_eq!(*policy, json!({"authUrl": "https://b.example/auth?x=$arg_y", "limitRps": 10}));
    let of_host = |host: &str| {
        let routes = conversion.objects.iter().filter(|object| object["kind"] == "HTTPRoute");
        let mut of_host = routes.filter(|route| route["spec"]["hostnames"] == json!([host]));
        of_host.next().expect("a route")["spec"]["rules"][0]["filters"][0]["extensionRef"]["name"].clone()
    };
    assert_eq!((of_host("a.example"), of_host("b.example")), (json!("shop-a.example"), json!("shop-b.example")));
}

#[test]
fn a_host_of_many_names_has_no_auth_server_at_host() {
    let spec = format!("{{rules: [{}]}}", rule("\"*.example\"", "/", "web", "number: 80"));
    for url in ["https://$host/auth", "https://${host}:8443/auth"] {
        let conversion = of(&[ingress("shop", "shop", &[("auth-url", url)], &spec)]);
        let expected = "nginx.ingress.kubernetes.io/auth-url: its server is at $host, and there is none at a host of many names, or \
                        at this machine";
        assert_eq!(why(&conversion, "Ingress shop/shop"), [expected], "{url}");
        assert!(conversion.objects.is_empty(), "{:#?}", conversion.objects);
    }
    let global = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: adit, namespace: adit}\ndata: {global-auth-url: \
                  'https://$host/auth'}\n";
    let spec = format!("{{rules: [{}]}}", rule("shop.example", "/", "web", "number: 80"));
    let out = [("enable-global-auth", "false")];
    let (asked, out) =
        (ingress("shop", "asked", &[], &spec), ingress("shop", "out", &out, &spec.replace("shop.", "out.")));
    let conversion = of(&[asked, out, global.to_owned()]);
    let expected = "the ConfigMap's global-auth-url has its server at $host, which routes of Gateway API cannot have";
    assert_eq!(why(&conversion, "Ingress shop/asked"), [format!("spec.rules[0].http.paths[0]: {expected}")]);
    assert_eq!(names(&conversion, "HTTPRoute"), ["out"]);
}

#[test]
fn calls_of_grpc_stay_with_an_http_route_and_that_is_told() {
    let spec = format!("{{rules: [{}]}}", rule("shop.example", "/", "web", "number: 80"));
    let conversion = of(&[ingress("shop", "calls", &[("backend-protocol", "GRPC")], &spec)]);
    assert_eq!(names(&conversion, "HTTPRoute"), ["calls"]);
    let told = conversion.report.notes.iter().find(|note| note.contains("GRPCRoute")).expect("a note");
    assert!(told.ends_with(": Ingress shop/calls"), "{told}");
    let without = of(&[ingress("shop", "calls", &[], &spec)]);
    assert!(!without.report.notes.iter().any(|note| note.contains("GRPCRoute")), "{:?}", without.report.notes);
}

/// What one says may count for the other, and its paths come first.
#[test]
fn an_ingress_that_stays_keeps_those_of_its_hosts() {
    let spec = |host: &str, path| format!("{{rules: [{}]}}", rule(host, path, "web", "number: 80"));
    let both = format!(
        "{{rules: [{}, {}]}}",
        rule("a.example", "/x", "web", "number: 80"),
        rule("b.example", "/", "web", "number: 80")
    );
    let conversion = of(&[
        ingress("shop", "stays", &[("auth-tls-secret", "shop/none")], &spec("a.example", "/")),
        ingress("shop", "both", &[], &both),
        ingress("shop", "third", &[], &spec("b.example", "/y")),
        ingress("shop", "free", &[], &spec("c.example", "/")),
    ]);
    assert_eq!(names(&conversion, "HTTPRoute"), ["free"]);
    assert_eq!(conversion.report.count(Verdict::NotConverted), 3);
    let shared = |with: &str| {
        format!(
            "spec.rules: is shared with Ingress shop/{with}, which is not converted: a host is converted as a whole"
        )
    };
    assert_eq!(why(&conversion, "Ingress shop/both"), [shared("stays")]);
    assert_eq!(why(&conversion, "Ingress shop/third"), [shared("both")]);
}

#[test]
fn more_listeners_than_a_gateway_may_have_are_in_sets() {
    let rules: Vec<_> =
        (0..70).map(|number| rule(&format!("h{number:02}.example"), "/", "web", "number: 80")).collect();
    let conversion = of(&[ingress("shop", "shop", &[], &format!("{{rules: [{}]}}", rules.join(", ")))]);
    let gateway = &object(&conversion, "Gateway", "ingress")["spec"];
    assert_eq!(gateway["allowedListeners"], json!({"namespaces": {"from": "Same"}}));
    assert_eq!(gateway["listeners"].as_array().map(Vec::len), Some(64));
    let set = &object(&conversion, "ListenerSet", "ingress-2")["spec"];
    assert_eq!((set["listeners"].as_array().map(Vec::len), &set["parentRef"]["name"]), (Some(6), &json!("ingress")));
    // All hosts have the same rules, and a route may have 16 of them.
    assert_eq!(names(&conversion, "HTTPRoute"), ["shop", "shop-2", "shop-3", "shop-4", "shop-5"]);
    let parents = &object(&conversion, "HTTPRoute", "shop-5")["spec"]["parentRefs"];
    assert_eq!(parents[5]["kind"], "ListenerSet");
}

#[test]
fn what_leads_nowhere_is_told() {
    let spec = |service, port| format!("{{rules: [{}]}}", rule("h.example", "/", service, port));
    for (service, port, expected) in [
        ("none", "number: 80", "leads to Service shop/none, which does not exist here: its ports are needed"),
        ("web", "name: grpc", "leads to port \"grpc\", which Service shop/web does not have"),
    ] {
        let conversion = of(&[ingress("shop", "shop", &[], &spec(service, port))]);
        assert_eq!(why(&conversion, "Ingress shop/shop"), [format!("spec.rules[0].http.paths[0]: {expected}")]);
        assert!(conversion.objects.is_empty(), "{:#?}", conversion.objects);
    }
}
