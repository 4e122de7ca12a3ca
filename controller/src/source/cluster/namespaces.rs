//! `--watch-namespace-selector`: only objects of namespaces with these labels count. Pure.
//!
//! The objects of the other namespaces are kept aside, so that they are there at once when a namespace gets the labels,
//! without a list that would race with the watches. ingress-nginx does the same.

use super::objects::{ObjectState, Presence, WatchEvent};
use crate::object::{Kind, NamespacedName, Object, ObjectKey, service_name};
use crate::settings::ControllerSettings;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Which namespaces count, and all objects of all namespaces.
#[derive(Debug)]
pub(super) struct Namespaces {
    selected: HashSet<Arc<str>>,
    /// Those that the list of them has had so far, while one runs.
    listed: Option<HashSet<Arc<str>>>,
    objects: HashMap<Arc<str>, HashMap<ObjectKey, ObjectState>>,
    default_certificate: Option<NamespacedName>,
    default_backend: Option<NamespacedName>,
    published: Option<NamespacedName>,
}

impl Namespaces {
    /// None is selected. What the settings name counts wherever it is.
    pub(super) fn new(settings: &ControllerSettings) -> Self {
        Self {
            selected: HashSet::new(),
            listed: None,
            objects: HashMap::new(),
            default_certificate: settings.default_certificate.clone(),
            default_backend: settings.default_backend_service.clone(),
            published: None,
        }
    }

    /// The same, where the Service of `--publish-service` counts, too.
    pub(super) fn with_published(self, service: Option<NamespacedName>) -> Self {
        Self { published: service, ..self }
    }

    /// Takes in an event of the namespaces that have the labels: the states of the objects in them that follow from it.
    pub(super) fn handle(&mut self, event: WatchEvent) -> Vec<ObjectState> {
        match event {
            WatchEvent::Listing => {
                self.listed = Some(HashSet::new());
                Vec::new()
            }
            WatchEvent::Apply(namespace) => namespace.name().map(|name| self.select(name.into())).unwrap_or_default(),
            WatchEvent::Delete(namespace) => namespace.name().map(|name| self.deselect(name)).unwrap_or_default(),
            WatchEvent::Listed => {
                let listed = self.listed.take().unwrap_or_default();
                let gone: Vec<_> = self.selected.difference(&listed).cloned().collect();
                gone.iter().flat_map(|namespace| self.deselect(namespace)).collect()
            }
        }
    }

    fn select(&mut self, namespace: Arc<str>) -> Vec<ObjectState> {
        if let Some(listed) = &mut self.listed {
            listed.insert(namespace.clone());
        }
        if self.selected.contains(&namespace) {
            return Vec::new();
        }
        let objects = self.of(&namespace).cloned().collect();
        self.selected.insert(namespace);
        objects
    }

    fn deselect(&mut self, namespace: &str) -> Vec<ObjectState> {
        if !self.selected.remove(namespace) {
            return Vec::new();
        }
        let gone = |state: &ObjectState| ObjectState {
            key: state.key.clone(),
            presence: Presence::Gone,
            diagnostics: Vec::new(),
        };
        self.of(namespace).filter(|state| !self.is_named(state)).map(gone).collect()
    }

    /// Takes in what is known of an object, and passes it on if it counts.
    pub(super) fn pass(&mut self, state: ObjectState) -> Option<ObjectState> {
        // What is in no namespace counts, and a ConfigMap is watched because something that counts names it.
        if !state.key.kind.is_namespaced() || state.key.kind == Kind::ConfigMap {
            return Some(state);
        }
        let counts = self.selected.contains(&state.key.namespace);
        let objects = self.objects.entry(state.key.namespace.clone()).or_default();
        let before = match &state.presence {
            Presence::Present(_) => objects.insert(state.key.clone(), state.clone()),
            Presence::Malformed => {
                objects.entry(state.key.clone()).or_insert_with(|| state.clone());
                None
            }
            Presence::Gone => objects.remove(&state.key),
        };
        if objects.is_empty() {
            self.objects.remove(&state.key.namespace);
        }
        let was_named = before.is_some_and(|before| self.is_named(&before));
        (counts || was_named || self.is_named(&state)).then_some(state)
    }

    fn of(&self, namespace: &str) -> impl Iterator<Item = &ObjectState> {
        self.objects.get(namespace).into_iter().flat_map(HashMap::values)
    }

