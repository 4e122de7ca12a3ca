//! The Kubernetes objects that Adit reads, under one key type.

use crate::diagnostic::Place;
use crate::gateway_api::{
    AditPolicy, BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, OWN_API, ReferenceGrant,
    TcpRoute, TlsRoute, UdpRoute,
};
use gateway::config::{ObjectName, Subject};
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The kinds that Adit reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[allow(missing_docs)]
pub enum Kind {
    Ingress,
    IngressClass,
    Service,
    EndpointSlice,
    Endpoints,
    Secret,
    ConfigMap,
    Namespace,
    GatewayClass,
    Gateway,
    ListenerSet,
    HttpRoute,
    GrpcRoute,
    TlsRoute,
    TcpRoute,
    UdpRoute,
    ReferenceGrant,
    BackendTlsPolicy,
    AditPolicy,
}

/// The kinds, with the one version of each that is read, and its name.
pub(crate) const KINDS: [(Kind, &str, &str); 19] = [
    (Kind::Ingress, "networking.k8s.io/v1", "Ingress"),
    (Kind::IngressClass, "networking.k8s.io/v1", "IngressClass"),
    (Kind::Service, "v1", "Service"),
    (Kind::EndpointSlice, "discovery.k8s.io/v1", "EndpointSlice"),
    (Kind::Endpoints, "v1", "Endpoints"),
    (Kind::Secret, "v1", "Secret"),
    (Kind::ConfigMap, "v1", "ConfigMap"),
    (Kind::Namespace, "v1", "Namespace"),
    (Kind::GatewayClass, GATEWAY_API, "GatewayClass"),
    (Kind::Gateway, GATEWAY_API, "Gateway"),
    (Kind::ListenerSet, GATEWAY_API, "ListenerSet"),
    (Kind::HttpRoute, GATEWAY_API, "HTTPRoute"),
    (Kind::GrpcRoute, GATEWAY_API, "GRPCRoute"),
    (Kind::TlsRoute, GATEWAY_API, "TLSRoute"),
    (Kind::TcpRoute, GATEWAY_API, "TCPRoute"),
    (Kind::UdpRoute, GATEWAY_API, "UDPRoute"),
    (Kind::ReferenceGrant, GATEWAY_API, "ReferenceGrant"),
    (Kind::BackendTlsPolicy, GATEWAY_API, "BackendTLSPolicy"),
    (Kind::AditPolicy, OWN_API, "AditPolicy"),
];

const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";

