mod backend_tls;
mod order;
mod policies;

use super::*;
use crate::settings::ControllerSettings;
use crate::source::directory;
use crate::store::Store;
use gateway::config::{
    self, HeaderMatch, HostName, Origin, Owner, PathKind, PathMatching, QueryMatch, Route, RouteMatch, Subject, Update,
    ValueMatch, VirtualHost,
};
use gateway::table::Publisher;
use std::sync::Arc;

const OBJECTS: &str = r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: shop }
spec:
  rules:
    - host: shop.example.com
      http:
        paths:
          - { path: /cart, pathType: Prefix, backend: { service: { name: cart, port: { number: 80 } } } }
          - { path: /cart/pay, pathType: Exact, backend: { service: { name: pay, port: { number: 80 } } } }
          - { path: /cart/pay/now, pathType: Prefix, backend: { service: { name: gone, port: { number: 80 } } } }
          - { path: /docs/, pathType: Prefix, backend: { service: { name: cart, port: { number: 80 } } } }
    - host: "*.example.com"
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: pay, port: { number: 80 } } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    nginx.ingress.kubernetes.io/app-root: /home
    nginx.ingress.kubernetes.io/from-to-www-redirect: "true"
    nginx.ingress.kubernetes.io/rewrite-target: /$2
spec:
  rules:
    - host: api.test
      http:
        paths:
          - path: /api(/|$)(.*)
            pathType: ImplementationSpecific
            backend: { service: { name: cart, port: { number: 80 } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: locked
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
spec:
  rules:
    - host: locked.test
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: named, port: { number: 80 } } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: named }
spec:
  rules:
    - host: named.test
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: named, port: { number: 80 } } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: vault
  annotations: { nginx.ingress.kubernetes.io/ssl-passthrough: "true" }
spec:
  rules:
    - host: vault.test
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: pay, port: { number: 80 } } } }
---
apiVersion: v1
kind: Service
metadata: { name: cart }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: pay }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: named }
spec: { type: ExternalName, externalName: api.example.org, ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: cart-1, labels: { kubernetes.io/service-name: cart } }
addressType: IPv4
ports: [{ port: 8080 }]
endpoints: [{ addresses: [10.0.0.1] }, { addresses: [10.0.0.2] }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: pay-1, labels: { kubernetes.io/service-name: pay } }
addressType: IPv4
ports: [{ port: 8080 }]
endpoints: [{ addresses: [10.0.0.3] }]
"#;

fn explain_in(path_matching: PathMatching, url: &str) -> Explanation {
    explain_under(ControllerSettings { path_matching, ..ControllerSettings::default() }, url)
}

fn explain_under(settings: ControllerSettings, url: &str) -> Explanation {
    explain_objects(OBJECTS, settings, url)
}

fn explain_objects(objects: &str, settings: ControllerSettings, url: &str) -> Explanation {
    let request = Request::new("GET", url, []).expect("a URL");
    explain_request(objects, settings, &request)
}

fn explain_request(objects: &str, settings: ControllerSettings, request: &Request) -> Explanation {
    let mut store = Store::new();
    let events = directory::load(&[directory::STANDARD_INPUT.into()], objects.as_bytes()).events;
    let changes: Vec<_> = events.into_iter().flat_map(|event| store.apply(event)).collect();
    let mut translator = Translator::new(settings);
    let publisher = Publisher::new(Arc::default());
    publisher.publish(translator.translate(&store, &changes));
    explain(&publisher.load(), &translator, request)
}

#[track_caller]
fn explained(url: &str) -> Explanation {
    let explanation = explain_in(PathMatching::Nginx, url);
    for route in &explanation.routes {
        assert!(route.matches || !route.won, "{url}: the winner matches: {route:?}");
    }
    assert!(explanation.routes.iter().filter(|route| route.won).count() <= 1, "{url}: one winner");
    assert!(explanation.hosts.iter().filter(|host| host.won).count() <= 1, "{url}: one host");
    explanation
}

fn forward(backend: &str, addresses: &[&str], target: &str) -> Action {
    let addresses = addresses.iter().map(|address| address.parse().expect("an address")).collect();
    Action::Forward {
        backend: backend.to_owned(),
        at: Reach::Addresses(addresses),
        ejected: Vec::new(),
        tls: None,
        target: target.to_owned(),
        canary: None,
        session: None,
        auth: None,
        mirrors: Vec::new(),
        certificate: None,
        limits: Vec::new(),
        error_page: None,
    }
}

