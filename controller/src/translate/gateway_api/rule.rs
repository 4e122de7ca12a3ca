//! The rules of a route of HTTP or gRPC as routes.

use super::backends::{self, Destination, Known};
use super::filters::{self, Filters, PathFilter};
use super::findings::Findings;
use super::mirrors::MirrorFilter;
use super::retry::{self, RuleRetries};
use super::route_parts::{RouteKind, RouteParts, RuleParts};
use super::timeouts::{self, RuleTimeouts};
use super::wrong::{Read, Wrong};
use crate::diagnostic::Reason;
use crate::gateway_api::{Fault, RouteBackendRef};
use crate::object::ObjectKey;
use crate::route_defaults::RouteDefaults;
use crate::translate::mark::mark;
use gateway::config::{
    Action, BackendId, BackendPolicies, Denied, HeaderChanges, Mirror, Origin, Owner, Route, RouteBackend,
    RoutePolicies, ServiceBackend, Subject, UrlRedirect,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether nothing of it is served as it is meant.
pub(super) fn is_refusal(route: &Route) -> bool {
    matches!(route.action, Action::Reply(_))
}

/// Reads the rules of one route.
pub(super) struct RuleReader<'a> {
    key: &'a ObjectKey,
    kind: &'static RouteKind,
    known: Known<'a>,
    pub(super) findings: Findings,
    /// The policies of rules that ask for nothing.
    base: Arc<RoutePolicies>,
    /// The same of backends.
    backend: Arc<BackendPolicies>,
    /// What copies for mirrors are marked with.
    mark: Arc<str>,
    /// The Services' ports that are named, each with the first field that does.
    pub(super) references: BTreeMap<ServiceBackend, Arc<str>>,
    /// The first reference that cannot be followed.
    pub(super) unresolved: Option<Fault>,
    /// What is wrong with rules.
    pub(super) invalid: Vec<String>,
}

/// What a rule asks for beside its matches and its backends.
struct Asked {
    filters: Filters,
    /// The policies of its backends, as far as they are the same.
    backend: Arc<BackendPolicies>,
}

impl<'a> RuleReader<'a> {
    pub(super) fn new(route: &RouteParts<'a>, defaults: &RouteDefaults, known: Known<'a>, findings: Findings) -> Self {
        Self {
            key: route.key,
            kind: route.kind,
            known,
            findings,
            base: base(defaults),
            backend: Arc::clone(&defaults.backend),
            mark: mark(route.metadata, route.key),
            references: BTreeMap::new(),
            unresolved: None,
            invalid: Vec::new(),
        }
    }

