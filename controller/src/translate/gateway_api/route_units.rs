//! Routes, their policies, and the BackendTLSPolicies for what they lead to, as units.

use super::adit_policies;
use super::backend_tls;
use super::host_places::HostPlace;
use super::route::{self, ParsedRoute};
use super::route_parts::RouteParts;
use super::stream_route::{self, StreamParts};
use super::units::{GatewayApi, GatewayDirty, Scene};
use crate::annotation::Applied;
use crate::diagnostic::Diagnostic;
use crate::gateway_api::ObjectStatus;
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::translate::catch_panic::catch_panic;
use crate::translate::shared_policies::SharedPolicies;
use gateway::config::Origin;
use std::collections::BTreeSet;
use std::sync::Arc;

impl GatewayApi {
    /// Reads a BackendTLSPolicy anew. Where that changes, so do the routes to its Services, and the policies beside it.
    pub(in crate::translate) fn read_policy(
        &mut self,
        key: &ObjectKey,
        scene: &Scene<'_>,
        dirty: &mut GatewayDirty,
    ) -> Vec<Diagnostic> {
        let lookup = Lookup::new(scene.store);
        let stored = scene.store.gateway_api().backend_tls_policies.get(&key.namespace, &key.name);
        let parsed = catch_panic(|| stored.map(|stored| backend_tls::parse(stored, &lookup)));
        self.readers.set(key, lookup.reads());
        match parsed {
            Ok(policy) => {
                for service in self.policies.set(key, policy) {
                    dirty.objects.extend(self.readers.of(&service).cloned());
                    dirty.policies.extend(self.policies.of_service(&service).cloned());
                }
                dirty.policies.insert(key.clone());
                Vec::new()
            }
            Err(message) => vec![Diagnostic::defect(key, message)],
        }
    }

    /// Reads an AditPolicy by itself anew, and says what is wrong with it. Routes read it for their own rules.
    pub(in crate::translate) fn read_adit_policy(
        &mut self,
        key: &ObjectKey,
        scene: &Scene<'_>,
        dirty: &mut GatewayDirty,
    ) -> Vec<Diagnostic> {
        let lookup = Lookup::new(scene.store);
        let stored = scene.store.gateway_api().adit_policies.get(&key.namespace, &key.name);
        let check = |stored| adit_policies::check(stored, (scene.settings, &scene.rules().settings), &lookup);
        let checked = catch_panic(|| stored.map(check));
        self.readers.set(key, lookup.reads());
        match checked {
            Ok(checked) => {
                let (policy, diagnostics) = checked.unzip();
                self.adit_policies.remove(key);
                self.adit_policies.extend(policy.map(|policy| (key.clone(), policy)));
                dirty.adit_policies.insert(key.clone());
                diagnostics.unwrap_or_default()
            }
            Err(message) => vec![Diagnostic::defect(key, message)],
        }
    }

    /// Reads a route anew. The policies of HTTPRoutes and GRPCRoutes are shared with all that have the same ones.
    pub(in crate::translate) fn read_route(
        &mut self,
        key: &ObjectKey,
        scene: &Scene<'_>,
        shared: &mut SharedPolicies,
        dirty: &mut GatewayDirty,
    ) -> Vec<Diagnostic> {
        let lookup = Lookup::new(scene.store);
        let parsed = catch_panic(|| self.parse_route(key, scene, &lookup));
        self.readers.set(key, lookup.reads());
        match parsed {
            Ok((mut route, diagnostics)) => {
                match &mut route {
                    Some(route) => shared.of_routes(&mut route.routes),
                    None => self.statuses.set(key, None),
                }
                self.set_route(key, route, dirty);
                diagnostics
            }
            Err(message) => vec![Diagnostic::defect(key, message)],
        }
    }

    fn parse_route(
        &self,
        key: &ObjectKey,
        scene: &Scene<'_>,
        lookup: &Lookup<'_>,
    ) -> (Option<ParsedRoute>, Vec<Diagnostic>) {
        let (objects, known) = (scene.store.gateway_api(), (&self.gateways, &self.policies));
        if let Some(route) = StreamParts::find(objects, key) {
            return stream_route::parse(&route, known, (scene.settings, &scene.rules().settings), lookup);
        }
        let parse = |route| route::parse(route, known, (scene.settings, scene.rules()), lookup);
        RouteParts::find(objects, key).map(parse).unwrap_or_default()
    }