    /// Whether a flag names it, or the Service that it belongs to.
    fn is_named(&self, state: &ObjectState) -> bool {
        let is = |flag: &Option<NamespacedName>, name: &str| {
            flag.as_ref().is_some_and(|flag| flag.namespace == state.key.namespace && *flag.name == *name)
        };
        match &state.presence {
            Presence::Present(observed) if let Object::EndpointSlice(slice) = &observed.object => service_name(slice)
                .is_some_and(|service| is(&self.default_backend, service) || is(&self.published, service)),
            _ => match state.key.kind {
                Kind::Secret => is(&self.default_certificate, &state.key.name),
                Kind::Service => is(&self.default_backend, &state.key.name) || is(&self.published, &state.key.name),
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::cluster::arrival::Arrival;
    use crate::source::cluster::objects::Objects;
    use serde_json::{Value, json};

    fn state_of(kind: Kind, object: Value) -> ObjectState {
        Objects::new(kind).handle(WatchEvent::Apply(Arrival(object))).remove(0)
    }

    fn object(kind: Kind, namespace: &str, name: &str) -> ObjectState {
        let labels = json!({"kubernetes.io/service-name": name});
        let metadata = json!({"metadata": {"name": name, "namespace": namespace, "labels": labels}});
        let slice = json!({"addressType": "IPv4", "endpoints": []});
        let mut object = if kind == Kind::EndpointSlice { slice } else { json!({}) };
        object["metadata"] = metadata["metadata"].clone();
        state_of(kind, object)
    }

    fn gone(state: &ObjectState) -> ObjectState {
        ObjectState { presence: Presence::Gone, ..state.clone() }
    }

    fn namespace(name: &str) -> Arrival {
        Arrival(json!({"metadata": {"name": name}}))
    }

    fn is_gone(states: &[ObjectState]) -> Vec<(&str, bool)> {
        states.iter().map(|state| (&*state.key.name, state.presence == Presence::Gone)).collect()
    }

    #[test]
    fn objects_come_and_go_with_their_namespaces_labels() {
        let mut namespaces = Namespaces::new(&ControllerSettings::default());
        let service = object(Kind::Service, "shop", "web");
        assert_eq!(namespaces.pass(service.clone()), None);
        assert_eq!(namespaces.handle(WatchEvent::Apply(namespace("shop"))), vec![service.clone()]);
        assert_eq!(namespaces.handle(WatchEvent::Apply(namespace("shop"))), []);
        assert_eq!(namespaces.pass(service.clone()), Some(service.clone()));
        assert_eq!(is_gone(&namespaces.handle(WatchEvent::Delete(namespace("shop")))), [("web", true)]);
        assert_eq!(namespaces.pass(gone(&service)), None);
        assert_eq!(namespaces.handle(WatchEvent::Apply(namespace("shop"))), []);
    }

    #[test]
    fn a_list_of_namespaces_says_which_are_left() {
        let mut namespaces = Namespaces::new(&ControllerSettings::default());
        namespaces.pass(object(Kind::Service, "a", "web"));
        namespaces.pass(object(Kind::Service, "b", "api"));
        namespaces.handle(WatchEvent::Listing);
        namespaces.handle(WatchEvent::Apply(namespace("a")));
        assert_eq!(namespaces.handle(WatchEvent::Listed), []);
        namespaces.handle(WatchEvent::Listing);
        assert_eq!(is_gone(&namespaces.handle(WatchEvent::Apply(namespace("b")))), [("api", false)]);
        assert_eq!(is_gone(&namespaces.handle(WatchEvent::Listed)), [("web", true)]);
    }

    #[test]
    fn what_is_malformed_comes_and_goes_with_its_namespace_too() {
        let mut namespaces = Namespaces::new(&ControllerSettings::default());
        let malformed = state_of(Kind::Service, json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": 1}));
        assert_eq!((&malformed.presence, namespaces.pass(malformed.clone())), (&Presence::Malformed, None));
        assert_eq!(namespaces.handle(WatchEvent::Apply(namespace("shop"))), [malformed]);
        assert_eq!(is_gone(&namespaces.handle(WatchEvent::Delete(namespace("shop")))), [("web", true)]);
    }

    #[test]
    fn what_flags_name_counts_wherever_it_is() {
        let name = |text: &str| text.parse::<NamespacedName>().ok();
        let mut namespaces = Namespaces::new(&ControllerSettings {
            default_certificate: name("adit/wildcard"),
            default_backend_service: name("adit/errors"),
            ..ControllerSettings::default()
        })
        .with_published(name("adit/adit"));
        for state in [
            object(Kind::Secret, "adit", "wildcard"),
            object(Kind::Service, "adit", "adit"),
            object(Kind::Service, "adit", "errors"),
            object(Kind::EndpointSlice, "adit", "errors"),
            object(Kind::EndpointSlice, "adit", "adit"),
            object(Kind::IngressClass, "", "adit"),
            object(Kind::ConfigMap, "adit", "adit"),
        ] {
            assert_eq!(namespaces.pass(state.clone()), Some(state.clone()));
            namespaces.handle(WatchEvent::Apply(namespace("adit")));
            assert_eq!(namespaces.handle(WatchEvent::Delete(namespace("adit"))), []);
            assert_eq!(namespaces.pass(gone(&state)), Some(gone(&state)));
        }
        assert_eq!(namespaces.pass(object(Kind::Secret, "adit", "other")), None);
        assert_eq!(namespaces.pass(object(Kind::Secret, "shop", "wildcard")), None);
    }
}
