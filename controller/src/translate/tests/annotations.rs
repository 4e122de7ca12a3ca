//! Annotations of a whole Ingress: refusal, rejection, and what is remembered of them.

use super::*;
use crate::annotation::Effect;
use gateway::config::Template;

fn spec() -> String {
    format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "echo")]))
}

#[test]
fn security_settings_deny_their_ingress_only() {
    let world = World::of(&documents(&[
        ingress("one", "auth-type: basic", &spec()),
        ingress("two", "", &format!("{{rules: [{}]}}", rule("h", &[("/open", "Prefix", "echo")]))),
    ]));
    let denied = world.route("h", "/").policies.denied.clone().expect("a denial");
    assert!(denied.reason.contains("auth-type"), "{denied:?}");
    assert_eq!(denied.origin.object.to_string(), "Ingress default/one");
    assert_eq!(world.route("h", "/open").policies.denied, None);
    assert!(world.said(Severity::Error).iter().any(|said| said.contains("503")));
}

/// The `Host` that the only backend of `h/` is sent.
fn upstream_host(world: &World) -> Option<Template> {
    match &world.route("h", "/").action {
        Action::Forward(backends) => backends[0].policies.host.clone(),
        action => panic!("not forwarded: {action:?}"),
    }
}

#[test]
fn a_rejected_version_leaves_the_last_good_one() {
    let mut world = World::of(&ingress("one", "upstream-vhost: a.example.com", &spec()));
    let update = world.apply(&ingress("one", "upstream-vhost: 'a b'", &spec()));
    assert!(update.is_empty(), "{update:?}");
    let host = upstream_host(&world).expect("the former host");
    assert_eq!(host.literal(), Some("a.example.com"));
    let key = ObjectKey::new(Kind::Ingress, "default", "one");
    assert_eq!(world.translator.applied(&key)[0].effect, Effect::Rejected);
    assert_eq!(world.said(Severity::Error).iter().filter(|said| said.contains("upstream-vhost")).count(), 1);

    world.apply(&ingress("one", "upstream-vhost: c.example.com", &spec()));
    let host = upstream_host(&world).expect("the new host");
    assert_eq!(host.literal(), Some("c.example.com"));
}

#[test]
fn a_rejected_version_that_wants_protection_denies_the_last_good_one() {
    let mut world = World::of(&ingress("one", "", &spec()));
    world.apply(&ingress("one", "server-alias: 'a b', auth-type: basic", &spec()));
    assert!(world.route("h", "/").policies.denied.is_some());
    world.apply(&ingress("one", "server-alias: 'a b'", &spec()));
    assert_eq!(world.route("h", "/").policies.denied, None);
}

#[test]
fn a_first_version_that_is_rejected_serves_nothing() {
    let mut world = World::of(&ingress("one", "server-alias: 'a b'", &spec()));
    assert!(world.host("h").is_none());
    world.apply(&ingress("one", "", &spec()));
    assert!(world.host("h").is_some());
}

#[test]
fn the_annotated_default_backend_is_the_services_first_port() {
    let mut world = World::of(&ingress("one", "default-backend: fallback", &spec()));
    assert_eq!(world.route("h", "/").policies.default_backend, None);
    assert!(world.said(Severity::Error).iter().any(|said| said.contains("default-backend]")));
    world.apply(&service("fallback", "10.1.0.9"));
    let id = world.route("h", "/").policies.default_backend.clone().expect("a default backend");
    assert_eq!(id.to_string(), "default/fallback:80");
    assert!(world.translator.backend(&id).is_some());
}

#[test]
fn what_became_of_annotations_is_remembered() {
    let world =
        World::of(&ingress("one", "app-root: /x, session-cookie-hash: sha1, enable-modsecurity: 'maybe'", &spec()));
    let applied = world.translator.applied(&ObjectKey::new(Kind::Ingress, "default", "one"));
    let effects: Vec<_> = applied.iter().map(|applied| (applied.key, &applied.effect)).collect();
    assert_eq!(
        effects,
        [
            ("app-root", &Effect::Applied),
            ("enable-modsecurity", &Effect::Denied),
            ("session-cookie-hash", &Effect::None),
        ]
    );
}

#[test]
fn diagnostics_have_their_place_in_a_file() {
    let world = World::of(&ingress("one", "rewrite-targt: /", &spec()));
    assert!(world.translator.diagnostics().all(|diagnostic| diagnostic.place.is_some()));
    assert_eq!(world.translator.diagnostics().count(), 2, "the misspelling, and the Service that is not there");
}

#[test]
fn classes_that_appear_claim_their_ingresses() {
    let classed = "{kind: Ingress, metadata: {name: one}, spec: {ingressClassName: web, rules: [{host: h}]}}";
    let class = |controller: &str| {
        format!("{{kind: IngressClass, metadata: {{name: web}}, spec: {{controller: {controller}}}}}")
    };
    let mut world = World::of(classed);
    assert!(world.host("h").is_none());
    world.apply(&class("adit.dev/ingress-controller"));
    assert!(world.host("h").is_some());
    world.apply(&class("example.com/other"));
    assert!(world.host("h").is_none());
}

#[test]
fn servers_that_are_named_by_url_are_there_for_as_long_as_an_ingress_names_them() {
    const MIRROR: &str = "mirror-target: 'http://mirror.example$request_uri'";
    let named = |world: &World| {
        ["auth.example", "mirror.example"]
            .map(|host| world.translator.backend(&BackendId::Url { host: host.into(), port: 80 }).is_some())
    };
    let mut world = World::of(&ingress("a", &format!("auth-url: 'http://auth.example/', {MIRROR}"), &spec()));
    assert_eq!(named(&world), [true, true]);
    world.apply(&ingress("a", MIRROR, &spec()));
    assert_eq!(named(&world), [false, true]);
    world.delete(Kind::Ingress, "a");
    assert_eq!(named(&world), [false, false]);
}

#[test]
fn an_auth_server_at_the_host_of_the_request_is_one_for_each_exact_name() {
    let rules = ["h", "*.wild.example"].map(|host| rule(host, &[("/", "Prefix", "echo")])).join(", ");
    let annotations = "auth-url: 'https://$host/check', server-alias: alias.example";
    let mut world = World::of(&ingress("a", annotations, &format!("{{rules: [{rules}]}}")));
    let is_there = |world: &World, host: &str| {
        world.translator.backend(&BackendId::Url { host: host.into(), port: 443 }).is_some()
    };
    for name in ["h", "alias.example"] {
        let auth = world.route(name, "/").policies.external_auth.clone().expect("an auth server");
        assert_eq!((&*auth.host, &*auth.authority), (name, name));
        assert!(is_there(&world, name), "{name}");
    }
    assert!(!is_there(&world, "$host"));
    assert!(world.route("*.wild.example", "/").policies.denied.is_some());
    let said = world.said(Severity::Error);
    assert_eq!(said.iter().filter(|said| said.contains("auth-url") && said.contains("*.wild.example")).count(), 1);

    world.delete(Kind::Ingress, "a");
    assert!(!is_there(&world, "h"));
}
