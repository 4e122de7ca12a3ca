mod draft;
mod gateway_api;
mod results;
mod streams;

use super::affinities::Affinities;
use super::backend::{self, Problem};
use super::canaries::{Canaries, HostCanaries};
use super::catch_panic::catch_panic;
use super::certificates::Certificates;
use super::claims::{Claims, References};
use super::diagnostics::{self, Diagnostics, UnitKey};
use super::gateway_api::{GatewayApi, GatewayDirty};
use super::host::{self, Sources, View};
use super::ingress::{self, IngressOutcome};
use super::orphans::{BackendOrphans, Orphans};
use super::parsed_ingress::ParsedIngress;
use super::readers::Readers;
use super::shared_policies::SharedPolicies;
use super::shared_texts::SharedTexts;
use super::streams::Streams;
use super::units::{Unit, Units};
use super::url_backends::UrlBackends;
use crate::configmap::{self, Config, LastGood};
use crate::diagnostic::{Diagnostic, Reason};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::settings::ControllerSettings;
use crate::snippet::SnippetReport;
use crate::store::{Change, Store, Stored};
use gateway::config::{Backend, BackendId, GatewaySettings, HostName, ServiceBackend, Subject, Update, VirtualHost};
use k8s_openapi::api::networking::v1::Ingress;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Translates, and remembers the results.
#[derive(Debug, Default)]
pub struct Translator {
    settings: ControllerSettings,
    config: Config,
    config_reads: BTreeSet<ObjectKey>,
    config_last_good: LastGood,
    config_snippets: Vec<SnippetReport>,
    /// The settings last published; `None` before the first translation.
    published: Option<Arc<GatewaySettings>>,
    at_start: AtStart,
    ingresses: Units,
    /// The Ingresses that the last call translated.
    translated: BTreeSet<ObjectKey>,
    ingress_readers: Readers<ObjectKey, ObjectKey>,
    claims: Claims,
    canaries: Canaries,
    references: References,
    affinities: Affinities,
    gateway_api: GatewayApi,
    hosts: BTreeMap<HostName, Arc<VirtualHost>>,
    host_readers: Readers<HostName, HostName>,
    secret_readers: Readers<HostName, ObjectKey>,
    certificates: Certificates,
    shared_policies: SharedPolicies,
    shared_texts: SharedTexts,
    pub(super) streams: Streams,
    backends: BTreeMap<ServiceBackend, Backend>,
    url_backends: UrlBackends,
    orphans: Orphans,
    diagnostics: Diagnostics,
}

/// Settings that are read when workers start.
#[derive(Debug, Default, PartialEq, Eq)]
struct AtStart {
    workers: Option<usize>,
    idle_connections: usize,
}

/// What has to be translated anew.
#[derive(Debug, Default)]
struct Dirty {
    settings: bool,
    streams: bool,
    ingresses: BTreeSet<ObjectKey>,
    /// Hosts on which the claims changed.
    claims: BTreeSet<HostName>,
    /// Hosts that read a Secret that changed, or have routes to a backend whose canary or affinity did.
    hosts: BTreeSet<HostName>,
    backends: BTreeSet<ServiceBackend>,
    url_backends: BTreeSet<BackendId>,
    gateway_api: GatewayDirty,
}

