//! The routes of one host: implicit `/`, regular expressions, default backends, both path modes.

use super::*;
use gateway::config::PathMatching;

fn strict() -> ControllerSettings {
    ControllerSettings { path_matching: PathMatching::Strict, ..ControllerSettings::default() }
}

fn default_backend(service: &str) -> String {
    format!("defaultBackend: {{service: {{name: {service}, port: {{number: 80}}}}}}")
}

#[test]
fn the_oldest_ingress_of_a_host_owns_its_implicit_root() {
    let objects = documents(&[
        ingress(
            "one",
            "proxy-body-size: 8m",
            &format!("{{rules: [{}], {}}}", rule("h", &[("/app", "Prefix", "a")]), default_backend("b2")),
        ),
        ingress(
            "two",
            "",
            &format!("{{rules: [{}], {}}}", rule("h", &[("/two", "Exact", "b")]), default_backend("b3")),
        ),
    ]);
    let world = World::of(&objects);
    assert_eq!(world.routes("h"), "^ /app a\n= /two b\n^ / b2\n", "P38");
    let root = world.route("h", "/");
    assert_eq!(root.policies.body_limit, Some(8 << 20), "with the annotations of the oldest");
    assert_eq!(&*root.origin.field, "spec.defaultBackend");
    assert_eq!(world.routes(""), "", "P35: unknown hosts are not served");

    let world = World::with(strict(), &objects);
    assert_eq!(world.routes("h"), "^ /app a\n= /two b\n^ / b2\n", "C07");
    assert_eq!(world.routes(""), "^ / b2\n", "C08");
}

#[test]
fn without_a_default_backend_the_implicit_root_is_nginxs_only() {
    let objects = ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/app", "Prefix", "a")])));
    assert_eq!(World::of(&objects).routes("h"), "^ /app a\n^ / -\n");
    assert_eq!(World::with(strict(), &objects).routes("h"), "^ /app a\n");
}

#[test]
fn an_exact_root_does_not_take_the_place_of_the_implicit_one() {
    let objects = ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/", "Exact", "a")])));
    assert_eq!(World::of(&objects).routes("h"), "= / a\n^ / -\n");
}

#[test]
fn a_rule_without_paths_is_its_host() {
    let objects = ingress("one", "", &format!("{{rules: [{{host: h}}], {}}}", default_backend("d")));
    assert_eq!(World::of(&objects).routes("h"), "^ / d\n", "P34");
    assert_eq!(World::with(strict(), &objects).routes("h"), "^ / d\n", "C11");
}

#[test]
fn an_ingress_without_rules_serves_every_other_host() {
    let world = World::of(&documents(&[
        ingress("one", "", &format!("{{{}}}", default_backend("old"))),
        ingress("two", "", &format!("{{{}}}", default_backend("young"))),
        ingress("three", "", &format!("{{rules: [{}]}}", rule("", &[("/x", "Prefix", "x")]))),
    ]));
    assert_eq!(world.routes(""), "^ /x x\n^ / old\n");
    let warnings = world.said(Severity::Warning);
    assert!(warnings.iter().any(|said| said.contains("Ingress default/two: spec.defaultBackend")), "{warnings:?}");
}

#[test]
fn a_rule_without_a_host_takes_the_root_of_a_catch_all() {
    let world = World::of(&documents(&[
        ingress("one", "", &format!("{{{}}}", default_backend("default"))),
        ingress("two", "", &format!("{{rules: [{}]}}", rule("", &[("/", "Prefix", "rule")]))),
    ]));
    assert_eq!(world.routes(""), "^ / rule\n");
}

#[test]
fn a_catch_all_is_not_redirected() {
    let objects = ingress("one", "permanent-redirect: 'https://x/'", &format!("{{{}}}", default_backend("d")));
    assert_eq!(World::of(&objects).routes(""), "^ / d\n");
    assert_eq!(World::with(strict(), &objects).routes(""), "^ / 301 https://x/\n");
}

#[test]
fn one_regex_makes_its_host_one_of_regexes() {
    let objects = documents(&[
        ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/foo", "Exact", "a"), ("/foo", "Prefix", "p")]))),
        ingress(
            "two",
            "use-regex: 'true'",
            &format!("{{rules: [{}, {}]}}", rule("h", &[("/re.*", "ImplementationSpecific", "b")]), rule("g", &[])),
        ),
        ingress("other", "", &format!("{{rules: [{}]}}", rule("k", &[("/foo", "Prefix", "c")]))),
    ]);
    let world = World::of(&objects);
    assert_eq!(world.routes("h"), "~ /foo a\n~ /foo/ p\n~ /re.* b\n~ / -\n", "X09");
    assert_eq!(world.routes("k"), "^ /foo c\n^ / -\n");
    let world = World::with(strict(), &objects);
    assert_eq!(world.routes("h"), "= /foo a\n^ /foo p\n~ /re.* b\n", "strict: own paths only");
}

