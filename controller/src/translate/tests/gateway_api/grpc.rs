//! GRPCRoutes.

use super::*;
use gateway::config::BackendProtocol;

/// A GRPCRoute for `a.example` with this rule.
fn grpc_route(rule: &str) -> String {
    format!(
        "{{kind: GRPCRoute, metadata: {{name: g}}, spec: {{parentRefs: [{{name: edge}}], hostnames: [a.example], rules: [{rule}]}}}}"
    )
}

/// A Service whose port has this `appProtocol`.
fn of_protocol(app_protocol: &str) -> String {
    format!(
        "{{kind: Service, metadata: {{name: spoken}}, spec: {{ports: [{{port: 80, appProtocol: '{app_protocol}'}}]}}}}"
    )
}

fn action(world: &World) -> Action {
    world.entry_hosts()[&(EntryPoint::Http, HostName::Exact("a.example".into()))].routes[0].action.clone()
}

#[test]
fn backends_are_spoken_to_in_http_2() {
    for (app_protocol, expected) in [
        ("", BackendProtocol::Grpc),
        ("kubernetes.io/h2c", BackendProtocol::Grpc),
        ("grpc", BackendProtocol::Grpc),
        ("https", BackendProtocol::Grpcs),
    ] {
        let route = grpc_route("{backendRefs: [{name: spoken, port: 80}]}");
        let Action::Forward(backends) = action(&world(&[of_protocol(app_protocol), gateway(HTTP), route])) else {
            panic!("it forwards")
        };
        assert_eq!(backends[0].policies.protocol, expected, "{app_protocol}");
    }
}

#[test]
fn what_a_rule_asks_for_is_judged() {
    let backends = "backendRefs: [{name: echo, port: 80}]";
    let (sound, unsupported) = (["Accepted", "ResolvedRefs"], ["!Accepted: UnsupportedValue", "ResolvedRefs"]);
    let unresolved = |reason: &'static str| ["Accepted", reason];
    for (asked, conditions, told) in [
        (backends.to_owned(), sound, None),
        (
            "backendRefs: [{name: none, port: 80}]".to_owned(),
            unresolved("!ResolvedRefs: BackendNotFound"),
            Some(
                "spec.rules[0].backendRefs[0].name: \"none\" names Service default/none, which does not exist; its requests \
             are answered with 503",
            ),
        ),
        (
            format!("{backends}, filters: [{{type: CORS, cors: {{}}}}]"),
            unsupported,
            Some(
                "spec.rules[0].filters[0].type: \"CORS\" is not supported: expected one of RequestHeaderModifier, \
             ResponseHeaderModifier, RequestMirror, ExtensionRef; the requests of the rule are answered with 503",
            ),
        ),
        (
            format!("{backends}, matches: [{{method: {{service: a/b}}}}]"),
            unsupported,
            Some("spec.rules[0].matches[0].method.service: \"a/b\" is not a name of gRPC"),
        ),
        (
            format!(
                "{backends}, filters: [{{type: RequestMirror, requestMirror: {{backendRef: {{name: echo, port: 80}}}}}}]"
            ),
            sound,
            None,
        ),
    ] {
        let world = world(&[gateway(HTTP), grpc_route(&format!("{{{asked}}}"))]);
        assert_eq!(world.parents_of(Kind::GrpcRoute, "g"), [conditions], "{asked}");
        let said = world.said(Severity::Error);
        assert_eq!(said.len(), usize::from(told.is_some()), "{said:#?}");
        assert!(told.is_none_or(|told| said[0].contains(told)), "{said:#?}");
    }
}

#[test]
fn calls_that_lead_nowhere_are_unavailable() {
    let sound = "{matches: [{method: {service: a}}], backendRefs: [{name: echo, port: 80}]}";
    for rule in ["{}", "{backendRefs: [{name: none, port: 80}]}", "{filters: [{type: Teleport}]}"] {
        let world = world(&[gateway(HTTP), grpc_route(&format!("{rule}, {sound}"))]);
        assert_eq!(action(&world), Action::Reply(503), "{rule}");
    }
}

#[test]
fn a_listener_says_which_kinds_of_routes_it_takes() {
    let listeners = "{name: all, port: 80, protocol: HTTP}, {name: http, port: 80, protocol: HTTP, hostname: h.example, \
                     allowedRoutes: {kinds: [{kind: HTTPRoute}]}}, {name: grpc, port: 80, protocol: HTTP, hostname: g.example, \
                     allowedRoutes: {kinds: [{kind: GRPCRoute}, {kind: GRPCRoute}]}}";
    let route = "{kind: GRPCRoute, metadata: {name: g}, spec: {parentRefs: [{name: edge, sectionName: http}, {name: edge, \
                 sectionName: grpc}]}}";
    let world = world(&[gateway(listeners), route.to_owned()]);
    let Some(StatusParts::Gateway { listeners, .. }) = world.parts(Kind::Gateway, "edge") else { panic!("a status") };
    let kinds = listeners.iter().map(|listener| {
        let kinds = listener.supported_kinds.iter().map(|kind| kind.kind.as_str());
        (listener.attached_routes, kinds.collect::<Vec<_>>())
    });
    let expected = [(0, vec!["HTTPRoute", "GRPCRoute"]), (0, vec!["HTTPRoute"]), (1, vec!["GRPCRoute"])];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
    let conditions = world.parents_of(Kind::GrpcRoute, "g");
    assert_eq!(conditions, [["!Accepted: NotAllowedByListeners", "ResolvedRefs"], ["Accepted", "ResolvedRefs"]]);
}