#[track_caller]
fn status(url: &str, expected: u16, location: Option<&str>) -> Explanation {
    let explanation = explained(url);
    match &explanation.action {
        Action::Reply { status, location: found, .. } => {
            assert_eq!((*status, found.as_deref()), (expected, location), "{url}");
        }
        action => panic!("{url}: {action:?}"),
    }
    explanation
}

#[test]
fn a_host_of_an_ingress_of_another_class_says_so() {
    let foreign = OBJECTS.replacen("spec:", "spec:\n  ingressClassName: traefik", 1);
    let url = "http://shop.example.com/cart";
    let hosts = explain_objects(&foreign, ControllerSettings::default(), url).hosts;
    let why = "Ingress default/shop: spec.ingressClassName: \"traefik\" names an IngressClass that does not exist: the \
               Ingress is not served";
    assert_eq!((hosts[0].name.as_str(), hosts[0].why.as_str()), ("shop.example.com", why), "{hosts:?}");
}

#[test]
fn an_exact_path_wins_and_the_others_say_why_not() {
    let explanation = explained("http://shop.example.com/cart/pay?x=1");
    assert_eq!(explanation.action, forward("default/pay:80", &["10.0.0.3:8080"], "/cart/pay?x=1"));
    let why = |path: &str| {
        let found = explanation.routes.iter().find(|route| route.path == path);
        found.map(|route| (route.won, route.matches, route.why.as_str()))
    };
    assert_eq!(why("/cart/pay"), Some((true, true, "is the path, byte for byte")));
    assert_eq!(why("/cart"), Some((false, true, "matches, but Exact /cart/pay comes first")));
    assert_eq!(why("/cart/pay/now"), Some((false, false, "is not a prefix of the path")));
    assert_eq!(explanation.routes[0].source.object, "Ingress default/shop");
    assert_eq!(explanation.routes[0].source.field, "spec.rules[0].http.paths[2]");
    let next = explanation.next.map(|next| next.to_string());
    assert_eq!(next.as_deref(), Some("Ingress default/shop: spec.rules[0].http.paths[0]"));
    assert_eq!(explained("http://shop.example.com/cartoon").next, None);
}

#[test]
fn a_prefix_is_of_whole_elements() {
    let explanation = status("http://shop.example.com/cartoon", 404, None);
    let cart = explanation.routes.iter().find(|route| route.path == "/cart").expect("declared");
    assert_eq!(cart.why, "is a prefix of the path's text, but not by whole elements");
    let explanation = explained("http://shop.example.com/cart//x/../y");
    assert_eq!(explanation.path.as_deref(), Some("/cart/y"));
    assert_eq!(explanation.action, forward("default/cart:80", &["10.0.0.1:8080", "10.0.0.2:8080"], "/cart//x/../y"));
}