impl Translator {
    /// A translator that has seen nothing yet.
    pub fn new(settings: ControllerSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Takes in what changed in the store, and says what that changes for the gateway. The first call translates all
    /// that is in the store.
    pub fn translate(&mut self, store: &Store, changes: &[Change]) -> Update {
        let mut dirty = Dirty::default();
        if self.published.is_none() {
            (dirty.settings, dirty.streams) = (true, true);
            dirty.ingresses.extend(store.ingresses().map(|stored| stored.key.clone()));
            dirty.gateway_api.objects = GatewayApi::all(store);
        }
        for change in changes {
            self.mark(change, &mut dirty);
        }
        let mut update = Update::default();
        if dirty.settings {
            self.translate_settings(store, &mut dirty, &mut update);
        }
        if dirty.streams {
            self.translate_streams(store, &mut dirty);
        }
        self.translated = std::mem::take(&mut dirty.ingresses);
        for key in self.translated.clone() {
            self.translate_ingress(store, &key, &mut dirty);
        }
        self.translate_gateway_api(store, &mut dirty.gateway_api);
        self.follow_urls(&mut dirty);
        if dirty.streams || dirty.gateway_api.streams {
            self.publish_streams(&mut update);
        }
        dirty.backends.append(&mut dirty.gateway_api.backends);
        let changed = self.affinities.update(&dirty.backends, &self.references);
        dirty.hosts.extend(self.hosts_with_routes_to(&changed));
        self.attach_canaries(store, &mut dirty);
        for host in self.dirty_hosts(&dirty) {
            self.translate_host(store, host, &mut update);
        }
        self.translate_entry_hosts(store, std::mem::take(&mut dirty.gateway_api), &mut update);
        for id in dirty.backends {
            self.translate_backend(store, id, &mut update);
        }
        for id in dirty.url_backends {
            let backend = self.url_backends.get(&id).cloned();
            update.backends.push((id, backend));
        }
        update
    }

    fn mark(&self, change: &Change, dirty: &mut Dirty) {
        match change {
            Change::Object(key) => {
                dirty.settings |= self.config_reads.contains(key);
                dirty.streams |= self.streams.read(key);
                dirty.ingresses.extend(self.ingress_readers.of(key).cloned());
                dirty.gateway_api.objects.extend(self.gateway_api.concerned(key).cloned());
                match key.kind {
                    Kind::Ingress => drop(dirty.ingresses.insert(key.clone())),
                    Kind::Service => self.mark_service(&key.namespace, &key.name, dirty),
                    Kind::Secret => {
                        self.certificates.forget(key);
                        dirty.hosts.extend(self.secret_readers.of(key).cloned());
                    }
                    _ => {}
                }
            }
            Change::Endpoints { namespace, service } => {
                let slices = ObjectKey::new(Kind::EndpointSlice, Arc::clone(namespace), Arc::clone(service));
                dirty.settings |= self.config_reads.contains(&slices);
                self.mark_service(namespace, service, dirty);
            }
            Change::Zone => dirty.backends.extend(self.backends.keys().cloned()),
            Change::Synced | Change::Problems => {}
        }
    }

    fn mark_service(&self, namespace: &Arc<str>, service: &Arc<str>, dirty: &mut Dirty) {
        dirty.backends.extend(self.references.of_service(namespace, service).cloned());
        dirty.backends.extend(self.streams.of_service(namespace, service).cloned());
        dirty.backends.extend(self.gateway_api.references.of_service(namespace, service).cloned());
        let default = self.default_backend().into_iter();
        dirty.backends.extend(default.filter(|id| id.namespace == *namespace && id.service == *service).cloned());
    }

    fn default_backend(&self) -> Option<&ServiceBackend> {
        self.config.gateway.default_backend.as_ref().and_then(BackendId::service)
    }

    fn translate_settings(&mut self, store: &Store, dirty: &mut Dirty, update: &mut Update) {
        let lookup = Lookup::new(store);
        let configmap::ConfigOutcome { config, snippets, mut diagnostics, last_good } =
            configmap::read(&self.settings, &lookup, &self.config_last_good);
        (self.config_snippets, self.config_last_good) = (snippets, last_good);
        self.config_reads = lookup.reads();
        let at_start =
            AtStart { workers: config.gateway.worker_processes, idle_connections: config.gateway.upstream.idle };
        if self.published.is_none() {
            self.at_start = at_start;
        } else if at_start != self.at_start
            && let Some(name) = &self.settings.configmap
        {
            let object = ObjectKey::new(Kind::ConfigMap, name.namespace.clone(), name.name.clone());
            let message = "worker-processes or upstream-keepalive-connections has changed, and both are read at the start \
                           only: restart Adit to apply the change";
            diagnostics.push(Diagnostic::warning(object, "data", message).because(Reason::Ignored));
        }
        self.diagnostics.set(UnitKey::Settings, diagnostics);
        if config.routes != self.config.routes {
            dirty.ingresses.extend(store.ingresses().map(|stored| stored.key.clone()));
            dirty.gateway_api.objects = GatewayApi::all(store);
            dirty.claims.extend(self.hosts.keys().cloned());
            dirty.backends.extend(self.backends.keys().cloned());
        }
        dirty.backends.extend(self.default_backend().cloned());
        dirty.backends.extend(config.gateway.default_backend.as_ref().and_then(BackendId::service).cloned());
        if self.published.as_deref() != Some(&config.gateway) {
            let settings = Arc::new(config.gateway.clone());
            self.published = Some(Arc::clone(&settings));
            update.settings = Some(settings);
        }
        self.config = config;
    }

    fn translate_ingress(&mut self, store: &Store, key: &ObjectKey, dirty: &mut Dirty) {
        let former = self.ingresses.remove(key).unwrap_or_default();
        let lookup = Lookup::new(store);
        let translated = match store.ingress(key) {
            None => Ok(None),
            Some(stored) => catch_panic(|| Some(self.parse(stored, former.good.as_ref(), &lookup))),
        };
        self.ingress_readers.set(key, lookup.reads());
        let (mut unit, diagnostics) = match translated {
            Ok(translated) => translated.unwrap_or_default(),
            Err(message) => {
                self.diagnostics.set(UnitKey::Ingress(key.clone()), vec![Diagnostic::defect(key, message)]);
                self.ingresses.insert(key.clone(), former);
                return;
            }
        };
        self.diagnostics.set(UnitKey::Ingress(key.clone()), diagnostics);
        if former.parsed == unit.parsed {
            unit.parsed = former.parsed;
        } else {
            if let Some(old) = &former.parsed {
                self.withdraw(old, dirty);
            }
            if let Some(new) = &mut unit.parsed {
                self.shared_policies.of_ingress(Arc::make_mut(new));
                self.shared_texts.of_ingress(Arc::make_mut(new));
                self.enter(new, dirty);
            }
        }
        if store.ingress(key).is_some() {
            self.ingresses.insert(key.clone(), Box::new(unit));
        }
    }

    /// The present version of an Ingress, or the last good one where the present is rejected.
    fn parse(
        &self,
        stored: &Stored<Ingress>,
        good: Option<&Stored<Ingress>>,
        lookup: &Lookup<'_>,
    ) -> (Unit, Vec<Diagnostic>) {
        let parse = |stored, denied| ingress::parse(stored, denied, &self.settings, &self.config.routes, lookup);
        let outcome = parse(stored, None);
        let (served, parsed) = match good {
            // What the rejected version wants protected is not served unprotected by the former.
            Some(good) if outcome.rejected => (good, parse(good, outcome.denied).parsed),
            _ => (stored, outcome.parsed),
        };
        let good = parsed.is_some().then(|| served.clone());
        let IngressOutcome { mut applied, snippets, not_selected, not_owned, diagnostics, .. } = outcome;
        applied.shrink_to_fit();
        (Unit { parsed: parsed.map(Arc::new), good, applied, snippets, not_selected, not_owned }, diagnostics)
    }

    fn enter(&mut self, ingress: &ParsedIngress, dirty: &mut Dirty) {
        let claims = if ingress.canary.is_some() { &mut self.canaries.claims } else { &mut self.claims };
        for host in &ingress.claims {
            claims.add(host.clone(), ingress.rank.clone());
            dirty.claims.insert(host.clone());
        }
        self.references.add(ingress);
        dirty.backends.extend(ingress.references.keys().cloned());
        ingress.urls.iter().for_each(|id| self.url_backends.add(id));
        dirty.url_backends.extend(ingress.urls.iter().cloned());
    }

    fn withdraw(&mut self, ingress: &ParsedIngress, dirty: &mut Dirty) {
        let claims = if ingress.canary.is_some() { &mut self.canaries.claims } else { &mut self.claims };
        for host in &ingress.claims {
            claims.remove(host, &ingress.rank);
            dirty.claims.insert(host.clone());
        }
        self.references.remove(ingress);
        dirty.backends.extend(ingress.references.keys().cloned());
        ingress.urls.iter().for_each(|id| self.url_backends.remove(id));
        dirty.url_backends.extend(ingress.urls.iter().cloned());
    }

    /// The hosts of which something changed, and those that looked at them (aliases, `www` counterparts, names below a
    /// wildcard).
    fn dirty_hosts(&self, dirty: &Dirty) -> BTreeSet<HostName> {
        let changed = || dirty.claims.iter().chain(&dirty.hosts);
        changed().chain(changed().flat_map(|host| self.host_readers.of(host))).cloned().collect()
    }

    fn view<'a>(&'a self, lookup: &'a Lookup<'a>) -> View<'a> {
        View::new(Sources {
            defaults: &self.config.routes,
            prefix: &self.settings.annotations_prefix,
            ingresses: &self.ingresses,
            claims: &self.claims,
            canaries: &self.canaries,
            affinities: &self.affinities,
            certificates: &self.certificates,
            default_certificate: self.settings.default_certificate.as_ref(),
            lookup,
        })
    }

    /// Finds the main backends of the canaries on hosts whose claims changed. The hosts with routes to a backend whose
    /// canary changes become dirty.
    fn attach_canaries(&mut self, store: &Store, dirty: &mut Dirty) {
        let mut hosts: BTreeSet<_> = dirty.claims.iter().filter(|host| self.canaries.concern(host)).cloned().collect();
        let mut mains = BTreeSet::new();
        for host in &hosts {
            let lookup = Lookup::new(store);
            let view = self.view(&lookup);
            let attached = catch_panic(|| host::canaries::attach(host, &view));
            let canaries = attached.unwrap_or_else(|message| HostCanaries {
                attached: self.canaries.attached(host).to_vec(),
                diagnostics: vec![Diagnostic::defect(Subject::other(format!("Host {host}")), message)],
            });
            mains.extend(self.canaries.set(host, canaries));
        }
        dirty.hosts.extend(self.hosts_with_routes_to(&mains));
        hosts.extend(self.canaries.hosts(&mains));
        for host in hosts {
            let diagnostics = self.canaries.diagnostics(&host);
            self.diagnostics.set(UnitKey::Canaries(host), diagnostics);
        }
    }

    fn hosts_with_routes_to(&self, backends: &BTreeSet<ServiceBackend>) -> BTreeSet<HostName> {
        let referrers = backends.iter().flat_map(|backend| self.references.of(backend));
        let units = referrers.filter_map(|(rank, _)| self.ingresses.get(&rank.key)?.parsed.as_deref());
        units.flat_map(|ingress| ingress.claims.iter().cloned()).collect()
    }

    fn translate_host(&mut self, store: &Store, name: HostName, update: &mut Update) {
        let lookup = Lookup::new(store);
        let view = self.view(&lookup);
        let (host, diagnostics) = match catch_panic(|| host::translate(&name, &view)) {
            Ok(translated) => translated,
            Err(message) => {
                let diagnostic = Diagnostic::defect(Subject::other(format!("Host {name}")), message);
                return self.diagnostics.set(UnitKey::Host(name), vec![diagnostic]);
            }
        };
        let is_claimed = self.claims.of(&name).next().is_some();
        let (mut hosts, secrets) = if is_claimed { (view.reads(), lookup.reads()) } else { Default::default() };
        hosts.remove(&name); // What changes on the host itself makes it dirty anyhow.
        self.host_readers.set(&name, hosts);
        self.secret_readers.set(&name, secrets);
        self.diagnostics.set(UnitKey::Host(name.clone()), diagnostics);
        let changed = self.shared_policies.replace_host(&mut self.hosts, &name, host);
        update.hosts.extend(changed.map(|host| (name, host)));
    }

    fn translate_backend(&mut self, store: &Store, id: ServiceBackend, update: &mut Update) {
        let is_default = self.default_backend() == Some(&id);
        let is_stream = self.streams.of(&id).next().is_some();
        let is_routed = self.gateway_api.references.of(&id).next().is_some();
        if !is_default && !is_stream && !is_routed && self.references.of(&id).next().is_none() {
            self.diagnostics.set(UnitKey::Backend(id.clone()), Vec::new());
            self.orphans.set(&id, None);
            if self.backends.remove(&id).is_some() {
                update.backends.push((id.into(), None));
            }
            return;
        }
        let of_routes = || self.gateway_api.references.settings(&id);
        let settings = self.references.settings(&id).or_else(of_routes).unwrap_or(&self.config.routes.upstream);
        let resolve = || backend::resolve(&id, settings, &self.settings, store);
        let (backend, problem) = match catch_panic(resolve) {
            Ok(resolved) => resolved,
            Err(message) => {
                let service = ObjectKey::new(Kind::Service, id.namespace.clone(), id.service.clone());
                let diagnostic = Diagnostic::defect(service, message);
                return self.diagnostics.set(UnitKey::Backend(id), vec![diagnostic]);
            }
        };
        let why = problem.as_ref().and_then(Problem::orphan);
        let ingresses = || self.references.routed(&id).cloned().collect();
        self.orphans.set(&id, why.map(|why| BackendOrphans { why, ingresses: ingresses() }));
        let diagnostics = problem.map(|problem| {
            diagnostics::of_backend(&id, &problem, &self.references, &self.streams, &self.gateway_api.references)
        });
        self.diagnostics.set(UnitKey::Backend(id.clone()), diagnostics.unwrap_or_default());
        if self.backends.get(&id) != Some(&backend) {
            self.backends.insert(id.clone(), backend.clone());
            update.backends.push((id.into(), Some(backend)));
        }
    }
}
