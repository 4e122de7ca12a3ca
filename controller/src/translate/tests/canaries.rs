use super::*;
use crate::diagnostic::Reason;

/// The Ingress `main` for `h/`, and others.
fn with_main(others: &[String]) -> World {
    let main = ingress("main", "", &rules("h", "main"));
    World::of(&documents(&[&[main], others].concat()))
}

fn rules(host: &str, service: &str) -> String {
    format!("{{rules: [{}]}}", rule(host, &[("/", "Prefix", service)]))
}

fn canary(name: &str, service: &str, annotations: &str) -> String {
    ingress(name, &format!("canary: 'true', {annotations}"), &rules("h", service))
}

/// The backends of a route: service, weight, whether it has a condition, whether it is a canary.
fn shares(world: &World, host: &str) -> Vec<(String, u32, bool, bool)> {
    let Action::Forward(backends) = &world.route(host, "/").action else { panic!("no backend") };
    let shares = backends.iter().map(|backend| {
        let service = backend.backend.service().expect("a Service").service.to_string();
        (service, backend.weight, backend.when.is_some(), backend.canary)
    });
    shares.collect()
}

fn weighted(canary: &str, weight: u32) -> Vec<(String, u32, bool, bool)> {
    vec![(canary.to_owned(), weight, false, true), ("main".to_owned(), 100 - weight, false, false)]
}

#[test]
fn a_canary_without_a_main_ingress_makes_no_routes() {
    let world = World::of(&canary("one", "a", "canary-weight: '100'"));
    assert!(world.host("h").is_none(), "K02");
    let said = world.said(Severity::Warning);
    assert!(said.iter().any(|said| said.contains("no Ingress that is no canary has this path")), "{said:?}");
}

#[test]
fn a_canary_shares_the_requests_of_all_routes_to_its_main_backend() {
    let second = ingress("second", "", &rules("g", "main"));
    let mut world = with_main(&[second, canary("canary", "a", "canary-weight: '20'")]);
    assert_eq!(shares(&world, "h"), weighted("a", 20));
    assert_eq!(shares(&world, "g"), weighted("a", 20), "K31");
    let update = world.apply(&canary("canary", "a", "canary-weight: '50'"));
    assert_eq!((update.hosts.len(), update.backends.len()), (2, 0));
    assert_eq!(shares(&world, "g"), weighted("a", 50));
    let update = world.apply(&canary("canary", "a", "canary-weight: '0'"));
    assert_eq!(update.hosts.len(), 2);
    assert_eq!(shares(&world, "h"), [("main".to_owned(), 100, false, false)]);
    world.apply(&canary("canary", "a", "canary-by-cookie: c"));
    let expected = [("a", 0, true, true), ("main", 0, true, false), ("main", 100, false, false)];
    assert_eq!(shares(&world, "g"), expected.map(|(service, weight, when, is)| (service.to_owned(), weight, when, is)));
    let update = world.delete(Kind::Ingress, "canary");
    assert_eq!(update.hosts.len(), 2);
    assert_eq!(shares(&world, "g"), [("main".to_owned(), 1, false, false)]);
}

#[test]
fn the_requests_of_a_canary_are_counted_for_the_main_ingress() {
    let world = with_main(&[canary("canary", "a", "canary-weight: '20'")]);
    let Action::Forward(backends) = &world.route("h", "/").action else { panic!("no backend") };
    let owners: Vec<_> = backends.iter().map(|backend| (&*backend.owner.ingress, &*backend.owner.service)).collect();
    assert_eq!(owners, [("main", "main"); 2]);
}

#[test]
fn of_two_canaries_the_older_one_counts() {
    let mut world =
        with_main(&[canary("first", "a", "canary-weight: '20'"), canary("second", "b", "canary-weight: '30'")]);
    assert_eq!(shares(&world, "h"), weighted("a", 20));
    let conflicts = |world: &World| {
        let conflicts = world.translator.diagnostics().filter(|diagnostic| diagnostic.reason == Reason::Conflict);
        conflicts
            .map(|conflict| (conflict.object.to_string(), conflict.related.as_ref().map(ToString::to_string)))
            .collect()
    };
    let found: Vec<_> = conflicts(&world);
    assert_eq!(found, [("Ingress default/second".to_owned(), Some("Ingress default/first".to_owned()))]);
    world.delete(Kind::Ingress, "first");
    assert_eq!(shares(&world, "h"), weighted("b", 30));
    let found: Vec<(String, Option<String>)> = conflicts(&world);
    assert_eq!(found, []);
}

#[test]
fn a_canary_follows_its_main_ingress() {
    let mut world = with_main(&[canary("canary", "a", "canary-weight: '20'")]);
    world.apply(&ingress("main", "", &rules("h", "other")));
    assert_eq!(shares(&world, "h")[1].0, "other");
    world.delete(Kind::Ingress, "main");
    assert!(world.host("h").is_none());
    world.apply(&ingress("late", "", &rules("h", "main")));
    assert_eq!(shares(&world, "h"), weighted("a", 20));
}

#[test]
fn a_canary_that_cannot_be_one_says_why() {
    let cases = [
        ("its own Service", canary("canary", "main", "canary-weight: '20'"), "expected another Service"),
        (
            "another path type",
            ingress("canary", "canary: 'true'", &format!("{{rules: [{}]}}", rule("h", &[("/", "Exact", "a")]))),
            "Ingress default/main has it as Prefix",
        ),
        ("another host", ingress("canary", "canary: 'true'", &rules("g", "a")), "on host g"),
        (
            "another namespace",
            canary("canary", "a", "").replace("{name: canary", "{namespace: other, name: canary"),
            "allow-cross-namespace-resources",
        ),
    ];
    for (what, canary, said) in cases {
        let world = with_main(&[canary]);
        assert_eq!(shares(&world, "h"), [("main".to_owned(), 1, false, false)], "{what}");
        let warnings = world.said(Severity::Warning);
        assert!(warnings.iter().any(|warning| warning.contains(said)), "{what}: {warnings:?}");
    }
}

#[test]
fn a_canary_has_no_settings_of_its_own() {
    let world = with_main(&[canary("canary", "a", "canary-weight: '20', auth-type: basic, app-root: /x")]);
    let warnings = world.said(Severity::Warning);
    assert!(
        warnings.iter().any(|warning| warning.contains("what this one says of app-root, auth-type")),
        "{warnings:?}"
    );
    assert_eq!(world.route("h", "/").policies.denied, None);
    assert!(world.host("h").expect("served").policies.app_root.is_none());
    assert_eq!(world.said(Severity::Error).iter().filter(|error| error.contains("annotations")).count(), 0);
}
