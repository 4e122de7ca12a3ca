//! Gateways that have a Service for themselves, as a cluster has them: parameters, addresses, target ports.

use super::*;
use crate::gateway_api::{Condition, GatewayService, OwnService, ServicePort, ServiceType, StatusParts};
use crate::store::Change;
use crate::translate::testing::observed;
use gateway::config::EntryPoint;
use std::collections::BTreeSet;

const CLASS: &str = "{kind: GatewayClass, metadata: {name: adit}, spec: {controllerName: adit.dev/gateway-controller, \
    parametersRef: {group: '', kind: ConfigMap, namespace: adit, name: gateways}}}";
const BALANCED: &str =
    "{kind: ConfigMap, metadata: {name: gateways, namespace: adit}, data: {service-type: LoadBalancer}}";
const TARGETS: &str = "{kind: ConfigMap, metadata: {name: adit-gateway-ports, namespace: adit}, \
    data: {'20007': 'default/edge:80/TCP', '20009': 'default/other:80/TCP', '80': 'default/edge:81/TCP'}}";

fn gateway(spec: &str) -> String {
    format!(
        "{{kind: Gateway, metadata: {{name: edge, uid: u1}}, spec: {{gatewayClassName: adit, \
         listeners: [{{name: web, port: 80, protocol: HTTP}}, {{name: alt, port: 81, protocol: HTTP}}], {spec}}}}}"
    )
}

const ROUTE: &str = "{kind: HTTPRoute, metadata: {name: shop}, spec: {parentRefs: [{name: edge, sectionName: web}], \
    hostnames: [shop.example.com], rules: [{backendRefs: [{name: echo, port: 80}]}]}}";

/// These objects in a cluster, where Adit has a Service or none.
fn cluster(published: Option<&str>, documents: &[&str]) -> World {
    let published_service = published.map(|name| name.parse().expect("a name"));
    let settings = ControllerSettings { published_service, ..ControllerSettings::default() };
    let mut world = World { store: Store::default(), translator: Translator::new(settings) };
    change(&mut world, documents);
    world
}

fn change(world: &mut World, documents: &[&str]) {
    let events = documents.iter().map(|document| SourceEvent::Apply(observed(document, None)));
    let changes: Vec<Change> = events.flat_map(|event| world.store.apply(event)).collect();
    world.translator.translate(&world.store, &changes);
}

fn own(documents: &[&str]) -> World {
    cluster(Some("adit/adit"), documents)
}

/// The condition of this type of an object: its status, reason and message.
fn condition(world: &World, kind: Kind, name: &str, of: &str) -> (bool, &'static str, String) {
    let found = world.translator.statuses().find(|(key, _)| key.kind == kind && *key.name == *name);
    let conditions = match found.map(|(_, status)| &status.parts) {
        Some(StatusParts::Gateway { conditions, .. } | StatusParts::GatewayClass(conditions)) => conditions.clone(),
        _ => Vec::new(),
    };
    let found = conditions.into_iter().find(|condition| condition.kind == of);
    let Condition { holds, reason, message, .. } = found.expect("a condition");
    (holds, reason, message)
}

fn wish(world: &World) -> OwnService {
    let mut statuses = world.translator.statuses();
    let found = statuses.find(|(key, _)| key.kind == Kind::Gateway).expect("a status");
    match &found.1.parts {
        StatusParts::Gateway { service, .. } => service.clone(),
        other => panic!("{other:?}"),
    }
}

fn wanted(world: &World) -> GatewayService {
    match wish(world) {
        OwnService::Wanted(service) => *service,
        other => panic!("no Service: {other:?}"),
    }
}

/// Where there are hosts.
fn entries(world: &World) -> Vec<EntryPoint> {
    let entries: BTreeSet<_> = world.translator.entry_hosts().map(|(entry, _)| entry).collect();
    entries.into_iter().collect()
}

#[test]
fn a_gateway_is_served_on_target_ports_as_soon_as_it_has_some() {
    let infrastructure = "infrastructure: {labels: {team: a}, annotations: {x/y: z}}";
    let mut world = own(&[CLASS, BALANCED, &gateway(infrastructure), ROUTE]);
    let GatewayService { name, owner, service_type, labels, annotations, ports, .. } = wanted(&world);
    assert_eq!((name.as_str(), owner.as_str(), service_type), ("edge-adit", "u1", ServiceType::LoadBalancer));
    assert_eq!((&labels["team"], &annotations["x/y"]), (&"a".to_owned(), &"z".to_owned()));
    let port = |port| ServicePort { port, is_udp: false };
    assert_eq!(ports, [(port(80), None), (port(81), None)].into());
    assert_eq!(condition(&world, Kind::Gateway, "edge", "Programmed").1, "Pending");
    assert_eq!(entries(&world), []);

    change(&mut world, &[TARGETS]);
    assert_eq!(wanted(&world).ports, [(port(80), Some(20_007)), (port(81), None)].into());
    assert!(condition(&world, Kind::Gateway, "edge", "Programmed").0);
    assert_eq!(entries(&world), [EntryPoint::Port { port: 20_007, tls: false }]);
}

