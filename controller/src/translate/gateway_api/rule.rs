//! The rules of a route of HTTP or gRPC as routes.

use super::backends::{self, Known};
use super::external_auth::AuthServer;
use super::filters::{self, Filters, PathFilter};
use super::findings::Findings;
use super::mirrors::MirrorFilter;
use super::paths;
use super::retry::{self, RuleRetries};
use super::route_parts::{RouteKind, RouteParts, RuleParts};
use super::rule_base::{self, PolicySettings, RuleBase, shared};
use super::sessions::{self, RuleSessions};
use super::timeouts::{self, RuleTimeouts};
use super::wrong::{Read, Wrong};
use crate::annotation::PolicyFields;
use crate::diagnostic::Reason;
use crate::gateway_api::{Fault, RouteBackendRef};
use crate::object::ObjectKey;
use crate::route_defaults::{RouteDefaults, UpstreamSettings};
use crate::settings::ControllerSettings;
use gateway::config::{
    Action, BackendId, BackendPolicies, ExternalAuth, HeaderChanges, Mirror, Origin, Owner, Route, RouteBackend,
    RoutePolicies, ServiceBackend,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether nothing of it is served as it is meant.
pub(super) fn is_refusal(route: &Route) -> bool {
    matches!(route.action, Action::Reply(_))
}

/// Reads the rules of one route.
pub(super) struct RuleReader<'a> {
    pub(super) key: &'a ObjectKey,
    pub(super) kind: &'static RouteKind,
    pub(super) known: Known<'a>,
    pub(super) findings: Findings,
    pub(super) scene: rule_base::Scene<'a>,
    /// What rules without policies begin with.
    pub(super) base: Arc<RuleBase>,
    /// The same of rules with these policies.
    pub(super) bases: BTreeMap<Vec<&'a ObjectKey>, Arc<RuleBase>>,
    /// The Services' ports that are named, each with the first field that does.
    pub(super) references: BTreeMap<ServiceBackend, Arc<str>>,
    /// What policies ask for on behalf of those that rules lead to.
    pub(super) upstreams: BTreeMap<ServiceBackend, UpstreamSettings>,
    /// The servers that are named by URL.
    pub(super) urls: Vec<BackendId>,
    /// What the policies of rules ask for, by the fields of these.
    pub(super) settings: BTreeMap<String, PolicySettings>,
    /// The first reference that cannot be followed.
    pub(super) unresolved: Option<Fault>,
    /// What is wrong with rules.
    pub(super) invalid: Vec<String>,
}

/// What a rule asks for beside its matches and its backends.
struct Asked {
    filters: Filters,
    /// Who authorizes its requests, if its filters name somebody.
    auth: Option<ExternalAuth>,
    base: Arc<RuleBase>,
    /// The policies of its backends, as far as they are the same.
    backend: Arc<BackendPolicies>,
    sessions: Option<RuleSessions>,
}

impl<'a> RuleReader<'a> {
    pub(super) fn new(
        route: &RouteParts<'a>,
        settings: (&'a ControllerSettings, &'a RouteDefaults),
        known: Known<'a>,
        findings: Findings,
    ) -> Self {
        let scene = rule_base::Scene::new((route.key, route.metadata), settings, known.lookup);
        let mut reader = Self {
            key: route.key,
            kind: route.kind,
            known,
            findings,
            base: Arc::new(rule_base::read(&PolicyFields::default(), &scene)),
            scene,
            bases: BTreeMap::new(),
            references: BTreeMap::new(),
            upstreams: BTreeMap::new(),
            urls: Vec::new(),
            settings: BTreeMap::new(),
            unresolved: None,
            invalid: Vec::new(),
        };
        reader.take_named(&Arc::clone(&reader.base), "spec.rules");
        reader
    }

