//! Several Ingresses that want the same host, path, alias or Service port.

use super::*;
use crate::diagnostic::Reason;
use gateway::config::{Balance, Endpoints};
use std::collections::BTreeSet;

#[test]
fn of_equal_paths_the_oldest_wins_and_both_are_told() {
    let mut world = World::of(&documents(&[
        ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "a")]))),
        ingress("two", "", &format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "b"), ("/b", "Prefix", "b")]))),
    ]));
    assert_eq!(world.routes("h"), "^ / a\n^ /b b\n");
    let warnings = world.said(Severity::Warning);
    for object in [
        "Ingress default/one: spec.rules[0].http.paths[0].path",
        "Ingress default/two: spec.rules[0].http.paths[0].path",
    ] {
        assert!(warnings.iter().any(|said| said.contains(object)), "{object}: {warnings:?}");
    }
    world.delete(Kind::Ingress, "one");
    assert_eq!(world.routes("h"), "^ / b\n^ /b b\n", "V22");
    assert!(!world.said(Severity::Warning).iter().any(|said| said.contains("is also a path of host")));
}

#[test]
fn an_alias_is_a_host_with_the_same_routes() {
    let mut world = World::of(&documents(&[
        ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/app-a", "Prefix", "a")]))),
        ingress(
            "two",
            "server-alias: 'bar,*.x.com'",
            &format!("{{rules: [{}]}}", rule("h", &[("/app-b", "Prefix", "b")])),
        ),
    ]));
    assert_eq!(world.routes("bar"), "^ /app-a a\n^ /app-b b\n^ / -\n", "I13");
    assert_eq!(world.routes("**.x.com"), world.routes("h"), "I16");

    let update = world.apply(&ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/new", "Prefix", "a")]))));
    let names: Vec<_> = update.hosts.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["bar", "h", "**.x.com"], "a host's change is its aliases'");

    world.apply(&ingress("three", "", &format!("{{rules: [{}]}}", rule("bar", &[("/own", "Prefix", "c")]))));
    assert_eq!(world.routes("bar"), "^ /own c\n^ / -\n", "a rule keeps its host");
    assert!(world.said(Severity::Warning).iter().any(|said| said.contains("alias bar, which is left out")));

    let wildcard = format!("{{rules: [{}]}}", rule("*.x.com", &[("/own", "Prefix", "c")]));
    world.apply(&ingress("four", "", &wildcard));
    assert!(world.host("**.x.com").is_none(), "nor does an alias take what is below a rule's wildcard");
    assert!(world.said(Severity::Warning).iter().any(|said| said.contains("alias *.x.com, which is left out")));

    world.delete(Kind::Ingress, "three");
    world.delete(Kind::Ingress, "four");
    assert_eq!(world.routes("bar"), world.routes("h"));
    assert_eq!(world.routes("**.x.com"), world.routes("h"));
    world.delete(Kind::Ingress, "two");
    assert!(world.host("bar").is_none());
}

#[test]
fn the_oldest_ingress_with_aliases_decides_them() {
    let spec = |path| format!("{{rules: [{}]}}", rule("h", &[(path, "Prefix", "a")]));
    let world = World::of(&documents(&[
        ingress("one", "server-alias: first", &spec("/1")),
        ingress("two", "server-alias: second", &spec("/2")),
    ]));
    assert!(world.host("first").is_some() && world.host("second").is_none());
    assert!(world.said(Severity::Warning).iter().any(|said| said.contains("alias second")));
}

