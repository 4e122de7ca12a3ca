//! The units of Gateway API: what each object and each host is, and which of them a change concerns.

use super::adit_policies::CheckedPolicy;
use super::attached_routes::AttachedRoutes;
use super::attachment::Gateways;
use super::gateway::{self, ParsedGateway};
use super::host_places::HostPlace;
use super::hosts::{self, Claims};
use super::listener_sets;
use super::overlap;
use super::policies::Policies;
use super::ports::Ports;
use super::references::RouteReferences;
use super::route::ParsedRoute;
use super::rule_defaults::RuleDefaults;
use super::statuses::Statuses;
use super::tls_hosts::TlsHosts;
use crate::diagnostic::Diagnostic;
use crate::gateway_api::{ObjectStatus, StatusParts};
use crate::lookup::Lookup;
use crate::object::{Age, Kind, ObjectKey};
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use crate::store::Store;
use crate::translate::catch_panic::catch_panic;
use crate::translate::certificates::Certificates;
use crate::translate::readers::Readers;
use crate::translate::shared_policies::SharedPolicies;
use ::gateway::config::{
    BackendId, EntryPoint, HostName, HttpPort, ServiceBackend, StreamListener, Subject, VirtualHost,
};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is known of Gateway API's objects.
#[derive(Debug, Default)]
pub(in crate::translate) struct GatewayApi {
    /// Each by itself, whatever ports others have.
    pub(super) declared: BTreeMap<ObjectKey, ParsedGateway>,
    pub(super) ports: Ports,
    pub(super) tls_hosts: TlsHosts,
    /// Which Gateway each ListenerSet names.
    pub(super) sets: Readers<ObjectKey, ObjectKey>,
    pub(super) gateways: Gateways,
    pub(super) policies: Policies,
    pub(super) adit_policies: BTreeMap<ObjectKey, CheckedPolicy>,
    pub(super) routes: BTreeMap<ObjectKey, Arc<ParsedRoute>>,
    pub(super) attached_routes: AttachedRoutes,
    pub(super) readers: Readers<ObjectKey, ObjectKey>,
    pub(super) claims: Claims,
    pub(in crate::translate) references: RouteReferences,
    pub(super) hosts: BTreeMap<HostPlace, Arc<VirtualHost>>,
    pub(super) statuses: Statuses,
}

/// The kinds that are units, in the order in which they are read: what one reads comes before it.
pub(in crate::translate) const UNITS: [Kind; 10] = [
    Kind::GatewayClass,
    Kind::ListenerSet,
    Kind::Gateway,
    Kind::BackendTlsPolicy,
    Kind::AditPolicy,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
];

/// What has to be translated anew.
#[derive(Debug, Default)]
pub(in crate::translate) struct GatewayDirty {
    /// GatewayClasses, ListenerSets, Gateways, policies and routes.
    pub(in crate::translate) objects: BTreeSet<ObjectKey>,
    pub(in crate::translate) hosts: BTreeSet<HostPlace>,
    pub(in crate::translate) backends: BTreeSet<ServiceBackend>,
    /// Whether the ports of TCP and UDP services of ConfigMaps have changed.
    pub(in crate::translate) services: bool,
    /// Gateways that were read anew.
    pub(super) declared: BTreeSet<ObjectKey>,
    /// TCP and UDP services.
    pub(in crate::translate) streams: bool,
    /// The servers that routes name by URL, and those that they named before.
    pub(in crate::translate) named_urls: Vec<BackendId>,
    pub(in crate::translate) former_urls: Vec<BackendId>,
    /// Gateways with another number of routes.
    pub(super) counted: BTreeSet<ObjectKey>,
    /// BackendTLSPolicies of which something else may become.
    pub(super) policies: BTreeSet<ObjectKey>,
    /// AditPolicies likewise.
    pub(super) adit_policies: BTreeSet<ObjectKey>,
}

/// What units are read from.
pub(in crate::translate) struct Scene<'a> {
    pub(super) store: &'a Store,
    pub(super) settings: &'a ControllerSettings,
    pub(super) certificates: &'a Certificates,
    defaults: &'a RouteDefaults,
    rules: OnceCell<RuleDefaults>,
}

