use super::*;
use crate::feed::SourceEvent;
use crate::settings::ControllerSettings;
use crate::source::manifest::parse;
use serde_json::json;

/// What is served, and under which flags.
struct World {
    store: Store,
    translator: Translator,
    watched: WatchedNamespaces,
}

impl World {
    /// Serves these documents.
    fn of(settings: ControllerSettings, documents: &str) -> Self {
        let manifest = parse(&"test.yaml".into(), documents.as_bytes());
        assert_eq!(manifest.diagnostics, []);
        let mut store = Store::new();
        let changes: Vec<_> =
            manifest.objects.into_iter().flat_map(|object| store.apply(SourceEvent::Apply(object))).collect();
        let mut translator = Translator::new(settings);
        translator.translate(&store, &changes);
        Self { store, translator, watched: WatchedNamespaces::All }
    }

    fn serving(documents: &str) -> Self {
        Self::of(ControllerSettings::default(), documents)
    }

    fn configured(data: &Value) -> Self {
        Self::serving(&config_map("adit", data).to_string())
    }

    fn create(&self, object: &Value) -> Verdict {
        self.update(&Value::Null, object)
    }

    fn update(&self, old: &Value, object: &Value) -> Verdict {
        let resource = match object["kind"].as_str() {
            Some("ConfigMap") => json!({"group": "", "version": "v1", "resource": "configmaps"}),
            _ => json!({"group": "networking.k8s.io", "version": "v1", "resource": "ingresses"}),
        };
        let operation = if old.is_null() { "CREATE" } else { "UPDATE" };
        let request =
            json!({"uid": "1", "resource": resource, "operation": operation, "object": object, "oldObject": old});
        let request = serde_json::from_value(request).expect("a request");
        review(request, &self.watched, &self.translator, &self.store)
    }
}

/// A ConfigMap in Adit's namespace.
fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "adit", "name": name}, "data": data})
}

/// An Ingress with annotations of ingress-nginx, and the paths of host `h`.
fn ingress(name: &str, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Value {
    let prefixed = annotations.iter().map(|(key, value)| (format!("nginx.ingress.kubernetes.io/{key}"), json!(value)));
    let annotations: serde_json::Map<_, _> = prefixed.collect();
    let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
    let path = |(path, kind): &(&str, &str)| json!({"path": path, "pathType": kind, "backend": backend});
    let paths: Vec<_> = paths.iter().map(path).collect();
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"namespace": "default", "name": name, "annotations": annotations},
        "spec": {"rules": [{"host": "h", "http": {"paths": paths}}]},
    })
}

const ROOT: &[(&str, &str)] = &[("/", "Prefix")];

