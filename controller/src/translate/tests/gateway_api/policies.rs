//! AditPolicies: which rules they act on, what is told of them, and what a change of one touches.

use super::*;
use gateway::config::{Balance, Condition, RouteBackend};

fn policy(name: &str, spec: &str) -> String {
    format!("{{kind: AditPolicy, metadata: {{name: {name}}}, spec: {spec}}}")
}

/// A rule with this policy.
fn with(path: &str, name: &str) -> String {
    let filter = format!("{{type: ExtensionRef, extensionRef: {{group: adit.dev, kind: AditPolicy, name: {name}}}}}");
    format!("{{matches: [{{path: {{value: {path}}}}}], filters: [{filter}], backendRefs: [{{name: echo, port: 80}}]}}")
}

impl World {
    /// The objects whose statuses were told anew since this was asked last.
    fn told_of(&mut self) -> Vec<String> {
        self.translator.take_statuses().iter().map(|(key, _)| key.to_string()).collect()
    }

    fn told(&self, policy: &str) -> Vec<(String, Vec<String>)> {
        self.ancestors_of(Kind::AditPolicy, policy)
    }
}

fn zones(world: &World) -> Vec<String> {
    let hosts = world.entry_hosts().into_values();
    let routes = hosts.flat_map(|host| host.routes);
    routes.filter_map(|route| Some(route.policies.client_limits.as_ref()?.zone.to_string())).collect()
}

#[test]
fn a_policy_touches_the_hosts_of_its_rules_alone() {
    let mut world = world(&[
        gateway(HTTP),
        policy("limits", "{limitRps: 1}"),
        http_route("a", "a.example", &with("/", "limits")),
        http_route("b", "b.example", &format!("{}, {}", to("/", "echo"), with("/b", "limits"))),
        http_route("c", "c.example", &to("/", "echo")),
    ]);
    assert_eq!(zones(&world), ["AditPolicy default/limits"; 2]);
    world.told_of();
    let changed = world.apply(&policy("limits", "{limitRps: 2}"));
    assert_eq!(touched(&changed), ["a.example HTTP", "b.example HTTP"]);
    assert_eq!(world.told_of(), ["HTTPRoute default/a", "HTTPRoute default/b", "AditPolicy default/limits"]);
    let same = world.apply(&policy("limits", "{limitRps: 2}"));
    assert!(same.is_empty(), "{same:?}");
    let other = world.apply(&policy("other", "{limitRps: 2}"));
    assert!(other.is_empty(), "nobody names it: {other:?}");
    assert_eq!(touched(&world.delete(Kind::AditPolicy, "limits")), ["a.example HTTP", "b.example HTTP"]);
    assert_eq!(zones(&world), [""; 0]);
    assert_eq!(world.parents("a"), [["Accepted", "!ResolvedRefs: FilterNotFound"]]);
    assert_eq!(world.parents("c"), [["Accepted", "ResolvedRefs"]]);
    assert_eq!(touched(&world.apply(&policy("limits", "{limitRps: 2}"))), ["a.example HTTP", "b.example HTTP"]);
}

#[test]
fn what_a_policy_names_is_followed() {
    let users = "{kind: Secret, metadata: {name: users}, stringData: {auth: 'foo:{PLAIN}bar'}}";
    let mut world = world(&[
        gateway(HTTP),
        policy("users", "{authType: basic, authSecret: users}"),
        http_route("a", "a.example", &with("/", "users")),
    ]);
    let is_denied = |world: &World| {
        let hosts = world.entry_hosts();
        hosts[&(EntryPoint::Http, HostName::Exact("a.example".into()))].routes[0].policies.denied.is_some()
    };
    assert!(is_denied(&world));
    assert_eq!(world.told("users"), at_edge(&["!Accepted: Invalid"]));
    let of_policy =
        "AditPolicy default/users: spec.authSecret: \"users\" names a Secret that does not exist: every request";
    let of_route =
        "HTTPRoute default/a: spec.rules[0].filters[0].extensionRef.name: \"users\" names a policy that cannot be used";
    let said = world.said(Severity::Error);
    assert!(
        said.iter().any(|said| said.contains(of_policy)) && said.iter().any(|said| said.contains(of_route)),
        "{said:#?}"
    );
    assert_eq!(said.len(), 2, "{said:#?}");
    assert_eq!(touched(&world.apply(users)), ["a.example HTTP"]);
    assert!(!is_denied(&world));
    assert_eq!(world.told("users"), at_edge(&["Accepted"]));
    assert_eq!(world.said(Severity::Error), [""; 0]);
}

