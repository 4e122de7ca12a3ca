use super::*;
use crate::config::{Condition, HeaderMatch, HostPolicies, Rewrite, RouteMatch, RoutePolicies, ValueMatch};
use crate::policy::snippet::fixture::{block, rewrite};
use crate::table::fixtures;

fn compile(host: &VirtualHost) -> (Option<Arc<Host>>, Vec<Rejection>) {
    let mut rejected = Vec::new();
    let (registry, mut labels, mut policies) = (Registry::default(), LabelPool::default(), PolicyInterner::default());
    let mut compiler = Compiler {
        registry: &registry,
        labels: &mut labels,
        policies: &mut policies,
        keys: &mut KeyInterner::default(),
        backend_tls: &mut BackendTlsInterner::default(),
        rejected: &mut rejected,
        entry: None,
    };
    let host = compiler.host(host).expect("no panic");
    (host, rejected)
}

#[test]
fn a_bad_route_is_rejected_alone() {
    let mut host = fixtures::virtual_host("h", &[(PathKind::Regex, "/foo("), (PathKind::Regex, "/ok")]);
    let rewrite = Rewrite { pattern: "/ok".into(), target: "/$x".into(), forwarded_prefix: None };
    let mut broken = host.routes[1].clone();
    broken.matches = RouteMatch::path(PathKind::Regex, "/broken");
    broken.policies = Arc::new(RoutePolicies { rewrite: Some(rewrite), ..RoutePolicies::default() });
    host.routes.push(broken);
    let (compiled, rejected) = compile(&host);
    let paths: Vec<_> = compiled.expect("served").routes().iter().map(|route| route.labels.path.clone()).collect();
    assert_eq!(paths, ["/ok".into()]);
    let values: Vec<_> = rejected.iter().map(|rejection| &*rejection.value).collect();
    assert_eq!(values, ["/foo(", "/$x"]);
    assert_eq!(rejected[0].origin, host.routes[0].origin);
    assert_eq!(rejected[0].message, "is not a valid regular expression: unclosed group; the route is not served");
}

#[test]
fn of_equal_routes_the_first_comes_first() {
    let routes =
        [(PathKind::Exact, "/a"), (PathKind::Prefix, "/a"), (PathKind::Prefix, "/a"), (PathKind::Prefix, "/a")];
    let host = fixtures::virtual_host("h", &routes);
    let (compiled, rejected) = compile(&host);
    let origins: Vec<_> = compiled.expect("served").routes().iter().map(|route| route.origin.clone()).collect();
    let declared: Vec<_> = host.routes.iter().map(|route| route.origin.clone()).collect();
    assert_eq!(origins, declared, "none is dropped");
    let losers: Vec<_> = rejected.iter().map(|rejection| rejection.origin.clone()).collect();
    assert_eq!(losers, [host.routes[2].origin.clone(), host.routes[3].origin.clone()]);
    assert!(rejected.iter().all(|rejection| rejection.message.contains(&host.routes[1].origin.to_string())));
}

#[test]
fn the_patterns_of_a_host_are_bounded_together() {
    let paths: Vec<_> = (0..23).map(|number| format!("/{number}[a-z]{{4500}}")).collect();
    let routes: Vec<_> = paths.iter().map(|path| (PathKind::Regex, path.as_str())).collect();
    let (compiled, rejected) = compile(&fixtures::virtual_host("h", &routes));
    assert_eq!(compiled.expect("served").routes().len(), 22);
    let [rejection] = rejected.as_slice() else { panic!("{rejected:?}") };
    assert_eq!(&*rejection.value, paths[22]);
    assert!(rejection.message.contains("one regular expression too many"), "{rejection:?}");
}

#[test]
fn a_bad_host_pattern_rejects_the_host() {
    let (compiled, rejected) = compile(&fixtures::virtual_host("~a(", &[(PathKind::Prefix, "/")]));
    assert!(compiled.is_none());
    assert_eq!(&*rejected[0].value, "a(");
}

#[test]
fn a_bad_snippet_rejects_its_host_or_its_route() {
    let bad = || Some(Arc::new(block([rewrite("( /b")])));
    let mut host = fixtures::virtual_host("h", &[(PathKind::Prefix, "/a"), (PathKind::Prefix, "/b")]);
    host.routes[0].policies = Arc::new(RoutePolicies { snippet: bad(), ..RoutePolicies::default() });
    let (compiled, rejected) = compile(&host);
    assert_eq!((compiled.expect("served").routes().len(), &*rejected[0].value), (1, "("));
    host.policies = Arc::new(HostPolicies { snippet: bad(), ..HostPolicies::default() });
    let (compiled, rejected) = compile(&host);
    assert!(compiled.is_none() && rejected[0].message.ends_with("the host is not served"), "{rejected:?}");
}

#[test]
fn routes_share_upstreams_labels_and_policies() {
    let mut host = fixtures::virtual_host("h", &[(PathKind::Prefix, "/a"), (PathKind::Exact, "/a")]);
    let policies = Arc::new(RoutePolicies { body_limit: None, ..RoutePolicies::default() });
    for route in &mut host.routes {
        route.action = Action::Forward([fixtures::backend("svc")].into());
        route.policies = Arc::clone(&policies);
    }
    let (compiled, _) = compile(&host);
    let compiled = compiled.expect("served");
    let [first, second] = compiled.routes() else { panic!("two routes") };
    assert!(Arc::ptr_eq(&first.labels, &second.labels));
    assert!(Arc::ptr_eq(&first.policies, &second.policies) && first.policies.body_limit.is_none());
    let ([a], [b]) = (first.backends(), second.backends()) else { panic!("a backend each") };
    assert!(Arc::ptr_eq(&a.upstream, &b.upstream) && a.upstream.name() == "default-svc-80");
    assert!(Arc::ptr_eq(&a.labels, &b.labels) && *a.labels.owner.service == *"svc");
}

#[test]
fn a_header_that_cannot_be_rejects_its_route() {
    let headers = [("x y", ValueMatch::Exact("1".into())), ("x-y", ValueMatch::Regex("(".into()))];
    for (name, value) in headers {
        let matches = RouteMatch::path(PathKind::Prefix, "/");
        let wanted = HeaderMatch { name: name.into(), value: value.clone() };
        let bad = RouteMatch { headers: [wanted.clone()].into(), ..matches.clone() };
        let backend = config::RouteBackend { when: Some(Condition::Header(wanted)), ..fixtures::backend("svc") };
        let mut conditional = fixtures::route("h", 1, matches);
        conditional.action = Action::Forward([backend].into());
        let host = fixtures::host_of("h", vec![fixtures::route("h", 0, bad), conditional]);
        let (compiled, rejected) = compile(&host);
        assert!(compiled.expect("served").routes().is_empty());
        let at_fault = if name == "x y" { "x y" } else { "(" };
        assert_eq!(rejected.iter().map(|rejection| &*rejection.value).collect::<Vec<_>>(), [at_fault; 2]);
    }
}

#[test]
fn a_panic_becomes_its_message() {
    assert_eq!(contain(|| 1), Ok(1));
    assert_eq!(contain(|| -> u8 { panic!("broken {}", 1) }), Err("broken 1".into()));
}
