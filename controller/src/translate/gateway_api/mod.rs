//! Gateway API: Gateways of our class with their listeners, and the routes that attach to them, as virtual hosts and as TCP
//! and UDP services.
//!
//! A Gateway and a route are units, each a function of what it reads; so is each host of an entry point, over all that have
//! a say on it. What became of an object is data ([`ObjectStatus`]): whoever writes a status needs nothing else.

mod attached_routes;
mod attachment;
mod authorities;
mod backend_certificates;
mod backend_tls;
mod backends;
mod calls;
mod certificate_refs;
mod cors;
mod durations;
mod entry_point;
mod filters;
mod findings;
mod frontend;
mod gateway;
mod grants;
mod host_names;
mod hosts;
mod infrastructure;
mod listener_sets;
mod listeners;
mod matches;
mod methods;
mod mirrors;
mod namespaces;
mod parameters;
mod policies;
mod ports;
mod rank;
mod references;
mod retry;
mod route;
mod route_parts;
mod rule;
mod statuses;
mod stream_route;
mod stream_rule;
mod streams;
mod timeouts;
mod wrong;

pub(super) use hosts::HostPlace;
pub(super) use references::RouteReferences;

use super::catch_panic::catch_panic;
use super::certificates::Certificates;
use super::readers::Readers;
use super::shared_policies::SharedPolicies;
use crate::diagnostic::Diagnostic;
use crate::gateway_api::{ObjectStatus, StatusParts};
use crate::lookup::Lookup;
use crate::object::{Age, Kind, ObjectKey};
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use crate::store::Store;
use ::gateway::config::{EntryPoint, HostName, HttpPort, ServiceBackend, StreamListener, Subject, VirtualHost};
use attached_routes::AttachedRoutes;
use attachment::Gateways;
use gateway::ParsedGateway;
use hosts::Claims;
use policies::Policies;
use ports::Ports;
use route::ParsedRoute;
use route_parts::RouteParts;
use statuses::Statuses;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use stream_route::StreamParts;

/// What is known of Gateway API's objects.
#[derive(Debug, Default)]
pub(super) struct GatewayApi {
    /// Each by itself, whatever ports others have.
    declared: BTreeMap<ObjectKey, ParsedGateway>,
    ports: Ports,
    /// The Gateways that ListenerSets name.
    sets: BTreeMap<ObjectKey, ObjectKey>,
    gateways: Gateways,
    policies: Policies,
    routes: BTreeMap<ObjectKey, Arc<ParsedRoute>>,
    readers: Readers<ObjectKey, ObjectKey>,
    claims: Claims,
    pub(super) references: RouteReferences,
    hosts: BTreeMap<HostPlace, Arc<VirtualHost>>,
    statuses: Statuses,
}

/// The kinds that are units, in the order in which they are read: what one reads comes before it.
pub(super) const UNITS: [Kind; 9] = [
    Kind::GatewayClass,
    Kind::ListenerSet,
    Kind::Gateway,
    Kind::BackendTlsPolicy,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
];

/// What has to be translated anew.
#[derive(Debug, Default)]
pub(super) struct GatewayDirty {
    /// GatewayClasses, ListenerSets, Gateways, BackendTLSPolicies and routes.
    pub(super) objects: BTreeSet<ObjectKey>,
    pub(super) hosts: BTreeSet<HostPlace>,
    pub(super) backends: BTreeSet<ServiceBackend>,
    /// Whether the ports of TCP and UDP services of ConfigMaps have changed.
    pub(super) services: bool,
    /// Gateways that were read anew.
    declared: BTreeSet<ObjectKey>,
    /// TCP and UDP services.
    pub(super) streams: bool,
    /// Gateways with another number of routes.
    counted: BTreeSet<ObjectKey>,
    /// BackendTLSPolicies of which something else may become.
    policies: BTreeSet<ObjectKey>,
}

