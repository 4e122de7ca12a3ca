//! TCPRoutes and UDPRoutes: which listeners they get, and what is told of them.

use super::gateway_api::{CLASS, gateway, listener};
use super::streams::listeners;
use super::*;
use crate::gateway_api::StatusParts;
use crate::object::NamespacedName;

/// Two Services, each with port 80 for TCP and port 53 for UDP.
fn services() -> String {
    let service = |name: &str| {
        format!(
            "{{kind: Service, metadata: {{name: {name}}}, spec: {{ports: [{{name: t, port: 80}}, {{name: u, port: 53, protocol: UDP}}]}}}}\n---\n\
             {{kind: EndpointSlice, metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}, addressType: IPv4, \
             endpoints: [{{addresses: [10.1.0.1]}}], ports: [{{name: t, port: 80}}, {{name: u, port: 53, protocol: UDP}}]}}"
        )
    };
    documents(&[service("a"), service("b")])
}

/// A route to `edge` with these fields of its reference and these backends.
fn route(kind: &str, name: &str, parent: &str, backends: &str) -> String {
    format!(
        "{{kind: {kind}, metadata: {{name: {name}}}, spec: {{parentRefs: [{{name: edge{parent}}}], rules: [{{backendRefs: [{backends}]}}]}}}}"
    )
}

fn world(parts: &[String]) -> World {
    World::of(&documents(&[&[CLASS.to_owned(), services()], parts].concat()))
}

/// All services, as [`listeners`] shows them.
fn all(world: &World) -> Vec<String> {
    listeners(&Update { streams: Some(world.translator.streams.published.clone()), ..Update::default() })
}

const A: &str = "{name: a, port: 80}";
const B: &str = "{name: b, port: 80}";
const SERVED: [&str; 4] = ["ResolvedRefs", "Accepted", "Programmed", "!Conflicted: NoConflicts"];
const NO_PORT: [&str; 4] =
    ["ResolvedRefs", "!Conflicted: NoConflicts", "!Accepted: PortUnavailable", "!Programmed: PortUnavailable"];

#[test]
fn routes_attach_by_name_by_port_by_both_and_to_all() {
    let tcp = |name: &str, port| format!("{{name: {name}, port: {port}, protocol: TCP}}");
    let ports = [tcp("one", 9001), tcp("two", 9002), tcp("three", 9003), "{name: u, port: 9001, protocol: UDP}".into()];
    let ports = gateway(&ports.join(", "));
    let by_name = route("TCPRoute", "name", ", sectionName: one", A);
    let by_port = route("TCPRoute", "port", ", port: 9002", B);
    let by_both = route("TCPRoute", "both", ", sectionName: three, port: 9003", A);
    let to_all = route("UDPRoute", "all", "", "{name: a, port: 53, weight: 7}, {name: b, port: 53, weight: 3}");
    let world = world(&[ports.clone(), by_name, by_port, by_both, to_all]);
    let expected = [
        "TCP 9001 default/a:80",
        "TCP 9002 default/b:80",
        "TCP 9003 default/a:80",
        "UDP 9001 default/a:53/UDP x7, default/b:53/UDP x3",
    ];
    assert_eq!(all(&world), expected);
    assert_eq!(world.gateway_of("edge").1, vec![listener(1, &SERVED); 4], "TCP and UDP of one port are no conflict");
    let Some(StatusParts::Gateway { listeners, .. }) = world.parts(Kind::Gateway, "edge") else { panic!("a status") };
    let kinds: Vec<_> = listeners.iter().map(|listener| listener.supported_kinds[0].kind.as_str()).collect();
    assert_eq!(kinds, ["TCPRoute", "TCPRoute", "TCPRoute", "UDPRoute"]);
    assert_eq!(world.said(Severity::Error), [""; 0]);
    let everywhere = self::world(&[ports, route("TCPRoute", "all", "", A)]);
    assert_eq!(all(&everywhere), ["TCP 9001 default/a:80", "TCP 9002 default/a:80", "TCP 9003 default/a:80"]);
}