impl<'a> Scene<'a> {
    pub(in crate::translate) fn new(
        store: &'a Store,
        (settings, defaults): (&'a ControllerSettings, &'a RouteDefaults),
        certificates: &'a Certificates,
    ) -> Self {
        Self { store, settings, certificates, defaults, rules: OnceCell::new() }
    }

    /// What all rules begin with: the same for all that are read at one time.
    pub(super) fn rules(&self) -> &RuleDefaults {
        self.rules.get_or_init(|| RuleDefaults::read(self.settings, self.defaults, self.store))
    }
}

impl GatewayApi {
    /// Everything.
    pub(in crate::translate) fn all(store: &Store) -> BTreeSet<ObjectKey> {
        let objects = store.gateway_api();
        let classes = objects.gateway_classes.iter().map(|stored| &stored.key);
        let gateways = objects.gateways.iter().map(|stored| &stored.key);
        let for_services = objects.backend_tls_policies.iter().map(|stored| &stored.key);
        let policies = for_services.chain(objects.adit_policies.iter().map(|stored| &stored.key));
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
    pub(in crate::translate) fn concerned<'a>(&'a self, key: &'a ObjectKey) -> impl Iterator<Item = &'a ObjectKey> {
        let of_all = Lookup::all_of(key.kind, &key.namespace);
        let itself = UNITS.contains(&key.kind).then_some(key);
        self.readers.of(key).chain(self.readers.of(&of_all)).chain(itself)
    }

    /// Reads a GatewayClass anew, and says what is wrong with it.
    pub(in crate::translate) fn read_class(&mut self, scene: &Scene<'_>, key: &ObjectKey) -> Vec<Diagnostic> {
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

    /// Notes which Gateway a ListenerSet names: that one is read anew, and the former one.
    pub(in crate::translate) fn read_set(
        &mut self,
        key: &ObjectKey,
        store: &Store,
        dirty: &mut GatewayDirty,
    ) -> Vec<Diagnostic> {
        let lookup = Lookup::new(store);
        let stored = store.gateway_api().listener_sets.get(&key.namespace, &key.name);
        let parent = stored.map(listener_sets::parent);
        let diagnostics = stored.map(|set| listener_sets::without_gateway(set, &lookup)).unwrap_or_default();
        self.readers.set(key, lookup.reads());
        let former = self.sets.read_by(key).first().cloned();
        if former != parent {
            self.statuses.set(key, None);
        }
        self.sets.set(key, parent.iter().cloned().collect());
        dirty.objects.extend(former.into_iter().chain(parent));
        diagnostics
    }

    /// Reads a Gateway with its ListenerSets anew, and says what is wrong with it. What it says counts once [`Self::settle`] has taken it in.
    pub(in crate::translate) fn read_gateway(
        &mut self,
        key: &ObjectKey,
        scene: &Scene<'_>,
        dirty: &mut GatewayDirty,
    ) -> Vec<Diagnostic> {
        let lookup = Lookup::new(scene.store);
        let objects = scene.store.gateway_api();
        let stored = objects.gateways.get(&key.namespace, &key.name);
        let sets = self.sets.of(key).filter_map(|set| objects.listener_sets.get(&set.namespace, &set.name)).collect();
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
        let former = self.declared.remove(key);
        self.ports.replace(former.as_ref(), gateway.as_ref());
        if let Some(former) = former {
            self.tls_hosts.remove(&former);
        }
        if let Some(gateway) = gateway {
            self.tls_hosts.add(&gateway);
            self.declared.insert(key.clone(), gateway);
        }
        dirty.declared.insert(key.clone());
    }

    /// Decides which Gateway has which port, beside these services, and which has the TLS of which host, and takes in those that were
    /// read anew and those for which that is news. Where one changes, so do its routes. Returns what is wrong with each of them.
    pub(in crate::translate) fn settle(
        &mut self,
        services: &[StreamListener],
        dirty: &mut GatewayDirty,
    ) -> Vec<(ObjectKey, Vec<Diagnostic>)> {
        if dirty.declared.is_empty() && !dirty.services {
            return Vec::new();
        }
        let mut concerned = std::mem::take(&mut dirty.declared);
        concerned.extend(self.ports.settle(services));
        concerned.extend(self.tls_hosts.settle());
        let mut found = Vec::new();
        for key in concerned {
            let (gateway, diagnostics) = self.declared.get(&key).map(|declared| self.settled(declared)).unzip();
            self.set_gateway(&key, gateway, dirty);
            found.push((key, diagnostics.unwrap_or_default()));
        }
        found
    }

    /// A Gateway without the listeners whose ports or hosts others have got, and what a person is told of these.
    fn settled(&self, declared: &ParsedGateway) -> (ParsedGateway, Vec<Diagnostic>) {
        let (mut gateway, mut diagnostics) = self.ports.settled(declared);
        diagnostics.append(&mut self.tls_hosts.yield_to_holders(&mut gateway));
        overlap::tell(&mut gateway.listeners);
        (gateway, diagnostics)
    }

    /// The ports to open, where they are others than before.
    pub(in crate::translate) fn publish_ports(&mut self) -> Option<Arc<[HttpPort]>> {
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

    pub(super) fn below(&self, places: &[HostPlace]) -> Vec<HostPlace> {
        places.iter().flat_map(|place| self.claims.below(place)).collect()
    }

    /// Sets the status of the Gateways of which something has changed and of their sets, with the number of their routes.
    pub(in crate::translate) fn count_routes(&mut self, dirty: &mut GatewayDirty) {
        for key in std::mem::take(&mut dirty.counted) {
            let Some(gateway) = self.gateways.get(&key) else {
                self.statuses.set(&key, None);
                continue;
            };
            for (key, status) in gateway.statuses(&self.attached_routes) {
                self.statuses.set(key, Some(status));
            }
        }
    }

    /// The shared entry points at which there is a host of this name alone.
    pub(in crate::translate) fn entries<'a>(&'a self, name: &'a HostName) -> impl Iterator<Item = HostPlace> + 'a {
        let places = EntryPoint::SHARED.into_iter().map(move |entry| (entry, name.clone()));
        places.filter(|place| self.hosts.contains_key(place))
    }

    /// Makes a host of an entry point. See [`Claims::host`].
    pub(in crate::translate) fn make_host(
        &self,
        place: &HostPlace,
        shared: Option<&VirtualHost>,
        age: impl Fn(&Subject) -> Option<Age>,
    ) -> Option<VirtualHost> {
        self.claims.host(place, (&self.gateways, &self.routes), shared, age)
    }

    /// What is wrong with the routes of a host of an entry point beside one another. See [`Claims::shadowed`].
    pub(in crate::translate) fn shadowed(&self, place: &HostPlace) -> Vec<Diagnostic> {
        self.claims.shadowed(place)
    }

    /// Takes a host in. See [`SharedPolicies::replace_host`].
    pub(in crate::translate) fn set_host(
        &mut self,
        place: &HostPlace,
        host: Option<VirtualHost>,
        shared: &mut SharedPolicies,
    ) -> Option<Option<Arc<VirtualHost>>> {
        shared.replace_host(&mut self.hosts, place, host)
    }

    /// The host of a name that an entry point has alone.
    pub(in crate::translate) fn host(&self, entry: EntryPoint, name: &HostName) -> Option<&Arc<VirtualHost>> {
        self.hosts.get(&(entry, name.clone()))
    }

    /// All of these.
    pub(in crate::translate) fn hosts(&self) -> impl Iterator<Item = (EntryPoint, &Arc<VirtualHost>)> {
        self.hosts.iter().map(|((entry, _), host)| (*entry, host))
    }

    /// What became of the objects that are ours.
    pub(in crate::translate) fn statuses(&self) -> impl Iterator<Item = (&ObjectKey, &ObjectStatus)> {
        self.statuses.iter()
    }

    /// What the statuses of those that were read since this was asked last are to say; none: nothing of us.
    pub(in crate::translate) fn take_statuses(&mut self) -> Vec<(ObjectKey, Option<Arc<ObjectStatus>>)> {
        self.statuses.take()
    }
}

fn listener_places(gateway: &ParsedGateway) -> Vec<HostPlace> {
    gateway.listeners.iter().flat_map(hosts::places).collect()
}
