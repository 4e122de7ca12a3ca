//! An HTTPRoute: where it attaches, and its rules as routes.

use super::attachment::{Attached, Attachment, Gateways, NotAccepted, Seeker};
use super::backends::{self, Unresolved};
use super::filters::{self, Filters};
use super::findings::Findings;
use super::host_names;
use super::matches;
use super::rank::Rank;
use crate::diagnostic::{Diagnostic, Reason};
use crate::gateway_api::{
    Condition, HttpRoute, HttpRouteMatch, HttpRouteRule, ParentReference, ParentStatus, RouteBackendRef, StatusParts,
};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use crate::store::Stored;
use crate::translate::ingress::OwnHosts;
use gateway::config::{
    Action, BackendId, BackendPolicies, Denied, HeaderChanges, HostName, Origin, Owner, Route, RouteBackend,
    RoutePolicies, ServiceBackend, Subject, UrlRedirect,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An HTTPRoute as translation goes on with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParsedRoute {
    pub(super) rank: Rank,
    pub(super) generation: Option<i64>,
    /// What becomes of it at each parent that is ours.
    pub(super) parents: Vec<(ParentReference, Result<Attached, NotAccepted>)>,
    pub(super) routes: Vec<Route>,
    /// The Services' ports that it names, each with the first field that does.
    pub(super) references: BTreeMap<ServiceBackend, Arc<str>>,
    /// Why it is not accepted, if no rule of it can be served.
    refused: Option<String>,
    /// Why some of its rules are not served as they are meant.
    partly: Option<String>,
    unresolved: Option<Unresolved>,
}

impl ParsedRoute {
    /// Where it takes requests.
    pub(super) fn attachments(&self) -> BTreeSet<Attachment> {
        self.attached().flat_map(|attached| attached.attachments.iter().cloned()).collect()
    }

    /// The listeners that it is attached to.
    pub(super) fn attached(&self) -> impl Iterator<Item = &Attached> {
        let is_served = self.refused.is_none();
        self.parents.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()).filter(move |_| is_served)
    }

    pub(super) fn status(&self) -> StatusParts {
        let parents = self.parents.iter().map(|(parent, outcome)| {
            let accepted = match (&self.refused, outcome) {
                (_, Err((reason, message))) => Condition::fails("Accepted", reason, message),
                (Some(message), Ok(_)) => Condition::fails("Accepted", "UnsupportedValue", message),
                (None, Ok(_)) => Condition::holds("Accepted", "Accepted"),
            };
            let resolved = match &self.unresolved {
                None => Condition::holds("ResolvedRefs", "ResolvedRefs"),
                Some((reason, message)) => Condition::fails("ResolvedRefs", reason, message),
            };
            let partly = self.partly.as_ref().filter(|_| self.refused.is_none()).map(|message| Condition {
                message: format!("Dropped Rule: {message}"),
                ..Condition::holds("PartiallyInvalid", "UnsupportedValue")
            });
            let conditions = [accepted, resolved].into_iter().chain(partly).collect();
            ParentStatus { parent: parent.clone(), conditions }
        });
        StatusParts::Route(parents.collect())
    }
}