#[test]
fn the_oldest_route_has_a_listener_and_the_others_are_told() {
    let ports = gateway("{name: t, port: 9001, protocol: TCP}");
    let mut world = world(&[ports, route("TCPRoute", "older", "", A), route("TCPRoute", "younger", "", B)]);
    assert_eq!(all(&world), ["TCP 9001 default/a:80"]);
    assert_eq!(world.gateway_of("edge").1, [listener(2, &SERVED)], "both are attached");
    for name in ["older", "younger"] {
        assert_eq!(world.parents_of(Kind::TcpRoute, name), [["Accepted", "ResolvedRefs"]], "{name}");
    }
    let [said] = &world.said(Severity::Error)[..] else { panic!("{:?}", world.said(Severity::Error)) };
    let expected = "TCPRoute default/younger: spec.parentRefs: is to listener t, which an older route has (TCPRoute default/older)";
    assert!(said.contains(expected), "{said}");
    let update = world.delete(Kind::TcpRoute, "older");
    assert_eq!(listeners(&update), ["TCP 9001 default/b:80"]);
    assert_eq!(world.said(Severity::Error), [""; 0]);
    assert_eq!(world.delete(Kind::TcpRoute, "younger").streams.map(|streams| streams.len()), Some(0));
}

#[test]
fn references_that_lead_nowhere_keep_their_share() {
    let ports = gateway("{name: t, port: 9001, protocol: TCP}, {name: u, port: 9001, protocol: UDP}");
    let tcp =
        format!("{A}, {{name: none, port: 80, weight: 3}}, {{name: a, port: 53}}, {{name: b, port: 80, weight: 0}}");
    let udp = "{name: a, port: 80}, {name: a, port: 53}, {name: a, namespace: other, port: 53}";
    let mut world = world(&[ports, route("TCPRoute", "t", "", &tcp), route("UDPRoute", "u", "", udp)]);
    let expected =
        ["TCP 9001 default/a:80, nowhere x3, nowhere, default/b:80 x0", "UDP 9001 nowhere, default/a:53/UDP, nowhere"];
    assert_eq!(all(&world), expected);
    for (kind, name) in [(Kind::TcpRoute, "t"), (Kind::UdpRoute, "u")] {
        assert_eq!(world.parents_of(kind, name), [["Accepted", "!ResolvedRefs: BackendNotFound"]]);
    }
    let said = world.said(Severity::Error).join("\n");
    for expected in [
        "spec.rules[0].backendRefs[1].name: \"none\" names Service default/none, which does not exist; its connections are",
        "spec.rules[0].backendRefs[2].port: \"53\" is not a TCP port of Service default/a",
        "spec.rules[0].backendRefs[0].port: \"80\" is not a UDP port of Service default/a; its datagrams are dropped",
        "names Service other/a: expected a ReferenceGrant in namespace other from UDPRoute to Service",
    ] {
        assert!(said.contains(expected), "{expected} is not in:\n{said}");
    }
    let update = world.apply(&route("TCPRoute", "t", "", "{kind: Bucket, group: example, name: a, port: 80}"));
    assert_eq!(listeners(&update)[0], "TCP 9001 nowhere");
    assert_eq!(world.parents_of(Kind::TcpRoute, "t"), [["Accepted", "!ResolvedRefs: InvalidKind"]]);
}

#[test]
fn a_grant_lets_a_route_into_another_namespace() {
    let service = "{kind: Service, metadata: {name: s, namespace: other}, spec: {ports: [{port: 80}]}}".to_owned();
    let to_other = route("TCPRoute", "t", "", "{name: s, namespace: other, port: 80}");
    let mut world = world(&[gateway("{name: t, port: 9001, protocol: TCP}"), service, to_other]);
    assert_eq!(world.parents_of(Kind::TcpRoute, "t"), [["Accepted", "!ResolvedRefs: RefNotPermitted"]]);
    let grant = |kind: &str| {
        format!(
            "{{kind: ReferenceGrant, metadata: {{name: g, namespace: other}}, spec: {{from: [{{group: \
             gateway.networking.k8s.io, kind: {kind}, namespace: default}}], to: [{{group: '', kind: Service}}]}}}}"
        )
    };
    assert!(world.apply(&grant("UDPRoute")).streams.is_none());
    assert_eq!(listeners(&world.apply(&grant("TCPRoute"))), ["TCP 9001 other/s:80"]);
    assert_eq!(world.parents_of(Kind::TcpRoute, "t"), [["Accepted", "ResolvedRefs"]]);
}

