//! Which ConfigMaps objects name: only those are watched. Pure.

use super::objects::{ObjectState, Presence};
use crate::annotation::{Annotation, policy_fields};
use crate::configmap::Key;
use crate::gateway_api::{GatewaySpec, ObjectReference};
use crate::object::{Kind, NamespacedName, Object, ObjectKey, is_name};
use crate::registry::object_name;
use crate::settings::ControllerSettings;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The most ConfigMaps that the objects of one namespace can have watched, the first by name: each is a connection to the
/// API server, and whoever may write Ingresses must not be able to open any number of them.
const PER_NAMESPACE: usize = 32;

/// What names which ConfigMap.
#[derive(Debug)]
pub(super) struct References {
    prefix: String,
    gateway: Option<NamespacedName>,
    /// Those that flags name, the gateway's among them.
    by_flag: Vec<NamespacedName>,
    /// By the namespace of the objects that name them, and by object.
    named: BTreeMap<Arc<str>, HashMap<ObjectKey, BTreeSet<NamespacedName>>>,
}

impl References {
    pub(super) fn new(settings: &ControllerSettings) -> Self {
        let by_flag = settings.references().filter(|(kind, _)| *kind == Kind::ConfigMap);
        Self {
            prefix: settings.annotations_prefix.clone(),
            gateway: settings.configmap.clone(),
            by_flag: by_flag.map(|(_, name)| name.clone()).collect(),
            named: BTreeMap::new(),
        }
    }

    /// Records what an object names. Whether [`Self::config_maps`] may have changed.
    pub(super) fn record(&mut self, state: &ObjectState) -> bool {
        let names = match &state.presence {
            Presence::Present(observed) => self.names(&state.key, &observed.object),
            Presence::Malformed => return false,
            Presence::Gone => BTreeSet::new(),
        };
        let namespace = &state.key.namespace;
        let before = if names.is_empty() {
            self.named.get_mut(namespace).and_then(|objects| objects.remove(&state.key))
        } else {
            self.named.entry(namespace.clone()).or_default().insert(state.key.clone(), names.clone())
        };
        if self.named.get(namespace).is_some_and(HashMap::is_empty) {
            self.named.remove(namespace);
        }
        before.unwrap_or_default() != names
    }

    /// The ConfigMaps to watch: those that flags name, and those that objects name.
    pub(super) fn config_maps(&self) -> BTreeSet<NamespacedName> {
        let of_namespace = |objects: &HashMap<_, BTreeSet<NamespacedName>>| {
            let all: BTreeSet<_> = objects.values().flatten().cloned().collect();
            all.into_iter().take(PER_NAMESPACE)
        };
        self.by_flag.iter().cloned().chain(self.named.values().flat_map(of_namespace)).collect()
    }

    fn names(&self, key: &ObjectKey, object: &Object) -> BTreeSet<NamespacedName> {
        match object {
            Object::Ingress(ingress) => {
                let annotations = ingress.metadata.annotations.iter().flatten();
                let values = annotations.filter(|(name, _)| self.is_reference(name)).map(|(_, value)| value);
                values.filter_map(|value| config_map(value, Some(&key.namespace))).collect()
            }
            Object::GatewayClass(class) => config_maps(&class.spec.parameters_ref, ""),
            Object::Gateway(gateway) => {
                let parameters = parameters(&gateway.spec);
                config_maps(parameters.iter().chain(client_authorities(&gateway.spec)), &key.namespace)
            }
            Object::ConfigMap(map) if self.is_gateways(key) => {
                let keys = map.data.iter().flatten();
                let values = keys.filter(|(key, _)| Key::named(key).is_some_and(Key::names_config_map));
                values.filter_map(|(_, value)| config_map(value, None)).collect()
            }
            Object::AditPolicy(policy) => {
                let fields = policy.spec.0.iter().filter(|(field, _)| is_reference(field));
                fields.filter_map(|(_, value)| config_map(value.as_str()?, Some(&key.namespace))).collect()
            }
            Object::BackendTlsPolicy(policy) => {
                config_maps(&policy.spec.validation.ca_certificate_refs, &key.namespace)
            }
            _ => BTreeSet::new(),
        }
    }

    fn is_reference(&self, annotation: &str) -> bool {
        Annotation::of_full_name(annotation, &self.prefix).is_some_and(Annotation::names_config_map)
    }

