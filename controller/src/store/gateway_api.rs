//! The objects of Gateway API, and the policies of ours beside them.

use super::aged::{Aged, Stored};
use crate::gateway_api::{
    AditPolicy, BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, ReferenceGrant, Resource,
    TcpRoute, TlsRoute, UdpRoute,
};
use crate::object::{Kind, Object, ObjectKey, Observed};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// All objects of Gateway API that a source reported.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct GatewayObjects {
    pub gateway_classes: Aged<GatewayClass>,
    pub gateways: Aged<Gateway>,
    pub listener_sets: Aged<ListenerSet>,
    pub http_routes: Aged<HttpRoute>,
    pub grpc_routes: Aged<GrpcRoute>,
    pub tls_routes: Aged<TlsRoute>,
    pub tcp_routes: Aged<TcpRoute>,
    pub udp_routes: Aged<UdpRoute>,
    pub reference_grants: Aged<ReferenceGrant>,
    pub backend_tls_policies: Aged<BackendTlsPolicy>,
    pub adit_policies: Aged<AditPolicy>,
}

impl GatewayObjects {
    /// The metadata of an object of these kinds.
    pub fn metadata(&self, key: &ObjectKey) -> Option<&ObjectMeta> {
        let ObjectKey { kind, namespace, name } = key;
        Some(match kind {
            Kind::GatewayClass => &self.gateway_classes.get(namespace, name)?.object.metadata,
            Kind::Gateway => &self.gateways.get(namespace, name)?.object.metadata,
            Kind::ListenerSet => &self.listener_sets.get(namespace, name)?.object.metadata,
            Kind::HttpRoute => &self.http_routes.get(namespace, name)?.object.metadata,
            Kind::GrpcRoute => &self.grpc_routes.get(namespace, name)?.object.metadata,
            Kind::TlsRoute => &self.tls_routes.get(namespace, name)?.object.metadata,
            Kind::TcpRoute => &self.tcp_routes.get(namespace, name)?.object.metadata,
            Kind::UdpRoute => &self.udp_routes.get(namespace, name)?.object.metadata,
            Kind::ReferenceGrant => &self.reference_grants.get(namespace, name)?.object.metadata,
            Kind::BackendTlsPolicy => &self.backend_tls_policies.get(namespace, name)?.object.metadata,
            Kind::AditPolicy => &self.adit_policies.get(namespace, name)?.object.metadata,
            _ => return None,
        })
    }

    /// Whether there is any object of this kind.
    pub(super) fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::GatewayClass => !self.gateway_classes.is_empty(),
            Kind::Gateway => !self.gateways.is_empty(),
            Kind::ListenerSet => !self.listener_sets.is_empty(),
            Kind::HttpRoute => !self.http_routes.is_empty(),
            Kind::GrpcRoute => !self.grpc_routes.is_empty(),
            Kind::TlsRoute => !self.tls_routes.is_empty(),
            Kind::TcpRoute => !self.tcp_routes.is_empty(),
            Kind::UdpRoute => !self.udp_routes.is_empty(),
            Kind::ReferenceGrant => !self.reference_grants.is_empty(),
            Kind::BackendTlsPolicy => !self.backend_tls_policies.is_empty(),
            Kind::AditPolicy => !self.adit_policies.is_empty(),
            _ => false,
        }
    }

    /// Whether the object is new, or not as it was in what translation reads.
    pub(super) fn insert(&mut self, observed: Observed) -> bool {
        let Observed { key, object, age } = observed;
        match object {
            Object::GatewayClass(object) => self.gateway_classes.insert(Stored { key, object, age }, same),
            Object::Gateway(object) => self.gateways.insert(Stored { key, object, age }, same),
            Object::ListenerSet(object) => self.listener_sets.insert(Stored { key, object, age }, same),
            Object::HttpRoute(object) => self.http_routes.insert(Stored { key, object, age }, same),
            Object::GrpcRoute(object) => self.grpc_routes.insert(Stored { key, object, age }, same),
            Object::TlsRoute(object) => self.tls_routes.insert(Stored { key, object, age }, same),
            Object::TcpRoute(object) => self.tcp_routes.insert(Stored { key, object, age }, same),
            Object::UdpRoute(object) => self.udp_routes.insert(Stored { key, object, age }, same),
            Object::ReferenceGrant(object) => self.reference_grants.insert(Stored { key, object, age }, same),
            Object::BackendTlsPolicy(object) => self.backend_tls_policies.insert(Stored { key, object, age }, same),
            Object::AditPolicy(object) => self.adit_policies.insert(Stored { key, object, age }, same),
            _ => false,
        }
    }

    /// Whether there was such an object.
    pub(super) fn remove(&mut self, key: &ObjectKey) -> bool {
        match key.kind {
            Kind::GatewayClass => self.gateway_classes.remove(key),
            Kind::Gateway => self.gateways.remove(key),
            Kind::ListenerSet => self.listener_sets.remove(key),
            Kind::HttpRoute => self.http_routes.remove(key),
            Kind::GrpcRoute => self.grpc_routes.remove(key),
            Kind::TlsRoute => self.tls_routes.remove(key),
            Kind::TcpRoute => self.tcp_routes.remove(key),
            Kind::UdpRoute => self.udp_routes.remove(key),
            Kind::ReferenceGrant => self.reference_grants.remove(key),
            Kind::BackendTlsPolicy => self.backend_tls_policies.remove(key),
            Kind::AditPolicy => self.adit_policies.remove(key),
            _ => false,
        }
    }
}

/// The generation counts, since conditions tell of which one they are.
fn same<S: PartialEq>(a: &Resource<S>, b: &Resource<S>) -> bool {
    a.spec == b.spec && a.metadata.generation == b.metadata.generation
}