#[test]
fn conditions_tell_what_is_wrong_with_policies() {
    let partly = &["Accepted", "ResolvedRefs", "PartiallyInvalid"][..];
    for (spec, conditions) in [
        ("{limitRps: 1}", &["Accepted", "ResolvedRefs"][..]),
        ("{limitRps: -1}", &["!Accepted: UnsupportedValue", "ResolvedRefs"]),
        ("{limitRsp: 1}", &["!Accepted: UnsupportedValue", "ResolvedRefs"]),
        ("{authType: basic}", partly),
        ("{proxyConnectTimeout: 5s}", &["Accepted", "ResolvedRefs"]),
    ] {
        let world = world(&[gateway(HTTP), policy("p", spec), http_route("a", "a.example", &with("/", "p"))]);
        assert_eq!(world.parents("a"), [conditions], "{spec}");
    }
    let kind = "{filters: [{type: ExtensionRef, extensionRef: {group: other.dev, kind: AditPolicy, name: p}}]}";
    let world = world(&[gateway(HTTP), policy("p", "{}"), http_route("a", "a.example", kind)]);
    assert_eq!(world.parents("a"), [["Accepted", "!ResolvedRefs: InvalidKind"]]);
    let said = world.said(Severity::Error);
    assert!(
        said[0].contains("of the group \"other.dev\" is not supported: expected AditPolicy of \"adit.dev\""),
        "{said:#?}"
    );
}

#[test]
fn a_policy_tells_each_gateway_whose_routes_name_it() {
    let at = |gateways: &[&str]| -> Vec<(String, Vec<String>)> {
        gateways.iter().map(|name| ((*name).to_owned(), vec!["Accepted".to_owned()])).collect()
    };
    let at_both =
        |rule: &str| http_route("b", "b.example", rule).replace("{name: edge}", "{name: edge}, {name: inner}");
    let of_edge = http_route("a", "a.example", &with("/", "limits"));
    let mut world = world(&[
        gateway(HTTP),
        gateway(HTTP).replace("edge", "inner"),
        policy("limits", "{limitRps: 1}"),
        policy("unnamed", "{}"),
        of_edge.clone(),
    ]);
    assert_eq!((world.told("limits"), world.told("unnamed")), (at(&["edge"]), vec![]));
    world.apply(&at_both(&with("/", "limits")));
    assert_eq!(world.told("limits"), at(&["edge", "inner"]));
    world.apply(&at_both(&to("/", "echo")));
    assert_eq!(world.told("limits"), at(&["edge"]));
    world.delete(Kind::HttpRoute, "a");
    assert_eq!(world.told("limits"), []);
    world.apply(&of_edge);
    assert_eq!(world.told("limits"), at(&["edge"]));
    world.apply(&gateway("{name: http, port: 80, protocol: HTTP, hostname: other.example}"));
    assert_eq!(world.told("limits"), [], "the Gateway takes none of its hosts");
    world.apply(&gateway(HTTP));
    assert_eq!(world.told("limits"), at(&["edge"]));
    world.delete(Kind::AditPolicy, "limits");
    assert_eq!(world.told("limits"), []);
}

#[test]
fn another_policy_is_another_one_also_where_it_asks_for_the_same() {
    let mut world = world(&[
        gateway(HTTP),
        policy("one", "{}"),
        policy("other", "{}"),
        http_route("a", "a.example", &with("/", "one")),
    ]);
    assert_eq!((world.told("one"), world.told("other")), (at_edge(&["Accepted"]), vec![]));
    world.apply(&http_route("a", "a.example", &with("/", "other")));
    assert_eq!((world.told("one"), world.told("other")), (vec![], at_edge(&["Accepted"])));
    world.told_of();
    world.apply(&http_route("a", "a.example", &with("/b", "other")));
    assert_eq!(world.told_of(), ["HTTPRoute default/a"], "where it is named has not changed");
}