    fn is_gateways(&self, key: &ObjectKey) -> bool {
        let is = |name: &NamespacedName| name.namespace == key.namespace && name.name == key.name;
        key.kind == Kind::ConfigMap && self.gateway.as_ref().is_some_and(is)
    }
}

/// Whether the field of an AditPolicy names a ConfigMap.
fn is_reference(field: &str) -> bool {
    policy_fields().get(field).is_some_and(|(annotation, _)| annotation.names_config_map())
}

/// The reference to the parameters of a Gateway, which are in its own namespace.
fn parameters(spec: &GatewaySpec) -> Option<ObjectReference> {
    let reference = spec.infrastructure.as_ref()?.parameters_ref.clone()?;
    Some(ObjectReference { namespace: None, ..reference })
}

/// The references to authorities of clients that a Gateway has.
fn client_authorities(spec: &GatewaySpec) -> impl Iterator<Item = &ObjectReference> {
    let frontend = spec.tls.as_ref().and_then(|tls| tls.frontend.as_ref());
    let ports = frontend.into_iter().flat_map(|frontend| {
        std::iter::once(&frontend.default).chain(frontend.per_port.iter().map(|of_port| &of_port.tls))
    });
    ports.filter_map(|port| port.validation.as_ref()).flat_map(|validation| &validation.ca_certificate_refs)
}

/// The ConfigMaps among these, which are in this namespace unless they say otherwise.
fn config_maps<'a>(
    references: impl IntoIterator<Item = &'a ObjectReference>,
    namespace: &str,
) -> BTreeSet<NamespacedName> {
    let is_config_map = |reference: &&ObjectReference| reference.kind.as_deref() == Some(Kind::ConfigMap.name());
    let name = |reference: &ObjectReference| NamespacedName {
        namespace: reference.namespace.as_deref().unwrap_or(namespace).into(),
        name: reference.name.as_str().into(),
    };
    references.into_iter().filter(is_config_map).map(name).filter(is_possible).collect()
}

/// The ConfigMap that a value names.
fn config_map(value: &str, namespace: Option<&str>) -> Option<NamespacedName> {
    object_name(value, namespace).filter(is_possible)
}