/// Reads an HTTPRoute, if a parent of it is a Gateway of ours.
pub(super) fn parse(
    stored: &Stored<HttpRoute>,
    gateways: &Gateways,
    (settings, defaults): (&ControllerSettings, &RouteDefaults),
    lookup: &Lookup<'_>,
) -> (Option<ParsedRoute>, Vec<Diagnostic>) {
    let spec = &stored.object.spec;
    let mut findings = Findings::of(&stored.key, stored.age.place.as_ref());
    let hosts = hosts(&spec.hostnames, &mut findings);
    let own_hosts = OwnHosts::of(&stored.key.namespace, settings, lookup);
    let seeker = Seeker { route: &stored.key, hosts: &hosts, own_hosts: &own_hosts, gateways, lookup };
    let mut parents = Vec::new();
    for (index, parent) in spec.parent_refs.iter().enumerate() {
        let field = format!("spec.parentRefs[{index}]");
        match seeker.attach(parent) {
            Some(outcome) => {
                if let Err((_, message)) = &outcome {
                    findings.error(
                        Reason::Rejected,
                        &field,
                        &parent.name,
                        &format!("{message}; nothing is served there"),
                    );
                }
                for host in outcome.iter().flat_map(|attached| &attached.not_owned) {
                    let message = "is not a host of its namespace: --host-owners-configmap is set; it is not served";
                    findings.error(Reason::HostNotOwned, "spec.hostnames", &host.to_string(), message);
                }
                parents.push((parent.clone(), outcome));
            }
            None if findings.is_in_file() => of_nobody(parent, &field, &seeker, &mut findings),
            None => {}
        }
    }
    if parents.is_empty() {
        return (None, findings.diagnostics);
    }
    let mut reader = Reader {
        key: &stored.key,
        lookup,
        findings,
        base: base(defaults),
        backend: Arc::clone(&defaults.backend),
        references: BTreeMap::new(),
        unresolved: None,
        invalid: Vec::new(),
    };
    let default = [HttpRouteRule::default()];
    let rules = if spec.rules.is_empty() { &default[..] } else { &spec.rules };
    let routes: Vec<_> = rules.iter().enumerate().flat_map(|(index, rule)| reader.rule(index, rule)).collect();
    let invalid = reader.invalid.first().cloned();
    let is_refused = invalid.is_some() && routes.iter().all(is_refusal);
    let parsed = ParsedRoute {
        rank: Rank { age: stored.age.clone(), key: stored.key.clone() },
        generation: stored.object.metadata.generation,
        parents,
        routes,
        references: reader.references,
        refused: invalid.clone().filter(|_| is_refused),
        partly: invalid,
        unresolved: reader.unresolved,
    };
    (Some(parsed), reader.findings.diagnostics)
}

/// A parent that is no Gateway of ours: in a cluster that may be as it should be.
fn of_nobody(parent: &ParentReference, field: &str, seeker: &Seeker<'_>, findings: &mut Findings) {
    let kind = parent.kind.as_deref().unwrap_or("Gateway");
    let message = match seeker.gateway(parent) {
        Some(key) if seeker.lookup.gateway(&key.namespace, &key.name).is_some() => return,
        Some(key) => format!("names {key}, which does not exist: nothing is served there"),
        None => format!("names a {kind}, which is not supported yet: nothing is served there"),
    };
    findings.ignored(&format!("{field}.name"), &parent.name, &message);
}

fn hosts(names: &[String], findings: &mut Findings) -> Vec<HostName> {
    if names.is_empty() {
        return vec![HostName::Any];
    }
    let mut hosts = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match host_names::parse(Some(name)).map_err(|error| error.to_string()) {
            Ok(HostName::Any) => {}
            Ok(host) => hosts.push(host),
            Err(message) => {
                let field = format!("spec.hostnames[{index}]");
                findings.error(Reason::Invalid, &field, name, &format!("{message}; the host is not served"));
            }
        }
    }
    hosts
}

/// What the ConfigMap sets for all routes, without what is about Ingresses.
fn base(defaults: &RouteDefaults) -> Arc<RoutePolicies> {
    let denied = defaults.external_auth.url.as_ref().map(|_| Denied {
        reason: "is not applied to HTTPRoutes yet, so that nobody may come in".into(),
        origin: Origin::new(Subject::other("ConfigMap"), "data.global-auth-url"),
    });
    let policies = defaults.policies.as_ref().clone();
    let denied = policies.denied.clone().or(denied);
    Arc::new(RoutePolicies { denied, https_redirect: None, rewrite: None, snippet: None, add_slash: false, ..policies })
}

fn is_refusal(route: &Route) -> bool {
    route.action == REFUSED
}

/// What cannot be served as it is meant, or leads nowhere.
const REFUSED: Action = Action::Reply(500);