#[test]
fn a_policy_tells_what_is_wrong_with_it() {
    let (refused, partly) = (["!Accepted: Invalid"].as_slice(), ["Accepted", "PartiallyInvalid"].as_slice());
    for (spec, conditions, lines) in [
        ("{limitRps: 1}", ["Accepted"].as_slice(), [""].as_slice()),
        ("{limitRps: -1}", refused, &["spec.limitRps: \"-1\" is not valid: expected a whole number"]),
        ("{limitRsp: 1}", refused, &["spec.limitRsp: is not a field of AditPolicy: no request of a rule with"]),
        ("{authType: basic}", refused, &["spec.authType: \"basic\" needs the field authSecret: expected both"]),
        ("{proxyConnectTimeout: 5s}", partly, &["spec.proxyConnectTimeout: \"5s\" is not"]),
        ("{enableCors: true, corsAllowOrigin: none}", partly, &["spec.corsAllowOrigin: \"none\" "]),
        (
            "{corsAllowOrigin: none, limitRps: -1, proxyConnectTimeout: 5s}",
            refused,
            &["spec.limitRps: ", "spec.proxyConnectTimeout: ", "spec.corsAllowOrigin: "],
        ),
    ] {
        let world = world(&[gateway(HTTP), policy("p", spec), http_route("a", "a.example", &with("/", "p"))]);
        assert_eq!(world.told("p"), at_edge(conditions), "{spec}");
        let Some(StatusParts::Policy(ancestors)) = world.parts(Kind::AditPolicy, "p") else { panic!("no status") };
        let message = &ancestors[0].conditions.last().expect("a condition").message;
        let begins = message.split('\n').map(|line| lines.iter().find(|expected| line.starts_with(**expected)));
        assert_eq!(begins.collect::<Vec<_>>(), lines.iter().map(Some).collect::<Vec<_>>(), "{message}");
    }
}

/// And not another fault, which only leads to a default.
#[test]
fn a_route_tells_why_its_policy_cannot_be_used() {
    for (spec, expected) in [
        ("{enableCors: true, corsMaxAge: x, limitRps: -1}", "spec.limitRps of AditPolicy default/p is not valid"),
        ("{corsMaxAge: x, limitRsp: 1}", "spec.limitRsp of AditPolicy default/p is not a field of AditPolicy"),
    ] {
        let world = world(&[gateway(HTTP), policy("p", spec), http_route("a", "a.example", &with("/", "p"))]);
        let Some(StatusParts::Route(parents)) = world.parts(Kind::HttpRoute, "a") else { panic!("no status") };
        let message = &parents[0].conditions[0].message;
        assert!(message.contains(expected), "{message}");
    }
}

/// Whoever reads of a policy that nobody names learns what is wrong all the same.
#[test]
fn a_policy_is_judged_by_itself() {
    let world = world(&[policy("p", "{limitRsp: 1, proxyConnectTimeout: 5s}")]);
    let said = world.said(Severity::Error);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said.iter().all(|said| said.contains("AditPolicy default/p: spec.")), "{said:#?}");
}

#[test]
fn servers_by_url_are_there_for_as_long_as_a_policy_names_them() {
    let id = BackendId::Url { host: "auth.example".into(), port: 80 };
    let mut world = world(&[
        gateway(HTTP),
        policy("auth", "{authUrl: 'http://auth.example/check'}"),
        http_route("a", "a.example", &with("/", "auth")),
        http_route("b", "b.example", &with("/", "auth")),
    ]);
    let is_there = |world: &World| world.translator.backend(&id).is_some();
    assert!(is_there(&world));
    world.delete(Kind::HttpRoute, "a");
    assert!(is_there(&world));
    let update = world.apply(&policy("auth", "{authUrl: 'http://other.example/check'}"));
    assert!(!is_there(&world) && update.backends.contains(&(id.clone(), None)), "{:?}", update.backends);
}