    fn set_route(&mut self, key: &ObjectKey, route: Option<ParsedRoute>, dirty: &mut GatewayDirty) {
        if self.routes.get(key).map(Arc::as_ref) == route.as_ref() {
            return;
        }
        let former = self.routes.remove(key);
        dirty.counted.extend(self.attached_routes.replace(former.as_deref(), route.as_ref()));
        dirty.adit_policies.extend(adit_policies::named_elsewhere(former.as_deref(), route.as_ref()));
        if let Some(former) = former {
            mark(&former, dirty);
            dirty.former_urls.extend(former.urls.iter().cloned());
            dirty.hosts.extend(self.below(&route_places(&former)));
            self.claims.remove_route(&former);
            self.references.remove(&former);
        }
        if let Some(route) = route {
            self.claims.add_route(&route);
            self.references.add(&route);
            mark(&route, dirty);
            dirty.named_urls.extend(route.urls.iter().cloned());
            dirty.hosts.extend(self.below(&route_places(&route)));
            let status = ObjectStatus { generation: route.generation, parts: route.status() };
            self.statuses.set(key, Some(status));
            self.routes.insert(key.clone(), Arc::new(route));
        }
    }

    /// What the policies ask for of the rule that has this field, each with where it stands.
    pub(in crate::translate) fn policy_settings(&self, route: &ObjectKey, field: &str) -> &[(Origin, Applied)] {
        let rule = field.split(".matches[").next().unwrap_or_default();
        self.routes.get(route).and_then(|route| route.settings.get(rule)).map(AsRef::as_ref).unwrap_or_default()
    }

    /// Sets the statuses of the BackendTLSPolicies of which something may have changed, and says what is wrong with each.
    pub(in crate::translate) fn judge_policies(
        &mut self,
        dirty: &mut GatewayDirty,
    ) -> Vec<(ObjectKey, Vec<Diagnostic>)> {
        let mut keys = std::mem::take(&mut dirty.policies);
        for id in &dirty.backends {
            let service = ObjectKey::new(Kind::Service, Arc::clone(&id.namespace), Arc::clone(&id.service));
            keys.extend(self.policies.of_service(&service).cloned());
        }
        let mut judged = Vec::with_capacity(keys.len());
        for key in keys {
            let (status, diagnostics) = self.policies.judge(&key, |service| self.gateways_before(service));
            self.statuses.set(&key, status);
            judged.push((key, diagnostics));
        }
        judged
    }

    /// Sets the statuses of the AditPolicies of which something may have changed.
    pub(in crate::translate) fn tell_adit_policies(&mut self, dirty: &mut GatewayDirty) {
        for key in std::mem::take(&mut dirty.adit_policies) {
            let policy = self.adit_policies.get(&key);
            let status = policy.and_then(|policy| policy.status(self.gateways_with(&key)));
            self.statuses.set(&key, status);
        }
    }

    /// The Gateways whose routes have rules that name an AditPolicy.
    fn gateways_with(&self, policy: &ObjectKey) -> BTreeSet<ObjectKey> {
        let routes = self.readers.of(policy).filter_map(|unit| self.routes.get(unit));
        routes.flat_map(|route| route.gateways()).cloned().collect()
    }

    /// The Gateways that send requests to a Service.
    fn gateways_before(&self, service: &ObjectKey) -> BTreeSet<ObjectKey> {
        let ports = self.references.of_service(&service.namespace, &service.name);
        let routes = ports.flat_map(|id| self.references.routes(id)).filter_map(|route| self.routes.get(route));
        routes.flat_map(|route| route.attached()).map(|attached| attached.gateway.clone()).collect()
    }
}

/// Marks what a route has a say on besides hosts.
fn mark(route: &ParsedRoute, dirty: &mut GatewayDirty) {
    dirty.streams |= route.streams.is_some();
    dirty.backends.extend(route.references.keys().cloned());
}

fn route_places(route: &ParsedRoute) -> Vec<HostPlace> {
    route.attachments().into_iter().map(|attachment| (attachment.entry, attachment.host)).collect()
}