#[test]
fn a_rewrite_makes_regexes_unless_it_changes_nothing() {
    let spec = |path| format!("{{rules: [{}]}}", rule("h", &[(path, "Prefix", "a")]));
    let world = World::of(&ingress("one", "rewrite-target: /bar, x-forwarded-prefix: /p", &spec("/foo")));
    assert_eq!(world.routes("h"), "~ /foo a\n~ / -\n", "W09");
    let rewrite = world.route("h", "/foo").policies.rewrite.clone().expect("a rewrite");
    assert_eq!(
        (&*rewrite.pattern, &*rewrite.target, rewrite.forwarded_prefix.as_deref()),
        ("/foo", "/bar", Some("/p"))
    );

    let world = World::of(&ingress("one", "rewrite-target: /", &spec("/")));
    assert_eq!(world.routes("h"), "^ / a\n");
    assert_eq!(world.route("h", "/").policies.rewrite, None);
}

#[test]
fn equal_regexes_are_one() {
    let paths = [("/a.*", "Prefix", "p"), ("/a.*", "Exact", "e")];
    let world = World::of(&ingress("one", "use-regex: 'true'", &format!("{{rules: [{}]}}", rule("h", &paths))));
    assert_eq!(world.routes("h"), "~ /a.* p\n~ / -\n");
    let warnings = world.said(Severity::Warning);
    assert!(warnings.iter().any(|said| said.contains("paths[1].path") && said.contains("ignored")), "{warnings:?}");
}

#[test]
fn app_root_is_its_hosts() {
    let objects = documents(&[
        ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/a", "Prefix", "a"), ("/b", "Prefix", "b")]))),
        ingress("two", "app-root: /c", &format!("{{rules: [{}]}}", rule("h", &[("/c", "Prefix", "c")]))),
    ]);
    let world = World::of(&objects);
    assert_eq!(world.host("h").and_then(|host| host.policies.app_root.as_deref()), Some("/c"));
    assert_eq!(world.routes("h"), "^ /a a\n^ /b b\n^ /c c\n^ / -\n");
    assert!(Arc::ptr_eq(&world.route("h", "/a").policies, &world.route("h", "/b").policies), "one Ingress, one Arc");
    let world = World::with(strict(), &objects);
    assert_eq!(world.routes("h"), "^ /a a\n^ /b b\n^ /c c\n= / -\n");
}

#[test]
fn routes_without_annotations_share_the_default_policies() {
    let world = World::of(&documents(&[
        ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/a", "Prefix", "a")]))),
        ingress("two", "", &format!("{{rules: [{}]}}", rule("k", &[("/a", "Prefix", "a")]))),
    ]));
    assert!(Arc::ptr_eq(&world.route("h", "/a").policies, &world.route("k", "/a").policies));
}

#[test]
fn a_path_that_cannot_be_served_leaves_the_rest() {
    let bad = "/bla{alias /var/run/secrets/;}location ~* ^/abcd";
    let world = World::of(&documents(&[
        ingress("bad", "", &format!("{{rules: [{}]}}", rule("h", &[(bad, "ImplementationSpecific", "a")]))),
        ingress("good", "", &format!("{{rules: [{}]}}", rule("h", &[("/xpto", "Prefix", "b")]))),
        ingress(
            "resource",
            "",
            "{rules: [{host: none, http: {paths: [{path: /, pathType: Prefix, backend: {resource: {kind: Bucket, \
                                 name: x}}}]}}]}",
        ),
        ingress(
            "host",
            "",
            &format!("{{rules: [{}, {}]}}", rule("a b", &[("/", "Prefix", "c")]), rule("ok", &[("/", "Prefix", "c")])),
        ),
    ]));
    assert_eq!(world.routes("h"), "^ /xpto b\n^ / -\n", "V16");
    assert_eq!(world.routes("none"), "^ / -\n", "P46");
    assert_eq!(world.routes("ok"), "^ / c\n");
    let errors = world.said(Severity::Error);
    for field in ["paths[0].path", "backend.resource", "spec.rules[0].host"] {
        assert!(errors.iter().any(|said| said.contains(field)), "{field}: {errors:?}");
    }
}

#[test]
fn catch_alls_can_be_disabled() {
    let settings = ControllerSettings { disable_catch_all: true, ..ControllerSettings::default() };
    let mut world =
        World::with(settings, &ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "a")]))));
    assert!(world.host("h").is_some());
    world.apply(&ingress("one", "", &format!("{{{}}}", default_backend("a"))));
    assert!(world.host("h").is_none() && world.host("").is_none(), "V23, V24");
    let rules = |host| format!("rules: [{}]", rule(host, &[("/", "Prefix", "a")]));
    world.apply(&ingress("one", "", &format!("{{{}, {}}}", default_backend("a"), rules("h"))));
    assert!(world.host("h").is_none(), "beside rules");
    world.apply(&ingress("one", "", &format!("{{{}}}", rules(""))));
    assert!(world.host("").is_some(), "a rule without a host");
}