#[test]
fn parameters_that_cannot_be_read_are_told_and_nothing_is_served() {
    let missing = own(&[CLASS, &gateway(""), ROUTE]);
    assert_eq!(condition(&missing, Kind::GatewayClass, "adit", "Accepted").1, "InvalidParameters");
    assert_eq!(condition(&missing, Kind::Gateway, "edge", "Accepted").1, "InvalidParameters");
    assert_eq!((wish(&missing), entries(&missing)), (OwnService::Undecided, vec![]));

    let foreign = "infrastructure: {parametersRef: {group: invalid.io, kind: InvalidParameters, name: invalid}}";
    let world = own(&[CLASS, BALANCED, &gateway(foreign), ROUTE]);
    assert!(condition(&world, Kind::GatewayClass, "adit", "Accepted").0);
    let (holds, reason, message) = condition(&world, Kind::Gateway, "edge", "Accepted");
    assert_eq!((holds, reason), (false, "InvalidParameters"), "{message}");
    assert_eq!(entries(&world), []);
}

#[test]
fn a_gateway_may_say_something_else_than_its_class() {
    let mut world = own(&[
        CLASS,
        BALANCED,
        &gateway("infrastructure: {parametersRef: {group: '', kind: ConfigMap, name: p}}"),
        ROUTE,
    ]);
    assert_eq!(condition(&world, Kind::Gateway, "edge", "Accepted").1, "InvalidParameters");
    let parameters = |data: &str| format!("{{kind: ConfigMap, metadata: {{name: p}}, data: {{{data}}}}}");
    change(&mut world, &[&parameters("service-type: ClusterIP")]);
    assert_eq!(wanted(&world).service_type, ServiceType::ClusterIP);
    change(&mut world, &[&parameters("service-type: Shared, service-tipe: x")]);
    assert_eq!(
        (wish(&world), entries(&world)),
        (OwnService::None, vec![EntryPoint::Http, EntryPoint::Port { port: 81, tls: false }])
    );
    let warned = world.said(Severity::Warning).join("\n");
    assert!(warned.contains("service-tipe") && warned.contains("did you mean"), "{warned}");
}

#[test]
fn without_the_endpoints_of_adit_there_is_no_service() {
    let world = cluster(None, &[CLASS, BALANCED, &gateway(""), ROUTE]);
    let (_, reason, message) = condition(&world, Kind::Gateway, "edge", "Accepted");
    assert_eq!(reason, "InvalidParameters");
    assert!(message.contains("--publish-service"), "{message}");
}

#[test]
fn in_a_directory_the_ports_of_listeners_are_opened_as_they_are() {
    let documents = [CLASS, BALANCED, &gateway("addresses: [{value: 10.0.0.1}]"), ROUTE].join("\n---\n");
    let world = World::of(&documents);
    assert_eq!(entries(&world), [EntryPoint::Http, EntryPoint::Port { port: 81, tls: false }]);
    let warned = world.said(Severity::Warning).join("\n");
    assert!(warned.contains("in a cluster only") && warned.contains("10.0.0.1"), "{warned}");
}

#[test]
fn addresses_are_of_types_that_there_are_and_a_service_has_one() {
    let with = |addresses: &str| own(&[CLASS, BALANCED, &gateway(&format!("addresses: [{addresses}]"))]);
    let world = with("{type: test/fake, value: x}, {value: 10.0.0.1}");
    assert_eq!(condition(&world, Kind::Gateway, "edge", "Accepted").1, "UnsupportedAddress");
    let world = with("{value: 10.0.0.1}, {value: 10.0.0.2}");
    assert!(condition(&world, Kind::Gateway, "edge", "Accepted").0);
    assert_eq!(condition(&world, Kind::Gateway, "edge", "Programmed").1, "AddressNotUsable");
    assert_eq!(wish(&world), OwnService::Undecided);
    assert_eq!(
        wanted(&with("{type: IPAddress, value: 10.0.0.1}, {type: Hostname, value: a.test}")).address.as_deref(),
        Some("10.0.0.1")
    );
    assert_eq!(wanted(&with("{type: IPAddress}")).address, None);
}

#[test]
fn the_ports_of_others_are_not_those_that_targets_are_of() {
    let class = "{kind: GatewayClass, metadata: {name: adit}, spec: {controllerName: adit.dev/gateway-controller}}";
    let gateway = "{kind: Gateway, metadata: {name: edge}, spec: {gatewayClassName: adit, \
        listeners: [{name: web, port: 20007, protocol: HTTP}]}}";
    let reason = |world: &World| condition(world, Kind::Gateway, "edge", "Accepted").1;
    assert_eq!(reason(&own(&[class, gateway])), "ListenersNotValid");
    assert_eq!(reason(&cluster(None, &[class, gateway])), "Accepted");
}
