//! Which kinds of Gateway API to watch. Pure.
//!
//! A cluster may have them for others: their classes are watched as soon as there are any, and the rest when one of these
//! is ours.

use super::discovery::Served;
use super::objects::{ObjectState, Presence};
use super::watch::Watch;
use crate::object::{Kind, Object};
use crate::settings::{ClusterSettings, ControllerSettings};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is read besides the classes. Labels of namespaces say whose routes may attach.
const KINDS: [Kind; 10] = [
    Kind::Gateway,
    Kind::ListenerSet,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
    Kind::ReferenceGrant,
    Kind::BackendTlsPolicy,
    Kind::Namespace,
];

/// What there is, and whether it is for us.
#[derive(Debug)]
pub(super) struct GatewayApi {
    controller: String,
    scope: Option<Arc<str>>,
    served: Option<Served>,
    /// There is, or was, a class of ours. One that is replaced is gone for a moment, and the other watches stay.
    has_class: bool,
}

impl GatewayApi {
    pub(super) fn new(settings: &ControllerSettings, cluster: &ClusterSettings) -> Self {
        let scope = cluster.namespaces.one().cloned();
        Self { controller: settings.gateway_controller.clone(), scope, served: None, has_class: false }
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
        if kind == Kind::Namespace {
            return Some(Watch::namespaces(scope));
        }
        let version = served.get(&kind)?;
        Some(Watch::of_version(kind, version, scope.filter(|_| kind.is_namespaced())))
    }
}
