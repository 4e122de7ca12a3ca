//! What to watch: kinds, in namespaces, by name or by label.

use crate::object::{Kind, NamespacedName, SERVICE_NAME_LABEL};
use crate::settings::{ClusterSettings, ControllerSettings, WatchedNamespaces};
use std::fmt;
use std::sync::Arc;

/// What a watch brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Resource {
    /// Objects for the store.
    Objects(Kind),
    /// Namespaces, for `--watch-namespace-selector`.
    Namespaces,
}

impl Resource {
    /// The kind, for people and metrics.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Objects(kind) => kind.name(),
            Self::Namespaces => "Namespace",
        }
    }

    /// Where the API server has it: the API group and the name in URLs, which is also that in RBAC rules.
    pub(super) fn place(self) -> (&'static str, &'static str) {
        let kind = match self {
            Self::Objects(kind) => kind,
            Self::Namespaces => Kind::Namespace,
        };
        (kind.group(), kind.plural())
    }
}

/// One watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    pub(super) resource: Resource,
    /// Of the API.
    pub(super) version: &'static str,
    /// `None` is every namespace, or a kind that is in none.
    pub(super) namespace: Option<Arc<str>>,
    /// A field selector.
    pub(super) fields: Option<String>,
    /// A label selector.
    pub(super) labels: Option<String>,
}

/// The types of Secrets that hold nothing for us, and are many or large: Helm keeps its releases in Secrets, and older
/// clusters have a token for each ServiceAccount. A certificate may be in a Secret of any other type, as in ingress-nginx.
const FOREIGN_SECRETS: &str = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,\
                               type!=bootstrap.kubernetes.io/token,type!=kubernetes.io/dockercfg,\
                               type!=kubernetes.io/dockerconfigjson,type!=kubernetes.io/ssh-auth";

impl Watch {
    fn all(resource: Resource, namespace: Option<&Arc<str>>) -> Self {
        Self { resource, version: "v1", namespace: namespace.cloned(), fields: None, labels: None }
    }

    /// All objects of a kind, in another version than the usual one.
    pub(super) fn of_version(kind: Kind, version: &'static str, namespace: Option<&Arc<str>>) -> Self {
        Self { version, ..Self::all(Resource::Objects(kind), namespace) }
    }

    /// All namespaces, or one of them.
    pub(super) fn namespaces(only: Option<&Arc<str>>) -> Self {
        let fields = only.map(|name| format!("metadata.name={name}"));
        Self { fields, ..Self::all(Resource::Objects(Kind::Namespace), None) }
    }

    fn named(kind: Kind, name: &NamespacedName) -> Self {
        let fields = format!("metadata.name={}", name.name);
        Self { fields: Some(fields), ..Self::all(Resource::Objects(kind), Some(&name.namespace)) }
    }

    /// One ConfigMap: a cluster has many, and almost none concerns us.
    pub(super) fn config_map(name: &NamespacedName) -> Self {
        Self::named(Kind::ConfigMap, name)
    }

    /// The EndpointSlices of one Service.
    pub(super) fn slices_of(name: &NamespacedName) -> Self {
        let labels = Some(format!("{SERVICE_NAME_LABEL}={}", name.name));
        Self { labels, ..Self::all(Resource::Objects(Kind::EndpointSlice), Some(&name.namespace)) }
    }

    /// The path of its URL.
    pub(super) fn path(&self) -> String {
        let (group, plural) = self.resource.place();
        let version = self.version;
        let version = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        match &self.namespace {
            Some(namespace) => format!("{version}/namespaces/{namespace}/{plural}"),
            None => format!("{version}/{plural}"),
        }
    }
}

impl fmt::Display for Watch {
    /// `Secret of every namespace`, `Ingress in shop`, `ConfigMap in adit (metadata.name=adit)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource.kind())?;
        match (&self.namespace, self.resource) {
            (Some(namespace), _) => write!(f, " in {namespace}")?,
            (None, Resource::Namespaces) => {}
            (None, Resource::Objects(kind)) if !kind.is_namespaced() => {}
            (None, _) => f.write_str(" of every namespace")?,
        }
        match self.fields.as_deref().filter(|fields| fields.starts_with("metadata.name=")) {
            Some(fields) => write!(f, " ({fields})"),
            None => Ok(()),
        }
    }
}