#[test]
fn a_www_counterpart_redirects_until_it_has_rules() {
    let www = |name: &str, host: &str| {
        ingress(name, "from-to-www-redirect: 'true'", &format!("{{rules: [{}]}}", rule(host, &[("/", "Prefix", "a")])))
    };
    let mut world = World::of(&documents(&[www("one", "x.com"), www("two", "www.y.com")]));
    let redirect = |world: &World, host: &str| {
        world
            .host(host)
            .and_then(|host| host.www_redirect.clone())
            .map(|redirect| (redirect.to.to_string(), redirect.code))
    };
    assert_eq!(redirect(&world, "www.x.com"), Some(("x.com".into(), 308)), "D19");
    assert_eq!(redirect(&world, "y.com"), Some(("www.y.com".into(), 308)), "D21");
    assert_eq!(redirect(&world, "x.com"), None);
    world.apply(&ingress("three", "", &format!("{{rules: [{}]}}", rule("www.x.com", &[("/", "Prefix", "b")]))));
    assert_eq!(redirect(&world, "www.x.com"), None);
    assert_eq!(world.routes("www.x.com"), "^ / b\n");
    world.delete(Kind::Ingress, "three");
    assert!(redirect(&world, "www.x.com").is_some());
}

#[test]
fn the_oldest_ingress_of_a_service_port_decides_its_settings() {
    let spec = |host| format!("{{rules: [{}]}}", rule(host, &[("/", "Prefix", "echo")]));
    let mut world = World::of(&documents(&[
        service("echo", "10.1.0.1"),
        ingress("one", "load-balance: ewma, service-upstream: 'true'", &spec("h")),
        ingress("two", "load-balance: round_robin", &spec("k")),
    ]));
    let id = ServiceBackend::tcp("default", "echo", "80").into();
    let backend = world.translator.backend(&id).expect("a backend");
    assert_eq!(backend.balance, Balance::Ewma, "L25");
    let Endpoints::Addresses(addresses) = &backend.endpoints else { panic!("no addresses") };
    assert_eq!(addresses[0].address.to_string(), "10.0.0.1:80", "L07");

    world.delete(Kind::Ingress, "one");
    let backend = world.translator.backend(&id).expect("a backend");
    assert_eq!(backend.balance, Balance::RoundRobin);
    let update = world.delete(Kind::Ingress, "two");
    assert_eq!(update.backends, [(id, None)]);
}

/// Each conflict between Ingresses one (which is older) and two concerns both.
#[test]
fn of_every_conflict_both_are_told() {
    let rules = |host, paths| format!("{{rules: [{}]}}", rule(host, paths));
    let regex = "use-regex: 'true'";
    let default_backend = "{defaultBackend: {service: {name: a, port: {number: 80}}}}".to_owned();
    let conflicts = [
        ("a path", ("", rules("h", &[("/", "Prefix", "a")])), ("", rules("h", &[("/", "Prefix", "b")]))),
        (
            "a regular expression",
            (regex, rules("h", &[("/a", "Prefix", "a")])),
            (regex, rules("h", &[("/a", "Exact", "b")])),
        ),
        ("the default backend", ("", default_backend.clone()), ("", default_backend)),
        (
            "the aliases of a host",
            ("server-alias: first", rules("h", &[("/1", "Prefix", "a")])),
            ("server-alias: second", rules("h", &[("/2", "Prefix", "a")])),
        ),
        (
            "an alias",
            ("server-alias: alias", rules("h", &[("/", "Prefix", "a")])),
            ("server-alias: alias", rules("k", &[("/", "Prefix", "a")])),
        ),
        (
            "an alias that is a host",
            ("", rules("h", &[("/", "Prefix", "a")])),
            ("server-alias: h", rules("k", &[("/", "Prefix", "a")])),
        ),
    ];
    for (what, older, younger) in conflicts {
        let world = World::of(&documents(&[ingress("one", older.0, &older.1), ingress("two", younger.0, &younger.1)]));
        let reported: BTreeSet<_> = world
            .translator
            .diagnostics()
            .filter(|diagnostic| diagnostic.reason == Reason::Conflict)
            .flat_map(|diagnostic| [Some(&diagnostic.object), diagnostic.related.as_ref()])
            .flatten()
            .map(ToString::to_string)
            .collect();
        assert_eq!(reported, ["Ingress default/one", "Ingress default/two"].map(str::to_owned).into(), "{what}");
    }
}
