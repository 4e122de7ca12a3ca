//! What is true of every setting, whatever its kind.

use super::{Registered, Setting, Support, Value, ValueError};
use crate::annotation::{Annotation, AnnotationSettings};
use crate::cli::flags::Flag;
use crate::configmap::{Config, ConfigBuilder, Key};
use crate::feed::SourceEvent;
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::route_defaults::RouteDefaults;
use crate::source::manifest;
use crate::store::Store;
use std::collections::BTreeSet;

/// The kinds of objects that a value can name.
const KINDS: [Kind; 3] = [Kind::ConfigMap, Kind::Secret, Kind::Service];

#[test]
fn every_name_has_one_entry_with_a_text() {
    fn check<F: Registered>() {
        let mut names = BTreeSet::new();
        for Setting { name, support, doc, .. } in Setting::<F>::all() {
            assert!(names.insert(name), "{name} is there twice");
            assert_eq!(Setting::<F>::named(name).map(|found| found.name), Some(*name));
            assert!(!name.is_empty() && !name.contains(|c: char| c == '/' || c.is_whitespace()), "{name:?}");
            let explains = |text: &str| !text.is_empty() && text.trim() == text;
            assert!(explains(doc), "{name}: {doc:?}");
            if let Support::Partial(text) | Support::Ignored(text) = support {
                assert!(explains(text), "{name}: {text:?}");
            }
        }
        assert!(Setting::<F>::named("no-such-thing").is_none());
    }
    check::<crate::annotation::AnnotationFacets>();
    check::<crate::configmap::KeyFacets>();
    check::<crate::cli::flags::FlagFacets>();
}

/// What a cluster is watched for follows from `refers`, so that it must not be forgotten.
#[test]
fn what_a_text_says_is_named_is_what_the_entry_refers_to() {
    fn check<F: Registered>(setting: &Setting<F>) {
        let Setting { name, refers, doc, .. } = setting;
        let says = |kind: &Kind| {
            doc.contains(&format!("Names a {kind}"))
                || doc.contains(&format!("Names the {kind}"))
                || doc.starts_with(&format!("{kind} "))
        };
        if let Some(said) = KINDS.into_iter().find(says) {
            assert_eq!(*refers, Some(said), "{name}");
        }
        if let Some(kind) = refers {
            assert!(KINDS.contains(kind) && doc.contains(&kind.to_string()), "{name} refers to a {kind}");
        }
    }
    Annotation::all().for_each(check);
    Key::all().for_each(check);
    Flag::all().for_each(check);
}

#[test]
fn what_a_value_names_is_looked_for_and_recorded() {
    let mut store = Store::new();
    let secret = b"{apiVersion: v1, kind: Secret, metadata: {name: users, namespace: shop}}";
    for object in manifest::parse(&"users.yaml".into(), secret).objects {
        store.apply(SourceEvent::Apply(object));
    }
    let lookup = Lookup::new(&store);
    let value = |text| Value::new(text, &lookup).within("shop", true);
    assert!(value(" users ").secret().is_ok() && value("shop/users").secret().is_ok());
    assert!(Value::new("shop/users", &lookup).secret().is_ok());
    let complaint = |error: Option<ValueError>| error.map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(complaint(value("none").config_map().err()), "names a ConfigMap that does not exist");
    let expected = "is not valid: expected the name of a Secret, in the form \"namespace/name\"";
    assert_eq!(complaint(Value::new("users", &lookup).secret().err()), expected);
    let reads = [ObjectKey::new(Kind::Secret, "shop", "users"), ObjectKey::new(Kind::ConfigMap, "shop", "none")];
    assert_eq!(lookup.reads(), BTreeSet::from(reads));
}

#[test]
fn an_entry_reads_what_it_refers_to_and_nothing_else() {
    fn check<F: Registered>(setting: &Setting<F>, apply: impl FnOnce(Value<'_>)) {
        let store = Store::new();
        let lookup = Lookup::new(&store);
        apply(Value::new("shop/thing", &lookup));
        // A Service is looked up with its port, when the routes are built.
        let expected =
            setting.refers.filter(|kind| *kind != Kind::Service).map(|kind| ObjectKey::new(kind, "shop", "thing"));
        assert_eq!(lookup.reads().into_iter().collect::<Vec<_>>(), Vec::from_iter(expected), "{}", setting.name);
    }
    for annotation in Annotation::all().filter(|annotation| annotation.support.is_applied()) {
        let mut draft = AnnotationSettings::new(&RouteDefaults::default());
        check(annotation, |value| drop((annotation.apply)(value, &mut draft)));
    }
    for key in Key::all().filter(|key| key.support.is_applied()) {
        let mut draft = ConfigBuilder::new(Config::default());
        check(key, |value| drop((key.apply)(value, &mut draft)));
    }
}

/// `documented_defaults_are_the_defaults` is the same for flags.
#[test]
fn documented_defaults_of_keys_are_the_defaults() {
    for key in Key::all().filter(|key| key.support.is_applied() && !key.facets.default.is_empty()) {
        let mut draft = ConfigBuilder::new(Config::default());
        // What ingress-nginx does by default, and Adit never does, is reported where it is asked for.
        let result = (key.apply)(key.facets.default.into(), &mut draft);
        assert!(matches!(result, Ok(()) | Err(ValueError::Unsupported(_))), "{}: {result:?}", key.name);
        assert_eq!(draft.config, Config::default(), "{}", key.name);
    }
}
