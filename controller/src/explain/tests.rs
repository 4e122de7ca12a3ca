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
        target: target.to_owned(),
        canary: None,
        auth: None,
        certificate: None,
        limits: Vec::new(),
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
    };
    let host = VirtualHost {
        name: HostName::Any,
        routes: matches.map(route).into(),
        policies: Arc::default(),
        www_redirect: None,
        tls: None,
        passthrough: None,
    };
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
    for (flag, url) in [(true, "http://vault.test/x"), (false, "https://vault.test/x")] {
        assert_eq!(explain(flag, url), forward("default/pay:80", &["10.0.0.3:8080"], "/x"), "{flag} {url}");
    }
}

#[test]
fn a_dns_name_is_named() {
    let expected = Action::Forward {
        backend: "default/named:80".to_owned(),
        at: Reach::Name("api.example.org:80".to_owned()),
        target: "/".to_owned(),
        canary: None,
        auth: None,
        certificate: None,
        limits: Vec::new(),
    };
    assert_eq!(explained("http://named.test").action, expected);
}

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