    pub(super) fn rule(&mut self, index: usize, rule: RuleParts<'_>) -> Vec<Route> {
        let field = format!("spec.rules[{index}]");
        let asked = self.asked(&field, &rule);
        let (action, paths) = match &asked {
            None => (self.refusal(), Vec::new()),
            // Replaced where the match is known.
            Some(asked) if asked.filters.redirect.is_some() => (self.refusal(), Vec::new()),
            Some(asked) => match &asked.base.redirect {
                Some(redirect) => (Action::Redirect(redirect.clone()), Vec::new()),
                None => self.forward(rule.backends, &field, asked),
            },
        };
        let policies = match &asked {
            Some(asked) => self.policies(&field, asked),
            None => Arc::clone(&self.base.policies),
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
        if let Some(asked) = &asked {
            routes.iter_mut().for_each(|route| self.apply_paths(route, asked, &paths));
        }
        if let Some(sessions) = asked.and_then(|asked| asked.sessions) {
            routes.iter_mut().for_each(|route| sessions.apply(route));
        }
        routes
    }

    /// `None`: it cannot be served as it is meant.
    fn asked(&mut self, field: &str, rule: &RuleParts<'_>) -> Option<Asked> {
        let filters = self.part(field, filters::parse(rule.filters, self.kind.filters));
        let timeouts = self.part(field, rule.timeouts.map(timeouts::parse).transpose());
        let retries = self.part(field, rule.retry.map(retry::parse).transpose());
        let identity = format!("{} {field}", self.key);
        let sessions = self.part(field, rule.sessions.map(|asked| sessions::parse(asked, &identity)).transpose());
        let (filters, timeouts, retries, sessions) = (filters?, timeouts?, retries?, sessions?);
        let told = retries.iter().flat_map(|retries| &retries.told);
        let told = told.chain(sessions.iter().flat_map(|sessions| &sessions.told));
        for part in filters.without_effect.iter().chain(told) {
            self.findings.ignored(&format!("{field}.{}", part.field), &part.value, &part.message);
        }
        let base = self.base_of(field, &filters.extensions)?;
        if !base.settings.is_empty() {
            self.settings.insert(field.to_owned(), Arc::clone(&base.settings));
        }
        let auth = self.auth(field, &filters, &base).ok()?;
        let backend = backend_policies(&base.backend, &filters, timeouts, retries.as_ref());
        Some(Asked { filters, auth, base, backend, sessions })
    }

    /// A part of a rule, if it is sound.
    fn part<T>(&mut self, rule: &str, read: Read<T>) -> Option<T> {
        read.map_err(|wrong| self.invalid(wrong.within(rule), "of the rule")).ok()
    }

    /// What becomes of requests that cannot be served as they are meant, or lead nowhere.
    fn refusal(&self) -> Action {
        Action::Reply(self.kind.refusal)
    }

    /// Applies what depends on the path of a route: what the rule makes of it, and what each backend gets.
    fn apply_paths(&mut self, route: &mut Route, asked: &Asked, of_backends: &[Option<PathFilter>]) {
        // What a rule asks for itself, it asks for on all of its paths.
        if asked.auth.is_none() && self.scene.defaults.needs_no_auth(&route.matches.path.value) {
            paths::open(route);
        }
        if let Err(message) = paths::change(route, (&asked.filters, &asked.base), of_backends) {
            let wrong = Wrong::new(&*route.origin.field, &route.matches.path.value, message);
            self.invalid(wrong, "of the match");
            route.action = self.refusal();
        }
    }

    /// Something cannot be served as it is meant, and costs the requests of a part of the route.
    pub(super) fn invalid(&mut self, wrong: Wrong, of_part: &str) {
        let effect = format!("the requests {of_part} are answered with {}", self.kind.refusal);
        self.report(wrong, &effect);
    }

    pub(super) fn report(&mut self, wrong: Wrong, effect: &str) {
        let Wrong { field, value, message } = wrong;
        self.findings.error(Reason::Invalid, &field, &value, &format!("{message}; {effect}"));
        self.invalid.push(format!("{field}: {message}"));
    }

    /// What the rule says itself counts before what its policies say.
    fn policies(&mut self, field: &str, Asked { filters, auth, base, .. }: &Asked) -> Arc<RoutePolicies> {
        let base = &base.policies;
        let largest_body = filters.auth.as_ref().and_then(AuthServer::largest_body);
        let own = filters.mirrors.iter().filter_map(|filter| self.mirror(field, filter));
        let policies = RoutePolicies {
            mirrors: own.chain(base.mirrors.iter().cloned()).collect(),
            request_headers: filters.request_headers.clone(),
            response_headers: filters.response_headers.clone(),
            cors: filters.cors.clone().or_else(|| base.cors.clone()),
            external_auth: auth.clone().or_else(|| base.external_auth.clone()),
            body_limit: base.body_limit.into_iter().chain(largest_body).min(),
            ..base.as_ref().clone()
        };
        shared(base, policies)
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
        match resolved {
            Ok(destination) => {
                let mirror = filter.at(&destination, self.scene.mark());
                self.references.entry(destination.id).or_insert_with(|| field.into());
                (!destination.is_closed).then_some(mirror)
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
        asked: &Asked,
    ) -> (Action, Vec<Option<PathFilter>>) {
        let mut backends = Vec::with_capacity(references.len());
        let mut paths = Vec::with_capacity(references.len());
        for (index, reference) in references.iter().enumerate() {
            let field = format!("{field}.backendRefs[{index}]");
            let weight = backends::weight(reference.weight, &field, &mut self.findings);
            let own = self.backend_filters(reference, &field);
            paths.push(own.as_ref().and_then(|own| own.path.clone()));
            backends.push(self.backend(reference, &field, weight, own, asked));
        }
        if let Some(affinity) = &asked.base.affinity {
            match &mut backends[..] {
                [only] => only.affinity = Some(Arc::clone(affinity)),
                _ => {
                    let message = "are not one: the affinity of a policy has no effect";
                    self.findings.ignored(&format!("{field}.backendRefs"), "", message);
                }
            }
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
        asked: &Asked,
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
        let mut policies = asked.backend.as_ref().clone();
        let backend = match (destination, own) {
            (Some(destination), Some(own)) => {
                (owner.service, owner.service_port) = (destination.id.service.clone(), destination.id.port.clone());
                self.references.entry(destination.id.clone()).or_insert_with(|| field.into());
                if let Some(upstream) = &asked.base.upstream {
                    self.upstreams.entry(destination.id.clone()).or_insert_with(|| upstream.clone());
                }
                // A BackendTLSPolicy counts before all else.
                policies.protocol = match asked.base.protocol.filter(|_| destination.tls.is_none()) {
                    Some(protocol) => protocol,
                    None => destination.protocol,
                };
                policies.tls = destination.tls.or(policies.tls);
                policies.host = own.host.or(policies.host);
                policies.request_headers = changes(own.request_headers);
                policies.response_headers = changes(own.response_headers);
                if destination.is_closed { BackendId::Nowhere } else { destination.id.into() }
            }
            _ => BackendId::Nowhere,
        };
        let policies = shared(&asked.backend, policies);
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

/// How the backends of a rule are spoken to, but for what is of each.
fn backend_policies(
    base: &Arc<BackendPolicies>,
    filters: &Filters,
    timeouts: Option<RuleTimeouts>,
    retries: Option<&RuleRetries>,
) -> Arc<BackendPolicies> {
    let mut policies = base.as_ref().clone();
    policies.host = filters.host.clone().or(policies.host);
    if let Some(timeouts) = timeouts {
        timeouts.apply(&mut policies);
    }
    if let Some(retries) = retries {
        retries.apply(&mut policies.retries);
    }
    shared(base, policies)
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