impl Kind {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., name)| name)
    }

    /// Whether it is one of Gateway API's.
    pub(crate) fn is_of_gateway_api(self) -> bool {
        self.api_version() == GATEWAY_API
    }

    /// Whether its objects are in namespaces.
    pub(crate) fn is_namespaced(self) -> bool {
        !matches!(self, Self::IngressClass | Self::GatewayClass | Self::Namespace)
    }

    /// Its name in URLs, which is also that in rules of RBAC.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Ingress => "ingresses",
            Self::IngressClass => "ingressclasses",
            Self::Service => "services",
            Self::EndpointSlice => "endpointslices",
            Self::Endpoints => "endpoints",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
            Self::Namespace => "namespaces",
            Self::GatewayClass => "gatewayclasses",
            Self::Gateway => "gateways",
            Self::ListenerSet => "listenersets",
            Self::HttpRoute => "httproutes",
            Self::GrpcRoute => "grpcroutes",
            Self::TlsRoute => "tlsroutes",
            Self::TcpRoute => "tcproutes",
            Self::UdpRoute => "udproutes",
            Self::ReferenceGrant => "referencegrants",
            Self::BackendTlsPolicy => "backendtlspolicies",
            Self::AditPolicy => "aditpolicies",
        }
    }

    /// The API group of its objects; empty for Kubernetes' own.
    pub(crate) fn group(self) -> &'static str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// The `apiVersion` of its objects.
    pub(crate) fn api_version(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("v1", |(_, version, _)| version)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for cluster-scoped kinds.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// The key of the object that something is said of, if it is an object of one of the kinds.
    pub fn of(subject: &Subject) -> Option<Self> {
        let Subject::Object(object) = subject else { return None };
        let (kind, ..) = KINDS.iter().find(|(.., kind)| *kind == object.kind)?;
        Some(Self::new(*kind, object.namespace.clone(), object.name.clone()))
    }

    /// A key from its parts.
    pub fn new(kind: Kind, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { kind, namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectKey {
    /// `Ingress default/shop`, or `IngressClass nginx`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

impl From<&ObjectKey> for Subject {
    fn from(key: &ObjectKey) -> Self {
        let ObjectKey { kind, namespace, name } = key;
        let (namespace, name) = (namespace.clone(), name.clone());
        Self::Object(Arc::new(ObjectName { kind: kind.name(), namespace, name }))
    }
}

impl From<ObjectKey> for Subject {
    fn from(key: ObjectKey) -> Self {
        Self::from(&key)
    }
}

/// `namespace/name`, as flags and annotations write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespacedName {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

impl FromStr for NamespacedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { namespace: namespace.into(), name: name.into() })
            }
            _ => Err(format!("{text:?} is not of the form namespace/name")),
        }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Whether an object can have this name (RFC 1123, as for subdomains of DNS), or a namespace. Only such a text is safe in
/// a URL or a selector.
pub(crate) fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// An object of one of the kinds.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Object {
    Ingress(Arc<Ingress>),
    IngressClass(Arc<IngressClass>),
    Service(Arc<Service>),
    EndpointSlice(Arc<EndpointSlice>),
    Endpoints(Arc<Endpoints>),
    Secret(Arc<Secret>),
    ConfigMap(Arc<ConfigMap>),
    Namespace(Arc<Namespace>),
    GatewayClass(Arc<GatewayClass>),
    Gateway(Arc<Gateway>),
    ListenerSet(Arc<ListenerSet>),
    HttpRoute(Arc<HttpRoute>),
    GrpcRoute(Arc<GrpcRoute>),
    TlsRoute(Arc<TlsRoute>),
    TcpRoute(Arc<TcpRoute>),
    UdpRoute(Arc<UdpRoute>),
    ReferenceGrant(Arc<ReferenceGrant>),
    BackendTlsPolicy(Arc<BackendTlsPolicy>),
    AditPolicy(Arc<AditPolicy>),
}

/// The label by which an EndpointSlice names its Service.
pub const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// The Service that an EndpointSlice belongs to, by its label.
pub fn service_name(slice: &EndpointSlice) -> Option<&str> {
    slice.metadata.labels.as_ref()?.get(SERVICE_NAME_LABEL).map(String::as_str)
}

/// An object as a source saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Its key.
    pub key: ObjectKey,
    /// The object.
    pub object: Object,
    /// How old it is among others of its kind.
    pub age: Age,
}

/// Orders Ingresses: the oldest comes first and wins conflicts (compare with [`Age::cmp`], then break ties by
/// namespace/name **descending**, as ingress-nginx does).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age {
    /// `metadata.creationTimestamp` in seconds since 1970. Objects that have one come before those that have none.
    pub created: Option<i64>,
    /// Where it stands, in a directory: orders objects without a timestamp by file path, then document.
    pub place: Option<Place>,
}

impl Age {
    /// That of an object which takes the place of a former version: it is as old, unless it says when it was created.
    pub(crate) fn in_place_of(&self, former: &Self) -> Self {
        Self { created: self.created.or(former.created), place: former.place.clone() }
    }
}

impl Ord for Age {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.created, other.created) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.place.cmp(&other.place),
        }
    }
}

impl PartialOrd for Age {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_an_object_by_its_type() {
        for (kind, _, name) in KINDS {
            let namespace = if kind.is_namespaced() { "shop" } else { "" };
            let key = ObjectKey::new(kind, namespace, "a.b-1");
            let subject = Subject::from(&key);
            assert_eq!((kind.name(), subject.to_string()), (name, key.to_string()));
            assert_eq!(ObjectKey::of(&subject), Some(key));
            assert_eq!(ObjectKey::of(&Subject::other(subject.to_string())), None);
        }
    }
}