/// The watches that the settings ask for, but for those of ConfigMaps.
pub(super) fn watches(settings: &ControllerSettings, cluster: &ClusterSettings) -> Vec<Watch> {
    let scope = cluster.namespaces.one();
    let all = |kind| Watch::all(Resource::Objects(kind), scope);
    let mut watches = vec![
        all(Kind::Ingress),
        Watch::all(Resource::Objects(Kind::IngressClass), None),
        all(Kind::Service),
        all(Kind::EndpointSlice),
        Watch { fields: Some(FOREIGN_SECRETS.to_owned()), ..all(Kind::Secret) },
    ];
    if let WatchedNamespaces::Labelled(selector) = &cluster.namespaces {
        watches.push(Watch { labels: Some(selector.clone()), ..Watch::all(Resource::Namespaces, None) });
    }
    // What a flag names counts wherever it is.
    let is_outside = |name: &&NamespacedName| scope.is_some_and(|scope| *scope != name.namespace);
    watches.extend(settings.default_certificate.iter().filter(is_outside).map(|name| Watch::named(Kind::Secret, name)));
    for name in settings.default_backend_service.iter().filter(is_outside) {
        watches.push(Watch::named(Kind::Service, name));
        watches.push(Watch::slices_of(name));
    }
    let published = cluster.status.publish_service.iter().filter(is_outside);
    let published = published.filter(|name| settings.default_backend_service.as_ref() != Some(*name));
    watches.extend(published.map(|name| Watch::named(Kind::Service, name)));
    watches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::StatusSettings;

    fn paths(settings: &ControllerSettings, namespaces: WatchedNamespaces) -> Vec<String> {
        let status = StatusSettings { publish_service: "adit/adit".parse().ok(), ..StatusSettings::default() };
        let cluster = ClusterSettings { namespaces, status, ..ClusterSettings::default() };
        let selector = |watch: &Watch| watch.fields.clone().or(watch.labels.clone()).unwrap_or_default();
        let query = |watch: &Watch| format!("{} {}", watch.path(), selector(watch));
        watches(settings, &cluster).iter().map(query).map(|text| text.replace(FOREIGN_SECRETS, "")).collect()
    }

    #[test]
    fn a_whole_cluster_is_watched_by_kind() {
        let expected = [
            "/apis/networking.k8s.io/v1/ingresses ",
            "/apis/networking.k8s.io/v1/ingressclasses ",
            "/api/v1/services ",
            "/apis/discovery.k8s.io/v1/endpointslices ",
            "/api/v1/secrets ",
        ];
        assert_eq!(paths(&ControllerSettings::default(), WatchedNamespaces::All), expected);
        let selected = paths(&ControllerSettings::default(), WatchedNamespaces::Labelled("team=a".into()));
        assert!(selected.contains(&"/api/v1/namespaces team=a".to_owned()), "{selected:?}");
        assert_eq!(selected.len(), expected.len() + 1);
    }

    #[test]
    fn one_namespace_is_watched_with_what_flags_name_elsewhere() {
        let name = |text: &str| text.parse::<NamespacedName>().expect("a name");
        let settings = ControllerSettings {
            default_certificate: Some(name("adit/wildcard")),
            default_backend_service: Some(name("adit/errors")),
            ..ControllerSettings::default()
        };
        let expected = [
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses ",
            "/apis/networking.k8s.io/v1/ingressclasses ",
            "/api/v1/namespaces/shop/services ",
            "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices ",
            "/api/v1/namespaces/shop/secrets ",
            "/api/v1/namespaces/adit/secrets metadata.name=wildcard",
            "/api/v1/namespaces/adit/services metadata.name=errors",
            "/apis/discovery.k8s.io/v1/namespaces/adit/endpointslices kubernetes.io/service-name=errors",
            "/api/v1/namespaces/adit/services metadata.name=adit",
        ];
        assert_eq!(paths(&settings, WatchedNamespaces::One("shop".into())), expected);
        assert_eq!(paths(&settings, WatchedNamespaces::One("adit".into())).len(), 5);
    }
}
