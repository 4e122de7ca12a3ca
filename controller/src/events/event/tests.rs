use super::*;
use crate::diagnostic::{Place, Reason};
use proptest::prelude::*;

fn state(diagnostics: impl IntoIterator<Item = Diagnostic>, uids: &[(&str, &str)]) -> State {
    let uids = uids.iter().map(|(object, uid)| (object.parse().expect("an object"), (*uid).into()));
    State { diagnostics: diagnostics.into_iter().collect(), uids: Arc::new(uids.collect()), ..State::default() }
}

fn events(state: &State) -> Vec<Event> {
    facts(state).iter().map(|fact| fact.event("adit-1", Timestamp::UNIX_EPOCH)).collect()
}

fn missing_secret() -> Diagnostic {
    Diagnostic::error("Ingress shop/web", "spec.tls[0].secretName", "names Secret shop/web, which does not exist")
        .with_value("web")
        .because(Reason::ReferenceNotFound)
        .with_related("Secret shop/web")
}

#[test]
fn an_event_is_what_kubectl_describe_looks_for() {
    let state = state([missing_secret()], &[("Ingress shop/web", "u-1")]);
    let event = serde_json::to_value(&events(&state)[0]).expect("an Event");
    let name = event["metadata"]["name"].as_str().expect("a name");
    assert_eq!(
        event,
        serde_json::json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": "shop"},
            "eventTime": "1970-01-01T00:00:00.000000Z",
            "type": "Warning",
            "reason": "ReferenceNotFound",
            "action": "Serve",
            "note": "spec.tls[0].secretName: \"web\" names Secret shop/web, which does not exist",
            "regarding": {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "Ingress",
                "namespace": "shop",
                "name": "web",
                "uid": "u-1",
            },
            "reportingController": "adit.dev/ingress-controller",
            "reportingInstance": "adit-1",
        })
    );
    assert!(name.strip_prefix("adit.").is_some_and(|id| u64::from_str_radix(id, 16).is_ok()), "{name}");
}

#[test]
fn the_related_object_is_told_what_is_said_of_the_other() {
    let conflict = Diagnostic::warning("Ingress b/new", "spec.defaultBackend", "is ignored")
        .because(Reason::Conflict)
        .with_related("Ingress a/old");
    let state = state([conflict], &[("Ingress a/old", "u-1"), ("Ingress b/new", "u-2")]);
    let reported: Vec<_> = events(&state)
        .into_iter()
        .map(|event| (event.metadata.namespace.expect("a namespace"), event.note.expect("a note")))
        .collect();
    let expected = [("b", "spec.defaultBackend: is ignored"), ("a", "Ingress b/new: spec.defaultBackend: is ignored")];
    assert_eq!(reported, expected.map(|(namespace, note)| (namespace.to_owned(), note.to_owned())));
}

#[test]
fn what_is_not_in_the_cluster_has_no_events() {
    let of = |object: &str| Diagnostic::error(object, "", "is odd").with_related(object);
    let objects = ["File a.yaml", "flag --configmap", "Host a.example.com", "Ingress shop/from-a-file"];
    assert_eq!(facts(&state(objects.map(of), &[("Ingress shop/web", "u-1")])), []);
}

#[test]
fn an_object_is_told_once_that_it_contradicts_itself() {
    let repeated = missing_secret().with_related("Ingress shop/web");
    assert_eq!(facts(&state([repeated], &[("Ingress shop/web", "u-1")])).len(), 1);
}

#[test]
fn a_class_has_its_events_where_kubernetes_wants_them() {
    let state = state([Diagnostic::error("IngressClass web", "", "is odd")], &[("IngressClass web", "u-1")]);
    let event = events(&state).remove(0);
    assert_eq!(event.metadata.namespace.as_deref(), Some("default"));
    assert_eq!(event.regarding.and_then(|object| object.namespace), None);
}

#[test]
fn a_name_follows_from_what_is_said_of_which_object() {
    let name = |diagnostic: Diagnostic, uid| {
        events(&state([diagnostic], &[("Ingress shop/web", uid)])).remove(0).metadata.name
    };
    let first = name(missing_secret(), "u-1");
    // Of a former version of Adit, too, or a new one would repeat all.
    assert_eq!(first.as_deref(), Some("adit.444ad3e2b0cdac7f"));
    let place = Place { file: "a.yaml".into(), document: 1, line: 2 };
    assert_eq!(first, name(missing_secret().at(Some(place)), "u-1"));
    assert_ne!(first, name(missing_secret(), "u-2"), "a new object of the same name");
    assert_ne!(first, name(missing_secret().with_value("other"), "u-1"));
    assert_ne!(first, name(missing_secret().because(Reason::Invalid), "u-1"));
}

proptest! {
    #[test]
    fn notes_and_names_of_replicas_are_cut_where_a_character_ends(
        field in ".{0,80}", value in ".{0,300}", message in "(.|é|…){0,1200}", instance in ".{0,300}",
    ) {
        let diagnostic = Diagnostic::error("Ingress b/web", field, message).with_value(&value).with_related("Ingress a/web");
        let state = state([diagnostic], &[("Ingress a/web", "u-1"), ("Ingress b/web", "u-2")]);
        for fact in facts(&state) {
            let event = fact.event(&instance, Timestamp::UNIX_EPOCH);
            let note = event.note.expect("a note");
            prop_assert!(note.len() <= NOTE);
            let whole = match event.metadata.namespace.as_deref() {
                Some("b") => Statement(&state.diagnostics[0]).to_string(),
                _ => format!("Ingress b/web: {}", Statement(&state.diagnostics[0])),
            };
            match note.strip_suffix('…') {
                Some(kept) if note != whole => prop_assert!(whole.starts_with(kept) && kept.len() + 7 > NOTE),
                _ => prop_assert_eq!(note, whole),
            }
            prop_assert!(event.reporting_instance.is_some_and(|name| name.len() <= INSTANCE));
        }
    }
}