#[test]
fn a_route_gets_only_listeners_of_its_protocol_that_take_it() {
    let ports = gateway(
        "{name: h, port: 80, protocol: HTTP}, {name: u, port: 9001, protocol: UDP}, {name: t, port: 9002, protocol: TCP, \
         allowedRoutes: {namespaces: {from: None}}}, {name: k, port: 9003, protocol: TCP, allowedRoutes: {kinds: [{kind: UDPRoute}]}}",
    );
    for (parent, reason) in [
        (", sectionName: h", "NotAllowedByListeners"),
        (", sectionName: u", "NotAllowedByListeners"),
        (", sectionName: t", "NotAllowedByListeners"),
        (", sectionName: k", "NotAllowedByListeners"),
        (", sectionName: x", "NoMatchingParent"),
        (", port: 9009", "NoMatchingParent"),
    ] {
        let world = world(&[ports.clone(), route("TCPRoute", "t", parent, A)]);
        assert_eq!(
            world.parents_of(Kind::TcpRoute, "t"),
            [[&format!("!Accepted: {reason}"), "ResolvedRefs"]],
            "{parent}"
        );
        assert!(all(&world).is_empty());
        let listeners = world.gateway_of("edge").1;
        assert!(listeners.iter().all(|(attached, _)| *attached == 0), "{listeners:?}");
        assert_eq!(listeners[3].1[0], "!ResolvedRefs: InvalidRouteKinds");
    }
}

#[test]
fn a_port_is_of_the_oldest_gateway_and_of_no_two_listeners() {
    let other =
        gateway("{name: t, port: 9001, protocol: TCP}, {name: v, port: 9003, protocol: TCP}").replace("edge", "other");
    let to_other = route("TCPRoute", "other", "", B).replace("name: edge", "name: other");
    let ports = "{name: t, port: 9001, protocol: TCP}, {name: one, port: 9002, protocol: TCP}, {name: two, port: 9002, \
                 protocol: TCP}, {name: h, port: 80, protocol: HTTP}, {name: z, port: 80, protocol: TCP}, {name: a, port: \
                 443, protocol: TCP}, {name: b, port: 0, protocol: UDP}";
    let mut world = world(&[gateway(ports), other, route("TCPRoute", "t", "", A), to_other]);
    assert_eq!(all(&world), ["TCP 9001 default/a:80", "TCP 9003 default/b:80"]);
    assert_eq!(world.gateway_of("other").1, [listener(0, &NO_PORT), listener(1, &SERVED)]);
    let conflicted = |reason| {
        let (accepted, programmed) = (format!("!Accepted: {reason}"), format!("!Programmed: {reason}"));
        listener(0, &["ResolvedRefs", "Conflicted", &accepted, &programmed])
    };
    let listeners_of_edge = world.gateway_of("edge").1;
    assert_eq!(listeners_of_edge[1..3], [conflicted("ProtocolConflict"), conflicted("ProtocolConflict")]);
    assert_eq!(listeners_of_edge[3], listener(0, &SERVED), "port 80 is not another listener's");
    let said = world.said(Severity::Error).join("\n");
    for expected in [
        "Gateway default/other: spec.listeners[0].port: \"9001\" is a port for TCP in Gateway default/edge, which is older",
        "spec.listeners[1].name: \"one\" has the port of listener two and its protocol: neither of them is served",
        "spec.listeners[4].port: \"80\" is a port of Adit itself (--http-port)",
        "spec.listeners[5].port: \"443\" is a port of Adit itself (--https-port)",
        "spec.listeners[6].port: \"0\" is not a port",
    ] {
        assert!(said.contains(expected), "{expected} is not in:\n{said}");
    }
    let update = world.delete(Kind::Gateway, "edge");
    assert_eq!(listeners(&update), ["TCP 9001 default/b:80", "TCP 9003 default/b:80"], "it is the other's now");
    assert_eq!(world.gateway_of("other").1, [listener(1, &SERVED), listener(1, &SERVED)]);
}