/// Only other kinds of objects than Ingresses ask for methods, headers and arguments.
#[test]
fn a_route_for_other_requests_says_which() {
    let shop = || RouteMatch::path(PathKind::Prefix, "/shop");
    let wanted = || ValueMatch::Exact("2".into());
    let matches = [
        RouteMatch { method: Some(http::Method::POST), ..shop() },
        RouteMatch { headers: [HeaderMatch { name: "x-v".into(), value: wanted() }].into(), ..shop() },
        RouteMatch { query: [QueryMatch { name: "v".into(), value: wanted() }].into(), ..shop() },
        shop(),
    ];
    let route = |matches| Route {
        origin: Origin::new(Subject::other("Ingress default/shop"), "spec"),
        owner: Owner::default(),
        matches,
        action: config::Action::DefaultBackend(Arc::default()),
        policies: Arc::default(),
        locations: Arc::default(),
    };
    let host = VirtualHost::new(HostName::Any, matches.map(route).into());
    let publisher = Publisher::new(Arc::default());
    publisher.publish(Update { hosts: vec![(HostName::Any, Some(Arc::new(host)))], ..Update::default() });
    let request = Request::new("GET", "http://h/shop?v=1", [("x-v", "1")]).expect("a URL");
    let routes = explain(&publisher.load(), &Translator::new(ControllerSettings::default()), &request).routes;
    let said: Vec<_> = routes.iter().map(|route| (route.won, route.matches, route.why.as_str())).collect();
    let expected = [
        (false, false, "is for the method POST only"),
        (false, false, "is for requests with another value of the header x-v"),
        (false, false, "is for requests with another value of the query's argument v"),
        (true, true, "is a prefix of the path, by whole elements"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn the_most_specific_host_wins_alone() {
    let hosts = |url| {
        let hosts = explained(url).hosts;
        hosts.into_iter().map(|host| (host.name, host.won, host.why)).collect::<Vec<_>>()
    };
    let host = |name: &str, won, why: &str| (name.to_owned(), won, why.to_owned());
    assert_eq!(
        hosts("http://SHOP.example.com.:8080/nothing"),
        [
            host("shop.example.com", true, "is exactly this host"),
            host("*.example.com", false, "a more specific host comes first")
        ]
    );
    assert_eq!(
        hosts("http://blog.example.com/"),
        [
            host("blog.example.com", false, "no rule names this host"),
            host("*.example.com", true, "its * matches one label")
        ]
    );
    assert_eq!(
        hosts("http://a.b.example.com/"),
        [
            host("a.b.example.com", false, "no rule names this host"),
            host("*.example.com", false, "its * matches exactly one label")
        ]
    );
}

#[test]
fn rewrites_change_the_target_and_name_their_annotation() {
    let explanation = explained("http://api.test/API/users?id=1");
    assert_eq!(explanation.action, forward("default/cart:80", &["10.0.0.1:8080", "10.0.0.2:8080"], "/users?id=1"));
    let rewrite = explanation.settings.iter().find(|setting| setting.name == "rewrite-target").expect("it is set");
    assert_eq!(rewrite.value, "/$2");
    assert_eq!(rewrite.source.object, "Ingress default/api");
    assert_eq!(rewrite.source.field, "metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]");
}

#[test]
fn what_the_gateway_answers_itself() {
    status("http://unknown.test/", 404, None);
    status("http://unknown.test/healthz", 200, None);
    status("http://shop.example.com/../x", 400, None);
    status("http://shop.example.com/cart/pay/now", 503, None);
    status("http://locked.test/", 503, None);
    status("http://shop.example.com/docs?x=1", 301, Some("http://shop.example.com/docs/?x=1"));
    status("http://www.api.test/api/x?y", 308, Some("http://api.test:80/api/x?y"));
    assert!(matches!(
        explain_in(PathMatching::Strict, "http://shop.example.com/docs").action,
        Action::Forward { target, .. } if target == "/docs"
    ));
}

#[test]
fn tls_that_is_passed_through_has_no_routes() {
    let explain = |flag, url| {
        explain_under(ControllerSettings { ssl_passthrough: flag, ..ControllerSettings::default() }, url).action
    };
    let action = explain(true, "https://vault.test/x");
    let said = "TLS is passed through to default/pay:80; the routes and settings above do not apply\n  at 10.0.0.3:8080\n  \
                Ingress default/vault: metadata.annotations[nginx.ingress.kubernetes.io/ssl-passthrough]";
    assert_eq!(action.to_string(), said);
    assert_eq!(explain(false, "https://vault.test/x"), forward("default/pay:80", &["10.0.0.3:8080"], "/x"));
    let cleartext = explain(true, "http://vault.test/x").to_string();
    let over_tls = "over TLS: no name is sent; its certificate is not verified; it is shown none";
    assert_eq!(cleartext, format!("forwarded to default/pay:80 as /x\n  at 10.0.0.3:8080\n  {over_tls}"));
}

#[test]
fn a_dns_name_is_named() {
    let expected = Action::Forward {
        backend: "default/named:80".to_owned(),
        at: Reach::Name("api.example.org:80".to_owned()),
        ejected: Vec::new(),
        tls: None,
        target: "/".to_owned(),
        canary: None,
        session: None,
        auth: None,
        mirrors: Vec::new(),
        certificate: None,
        limits: Vec::new(),
        error_page: None,
    };
    assert_eq!(explained("http://named.test").action, expected);
}

#[test]
fn text_names_host_route_setting_and_answer() {
    let text = explained("http://api.test/api/users").to_string();
    for part in [
        "> api.test: ",
        "> Regex /api(/|$)(.*): ",
        "Ingress default/api: spec.rules[0].http.paths[0]",
        "rewrite-target: \"/$2\"",
        "default/cart:80 as /users",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}

#[test]
fn requests_are_read_from_urls() {
    for (url, host, target) in [
        ("http://shop.example.com/cart?x=1#top", "shop.example.com", "/cart?x=1"),
        ("shop.example.com:8080", "shop.example.com:8080", "/"),
        ("https://h?x", "h", "/?x"),
        ("/cart", "", "/cart"),
    ] {
        let request = Request::new("GET", url, []).expect("a URL");
        assert_eq!((request.view().host(), request.view().target), (host, target.as_bytes()), "{url}");
    }
    let request = Request::new("GET", "http://a/", [("hOST", "b")]).expect("a URL");
    assert_eq!(request.view().host(), "b");
    assert!(Request::new("GET", "ftp://a/", []).is_err());
    assert!(Request::new("G T", "http://a/", []).is_err());
    assert!(Request::new("GET", "http://a/", [("a b", "")]).is_err());
}