#[test]
fn the_oldest_route_that_says_so_decides_for_a_service_that_no_ingress_has() {
    let mut world = world(&[
        gateway(HTTP),
        policy("ewma", "{loadBalance: ewma}"),
        policy("least", "{loadBalance: least_request}"),
        http_route("z", "z.example", &to("/", "echo")),
        http_route("b", "b.example", &with("/", "ewma")),
        http_route("a", "a.example", &with("/", "least")),
    ]);
    let id = BackendId::from(ServiceBackend::tcp("default", "echo", "80"));
    let balance = |world: &World| world.translator.backend(&id).map(|backend| backend.balance);
    assert_eq!(balance(&world), Some(Balance::Ewma));
    world.delete(Kind::HttpRoute, "b");
    assert_eq!(balance(&world), Some(Balance::LeastRequest));
    world.apply(&ingress("i", "", &format!("{{rules: [{}]}}", rule("i", &[("/", "Prefix", "echo")]))));
    assert_eq!(balance(&world), Some(Balance::RoundRobin));
}

#[test]
fn clients_stay_with_one_of_several_backends() {
    let rule = with("/", "kept").replace("{name: echo, port: 80}", "{name: echo, port: 80}, {name: echo, port: 81}");
    let services = "{kind: Service, metadata: {name: echo}, spec: {ports: [{name: a, port: 80}, {name: b, port: 81}]}}";
    let mut world = world(&[
        gateway(HTTP),
        services.into(),
        policy("kept", "{affinity: cookie}"),
        http_route("a", "a.example", &rule),
    ]);
    // The port, the weight, and the cookie of the sessions that lead there whatever the weights are.
    let backends = |world: &World| {
        let hosts = world.entry_hosts();
        let Action::Forward(backends) =
            &hosts[&(EntryPoint::Http, HostName::Exact("a.example".into()))].routes[0].action
        else {
            panic!("backends")
        };
        let shown = |backend: &RouteBackend| {
            let session = match &backend.when {
                Some(Condition::Session { cookie }) => cookie,
                _ => "",
            };
            let affinity = backend.affinity.as_ref().map_or("none", |affinity| &affinity.cookie);
            format!("{} {} {session:?} {affinity}", backend.owner.service_port, backend.weight)
        };
        backends.iter().map(shown).collect::<Vec<_>>()
    };
    let expected = [
        "80 0 \"INGRESSCOOKIE\" INGRESSCOOKIE",
        "81 0 \"INGRESSCOOKIE\" INGRESSCOOKIE",
        "80 1 \"\" INGRESSCOOKIE",
        "81 1 \"\" INGRESSCOOKIE",
    ];
    assert_eq!(backends(&world), expected);
    assert_eq!(world.said(Severity::Warning), [""; 0]);
    world.apply(&policy("kept", "{limitRps: 1}"));
    assert_eq!(backends(&world), ["80 1 \"\" none", "81 1 \"\" none"]);
}

#[test]
fn fields_are_known_by_the_rules_that_they_act_on() {
    let world = world(&[
        gateway(HTTP),
        policy("limits", "{limitRps: 1, enableCors: true}"),
        http_route("a", "a.example", &format!("{}, {}", to("/", "echo"), with("/b", "limits"))),
    ]);
    let fields = |field: &str| {
        let settings = world.translator.policy_settings(&ObjectKey::new(Kind::HttpRoute, "default", "a"), field);
        settings.iter().map(|(origin, applied)| format!("{origin} = {}", applied.value)).collect::<Vec<_>>()
    };
    assert_eq!(fields("spec.rules[0].matches[0]"), [""; 0]);
    let expected =
        ["AditPolicy default/limits: spec.enableCors = true", "AditPolicy default/limits: spec.limitRps = 1"];
    assert_eq!(fields("spec.rules[1].matches[0]"), expected);
}