#[test]
fn a_service_of_a_config_map_keeps_its_port() {
    let name = |name: &str| Some(NamespacedName { namespace: "default".into(), name: name.into() });
    let settings = ControllerSettings { tcp_services: name("tcp"), ..ControllerSettings::default() };
    let parts =
        [CLASS.to_owned(), services(), gateway("{name: t, port: 9001, protocol: TCP}"), route("TCPRoute", "t", "", A)];
    let mut world = World::with(settings, &documents(&parts));
    assert_eq!(all(&world), ["TCP 9001 default/a:80"]);
    let update = world.apply("{kind: ConfigMap, metadata: {name: tcp}, data: {'9001': 'default/b:80'}}");
    assert_eq!(listeners(&update), ["TCP 9001 default/b:80"]);
    assert_eq!(world.gateway_of("edge").1, [listener(0, &NO_PORT)]);
    let said = world.said(Severity::Error).join("\n");
    assert!(
        said.contains(
            "\"9001\" is the port of a TCP service (ConfigMap default/tcp: data.9001): expected another port"
        ),
        "{said}"
    );
    let update = world.delete(Kind::ConfigMap, "tcp");
    assert_eq!(listeners(&update), ["TCP 9001 default/a:80"]);
}

#[test]
fn what_a_route_cannot_have_is_told() {
    let listeners = "{name: t, port: 9001, protocol: TCP, hostname: a.example}";
    let two =
        "{kind: TCPRoute, metadata: {name: t}, spec: {parentRefs: [{name: edge}], rules: [{}, {backendRefs: []}]}}";
    let world = world(&[gateway(listeners), two.to_owned()]);
    let said = [world.said(Severity::Error), world.said(Severity::Warning)].concat().join("\n");
    for expected in [
        "spec.rules[1]: is one too many: expected a single rule",
        "spec.rules[0].backendRefs: is missing: expected at least one Service; connections are closed at once",
        "spec.listeners[0].hostname: \"a.example\" has no meaning for TCP: it is ignored",
    ] {
        assert!(said.contains(expected), "{expected} is not in:\n{said}");
    }
    assert_eq!(all(&world), ["TCP 9001 "]);
}

#[test]
fn what_changes_elsewhere_publishes_no_services() {
    let mut world = world(&[gateway("{name: t, port: 9001, protocol: TCP}"), route("TCPRoute", "t", "", A)]);
    assert!(world.apply(&service("c", "10.1.0.9")).is_empty());
    assert!(world.apply(&route("TCPRoute", "t", "", A)).is_empty());
    let update = world.delete(Kind::Service, "a");
    assert_eq!(listeners(&update), ["TCP 9001 nowhere"]);
}

/// Who may attach to one of them may not have the port of the other.
#[test]
fn listeners_of_one_name_in_a_set_and_in_its_gateway_are_two() {
    let own = "{name: t, port: 9001, protocol: TCP}";
    let taking = "allowedListeners: {namespaces: {from: Same}}, listeners:";
    let set = "{kind: ListenerSet, metadata: {name: set}, spec: {parentRef: {name: edge}, listeners: [{name: t, port: 9002, \
               protocol: TCP}]}}";
    let to_set = route("TCPRoute", "b", "", B).replace("{name: edge}", "{kind: ListenerSet, name: set}");
    let edge = gateway(own).replace("listeners:", taking);
    let mut world = world(&[edge, set.to_owned(), route("TCPRoute", "a", "", A)]);
    assert_eq!(all(&world), ["TCP 9001 default/a:80"]);
    assert_eq!(listeners(&world.apply(&to_set)), ["TCP 9001 default/a:80", "TCP 9002 default/b:80"]);
    assert_eq!(world.said(Severity::Error), [""; 0]);
}
