use super::*;
use gateway::config::{Affinity, AffinityMode, Condition, RouteBackend};

fn rules(host: &str, paths: &[(&str, &str, &str)]) -> String {
    format!("{{rules: [{}]}}", rule(host, paths))
}

/// An Ingress for all of a host, to the Service `echo`.
fn for_host(host: &str, annotations: &str) -> String {
    ingress(host, annotations, &rules(host, &[("/", "Prefix", "echo")]))
}

fn backends<'a>(world: &'a World, host: &str, path: &str) -> &'a Arc<[RouteBackend]> {
    let Action::Forward(backends) = &world.route(host, path).action else { panic!("no backend") };
    backends
}

fn affinity<'a>(world: &'a World, host: &str) -> Option<&'a Affinity> {
    backends(world, host, "/")[0].affinity.as_deref()
}

/// The name and mode of a host's affinity, and whether it sets the cookie.
fn summary(world: &World, host: &str) -> Option<(String, AffinityMode, bool)> {
    affinity(world, host).map(|affinity| (affinity.cookie.to_string(), affinity.mode, affinity.sets.is_some()))
}

fn expected(cookie: &str, mode: AffinityMode, sets: bool) -> Option<(String, AffinityMode, bool)> {
    Some((cookie.to_owned(), mode, sets))
}

#[test]
fn all_routes_to_a_backend_have_one_affinity() {
    // The later, the younger.
    let ingresses = |of_b: &str, more: &[String]| {
        documents(
            &[&[for_host("a", ""), for_host("b", of_b), for_host("c", "affinity-mode: persistent")], more].concat(),
        )
    };
    let mut world = World::of(&ingresses("", &[]));
    assert!(["a", "b", "c"].iter().all(|host| affinity(&world, host).is_none()));
    let update = world.apply(&ingresses("affinity: cookie", &[]));
    assert_eq!((update.hosts.len(), update.backends.len()), (3, 0));
    assert_eq!(summary(&world, "a"), expected("INGRESSCOOKIE", AffinityMode::Persistent, false));
    assert_eq!(summary(&world, "b"), expected("INGRESSCOOKIE", AffinityMode::Persistent, true));
    let younger = for_host("d", "affinity: cookie, session-cookie-name: D, affinity-mode: balanced");
    let update = world.apply(&ingresses("affinity: cookie", &[younger]));
    assert_eq!(update.hosts.len(), 4);
    assert_eq!(summary(&world, "b"), expected("D", AffinityMode::Persistent, true));
    let conflicts = world.said(Severity::Warning);
    let conflicts: Vec<_> = conflicts.iter().filter(|said| said.contains("is not all that counts")).collect();
    assert!(conflicts.iter().any(|said| said.contains("Ingress default/b: ")), "{conflicts:?}");
    assert!(conflicts.iter().any(|said| said.contains("Ingress default/d: ")), "its mode: {conflicts:?}");
    world.delete(Kind::Ingress, "d");
    world.delete(Kind::Ingress, "b");
    assert!(["a", "c"].iter().all(|host| affinity(&world, host).is_none()));
}

#[test]
fn an_alias_follows_what_another_ingress_says_of_the_backend() {
    let ingresses = |of_b: &str| documents(&[for_host("a", "server-alias: alias"), for_host("b", of_b)]);
    let mut world = World::of(&ingresses("affinity: cookie"));
    assert!(affinity(&world, "alias").is_some());
    assert_eq!(world.apply(&ingresses("")).hosts.len(), 3);
    assert!(["a", "alias", "b"].iter().all(|host| affinity(&world, host).is_none()));
}

#[test]
fn a_change_of_endpoints_translates_no_host() {
    let mut world = World::of(&documents(&[service("echo", "10.1.0.1"), for_host("a", "affinity: cookie")]));
    let update = world.apply(&service("echo", "10.1.0.2"));
    assert_eq!((update.hosts.len(), update.backends.len()), (0, 1));
}

#[test]
fn routes_share_their_backends() {
    let paths = [("/", "Prefix", "echo"), ("/a", "Prefix", "echo"), ("/b", "Prefix", "other")];
    let world = World::of(&documents(&[
        ingress("one", "affinity: cookie", &rules("h", &paths)),
        ingress("two", "", &rules("g", &paths)),
    ]));
    for host in ["h", "g"] {
        assert!(Arc::ptr_eq(backends(&world, host, "/"), backends(&world, host, "/a")), "{host}");
    }
}

#[test]
fn default_backends_have_no_affinity_of_their_own() {
    let spec = "{defaultBackend: {service: {name: echo, port: {number: 80}}}}";
    let world = World::of(&ingress("one", "affinity: cookie", spec));
    assert_eq!(affinity(&world, ""), None);
    let world = World::of(&documents(&[ingress("one", "affinity: cookie", spec), for_host("h", "affinity: cookie")]));
    assert_eq!(summary(&world, ""), expected("INGRESSCOOKIE", AffinityMode::Balanced, false));
}

#[test]
fn a_canary_has_the_affinity_of_its_main_backend() {
    let canary = |annotations: &str| {
        let annotations = format!("canary: 'true', canary-weight: '20', {annotations}");
        ingress("canary", &annotations, &rules("h", &[("/", "Prefix", "new")]))
    };
    let mut world = World::of(&documents(&[for_host("h", "affinity: cookie"), canary("affinity: cookie")]));
    let sessions = |world: &World| -> Vec<bool> {
        let of_sessions =
            backends(world, "h", "/").iter().filter(|backend| matches!(backend.when, Some(Condition::Session { .. })));
        of_sessions.map(|backend| backend.canary).collect()
    };
    let sticky = |world: &World| backends(world, "h", "/").iter().all(|backend| backend.affinity.is_some());
    assert_eq!((sessions(&world), sticky(&world)), (vec![false, true], true));
    let said = world.said(Severity::Warning);
    assert!(said.iter().any(|said| said.contains("what this one says of affinity has no effect")), "{said:?}");
    world.apply(&canary("affinity-canary-behavior: legacy"));
    assert_eq!((sessions(&world), sticky(&world)), (vec![false], false));
    world.apply(&for_host("h", ""));
    assert_eq!(sessions(&world), [false; 0]);
}

#[test]
fn what_has_no_effect_is_said() {
    let said = |annotations: &str| World::of(&for_host("h", annotations)).said(Severity::Warning).join("\n");
    assert!(said("session-cookie-name: X").contains("has no effect without affinity: cookie"));
    assert!(said("affinity-canary-behavior: sticky").contains("has no effect without canary"));
    let without_path = said("affinity: cookie, use-regex: 'true'");
    assert!(without_path.contains("expected session-cookie-path beside use-regex"), "S24: {without_path}");
    let with_path = said("affinity: cookie, use-regex: 'true', session-cookie-path: /x");
    assert!(!with_path.contains("session-cookie-path"), "{with_path}");
}
