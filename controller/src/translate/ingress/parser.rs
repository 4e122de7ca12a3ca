//! Reads an Ingress, field by field.

use super::class;
use super::host_owners::OwnHosts;
use super::outcome::IngressOutcome;
use super::path::{self, Declared};
use crate::annotation::{self, Annotation, AnnotationSettings};
use crate::diagnostic::{AtAdmission, Diagnostic, Reason, Severity};
use crate::lookup::Lookup;
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use crate::source::manifest::{is_left_out, is_path_left_out};
use crate::store::Stored;
use crate::translate::exact_size::of_exact_size;
use crate::translate::parsed_ingress::{HostRules, NotServed, ParsedIngress, Reference, TlsEntry};
use crate::translate::rank::Rank;
use gateway::config::{
    Action, Affinity, BackendId, BackendPolicies, BackendProtocol, Denied, HostName, Origin, Owner, PathKind, Route,
    RouteBackend, RouteMatch, RoutePolicies, ServiceBackend, Subject,
};
use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressSpec};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Parses an Ingress, if it is ours. Its routes are denied where its annotations or `denied` say so.
pub(in crate::translate) fn parse(
    stored: &Stored<Ingress>,
    denied: Option<Denied>,
    settings: &ControllerSettings,
    defaults: &RouteDefaults,
    lookup: &Lookup<'_>,
) -> IngressOutcome {
    let object = Subject::from(&stored.key);
    let place = stored.age.place.clone();
    if let Err(foreign) = class::claim(&stored.object, settings, lookup) {
        // In a cluster other controllers' Ingresses are nobody's mistake.
        let is_told = place.is_some();
        let why = Diagnostic::warning(object, foreign.field, foreign.message).because(Reason::Ignored);
        let why = why.with_value(&foreign.value).at(place);
        let diagnostics = is_told.then(|| why.clone()).into_iter().collect();
        let not_selected = Some(Box::new(NotServed::all(&stored.object, why)));
        return IngressOutcome { not_selected, diagnostics, ..IngressOutcome::default() };
    }
    let none = BTreeMap::new();
    let annotations = stored.object.metadata.annotations.as_ref().unwrap_or(&none);
    let context = annotation::Context { namespace: &stored.key.namespace, defaults, lookup };
    let mut reading = annotation::read(annotations, (&object, &settings.annotations_prefix), context);
    let policies = &mut reading.settings.policies;
    policies.denied = policies.denied.take().or(denied);
    let denied = policies.denied.clone();
    let mut parser = Parser {
        stored,
        settings,
        defaults,
        object,
        base: Arc::clone(&defaults.policies),
        backend_policies: Arc::clone(&defaults.backend),
        forwards: HashMap::new(),
        annotations: reading.settings,
        by_path: HashMap::new(),
        diagnostics: reading.diagnostics,
        references: BTreeMap::new(),
        urls: Vec::new(),
        asks_hosts: None,
        own_hosts: OwnHosts::of(&stored.key.namespace, settings, lookup),
        not_owned: Vec::new(),
    };
    let parsed = if reading.rejected.is_some() { None } else { parser.parse(lookup) };
    let mut diagnostics = parser.diagnostics;
    for diagnostic in &mut diagnostics {
        diagnostic.place.clone_from(&place);
    }
    IngressOutcome {
        parsed,
        not_selected: None,
        not_owned: parser.not_owned,
        rejected: reading.rejected.is_some(),
        denied,
        applied: reading.applied,
        snippets: reading.snippets,
        diagnostics,
    }
}

/// Where requests go, and how clients stay there.
type Forward = (ServiceBackend, Option<Arc<Affinity>>);