/// What no ConfigMap can be called is left out: the API server refuses to watch it, for ever, so that one object would keep a
/// whole gateway from getting ready.
fn is_possible(name: &NamespacedName) -> bool {
    is_name(&name.namespace) && is_name(&name.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::cluster::arrival::Arrival;
    use crate::source::cluster::objects::{Objects, WatchEvent};
    use serde_json::{Value, json};

    fn state_of(kind: Kind, object: Value) -> ObjectState {
        Objects::new(kind).handle(WatchEvent::Apply(Arrival(object))).remove(0)
    }

    fn ingress(namespace: &str, name: &str, config_map: &str) -> ObjectState {
        let annotations = json!({"nginx.ingress.kubernetes.io/custom-headers": config_map});
        state_of(Kind::Ingress, json!({"metadata": {"name": name, "namespace": namespace, "annotations": annotations}}))
    }

    fn config_maps(references: &References) -> Vec<String> {
        references.config_maps().iter().map(NamespacedName::to_string).filter(|name| name != "adit/adit").collect()
    }

    #[test]
    fn references_come_and_go_with_the_objects_that_have_them() {
        let mut references = References::new(&ControllerSettings::default());
        assert!(references.record(&ingress("shop", "a", "headers")));
        assert!(references.record(&ingress("shop", "b", " other/headers ")));
        assert!(!references.record(&ingress("shop", "b", "other/headers")));
        assert!(!references.record(&ingress("shop", "c", "a/b/c")));
        assert_eq!(config_maps(&references), ["other/headers", "shop/headers"]);
        assert!(references.record(&ingress("shop", "a", "")));
        let gone = ObjectState { presence: Presence::Gone, ..ingress("shop", "b", "") };
        assert!(references.record(&gone));
        assert!(!references.record(&gone));
        assert_eq!(config_maps(&references), [""; 0]);
    }

    #[test]
    fn what_cannot_be_a_name_is_not_watched() {
        let mut references = References::new(&ControllerSettings::default());
        let longest = "a".repeat(253);
        for (number, name) in ["a,b", "a b/c", "a?b/c", "../c", "a%2Fb", "Name", "-", &format!("{longest}a"), &longest]
            .into_iter()
            .enumerate()
        {
            references.record(&ingress("shop", &format!("i{number}"), name));
        }
        assert_eq!(config_maps(&references), [format!("shop/{longest}")]);
    }

    #[test]
    fn what_flags_name_is_always_watched() {
        let name = |text: &str| text.parse::<NamespacedName>().ok();
        let (tcp_services, udp_services) = (name("adit/tcp"), name("adit/udp"));
        let settings = ControllerSettings { tcp_services, udp_services, ..ControllerSettings::default() };
        assert_eq!(config_maps(&References::new(&settings)), ["adit/tcp", "adit/udp"]);
    }

    #[test]
    fn only_the_gateways_config_map_names_others() {
        let mut references = References::new(&ControllerSettings::default());
        let map = |name: &str| json!({"metadata": {"name": name, "namespace": "adit"}, "data": {"add-headers": "a/b"}});
        assert!(!references.record(&state_of(Kind::ConfigMap, map("other"))));
        assert!(references.record(&state_of(Kind::ConfigMap, map("adit"))));
        assert_eq!(config_maps(&references), ["a/b"]);
    }

    #[test]
    fn authorities_of_clients_and_backends_are_watched() {
        let mut references = References::new(&ControllerSettings::default());
        let metadata = json!({"metadata": {"name": "edge", "namespace": "shop"}});
        let reference = |name: &str, kind: &str| json!({"group": "", "kind": kind, "name": name});
        let validation = |name: &str, kind: &str| json!({"validation": {"caCertificateRefs": [reference(name, kind)]}});
        let with = |spec: Value| json!({"metadata": metadata["metadata"], "spec": spec});
        let frontend = json!({
            "default": validation("clients", "ConfigMap"),
            "perPort": [{"port": 8443, "tls": validation("secret", "Secret")}],
        });
        assert!(references.record(&state_of(Kind::Gateway, with(json!({"tls": {"frontend": frontend}})))));
        assert!(references.record(&state_of(Kind::BackendTlsPolicy, with(validation("backends", "ConfigMap")))));
        assert_eq!(config_maps(&references), ["shop/backends", "shop/clients"]);
    }

    #[test]
    fn policies_name_config_maps_as_annotations_do() {
        let mut references = References::new(&ControllerSettings::default());
        let policy = |spec: Value| {
            state_of(Kind::AditPolicy, json!({"metadata": {"name": "p", "namespace": "shop"}, "spec": spec}))
        };
        assert!(!references.record(&policy(json!({"authSecret": "users", "limitRps": 5, "customHeaders": 7}))));
        assert!(references.record(&policy(json!({"customHeaders": "headers", "errorPages": "pages"}))));
        assert_eq!(config_maps(&references), ["shop/headers", "shop/pages"]);
        assert!(references.record(&policy(Value::Null)));
    }

    #[test]
    fn gateways_and_their_classes_name_parameters() {
        let mut references = References::new(&ControllerSettings::default());
        let parameters =
            |kind: &str, namespace: &str| json!({"group": "", "kind": kind, "name": "p", "namespace": namespace});
        let class = |kind: &str, namespace: &str| {
            let spec = json!({"parametersRef": parameters(kind, namespace)});
            state_of(Kind::GatewayClass, json!({"metadata": {"name": "adit"}, "spec": spec}))
        };
        let gateway = |namespace: &str| {
            let spec = json!({"infrastructure": {"parametersRef": parameters("ConfigMap", namespace)}});
            state_of(Kind::Gateway, json!({"metadata": {"name": "edge", "namespace": "shop"}, "spec": spec}))
        };
        assert!(!references.record(&class("Secret", "adit")));
        assert!(references.record(&class("ConfigMap", "adit")));
        assert!(references.record(&gateway("other")), "it is the Gateway's namespace that counts");
        assert_eq!(config_maps(&references), ["adit/p", "shop/p"]);
        assert!(references.record(&class("ConfigMap", "")));
        assert_eq!(config_maps(&references), ["shop/p"]);
    }

    #[test]
    fn a_namespace_cannot_have_any_number_of_them_watched() {
        let mut references = References::new(&ControllerSettings::default());
        for number in 0..100 {
            references.record(&ingress("greedy", &format!("i{number}"), &format!("m{number:03}")));
        }
        references.record(&ingress("modest", "a", "headers"));
        let watched = config_maps(&references);
        assert_eq!((watched.len(), watched.last().map(String::as_str)), (PER_NAMESPACE + 1, Some("modest/headers")));
    }
}