/// What units are read from.
pub(super) struct Scene<'a> {
    pub(super) store: &'a Store,
    pub(super) settings: &'a ControllerSettings,
    pub(super) defaults: &'a RouteDefaults,
    pub(super) certificates: &'a Certificates,
}

impl GatewayApi {
    /// Everything.
    pub(super) fn all(store: &Store) -> BTreeSet<ObjectKey> {
        let objects = store.gateway_api();
        let classes = objects.gateway_classes.iter().map(|stored| &stored.key);
        let gateways = objects.gateways.iter().map(|stored| &stored.key);
        let policies = objects.backend_tls_policies.iter().map(|stored| &stored.key);
        let http = objects.http_routes.iter().map(|stored| &stored.key);
        let grpc = objects.grpc_routes.iter().map(|stored| &stored.key);
        let sets = objects.listener_sets.iter().map(|stored| &stored.key);
        let tls = objects.tls_routes.iter().map(|stored| &stored.key);
        let tcp = objects.tcp_routes.iter().map(|stored| &stored.key);
        let udp = objects.udp_routes.iter().map(|stored| &stored.key);
        let routes = http.chain(grpc).chain(tls).chain(tcp).chain(udp);
        classes.chain(sets).chain(gateways).chain(policies).chain(routes).cloned().collect()
    }

    /// The units that a changed object concerns.
    pub(super) fn concerned(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        let of_all = Lookup::all_of(key.kind, &key.namespace);
        let mut concerned: BTreeSet<_> = self.readers.of(key).chain(self.readers.of(&of_all)).cloned().collect();
        if UNITS.contains(&key.kind) {
            concerned.insert(key.clone());
        }
        concerned
    }

    /// Reads a GatewayClass anew, and says what is wrong with it.
    pub(super) fn read_class(&mut self, scene: &Scene<'_>, key: &ObjectKey) -> Vec<Diagnostic> {
        let lookup = Lookup::new(scene.store);
        let stored = scene.store.gateway_api().gateway_classes.get("", &key.name);
        let controller = &scene.settings.gateway_controller;
        let read = stored.and_then(|stored| Some((stored, gateway::class(stored, &lookup, controller)?)));
        self.readers.set(key, lookup.reads());
        let Some((stored, (conditions, diagnostics))) = read else {
            self.statuses.set(key, None);
            return Vec::new();
        };
        let (generation, parts) = (stored.object.metadata.generation, StatusParts::GatewayClass(conditions));
        self.statuses.set(key, Some(ObjectStatus { generation, parts }));
        diagnostics
    }

    /// Reads a Gateway with its ListenerSets anew, and says what is wrong with it. What it says counts once [`Self::settle_ports`] has taken it in.
    pub(super) fn read_gateway(
        &mut self,
        key: &ObjectKey,
        scene: &Scene<'_>,
        dirty: &mut GatewayDirty,
    ) -> Vec<Diagnostic> {
        let lookup = Lookup::new(scene.store);
        let objects = scene.store.gateway_api();
        let stored = objects.gateways.get(&key.namespace, &key.name);
        let of_gateway = self.sets.iter().filter(|(_, gateway)| *gateway == key);
        let sets = of_gateway.filter_map(|(set, _)| objects.listener_sets.get(&set.namespace, &set.name)).collect();
        let parse = || {
            let parse = |stored| gateway::parse(stored, sets, &lookup, scene.certificates, scene.settings);
            stored.map(parse).unwrap_or_default()
        };
        let parsed = catch_panic(parse);
        self.readers.set(key, lookup.reads());
        match parsed {
            Ok((gateway, diagnostics)) => {
                self.declare_gateway(key, gateway, dirty);
                diagnostics
            }
            Err(message) => vec![Diagnostic::defect(key, message)],
        }
    }