    pub(super) fn rule(&mut self, index: usize, rule: RuleParts<'_>) -> Vec<Route> {
        let field = format!("spec.rules[{index}]");
        let asked = self.asked(&field, &rule);
        let (action, paths) = match &asked {
            None => (self.refusal(), Vec::new()),
            // Replaced where the match is known.
            Some(asked) if asked.filters.redirect.is_some() => (self.refusal(), Vec::new()),
            Some(asked) => self.forward(rule.backends, &field, &asked.backend),
        };
        let filters = asked.map(|asked| asked.filters);
        let policies = match &filters {
            Some(filters) => self.policies(&field, filters),
            None => Arc::clone(&self.base),
        };
        let owner = owner(self.key, &action);
        let has_none = rule.matches.is_empty().then(|| (field.clone(), Ok((self.kind.all)())));
        let each = rule.matches.into_iter().enumerate();
        let each = each.map(|(at, matches)| (format!("{field}.matches[{at}]"), matches));
        let mut routes = Vec::new();
        for (field, matches) in has_none.into_iter().chain(each) {
            match matches {
                Err(wrong) => self.report(wrong.within(&field), "requests are not matched by it"),
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
            routes.iter_mut().for_each(|route| self.apply_paths(route, filters, &paths));
        }
        routes
    }

    /// `None`: it cannot be served as it is meant.
    fn asked(&mut self, field: &str, rule: &RuleParts<'_>) -> Option<Asked> {
        let filters = self.part(field, filters::parse(rule.filters, self.kind.filters));
        let timeouts = self.part(field, rule.timeouts.map(timeouts::parse).transpose());
        let retries = self.part(field, rule.retry.map(retry::parse).transpose());
        let (filters, timeouts, retries) = (filters?, timeouts?, retries?);
        let told = retries.iter().flat_map(|retries| &retries.told);
        for part in filters.without_effect.iter().chain(told) {
            self.findings.ignored(&format!("{field}.{}", part.field), &part.value, &part.message);
        }
        let backend = self.backend_policies(&filters, timeouts, retries.as_ref());
        Some(Asked { filters, backend })
    }

    /// A part of a rule, if it is sound.
    fn part<T>(&mut self, rule: &str, read: Read<T>) -> Option<T> {
        read.map_err(|wrong| self.invalid(wrong.within(rule), "of the rule")).ok()
    }

    /// What becomes of requests that cannot be served as they are meant, or lead nowhere.
    fn refusal(&self) -> Action {
        Action::Reply(self.kind.refusal)
    }

    fn backend_policies(
        &self,
        filters: &Filters,
        timeouts: Option<RuleTimeouts>,
        retries: Option<&RuleRetries>,
    ) -> Arc<BackendPolicies> {
        let mut policies = self.backend.as_ref().clone();
        policies.host = filters.host.clone().or(policies.host);
        if let Some(timeouts) = timeouts {
            timeouts.apply(&mut policies);
        }
        if let Some(retries) = retries {
            retries.apply(&mut policies.retries);
        }
        shared(&self.backend, policies)
    }

    /// Applies what depends on the path of a route: what the rule makes of it, and what each backend gets.
    fn apply_paths(&mut self, route: &mut Route, filters: &Filters, of_backends: &[Option<PathFilter>]) {
        if let Err(message) = change_paths(route, filters, of_backends) {
            let wrong = Wrong::new(&*route.origin.field, &route.matches.path.value, message);
            self.invalid(wrong, "of the match");
            route.action = self.refusal();
        }
    }

    /// Something cannot be served as it is meant, and costs the requests of a part of the route.
    fn invalid(&mut self, wrong: Wrong, of_part: &str) {
        let effect = format!("the requests {of_part} are answered with {}", self.kind.refusal);
        self.report(wrong, &effect);
    }

    fn report(&mut self, wrong: Wrong, effect: &str) {
        let Wrong { field, value, message } = wrong;
        self.findings.error(Reason::Invalid, &field, &value, &format!("{message}; {effect}"));
        self.invalid.push(format!("{field}: {message}"));
    }

    fn policies(&mut self, field: &str, filters: &Filters) -> Arc<RoutePolicies> {
        let mirrors = filters.mirrors.iter().filter_map(|filter| self.mirror(field, filter)).collect();
        let policies = RoutePolicies {
            mirrors,
            request_headers: filters.request_headers.clone(),
            response_headers: filters.response_headers.clone(),
            cors: filters.cors.clone(),
            ..self.base.as_ref().clone()
        };
        shared(&self.base, policies)
    }

    /// A mirror, unless it is nowhere.
    fn mirror(&mut self, rule: &str, filter: &MirrorFilter) -> Option<Mirror> {
        let field = format!("{rule}.{}", filter.field);
        let resolved = backends::resolve(
            self.key,
            &filter.reference,
            self.kind.protocol,
            (&field, "there are no copies for it"),
            self.known,
            &mut self.findings,
        );
        let mirrored = resolved.and_then(|destination| match filter.at(&destination, &self.mark) {
            Some(mirror) => Ok((destination, mirror)),
            None => {
                let message = "is a Service of HTTP/2, for which there are no copies yet";
                self.findings.error(Reason::Invalid, &format!("{field}.name"), &filter.reference.name, message);
                Err(("UnsupportedProtocol", format!("{field}: {message}")))
            }
        });
        match mirrored {
            Ok((Destination { id, is_closed, .. }, mirror)) => {
                self.references.entry(id).or_insert_with(|| field.into());
                (!is_closed).then_some(mirror)
            }
            Err(unresolved) => {
                self.unresolved.get_or_insert(unresolved);
                None
            }
        }
    }

    /// To the backends of a rule, each for its share; without any, nowhere. And the paths that they get.
    fn forward(
        &mut self,
        references: &[RouteBackendRef],
        field: &str,
        of_rule: &Arc<BackendPolicies>,
    ) -> (Action, Vec<Option<PathFilter>>) {
        let mut backends = Vec::with_capacity(references.len());
        let mut paths = Vec::with_capacity(references.len());
        for (index, reference) in references.iter().enumerate() {
            let field = format!("{field}.backendRefs[{index}]");
            let weight = backends::weight(reference.weight, &field, &mut self.findings);
            let own = self.backend_filters(reference, &field);
            paths.push(own.as_ref().and_then(|own| own.path.clone()));
            backends.push(self.backend(reference, &field, weight, own, of_rule));
        }
        let serves = |backend: &RouteBackend| backend.weight > 0 && backend.backend != BackendId::Nowhere;
        let action = if backends.iter().any(serves) { Action::Forward(backends.into()) } else { self.refusal() };
        (action, paths)
    }

    fn backend(
        &mut self,
        reference: &RouteBackendRef,
        field: &str,
        weight: u32,
        own: Option<Filters>,
        of_rule: &Arc<BackendPolicies>,
    ) -> RouteBackend {
        let effect = format!("its requests are answered with {}", self.kind.refusal);
        let (protocol, told) = (self.kind.protocol, (field, &*effect));
        let resolved = backends::resolve(self.key, reference, protocol, told, self.known, &mut self.findings);
        let destination = match resolved {
            Ok(destination) => Some(destination),
            Err(unresolved) => {
                self.unresolved.get_or_insert(unresolved);
                None
            }
        };
        let mut owner =
            Owner { namespace: self.key.namespace.clone(), ingress: self.key.name.clone(), ..Owner::default() };
        let mut policies = of_rule.as_ref().clone();
        let backend = match (destination, own) {
            (Some(destination), Some(own)) => {
                (owner.service, owner.service_port) = (destination.id.service.clone(), destination.id.port.clone());
                self.references.entry(destination.id.clone()).or_insert_with(|| field.into());
                (policies.protocol, policies.tls) = (destination.protocol, destination.tls);
                policies.host = own.host.or(policies.host);
                policies.request_headers = changes(own.request_headers);
                policies.response_headers = changes(own.response_headers);
                if destination.is_closed { BackendId::Nowhere } else { destination.id.into() }
            }
            _ => BackendId::Nowhere,
        };
        let policies = shared(of_rule, policies);
        RouteBackend { backend, weight, when: None, canary: false, affinity: None, owner, policies }
    }

    /// The filters of one backend.
    fn backend_filters(&mut self, reference: &RouteBackendRef, field: &str) -> Option<Filters> {
        let wrong = match filters::parse(&reference.filters, self.kind.filters) {
            Ok(filters) if filters.only_change() => return Some(filters),
            Ok(_) => {
                let message =
                    "has a filter that is not supported for one backend: expected those of headers, and URLRewrite";
                Wrong::new("filters", "", message)
            }
            Err(wrong) => wrong,
        };
        self.invalid(wrong.within(field), "of this backend");
        None
    }
}

/// Applies the paths that filters ask for.
///
/// # Errors
/// One does not fit the path that the route takes.
fn change_paths(route: &mut Route, filters: &Filters, of_backends: &[Option<PathFilter>]) -> Result<(), &'static str> {
    let taken = route.matches.path.clone();
    let change = |path: &Option<PathFilter>| path.as_ref().map(|path| path.change(&taken)).transpose();
    let path = change(&filters.path)?;
    if let Some(redirect) = &filters.redirect {
        route.action = Action::UrlRedirect(UrlRedirect { path, ..redirect.clone() });
        return Ok(());
    }
    if path.is_some() {
        route.policies = Arc::new(RoutePolicies { path_change: path, ..route.policies.as_ref().clone() });
    }
    if let Action::Forward(backends) = &mut route.action
        && of_backends.iter().any(Option::is_some)
    {
        let mut changed = backends.to_vec();
        for (backend, path) in changed.iter_mut().zip(of_backends) {
            if let Some(path) = change(path)? {
                let policies = backend.policies.as_ref().clone();
                backend.policies = Arc::new(BackendPolicies { path_change: Some(Arc::new(path)), ..policies });
            }
        }
        *backends = changed.into();
    }
    Ok(())
}

/// What the ConfigMap sets for all routes, without what is about Ingresses.
fn base(defaults: &RouteDefaults) -> Arc<RoutePolicies> {
    let denied = defaults.external_auth.url.as_ref().map(|_| Denied {
        reason: "is not applied to routes of Gateway API yet, so that nobody may come in".into(),
        origin: Origin::new(Subject::other("ConfigMap"), "data.global-auth-url"),
    });
    let policies = defaults.policies.as_ref().clone();
    let denied = policies.denied.clone().or(denied);
    Arc::new(RoutePolicies { denied, https_redirect: None, rewrite: None, snippet: None, add_slash: false, ..policies })
}

/// These policies, or equal ones that are there already.
fn shared<T: PartialEq>(known: &Arc<T>, policies: T) -> Arc<T> {
    if policies == **known { Arc::clone(known) } else { Arc::new(policies) }
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