/// An Ingress while it is read.
pub(super) struct Parser<'a> {
    pub(super) stored: &'a Stored<Ingress>,
    pub(super) settings: &'a ControllerSettings,
    pub(super) defaults: &'a RouteDefaults,
    pub(super) object: Subject,
    pub(super) annotations: AnnotationSettings,
    /// The policies of every path that has none of its own.
    pub(super) base: Arc<RoutePolicies>,
    pub(super) backend_policies: Arc<BackendPolicies>,
    /// The action of the paths with a backend.
    pub(super) forwards: HashMap<Forward, Arc<[RouteBackend]>>,
    /// The policies of the others.
    pub(super) by_path: HashMap<Arc<str>, Arc<RoutePolicies>>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) references: BTreeMap<ServiceBackend, Reference>,
    /// The servers that are named by URL.
    pub(super) urls: Vec<BackendId>,
    /// Each host has an auth server under its own name: the field that says so, and the port.
    pub(super) asks_hosts: Option<(Arc<str>, u16)>,
    /// The hosts that its namespace may have.
    pub(super) own_hosts: OwnHosts,
    /// Those of its hosts that it may not.
    pub(super) not_owned: Vec<NotServed>,
}

impl Parser<'_> {
    fn parse(&mut self, lookup: &Lookup<'_>) -> Option<ParsedIngress> {
        let ingress = Arc::clone(&self.stored.object);
        let none = IngressSpec::default();
        let spec = ingress.spec.as_ref().unwrap_or(&none);
        self.complete(lookup);
        let key = &self.stored.key;
        let zone = format!("{}/{}", key.namespace, key.name);
        self.annotations.policies.client_limits = self.annotations.limits.policy(zone);
        if self.annotations.policies != *self.base {
            self.base = Arc::new(self.annotations.policies.clone());
        }
        if self.annotations.backend != *self.backend_policies {
            self.backend_policies = Arc::new(self.annotations.backend.clone());
        }
        let rules = spec.rules.as_deref().unwrap_or_default();
        // Also beside rules, as in ingress-nginx (`hasCatchAllIngressRule`).
        if spec.default_backend.is_some() && self.settings.disable_catch_all {
            let message = "is not allowed: --disable-catch-all is set; expected rules only; the Ingress is not served";
            self.ignored("spec.defaultBackend", message).at_admission = AtAdmission::Refuses;
            return None;
        }
        let mut hosts = BTreeMap::<_, HostRules>::new();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| !is_left_out(rule)) {
            self.rule(index, rule, &mut hosts);
        }
        let backend = spec.default_backend.as_ref().and_then(|backend| self.backend(backend, "spec.defaultBackend"));
        if rules.is_empty() && spec.default_backend.is_none() {
            self.report(
                Severity::Error,
                "spec",
                None,
                "has neither rules nor a defaultBackend: expected one of them; nothing is served",
            );
        }
        hosts.values_mut().for_each(|rules| rules.routes.shrink_to_fit());
        let has_default_backend = backend.is_some();
        self.servers_at_hosts(&hosts, has_default_backend);
        let unredirected = self.forward_or_default(backend.as_ref());
        let root = self.root(backend.as_ref(), unredirected.clone());
        let www = self.annotations.from_to_www.then(|| Box::new(self.annotation("from-to-www-redirect")));
        let passthrough = self.annotations.ssl_passthrough.then(|| Box::new(self.annotation("ssl-passthrough")));
        let mut parsed = ParsedIngress {
            rank: Arc::new(Rank { age: self.stored.age.clone(), key: self.stored.key.clone() }),
            object: self.object.clone(),
            canary: self.annotations.canary.take().map(Box::new),
            claims: Box::default(),
            hosts: of_exact_size(hosts),
            root,
            unredirected,
            backend_policies: Arc::clone(&self.backend_policies),
            has_default_backend,
            host_policies: Arc::new(std::mem::take(&mut self.annotations.host)),
            server_snippet: self.annotations.server_snippet.take().map(Box::new),
            location_snippet: Arc::clone(&self.annotations.location_snippet),
            has_error_pages: self.has_error_pages(),
            catch_all: rules.is_empty(),
            use_regex: self.annotations.use_regex,
            tls: TlsEntry::read(spec.tls.as_deref().unwrap_or_default()),
            always_https: self.annotations.https.always,
            aliases: self.own_aliases(),
            www,
            passthrough,
            upstream: Arc::new(self.annotations.upstream.clone()),
            affinity: std::mem::take(&mut self.annotations.affinity),
            references: of_exact_size(std::mem::take(&mut self.references)),
            urls: std::mem::take(&mut self.urls),
        };
        let claims = self.own_claims(parsed.hosts_claimed(self.defaults.path_matching));
        parsed.claims = claims.into_iter().collect();
        Some(parsed)
    }

    fn rule(&mut self, index: usize, rule: &IngressRule, hosts: &mut BTreeMap<HostName, HostRules>) {
        let field = format!("spec.rules[{index}]");
        let text = rule.host.as_deref().unwrap_or_default();
        let host = match HostName::parse(text) {
            Ok(HostName::Pattern(_)) => {
                Err("is not a host name: regular expressions are allowed in server-alias only".into())
            }
            Ok(host) => Ok(host),
            Err(error) => Err(error.to_string()),
        };
        let host = match host {
            Ok(host) => host,
            Err(complaint) => {
                let message = format!("{complaint}; the rule is not served");
                self.report(Severity::Error, &format!("{field}.host"), Some(text), &message);
                return;
            }
        };
        if !self.owns(&host, format_args!("{field}.host"), "the rule is not served") {
            return;
        }
        let paths = rule.http.as_ref().map(|http| http.paths.as_slice()).unwrap_or_default();
        let routes: Vec<_> = paths
            .iter()
            .enumerate()
            .filter(|(_, path)| !is_path_left_out(path))
            .filter_map(|(at, path)| self.route(format!("{field}.http.paths[{at}]"), path))
            .collect();
        hosts
            .entry(host)
            .or_insert_with(|| HostRules { origin: Origin::new(self.object.clone(), field), routes: Vec::new() })
            .routes
            .extend(routes);
    }

    /// One path, unless it must not or cannot be served.
    fn route(&mut self, field: String, declared: &HTTPIngressPath) -> Option<Route> {
        let (kind, standard) = match declared.path_type.as_str() {
            "Exact" => (PathKind::Exact, Declared::Standard),
            "Prefix" => (PathKind::Prefix, Declared::Standard),
            "ImplementationSpecific" => (PathKind::Prefix, Declared::ImplementationSpecific),
            other => {
                let message =
                    "is not a path type: expected Exact, Prefix or ImplementationSpecific; the path is not served";
                self.report(Severity::Error, &format!("{field}.pathType"), Some(other), message);
                return None;
            }
        };
        let text = match declared.path.as_deref().unwrap_or_default() {
            "" => "/",
            text => text,
        };
        if let Some(refusal) = path::refusal(text, standard) {
            let message = format!("{refusal}; the path is not served");
            let diagnostic = self.report(Severity::Error, &format!("{field}.path"), Some(text), &message);
            diagnostic.at_admission = AtAdmission::Refuses;
            return None;
        }
        if self.defaults.strict_path_types && path::is_unusual(text, standard) {
            let message = "contains characters other than letters, digits and /-._: expected pathType ImplementationSpecific for \
                           a regular expression; the path is served nevertheless";
            let diagnostic = self.report(Severity::Warning, &format!("{field}.path"), Some(text), message);
            diagnostic.at_admission = AtAdmission::Refuses;
        }
        let backend = self.backend(&declared.backend, &format!("{field}.backend"))?;
        let path: Arc<str> = text.into();
        self.warn_of_missing_groups(&path);
        Some(Route {
            origin: Origin::new(self.object.clone(), field),
            owner: self.owner(Some(&backend)),
            policies: self.policies(&path),
            matches: RouteMatch::path(kind, path),
            action: self.action(|parser| parser.forward(&backend, parser.annotations.affinity.cookie.clone())),
            locations: Arc::default(),
        })
    }

    /// The route for `/` where no rule has it.
    fn root(&mut self, backend: Option<&ServiceBackend>, unredirected: Action) -> Route {
        let path: Arc<str> = "/".into();
        let field = if backend.is_some() { "spec.defaultBackend" } else { "spec.rules" };
        Route {
            origin: Origin::new(self.object.clone(), field),
            owner: self.owner(backend),
            policies: self.policies(&path),
            matches: RouteMatch::path(PathKind::Prefix, path),
            action: self.action(|_| unredirected),
            locations: Arc::default(),
        }
    }

    /// What the annotations make of all paths, else what follows from one's backend.
    fn action(&mut self, otherwise: impl FnOnce(&mut Self) -> Action) -> Action {
        match self.annotations.redirect.clone() {
            Some(redirect) => Action::Redirect(redirect),
            None => otherwise(self),
        }
    }

    fn forward_or_default(&mut self, backend: Option<&ServiceBackend>) -> Action {
        let Some(backend) = backend else {
            // The gateway's own default backend speaks HTTP.
            let mut policies = Arc::clone(&self.backend_policies);
            if policies.protocol != BackendProtocol::Http {
                let policies = Arc::make_mut(&mut policies);
                (policies.protocol, policies.fastcgi) = (BackendProtocol::Http, None);
            }
            return Action::DefaultBackend(policies);
        };
        self.forward(backend, None)
    }

    /// To one backend: one object for all paths that have it.
    fn forward(&mut self, backend: &ServiceBackend, affinity: Option<Arc<Affinity>>) -> Action {
        let key = (backend.clone(), affinity);
        if let Some(known) = self.forwards.get(&key) {
            return Action::Forward(Arc::clone(known));
        }
        let only = RouteBackend {
            backend: backend.clone().into(),
            weight: 1,
            when: None,
            canary: false,
            affinity: key.1.clone(),
            owner: self.owner(Some(backend)),
            policies: Arc::clone(&self.backend_policies),
        };
        Action::Forward(Arc::clone(self.forwards.entry(key).or_insert([only].into())))
    }

    fn backend(&mut self, backend: &IngressBackend, field: &str) -> Option<ServiceBackend> {
        let Some(service) = &backend.service else {
            let message = match &backend.resource {
                Some(_) => "is not supported: expected a service; no request is routed to it",
                None => "is empty: expected a service; no request is routed to it",
            };
            let field = if backend.resource.is_some() { format!("{field}.resource") } else { field.to_owned() };
            self.report(Severity::Error, &field, backend.resource.as_ref().map(|r| r.kind.as_str()), message);
            return None;
        };
        let port = service.port.as_ref().and_then(|port| {
            port.number.map(|number| number.to_string()).or_else(|| port.name.clone()).filter(|port| !port.is_empty())
        });
        let namespace = self.stored.key.namespace.clone();
        let id = ServiceBackend::tcp(namespace, service.name.as_str(), port.unwrap_or_default());
        let in_rules = field.starts_with("spec.rules");
        let routed = Reference { field: format!("{field}.service").into(), routed: true, in_rules };
        // Paths with one backend share its name.
        let known = self.references.get_key_value(&id).map(|(known, _)| known.clone());
        let id = known.unwrap_or(id);
        let reference = self.references.entry(id.clone()).or_insert_with(|| routed.clone());
        if !reference.routed {
            *reference = routed;
        }
        reference.in_rules |= in_rules;
        Some(id)
    }

    pub(super) fn annotation(&self, key: &str) -> Origin {
        let field = format!("metadata.annotations[{}]", Annotation::full_name(key, &self.settings.annotations_prefix));
        Origin::new(self.object.clone(), field)
    }

    fn owner(&self, backend: Option<&ServiceBackend>) -> Owner {
        Owner {
            namespace: self.stored.key.namespace.clone(),
            ingress: self.stored.key.name.clone(),
            service: backend.map(|backend| backend.service.clone()).unwrap_or_default(),
            service_port: backend.map(|backend| backend.port.clone()).unwrap_or_default(),
        }
    }

    pub(super) fn ignored(&mut self, field: &str, message: &str) -> &mut Diagnostic {
        self.diagnostics.push_mut(Diagnostic::warning(self.object.clone(), field, message).because(Reason::Ignored))
    }

    pub(super) fn report(
        &mut self,
        severity: Severity,
        field: &str,
        value: Option<&str>,
        message: &str,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic { severity, ..Diagnostic::error(self.object.clone(), field, message) };
        self.diagnostics.push_mut(match value {
            Some(value) => diagnostic.with_value(value),
            None => diagnostic,
        })
    }
}