#[track_caller]
fn refused(verdict: Verdict) -> String {
    match verdict {
        Verdict::Refused { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn warnings(verdict: Verdict) -> Vec<String> {
    match verdict {
        Verdict::Allowed { warnings } => warnings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_path_that_another_ingress_has_is_refused() {
    let world = World::serving(&ingress("one", &[], &[("/", "Prefix"), ("/a", "Exact")]).to_string());
    let message = refused(world.create(&ingress("two", &[], &[("/b", "Prefix"), ("/a", "Prefix")])));
    assert_eq!(
        message,
        "Ingress default/two: spec.rules[0].http.paths[1].path: \"/a\" is taken: host \"h\" and path \"/a\" is already \
         defined in ingress default/one; expected a host and a path that no other Ingress has, or a canary"
    );
    assert_eq!(warnings(world.create(&ingress("two", &[], &[("/b", "Prefix")]))), [""; 0]);
    let one = ingress("one", &[], ROOT);
    assert_eq!(warnings(world.update(&one, &ingress("one", &[], &[("/a", "Exact")]))), [""; 0], "its own");
    assert!(refused(world.create(&ingress("two", &[("canary", "false")], ROOT))).contains("is taken"));
}

#[test]
fn a_canary_has_a_path_of_its_main_ingress_and_of_no_other_canary() {
    let canary = |name| ingress(name, &[("canary", "true"), ("canary-weight", "10")], ROOT);
    let world = World::serving(&ingress("one", &[], ROOT).to_string());
    assert_eq!(warnings(world.create(&canary("two"))), [""; 0]);
    let both = format!("{}\n---\n{}", ingress("one", &[], ROOT), canary("two"));
    let world = World::serving(&both);
    let message = refused(world.create(&canary("three")));
    assert!(
        message.contains("is already defined in ingress default/two; expected a path without a canary"),
        "{message}"
    );
    assert_eq!(warnings(world.update(&canary("two"), &canary("two"))), [""; 0]);
}

#[test]
fn faults_that_were_there_before_are_warnings() {
    let world = World::serving(&ingress("one", &[], ROOT).to_string());
    let paths = [("/x y", "Prefix"), ("/z z", "Prefix"), ("/", "Prefix")];
    // A rule that is new comes first, so that the others have new numbers.
    let repaired = ingress("two", &[], &[("/new", "Prefix"), paths[1], paths[2]]);
    let told = warnings(world.update(&ingress("two", &[], &paths), &repaired));
    assert!(told.len() == 2 && told[0].contains("/z z") && told[1].contains("is taken"), "{told:?}");

    let bad = ("limit-rps", "abc");
    let old = ingress("two", &[bad], &[("/two", "Prefix")]);
    assert!(warnings(world.update(&old, &old))[0].contains("limit-rps"));
    let message = refused(world.update(&old, &ingress("two", &[bad, ("upstream-vhost", "a b")], ROOT)));
    assert!(message.contains("upstream-vhost") && !message.contains("limit-rps"), "{message}");
}

#[test]
fn values_that_ingress_nginx_takes_are_warnings() {
    let world = World::serving("");
    for (key, value) in [
        ("whitelist-source-range", "not-a-cidr"),
        ("proxy-connect-timeout", "abc"),
        ("auth-type", "bearer"),
        ("proxy-redy-timeout", "is not an annotation"),
    ] {
        let told = warnings(world.create(&ingress("one", &[(key, value)], ROOT)));
        assert!(told.iter().any(|warning| warning.contains(key) && warning.contains(value)), "{key}: {told:?}");
    }
}

/// It may be there, unwatched as long as nobody names it; or it comes next.
#[test]
fn what_is_named_and_missing_is_no_warning() {
    let world = World::serving("");
    for (key, value) in [("custom-headers", "default/headers"), ("default-backend", "errors")] {
        assert_eq!(warnings(world.create(&ingress("one", &[(key, value)], ROOT))), [""; 0], "{key}");
    }
}

#[test]
fn a_catch_all_is_refused_where_it_is_not_wanted() {
    let settings = ControllerSettings { disable_catch_all: true, ..ControllerSettings::default() };
    let world = World::of(settings, "");
    let mut object = ingress("one", &[], ROOT);
    assert_eq!(warnings(world.create(&object)), [""; 0]);
    object["spec"]["defaultBackend"] = json!({"service": {"name": "s", "port": {"number": 80}}});
    assert!(refused(world.create(&object)).contains("spec.defaultBackend: is not allowed: --disable-catch-all is set"));
    object["spec"]["rules"] = json!([]);
    assert!(refused(world.create(&object)).contains("--disable-catch-all is set"), "V23");
}

#[test]
fn the_usual_prefix_is_refused_where_another_one_counts() {
    let settings = ControllerSettings { annotations_prefix: "example.com".into(), ..ControllerSettings::default() };
    let message = refused(World::of(settings, "").create(&ingress("one", &[("app-root", "/x")], ROOT)));
    assert!(message.contains("expected the prefix \"example.com\""), "{message}");
}

#[test]
fn snippets_are_refused_where_they_are_off_or_faulty() {
    let snippet = |text| ingress("one", &[("configuration-snippet", text)], ROOT);
    let message = refused(World::serving("").create(&snippet("return 200;")));
    let of_nginx = "nginx.ingress.kubernetes.io/configuration-snippet annotation cannot be used. Snippet directives are \
                    disabled by the Ingress administrator";
    assert!(message.contains(of_nginx), "{message}");
    let world = World::configured(&json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"}));
    assert_eq!(warnings(world.create(&snippet("return 200;"))), [""; 0]);
    let message = refused(world.create(&snippet("no_such_directive on;")));
    assert!(message.contains("no_such_directive"), "{message}");
}

#[test]
fn a_value_of_the_configmap_that_cannot_be_used_is_refused() {
    let (before, world) = (json!({"proxy-body-size": "8m"}), World::configured(&json!({"proxy-body-size": "8m"})));
    for (key, value, expected) in [
        ("proxy-body-size", "5x", "expected a number of bytes, or a number with k, m or g"),
        ("whitelist-source-range", "10.0.0.0/99", "expected IP addresses or networks"),
        ("proxy-real-ip-cidr", "10.0.0.0/8,x", "is not an IP address or network"),
        ("annotations-risk-level", "Hihg", "expected Low, Medium, High or Critical"),
        ("http-snippet", "nonsense;", "in line 1 is not a directive"),
        ("modsecurity-snippet", "SecNonsense", "SecNonsense"),
    ] {
        let changed = config_map("adit", &json!({"keep-alive": "9", key: value}));
        let message = refused(world.update(&config_map("adit", &before), &changed));
        assert!(message.contains(&format!("ConfigMap adit/adit: data.{key}")), "{message}");
        assert!(message.contains(value) && message.contains(expected), "{message}");
        // What is wrong already can be repaired step by step.
        let told = warnings(world.update(&changed, &changed));
        assert!(told.iter().any(|warning| warning.contains(key)), "{key}: {told:?}");
        let created = World::serving("").create(&changed);
        assert!(refused(created).contains(key), "{key}");
    }
    let fine = config_map("adit", &json!({"proxy-body-size": "5m", "add-headers": "adit/headers-that-come-later"}));
    assert_eq!(warnings(world.update(&config_map("adit", &before), &fine)), [""; 0]);
    let unknown = config_map("adit", &json!({"proxy-bodysize": "5m"}));
    assert!(warnings(world.create(&unknown))[0].contains("is not a key"), "ingress-nginx takes it");
}

#[test]
fn config_maps_that_the_configmap_or_a_flag_names_are_reviewed() {
    let name = |name: &str| Some(format!("adit/{name}").parse().expect("a name"));
    let settings =
        ControllerSettings { tcp_services: name("tcp"), udp_services: name("udp"), ..ControllerSettings::default() };
    let data = json!({"add-headers": "adit/added", "proxy-set-headers": "adit/set"});
    let world = World::of(settings, &config_map("adit", &data).to_string());
    for (map, key, value, expected) in [
        ("added", "X Y", "1", "data.add-headers: \"adit/added\" names a ConfigMap with \"X Y\""),
        ("set", "X-A", "$nope", "data.proxy-set-headers: \"adit/set\" names a ConfigMap whose value of \"X-A\""),
        ("tcp", "9000", "default/dns", "ConfigMap adit/tcp: data.9000: \"default/dns\" is not a port of a Service"),
        ("udp", "dns", "default/dns:53", "ConfigMap adit/udp: data.dns: \"dns\" is not a port"),
    ] {
        let message = refused(world.create(&config_map(map, &json!({key: value}))));
        assert!(message.contains(expected), "{message}");
        let other = config_map("another", &json!({key: value}));
        assert_eq!(world.create(&other), Verdict::allowed(), "{map}");
    }
    assert_eq!(warnings(world.create(&config_map("added", &json!({"X-A": "1"})))), [""; 0]);
    assert_eq!(warnings(world.create(&config_map("tcp", &json!({"9000": "default/dns:53"})))), [""; 0]);
}

/// Nobody who applies an Ingress can do anything about it.
#[test]
fn a_faulty_snippet_of_the_configmap_refuses_nobody() {
    let world = World::configured(&json!({"location-snippet": "no_such_directive on;"}));
    warnings(world.create(&ingress("one", &[], ROOT)));
}

#[test]
fn others_are_none_of_our_business() {
    let mut world = World::serving(&ingress("one", &[], ROOT).to_string());
    let bad = || ingress("two", &[("limit-rps", "abc")], ROOT);
    refused(world.create(&bad()));
    let mut foreign = bad();
    foreign["spec"]["ingressClassName"] = json!("traefik");
    assert_eq!(world.create(&foreign), Verdict::allowed());
    let mut deleted = bad();
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(world.create(&deleted), Verdict::allowed());
    world.watched = WatchedNamespaces::One("shop".into());
    assert_eq!(world.create(&bad()), Verdict::allowed());
}

#[test]
fn before_anything_is_known_everything_is_allowed() {
    let translator = Translator::new(ControllerSettings::default());
    let world = World { store: Store::new(), translator, watched: WatchedNamespaces::All };
    let Verdict::Unchecked(why) = world.create(&ingress("one", &[("limit-rps", "abc")], ROOT)) else {
        panic!("it is starting")
    };
    assert!(why.contains("starting"), "{why}");
}

/// A newer API server may have other types.
#[test]
fn what_cannot_be_read_is_allowed() {
    let mut object = ingress("one", &[], ROOT);
    object["spec"]["rules"] = json!("none");
    let Verdict::Unchecked(why) = World::serving("").create(&object) else { panic!("it cannot be read") };
    assert!(why.contains("spec.rules"), "{why}");
}

#[test]
fn what_is_told_is_bounded() {
    let long = "x".repeat(500);
    let paths: Vec<_> = (0..40).map(|number| format!("/{number} {long}")).collect();
    let paths: Vec<_> = paths.iter().map(|path| (path.as_str(), "Prefix")).collect();
    let (world, bad) = (World::serving(""), ingress("one", &[("no-such-annotation", "é\n\u{202e}")], &paths));
    let message = refused(world.create(&bad));
    assert_eq!(message.lines().count(), TOLD + 1, "{message}");
    assert!(message.ends_with("\nand 30 more"), "{message}");
    let told = warnings(world.update(&bad, &bad));
    assert_eq!(told.len(), TOLD);
    for warning in told {
        assert!(warning.chars().count() <= WARNING && !warning.chars().any(char::is_control), "{warning}");
    }
}
