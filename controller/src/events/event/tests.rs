use super::*;
use crate::diagnostic::{Place, Reason};
use crate::object::Kind;
use proptest::prelude::*;

fn state(diagnostics: impl IntoIterator<Item = Diagnostic>, uids: &[(ObjectKey, &str)]) -> State {
    let uids = uids.iter().map(|(object, uid)| (object.clone(), (*uid).into()));
    State { diagnostics: diagnostics.into_iter().collect(), uids: Arc::new(uids.collect()), ..State::default() }
}

fn events(state: &State) -> Vec<Event> {
    facts(state).iter().map(|fact| fact.event("adit-1", Timestamp::UNIX_EPOCH)).collect()
}

/// The Ingress `web` of a namespace.
fn ingress(namespace: &str) -> ObjectKey {
    ObjectKey::new(Kind::Ingress, namespace, "web")
}

fn missing_secret() -> Diagnostic {
    Diagnostic::error(ingress("shop"), "spec.tls[0].secretName", "names Secret shop/web, which does not exist")
        .with_value("web")
        .because(Reason::ReferenceNotFound)
        .with_related(ObjectKey::new(Kind::Secret, "shop", "web"))
}

#[test]
fn an_event_is_what_kubectl_describe_looks_for() {
    let state = state([missing_secret()], &[(ingress("shop"), "u-1")]);
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
    let conflict = Diagnostic::warning(ingress("b"), "spec.defaultBackend", "is ignored")
        .because(Reason::Conflict)
        .with_related(ingress("a"));
    let state = state([conflict], &[(ingress("a"), "u-1"), (ingress("b"), "u-2")]);
    let reported: Vec<_> = events(&state)
        .into_iter()
        .map(|event| (event.metadata.namespace.expect("a namespace"), event.note.expect("a note")))
        .collect();
    let expected = [("b", "spec.defaultBackend: is ignored"), ("a", "Ingress b/web: spec.defaultBackend: is ignored")];
    assert_eq!(reported, expected.map(|(namespace, note)| (namespace.to_owned(), note.to_owned())));
}

#[test]
fn what_is_not_in_the_cluster_has_no_events() {
    let of = |subject: Subject| Diagnostic::error(subject.clone(), "", "is odd").with_related(subject);
    let from_a_file = ObjectKey::new(Kind::Ingress, "shop", "from-a-file").into();
    let objects = [Subject::other("File a.yaml"), Subject::other("Ingress shop/web"), from_a_file];
    assert_eq!(facts(&state(objects.map(of), &[(ingress("shop"), "u-1")])), []);
}

#[test]
fn an_object_is_told_once_that_it_contradicts_itself() {
    let repeated = missing_secret().with_related(ingress("shop"));
    assert_eq!(facts(&state([repeated], &[(ingress("shop"), "u-1")])).len(), 1);
}

#[test]
fn a_class_has_its_events_where_kubernetes_wants_them() {
    let class = ObjectKey::new(Kind::IngressClass, "", "web");
    let state = state([Diagnostic::error(&class, "", "is odd")], &[(class, "u-1")]);
    let event = events(&state).remove(0);
    assert_eq!(event.metadata.namespace.as_deref(), Some("default"));
    assert_eq!(event.regarding.and_then(|object| object.namespace), None);
}

#[test]
fn a_name_follows_from_what_is_said_of_which_object() {
    let name =
        |diagnostic: Diagnostic, uid| events(&state([diagnostic], &[(ingress("shop"), uid)])).remove(0).metadata.name;
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
        let diagnostic = Diagnostic::error(ingress("b"), field, message).with_value(&value).with_related(ingress("a"));
        let state = state([diagnostic], &[(ingress("a"), "u-1"), (ingress("b"), "u-2")]);
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