struct Reader<'a> {
    key: &'a ObjectKey,
    lookup: &'a Lookup<'a>,
    findings: Findings,
    /// The policies of rules without filters.
    base: Arc<RoutePolicies>,
    /// The same of backends.
    backend: Arc<BackendPolicies>,
    references: BTreeMap<ServiceBackend, Arc<str>>,
    /// The first reference that cannot be followed.
    unresolved: Option<Unresolved>,
    /// What is wrong with rules.
    invalid: Vec<String>,
}

impl Reader<'_> {
    fn rule(&mut self, index: usize, rule: &HttpRouteRule) -> Vec<Route> {
        let field = format!("spec.rules[{index}]");
        self.ignored(&field, rule);
        let filters = filters::parse(&rule.filters);
        let filters = filters.map_err(|wrong| {
            let filters::WrongFilter { field: part, value, message } = wrong;
            self.invalid(
                &format!("{field}.{part}"),
                &value,
                &message,
                "the requests of the rule are answered with 500",
            );
        });
        let filters = filters.ok();
        let action = match &filters {
            None => REFUSED,
            Some(filters) if filters.redirect.is_some() => REFUSED, // replaced where the match is known
            Some(filters) => self.forward(&rule.backend_refs, &field, filters),
        };
        let policies = filters.as_ref().map_or_else(|| Arc::clone(&self.base), |filters| self.policies(filters));
        let owner = owner(self.key, &action);
        let default = [HttpRouteMatch::default()];
        let matches = if rule.matches.is_empty() { &default[..] } else { &rule.matches };
        let mut routes = Vec::new();
        for (at, matched) in matches.iter().enumerate() {
            let field = if rule.matches.is_empty() { field.clone() } else { format!("{field}.matches[{at}]") };
            match matches::parse(matched) {
                Err(wrong) => {
                    let part = format!("{field}.{}", wrong.field);
                    self.invalid(&part, &wrong.value, &wrong.message, "requests are not matched by it");
                }
                Ok(matches) => routes.push(Route {
                    origin: Origin::new(self.findings.object(), field),
                    owner: owner.clone(),
                    matches,
                    action: action.clone(),
                    policies: Arc::clone(&policies),
                    locations: Arc::default(),
                }),
            }
        }
        if let Some(filters) = &filters {
            routes.iter_mut().for_each(|route| self.apply_path(route, filters));
        }
        routes
    }

    /// Applies what depends on the path of a route.
    fn apply_path(&mut self, route: &mut Route, filters: &Filters) {
        let change = filters.path.as_ref().map(|path| path.change(&route.matches.path)).transpose();
        match (change, &filters.redirect) {
            (Ok(path), Some(redirect)) => {
                route.action = Action::UrlRedirect(UrlRedirect { path, ..redirect.clone() });
            }
            (Ok(Some(path)), None) => {
                let policies = RoutePolicies { path_change: Some(path), ..route.policies.as_ref().clone() };
                route.policies = Arc::new(policies);
            }
            (Ok(None), None) => {}
            (Err(message), _) => {
                let field = route.origin.field.to_string();
                self.invalid(&field, &route.matches.path.value, message, "its requests are answered with 500");
                route.action = REFUSED;
            }
        }
    }

    /// What is known and not applied yet, and serves nevertheless.
    fn ignored(&mut self, field: &str, rule: &HttpRouteRule) {
        for (name, is_there) in [("timeouts", rule.timeouts.is_some()), ("retry", rule.retry.is_some())] {
            if is_there {
                let message = "is not supported yet: the settings of the ConfigMap hold instead";
                self.findings.ignored(&format!("{field}.{name}"), "", message);
            }
        }
    }

    fn invalid(&mut self, field: &str, value: &str, message: &str, effect: &str) {
        self.findings.error(Reason::Invalid, field, value, &format!("{message}; {effect}"));
        self.invalid.push(format!("{field}: {message}"));
    }

    fn policies(&self, filters: &Filters) -> Arc<RoutePolicies> {
        let Filters { request_headers, response_headers, .. } = filters;
        if *request_headers == HeaderChanges::default() && *response_headers == HeaderChanges::default() {
            return Arc::clone(&self.base);
        }
        Arc::new(RoutePolicies {
            request_headers: request_headers.clone(),
            response_headers: response_headers.clone(),
            ..self.base.as_ref().clone()
        })
    }

    /// To the backends of a rule, each for its share; without any, nowhere.
    fn forward(&mut self, references: &[RouteBackendRef], field: &str, filters: &Filters) -> Action {
        let mut backends = Vec::with_capacity(references.len());
        for (index, reference) in references.iter().enumerate() {
            let field = format!("{field}.backendRefs[{index}]");
            let weight = self.weight(reference, &field);
            backends.push(self.backend(reference, &field, weight, filters));
        }
        let serves = |backend: &RouteBackend| backend.weight > 0 && backend.backend != BackendId::Nowhere;
        if backends.iter().any(serves) { Action::Forward(backends.into()) } else { REFUSED }
    }

    fn weight(&mut self, reference: &RouteBackendRef, field: &str) -> u32 {
        match reference.weight.unwrap_or(1) {
            weight @ 0..=1_000_000 => weight.unsigned_abs(),
            weight => {
                let message = "is not a weight: expected 0 to 1000000; it counts as 0";
                self.findings.error(Reason::Invalid, &format!("{field}.weight"), &weight.to_string(), message);
                0
            }
        }
    }

    fn backend(&mut self, reference: &RouteBackendRef, field: &str, weight: u32, of_rule: &Filters) -> RouteBackend {
        let own = self.backend_filters(reference, field);
        let resolved = backends::resolve(self.key, reference, field, self.lookup, &mut self.findings);
        let destination = match resolved {
            Ok(destination) => Some(destination),
            Err(unresolved) => {
                self.unresolved.get_or_insert(unresolved);
                None
            }
        };
        let mut owner =
            Owner { namespace: self.key.namespace.clone(), ingress: self.key.name.clone(), ..Owner::default() };
        let mut policies = self.backend.as_ref().clone();
        policies.host = of_rule.host.clone().or(policies.host);
        let backend = match (destination, own) {
            (Some(destination), Some(own)) => {
                (owner.service, owner.service_port) = (destination.id.service.clone(), destination.id.port.clone());
                self.references.entry(destination.id.clone()).or_insert_with(|| field.into());
                policies.protocol = destination.protocol;
                policies.request_headers = changes(own.request_headers);
                policies.response_headers = changes(own.response_headers);
                destination.id.into()
            }
            _ => BackendId::Nowhere,
        };
        let policies = if policies == *self.backend { Arc::clone(&self.backend) } else { Arc::new(policies) };
        RouteBackend { backend, weight, when: None, canary: false, affinity: None, owner, policies }
    }

    /// The filters of one backend: of its headers only.
    fn backend_filters(&mut self, reference: &RouteBackendRef, field: &str) -> Option<Filters> {
        let wrong = match filters::parse(&reference.filters) {
            Ok(filters @ Filters { redirect: None, path: None, host: None, .. }) => return Some(filters),
            Ok(_) => filters::WrongFilter {
                field: "filters".to_owned(),
                value: String::new(),
                message: "has a filter that is not supported for one backend: expected those of headers".to_owned(),
            },
            Err(wrong) => wrong,
        };
        let field = format!("{field}.{}", wrong.field);
        self.invalid(&field, &wrong.value, &wrong.message, "the requests of this backend are answered with 500");
        None
    }
}

fn changes(changes: HeaderChanges) -> Option<Arc<HeaderChanges>> {
    (changes != HeaderChanges::default()).then(|| Arc::new(changes))
}

/// Who owns a route: its only backend, if it has one.
fn owner(key: &ObjectKey, action: &Action) -> Owner {
    match action {
        Action::Forward(backends) if backends.len() == 1 => backends[0].owner.clone(),
        _ => Owner { namespace: key.namespace.clone(), ingress: key.name.clone(), ..Owner::default() },
    }
}