    fn declare_gateway(&mut self, key: &ObjectKey, gateway: Option<ParsedGateway>, dirty: &mut GatewayDirty) {
        if self.declared.get(key) == gateway.as_ref() {
            return;
        }
        if let Some(former) = self.declared.remove(key) {
            self.ports.remove(&former);
        }
        if let Some(gateway) = gateway {
            self.ports.add(&gateway);
            self.declared.insert(key.clone(), gateway);
        }
        dirty.declared.insert(key.clone());
    }

    /// Decides which Gateway has which port, beside these services, and takes in those that were read anew and those for which
    /// that is news. Where one changes, so do its routes. Returns what is wrong with each of them.
    pub(super) fn settle_ports(
        &mut self,
        services: &[StreamListener],
        dirty: &mut GatewayDirty,
    ) -> Vec<(ObjectKey, Vec<Diagnostic>)> {
        if dirty.declared.is_empty() && !dirty.services {
            return Vec::new();
        }
        let mut concerned = std::mem::take(&mut dirty.declared);
        concerned.extend(self.ports.settle(services));
        let mut found = Vec::new();
        for key in concerned {
            let settled = self.declared.get(&key).map(|declared| self.ports.settled(declared));
            let (gateway, diagnostics) = settled.unzip();
            self.set_gateway(&key, gateway, dirty);
            found.push((key, diagnostics.unwrap_or_default()));
        }
        found
    }

    /// The ports to open, where they are others than before.
    pub(super) fn publish_ports(&mut self) -> Option<Arc<[HttpPort]>> {
        self.ports.publish()
    }

    /// Sets what a Gateway is. Where that changes, so do its routes.
    fn set_gateway(&mut self, key: &ObjectKey, gateway: Option<ParsedGateway>, dirty: &mut GatewayDirty) {
        if self.gateways.get(key).map(Arc::as_ref) == gateway.as_ref() {
            return;
        }
        if let Some(former) = self.gateways.remove(key) {
            dirty.hosts.extend(self.below(&listener_places(&former)));
            dirty.streams |= former.has_streams();
            self.claims.remove_gateway(&former);
            former.sets.iter().for_each(|set| self.statuses.set(&set.rank.key, None));
        }
        if let Some(gateway) = gateway {
            self.claims.add_gateway(&gateway);
            dirty.hosts.extend(self.below(&listener_places(&gateway)));
            dirty.streams |= gateway.has_streams();
            self.gateways.insert(key.clone(), Arc::new(gateway));
        }
        dirty.counted.insert(key.clone());
        dirty.objects.extend(self.readers.of(key).cloned());
    }

    /// The same of a BackendTLSPolicy. Where that changes, so do the routes to its Services, and the policies beside it.
    pub(super) fn read_policy(
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

    /// The same of a route. The policies of HTTPRoutes and GRPCRoutes are shared with all that have the same ones.
    pub(super) fn read_route(
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
            return stream_route::parse(&route, known, scene.settings, lookup);
        }
        let parse = |route| route::parse(route, known, (scene.settings, scene.defaults), lookup);
        RouteParts::find(objects, key).map(parse).unwrap_or_default()
    }

    fn set_route(&mut self, key: &ObjectKey, route: Option<ParsedRoute>, dirty: &mut GatewayDirty) {
        if self.routes.get(key).map(Arc::as_ref) == route.as_ref() {
            return;
        }
        if let Some(former) = self.routes.remove(key) {
            mark(&former, dirty);
            dirty.hosts.extend(self.below(&route_places(&former)));
            self.claims.remove_route(&former);
            self.references.remove(&former);
        }
        if let Some(route) = route {
            self.claims.add_route(&route);
            self.references.add(&route);
            mark(&route, dirty);
            dirty.hosts.extend(self.below(&route_places(&route)));
            let status = ObjectStatus { generation: route.generation, parts: route.status() };
            self.statuses.set(key, Some(status));
            self.routes.insert(key.clone(), Arc::new(route));
        }
    }

    fn below(&self, places: &[HostPlace]) -> Vec<HostPlace> {
        places.iter().flat_map(|place| self.claims.below(place)).collect()
    }

