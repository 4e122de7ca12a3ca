//! Which kinds of Gateway API to watch. Pure.
//!
//! A cluster may have them for others: their classes are watched as soon as there are any, and the rest when one of these
//! is ours.

use super::discovery::Served;
use super::objects::{ObjectState, Presence};
use super::watch::Watch;
use crate::gateway_api::target_ports_name;
use crate::object::{Kind, NamespacedName, Object};
use crate::settings::{ClusterSettings, ControllerSettings};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is read besides the classes. Labels of namespaces say whose routes may attach. Of ConfigMaps that is the list of target
/// ports, and of EndpointSlices those of our own Service, unless they are watched anyhow.
const KINDS: [Kind; 13] = [
    Kind::Gateway,
    Kind::ListenerSet,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
    Kind::ReferenceGrant,
    Kind::BackendTlsPolicy,
    Kind::AditPolicy,
    Kind::Namespace,
    Kind::ConfigMap,
    Kind::EndpointSlice,
];

/// What there is, and whether it is for us.
#[derive(Debug)]
pub(super) struct GatewayApi {
    controller: String,
    scope: Option<Arc<str>>,
    /// The Service with our endpoints, which those of Gateways get.
    published: Option<NamespacedName>,
    served: Option<Served>,
    /// There is, or was, a class of ours. One that is replaced is gone for a moment, and the other watches stay.
    has_class: bool,
}

impl GatewayApi {
    pub(super) fn new(settings: &ControllerSettings, cluster: &ClusterSettings) -> Self {
        let scope = cluster.namespaces.one().cloned();
        let (controller, published) = (settings.gateway_controller.clone(), settings.published_service.clone());
        Self { controller, scope, published, served: None, has_class: false }
    }

    /// Whether the API server has said once which kinds it has.
    pub(super) fn is_known(&self) -> bool {
        self.served.is_some()
    }

    /// These kinds there are now.
    pub(super) fn discovered(&mut self, served: Served) {
        self.served = Some(served);
    }

    /// Records an object. Whether [`Self::watches`] may have changed.
    pub(super) fn record(&mut self, state: &ObjectState) -> bool {
        let Presence::Present(observed) = &state.presence else { return false };
        let Object::GatewayClass(class) = &observed.object else { return false };
        let is_ours = class.spec.controller_name == self.controller;
        is_ours && !std::mem::replace(&mut self.has_class, true)
    }

    /// The watches to have, by kind.
    pub(super) fn watches(&self) -> BTreeMap<Kind, Watch> {
        let Some(served) = &self.served else { return BTreeMap::new() };
        if !served.contains_key(&Kind::GatewayClass) {
            return BTreeMap::new();
        }
        let rest = KINDS.into_iter().filter(|_| self.has_class);
        let all = [Kind::GatewayClass].into_iter().chain(rest);
        all.filter_map(|kind| Some((kind, self.watch(kind, served)?))).collect()
    }

    fn watch(&self, kind: Kind, served: &Served) -> Option<Watch> {
        let scope = self.scope.as_ref();
        match kind {
            Kind::Namespace => return Some(Watch::namespaces(scope)),
            Kind::ConfigMap => {
                return self.published.as_ref().map(|published| Watch::config_map(&target_ports(published)));
            }
            Kind::EndpointSlice => {
                let is_outside = |published: &&NamespacedName| scope.is_some_and(|scope| *scope != published.namespace);
                return self.published.as_ref().filter(is_outside).map(Watch::slices_of);
            }
            _ => {}
        }
        let version = served.get(&kind)?;
        Some(Watch::of_version(kind, version, scope.filter(|_| kind.is_namespaced())))
    }
}

fn target_ports(NamespacedName { namespace, name }: &NamespacedName) -> NamespacedName {
    NamespacedName { namespace: namespace.clone(), name: target_ports_name(name).into() }
}
