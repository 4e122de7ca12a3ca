//! Which Ingresses are reported as orphans: those with a route to a Service that cannot serve.

use super::*;
use gateway::telemetry::Orphan::{self, NoEndpoint, NoService};

/// The changes since the last call, by the name of the Ingress.
fn changes(world: &mut World) -> Vec<(String, Orphan, bool)> {
    let changes = world.translator.take_orphans().into_iter();
    changes.map(|(ingress, why, is_orphan)| (ingress.name.to_string(), why, is_orphan)).collect()
}

fn change(name: &str, why: Orphan, is_orphan: bool) -> (String, Orphan, bool) {
    (name.to_owned(), why, is_orphan)
}

fn routing(name: &str, services: &[&str]) -> String {
    let paths: Vec<_> = services.iter().map(|service| (format!("/{name}/{service}"), *service)).collect();
    let paths: Vec<_> = paths.iter().map(|(path, service)| (path.as_str(), "Prefix", *service)).collect();
    ingress(name, "", &format!("{{rules: [{}]}}", rule("h", &paths)))
}

#[test]
fn a_service_that_is_missing_makes_orphans_until_it_serves() {
    let mut world = World::of(&documents(&[routing("a", &["s"]), routing("b", &["s", "t"]), service("t", "10.1.0.1")]));
    assert_eq!(changes(&mut world), [change("a", NoService, true), change("b", NoService, true)]);

    world.apply("{kind: Service, metadata: {name: s}, spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}}");
    let expected = [
        change("a", NoService, false),
        change("a", NoEndpoint, true),
        change("b", NoService, false),
        change("b", NoEndpoint, true),
    ];
    assert_eq!(changes(&mut world), expected);

    world.apply(&service("s", "10.1.0.1"));
    assert_eq!(changes(&mut world), [change("a", NoEndpoint, false), change("b", NoEndpoint, false)]);
    world.apply(&service("s", "10.1.0.2"));
    assert_eq!(changes(&mut world), []);
}

#[test]
fn an_ingress_is_an_orphan_as_long_as_one_of_its_services_is_at_fault() {
    let mut world = World::of(&documents(&[routing("a", &["s", "t"]), routing("b", &["t"])]));
    assert_eq!(changes(&mut world), [change("a", NoService, true), change("b", NoService, true)]);
    world.apply(&service("t", "10.1.0.1"));
    assert_eq!(changes(&mut world), [change("a", NoService, true), change("b", NoService, false)]);
    world.delete(Kind::Ingress, "a");
    assert_eq!(changes(&mut world), [change("a", NoService, false)]);
}

/// As in ingress-nginx, where such a Service has no endpoint.
#[test]
fn a_service_without_the_port_has_no_endpoint() {
    let without = "{kind: Service, metadata: {name: s}, spec: {clusterIP: 10.0.0.1, ports: [{port: 81}]}}";
    let mut world = World::of(&documents(&[routing("a", &["s"]), without.to_owned()]));
    assert_eq!(changes(&mut world), [change("a", NoEndpoint, true)]);
}