    /// Sets the status of the Gateways of which something has changed and of their sets, with the number of their routes.
    pub(super) fn count_routes(&mut self, dirty: &mut GatewayDirty) {
        for key in std::mem::take(&mut dirty.counted) {
            let Some(gateway) = self.gateways.get(&key) else {
                self.statuses.set(&key, None);
                continue;
            };
            let routes = self.readers.of(&key).filter_map(|unit| self.routes.get(unit)).map(Arc::as_ref);
            for (key, status) in gateway.statuses(&AttachedRoutes::of(&key, routes)) {
                self.statuses.set(key, Some(status));
            }
        }
    }

    /// Sets the statuses of the policies of which something may have changed, and says what is wrong with each.
    pub(super) fn judge_policies(&mut self, dirty: &mut GatewayDirty) -> Vec<(ObjectKey, Vec<Diagnostic>)> {
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

    /// The Gateways that send requests to a Service.
    fn gateways_before(&self, service: &ObjectKey) -> BTreeSet<ObjectKey> {
        let ports = self.references.of_service(&service.namespace, &service.name);
        let routes = ports.flat_map(|id| self.references.of(id)).filter_map(|(route, _)| self.routes.get(route));
        routes.flat_map(|route| route.attached()).map(|attached| attached.gateway.clone()).collect()
    }

    /// The shared entry points at which there is a host of this name alone.
    pub(super) fn entries<'a>(&'a self, name: &'a HostName) -> impl Iterator<Item = HostPlace> + 'a {
        let places = EntryPoint::SHARED.into_iter().map(move |entry| (entry, name.clone()));
        places.filter(|place| self.hosts.contains_key(place))
    }

    /// Makes a host of an entry point. See [`Claims::host`].
    pub(super) fn make_host(
        &self,
        place: &HostPlace,
        shared: Option<&VirtualHost>,
        age: impl Fn(&Subject) -> Option<Age>,
    ) -> Option<VirtualHost> {
        self.claims.host(place, (&self.gateways, &self.routes), shared, age)
    }

    /// Takes a host in. See [`SharedPolicies::replace_host`].
    pub(super) fn set_host(
        &mut self,
        place: &HostPlace,
        host: Option<VirtualHost>,
        shared: &mut SharedPolicies,
    ) -> Option<Option<Arc<VirtualHost>>> {
        shared.replace_host(&mut self.hosts, place, host)
    }

    /// The host of a name that an entry point has alone.
    pub(super) fn host(&self, entry: EntryPoint, name: &HostName) -> Option<&Arc<VirtualHost>> {
        self.hosts.get(&(entry, name.clone()))
    }

    /// All of these.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (EntryPoint, &Arc<VirtualHost>)> {
        self.hosts.iter().map(|((entry, _), host)| (*entry, host))
    }

    /// What became of the objects that are ours.
    pub(super) fn statuses(&self) -> impl Iterator<Item = (&ObjectKey, &ObjectStatus)> {
        self.statuses.iter()
    }

    /// What the statuses of those that were read since this was asked last are to say; none: nothing of us.
    pub(super) fn take_statuses(&mut self) -> Vec<(ObjectKey, Option<ObjectStatus>)> {
        self.statuses.take()
    }
}

/// Marks what a route has a say on besides hosts.
fn mark(route: &ParsedRoute, dirty: &mut GatewayDirty) {
    dirty.streams |= route.streams.is_some();
    dirty.backends.extend(route.references.keys().cloned());
    dirty.counted.extend(route.attached().map(|attached| attached.gateway.clone()));
}

fn listener_places(gateway: &ParsedGateway) -> Vec<HostPlace> {
    gateway.listeners.iter().flat_map(hosts::places).collect()
}

fn route_places(route: &ParsedRoute) -> Vec<HostPlace> {
    route.attachments().into_iter().map(|attachment| (attachment.entry, attachment.host)).collect()
}
