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
use super::rule_defaults::RuleDefaults;
use super::sessions;
use super::timeouts::{self, RuleTimeouts};
use super::wrong::{Read, Wrong};
use crate::diagnostic::Reason;
use crate::gateway_api::{Fault, RouteBackendRef};
use crate::object::ObjectKey;
use crate::route_defaults::UpstreamSettings;
use crate::settings::ControllerSettings;
use gateway::config::{
    Action, Affinity, BackendId, BackendPolicies, ExternalAuth, Mirror, Origin, Owner, Route, RouteMatch,
    RoutePolicies, ServiceBackend,
};
use std::collections::{BTreeMap, BTreeSet};
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
    /// The AditPolicies that rules name.
    pub(super) adit_policies: BTreeSet<ObjectKey>,
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
pub(super) struct Asked {
    pub(super) filters: Filters,
    /// Who authorizes its requests, if its filters name somebody.
    auth: Option<ExternalAuth>,
    pub(super) base: Arc<RuleBase>,
    /// The policies of its backends, as far as they are the same.
    pub(super) backend: Arc<BackendPolicies>,
    /// How its clients stay at one endpoint, if they do.
    affinity: Option<Arc<Affinity>>,
}

impl<'a> RuleReader<'a> {
    pub(super) fn new(
        route: &RouteParts<'a>,
        (settings, defaults): (&'a ControllerSettings, &'a RuleDefaults),
        known: Known<'a>,
        findings: Findings,
    ) -> Self {
        let (object, lookup) = ((route.key, route.metadata), known.lookup);
        lookup.add_reads(&defaults.reads);
        let mut reader = Self {
            key: route.key,
            kind: route.kind,
            known,
            findings,
            scene: rule_base::Scene::new(object, (settings, &defaults.settings), lookup),
            base: Arc::clone(&defaults.base),
            bases: BTreeMap::new(),
            references: BTreeMap::new(),
            adit_policies: BTreeSet::new(),
            upstreams: BTreeMap::new(),
            urls: Vec::new(),
            settings: BTreeMap::new(),
            unresolved: None,
            invalid: Vec::new(),
        };
        reader.take_named(&defaults.base, "spec.rules");
        reader
    }

    /// Reads a rule: a route for each of its matches.
    pub(super) fn rule(&mut self, index: usize, rule: RuleParts<'_>) -> Vec<Route> {
        let field = format!("spec.rules[{index}]");
        let Some(asked) = self.asked(&field, &rule) else {
            let policies = Arc::clone(&self.base.policies);
            return self.routes(&field, rule.matches, &self.refusal(), &policies);
        };
        let (action, paths) = self.action(&field, rule.backends, &asked);
        let policies = self.policies(&field, &asked);
        let mut routes = self.routes(&field, rule.matches, &action, &policies);
        for route in &mut routes {
            self.apply_paths(route, &asked, &paths);
            if let Some(affinity) = &asked.affinity {
                sessions::keep(route, affinity);
            }
        }
        routes
    }

    /// The routes of a rule with these matches; without any, one for all requests.
    fn routes(
        &mut self,
        rule: &str,
        matches: Vec<Read<RouteMatch>>,
        action: &Action,
        policies: &Arc<RoutePolicies>,
    ) -> Vec<Route> {
        let (object, owner) = (self.findings.object(), self.owner_of(action));
        let route = |field: String, matches| Route {
            origin: Origin::new(object.clone(), field),
            owner: owner.clone(),
            matches,
            action: action.clone(),
            policies: Arc::clone(policies),
            locations: Arc::default(),
        };
        if matches.is_empty() {
            return vec![route(rule.to_owned(), (self.kind.all)())];
        }
        let mut routes = Vec::with_capacity(matches.len());
        for (index, matches) in matches.into_iter().enumerate() {
            let field = format!("{rule}.matches[{index}]");
            match matches {
                Ok(matches) => routes.push(route(field, matches)),
                Err(wrong) => self.report(wrong.within(&field), "requests are not matched by it"),
            }
        }
        routes
    }

    /// What happens to the requests of a rule, and the paths that its backends get.
    fn action(&mut self, rule: &str, backends: &[RouteBackendRef], asked: &Asked) -> (Action, Vec<Option<PathFilter>>) {
        match (&asked.filters.redirect, &asked.base.redirect) {
            // Replaced where the match is known.
            (Some(_), _) => (self.refusal(), Vec::new()),
            (None, Some(redirect)) => (Action::Redirect(redirect.clone()), Vec::new()),
            (None, None) => self.forward(rule, backends, asked),
        }
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
        let affinity = sessions.map_or_else(|| base.affinity.clone(), |own| own.affinity);
        Some(Asked { filters, auth, base, backend, affinity })
    }

    /// A part of a rule, if it is sound.
    fn part<T>(&mut self, rule: &str, read: Read<T>) -> Option<T> {
        read.map_err(|wrong| self.invalid(wrong.within(rule), "of the rule")).ok()
    }

    /// What becomes of requests that cannot be served as they are meant, or lead nowhere.
    pub(super) fn refusal(&self) -> Action {
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

    /// Who owns what no backend does.
    pub(super) fn owner(&self) -> Owner {
        Owner { namespace: self.key.namespace.clone(), ingress: self.key.name.clone(), ..Owner::default() }
    }

    /// Who owns a route: its only backend, if it has one.
    fn owner_of(&self, action: &Action) -> Owner {
        match action {
            Action::Forward(backends) if backends.len() == 1 => backends[0].owner.clone(),
            _ => self.owner(),
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
