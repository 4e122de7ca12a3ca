//! What a host comes to: its listeners, and the rules of each Ingress at each of them.

use super::paths::{self, Taken};
use super::policies::{self, Policies};
use super::redirects;
use super::report::{Findings, Verdict};
use super::rules::{self, Unit};
use super::source::Source;
use super::unlike;
use crate::annotation::Annotation;
use crate::object::{NamespacedName, ObjectKey};
use crate::route_defaults::{RouteDefaults, SnippetBlock};
use gateway::config::{HostName, HttpsRedirect, Route, TlsRoute, VirtualHost};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How clients come to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// In the clear.
    Http,
    /// Over TLS that ends here.
    Https,
    /// Over TLS that ends at the backend.
    Passthrough,
}

/// What is to be written for a host.
#[derive(Clone, Debug)]
pub(super) struct HostPlan {
    pub(super) name: HostName,
    /// The namespace of its Gateway: that of the Ingress whose path comes first.
    pub(super) namespace: Arc<str>,
    pub(super) sides: BTreeSet<Side>,
    /// The Secrets with its certificates.
    pub(super) certificates: Vec<NamespacedName>,
    pub(super) parts: Vec<Part>,
}

/// The rules of an Ingress at some sides of a host.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) ingress: ObjectKey,
    pub(super) sides: BTreeSet<Side>,
    pub(super) units: Vec<Unit>,
}

/// What a host is planned with.
pub(super) struct Planner<'a> {
    pub(super) source: &'a Source,
    pub(super) policies: &'a Policies,
    pub(super) findings: &'a mut Findings,
}

impl Planner<'_> {
    /// What is to be written for a host; nothing where something has no counterpart, which the findings have then.
    pub(super) fn plan(&mut self, host: &VirtualHost) -> Option<HostPlan> {
        if let Some(redirect) = &host.www_redirect {
            let ingress = ObjectKey::of(&redirect.origin.object)?;
            let units = vec![vec![redirects::www(redirect)]];
            return self.plan_of(host, &ingress, |_, _| Some(vec![(ingress.clone(), units.clone())]));
        }
        let first = host.routes.iter().find_map(|route| ObjectKey::of(&route.origin.object))?;
        if let HostName::Pattern(pattern) = &host.name {
            let why = "a regular expression is no hostname of Gateway API";
            self.refuse_annotation(host, "server-alias", &format!("~{pattern}"), why);
            return None;
        }
        if self.has_snippets(host) {
            return None;
        }
        if let HostName::Wildcard(suffix) = &host.name {
            let detail = format!("in Gateway API *.{suffix} takes names of several labels, too, such as a.b.{suffix}");
            self.note_on_all(host, Verdict::Differs, "spec.rules[].host", &format!("*.{suffix}"), &detail);
        }
        let taken = match paths::of_host(&host.routes, self.source.defaults.path_matching) {
            Ok(taken) => taken,
            Err((route, why)) => {
                self.refuse_route(route, &why);
                return None;
            }
        };
        self.plan_of(host, &first, |planner, side| planner.rules(host, &taken, side))
    }

    /// The plan of a host whose rules at each side these are, each with its Ingress.
    fn plan_of(
        &mut self,
        host: &VirtualHost,
        first: &ObjectKey,
        mut rules: impl FnMut(&mut Self, Side) -> Option<Vec<(ObjectKey, Vec<Unit>)>>,
    ) -> Option<HostPlan> {
        let certificates = self.certificates(host, first)?;
        let secure = match (&host.tls_route, certificates.is_empty()) {
            (Some(_), _) => Some(Side::Passthrough),
            (None, true) => None,
            (None, false) => Some(Side::Https),
        };
        let mut parts: Vec<Part> = Vec::new();
        let sides: BTreeSet<_> = std::iter::once(Side::Http).chain(secure).collect();
        for side in &sides {
            for (ingress, units) in rules(self, *side)? {
                match parts.iter_mut().find(|part| part.ingress == ingress && part.units == units) {
                    Some(part) => drop(part.sides.insert(*side)),
                    None => parts.push(Part { ingress, sides: [*side].into(), units }),
                }
            }
        }
        let of_certificate = certificates.first().map(|secret| &secret.namespace);
        let is_of_part = |namespace: &&Arc<str>| parts.iter().any(|part| part.ingress.namespace == **namespace);
        let namespace = of_certificate.filter(is_of_part).unwrap_or(&first.namespace);
        Some(HostPlan { name: host.name.clone(), namespace: Arc::clone(namespace), sides, certificates, parts })
    }

    /// The rules at a side; `None` where something has no counterpart.
    fn rules(&mut self, host: &VirtualHost, taken: &[Taken<'_>], side: Side) -> Option<Vec<(ObjectKey, Vec<Unit>)>> {
        if side == Side::Passthrough {
            return host.tls_route.as_ref().and_then(|route| self.passed(route));
        }
        let all = self.common_redirect(taken, &host.name).filter(|_| side == Side::Http);
        let root = host.policies.app_root.as_deref();
        let has_exact_root = taken.iter().any(Taken::is_exact_root);
        let mut rules: BTreeMap<ObjectKey, Vec<Unit>> = BTreeMap::new();
        for taken in taken {
            let ingress = ObjectKey::of(&taken.route.origin.object)?;
            let unit = self.unit(taken, &host.name, side, &ingress)?;
            let to_root = root.filter(|_| taken.is_exact_root() || (taken.is_root() && !has_exact_root));
            let is_told_by_root = all.is_some() && !taken.is_root() && !taken.adds_slash;
            let is_left_out = is_told_by_root || (taken.is_exact_root() && to_root.is_some());
            let units = rules.entry(ingress).or_default();
            units.extend(unit.filter(|_| !is_left_out));
            units.extend(to_root.map(|root| vec![redirects::app_root(root)]));
        }
        let rules = rules.into_iter().filter(|(_, units)| !units.is_empty());
        Some(rules.map(|(ingress, units)| (ingress, merged(units))).collect())
    }

    /// The rules of one path; `Some(None)` where there are none, and `None` where there would have to be some.
    #[allow(clippy::option_option, reason = "what is not there and what cannot be had are different things")]
    fn unit(&mut self, taken: &Taken<'_>, host: &HostName, side: Side, ingress: &ObjectKey) -> Option<Option<Unit>> {
        let route = taken.route;
        if taken.adds_slash {
            if route.policies.relative_redirects {
                let why = "an HTTPRoute has no redirect to a path alone: the one that adds a slash has a URL";
                self.add_annotation(ingress, Verdict::Differs, "relative-redirects", "", why);
            }
            return Some(Some(vec![redirects::add_slash(taken)]));
        }
        self.note_unlike(route, host, ingress);
        let names = self.policies.names(ingress, host);
        let Some(redirect) = route.policies.https_redirect.filter(|_| side == Side::Http) else {
            return self.kept_or_refused(route, rules::of_path(taken, ingress, &names, self.source));
        };
        if self.source.forwarded().proxy_protocol {
            let why = "is redirected to HTTPS unless the PROXY header says that the client came by it (use-proxy-protocol), which no \
                       rule looks at";
            self.refuse_route(route, why);
            return None;
        }
        let mut unit = Unit::new();
        if self.source.forwarded().trust_headers {
            let served = rules::of_path(taken, ingress, &names, self.source);
            unit.extend(self.kept_or_refused(route, served)?.into_iter().flatten().map(redirects::unless_plain));
        }
        let mut filters = vec![redirects::to_https(redirect)];
        filters.extend(names.usual.as_deref().map(policies::filter));
        unit.push(json!({"matches": [{"path": taken.value()}], "filters": filters}));
        Some(Some(unit))
    }

    /// The rules, or none, and then it has been told why.
    fn kept_or_refused<T>(&mut self, route: &Route, rules: Result<T, String>) -> Option<T> {
        rules.map_err(|why| self.refuse_route(route, &why)).ok()
    }

    /// Says what would be served in another way.
    fn note_unlike(&mut self, route: &Route, host: &HostName, ingress: &ObjectKey) {
        for (key, verdict, detail) in unlike::of_route(route, host, self.source.given(ingress), self.source) {
            match key {
                Some(key) => self.add_annotation(ingress, verdict, key, "", detail),
                None => self.findings.add(ingress, verdict, &route.origin.field, "", detail),
            }
        }
    }

    /// Where TLS connections go that are passed on.
    fn passed(&mut self, route: &TlsRoute) -> Option<Vec<(ObjectKey, Vec<Unit>)>> {
        let ingress = ObjectKey::of(&route.origin.object)?;
        let weighted = route.backends.len() > 1;
        let references = route.backends.iter().map(|backend| {
            let id = backend.backend.service().ok_or_else(|| "leads to no Service".to_owned())?;
            rules::backend_ref(id, weighted.then_some(backend.weight), &ingress.namespace, self.source)
        });
        match references.collect::<Result<Vec<_>, _>>() {
            Ok(references) => Some(vec![(ingress, vec![vec![json!({"backendRefs": references})]])]),
            Err(why) => {
                self.add_annotation(&ingress, Verdict::NotConverted, "ssl-passthrough", "true", &why);
                None
            }
        }
    }

    /// Whether snippets change all requests of a host, which cannot be converted. An annotation has been told already.
    fn has_snippets(&mut self, host: &VirtualHost) -> bool {
        let RouteDefaults { server_snippet, location_snippet, http_snippet, .. } = &self.source.defaults;
        let of_config_map = [
            ("server-snippet", server_snippet),
            ("location-snippet", location_snippet),
            ("http-snippet", http_snippet),
        ];
        let set: Vec<_> = of_config_map.into_iter().filter(|(_, block)| ***block != SnippetBlock::default()).collect();
        for (key, _) in &set {
            let why = "is for Ingresses only: say it by annotations";
            self.note_on_all(host, Verdict::NotConverted, &format!("the ConfigMap's {key}"), "", why);
        }
        let policies = &host.policies;
        !set.is_empty() || policies.snippet.is_some() || policies.real_ip.is_some() || !host.locations.is_empty()
    }

    /// The redirect to HTTPS that all requests for a host get, if they do, and nothing else.
    fn common_redirect(&self, taken: &[Taken<'_>], host: &HostName) -> Option<HttpsRedirect> {
        let of = |taken: &Taken<'_>| taken.route.policies.https_redirect;
        let first = of(taken.iter().find(|taken| taken.is_root())?)?;
        let has_policy = |taken: &Taken<'_>| {
            let ingress = ObjectKey::of(&taken.route.origin.object);
            ingress.is_some_and(|ingress| self.policies.names(&ingress, host).usual.is_some())
        };
        let is_bare = !self.source.forwarded().trust_headers && !taken.iter().any(has_policy);
        (is_bare && taken.iter().all(|taken| of(taken) == Some(first))).then_some(first)
    }

    fn refuse_route(&mut self, route: &Route, why: &str) {
        if let Some(ingress) = ObjectKey::of(&route.origin.object) {
            self.findings.refuse(&ingress, &route.origin.field, &route.matches.path.value, why);
        }
    }

    fn refuse_annotation(&mut self, host: &VirtualHost, key: &str, value: &str, why: &str) {
        for ingress in ingresses(host) {
            if self.source.given(&ingress).value(key).is_some() {
                self.add_annotation(&ingress, Verdict::NotConverted, key, value, why);
            }
        }
    }

    fn add_annotation(&mut self, ingress: &ObjectKey, verdict: Verdict, key: &str, value: &str, detail: &str) {
        let name = Annotation::full_name(key, &self.source.settings.annotations_prefix);
        self.findings.add(ingress, verdict, &name, value, detail);
    }

    fn note_on_all(&mut self, host: &VirtualHost, verdict: Verdict, setting: &str, value: &str, detail: &str) {
        for ingress in ingresses(host) {
            self.findings.add(&ingress, verdict, setting, value, detail);
        }
    }
}

/// The Ingresses that a host has routes of.
fn ingresses(host: &VirtualHost) -> BTreeSet<ObjectKey> {
    host.routes.iter().filter_map(|route| ObjectKey::of(&route.origin.object)).collect()
}

/// The same with rules in one that only differ by their paths. Rules for headers keep their order, since it decides.
fn merged(units: Vec<Unit>) -> Vec<Unit> {
    /// Matches that a rule may have.
    const MATCHES: usize = 64;
    let mut merged: Vec<Unit> = Vec::new();
    for unit in units {
        let known = merged.iter_mut().find(|known| match (&known[..], &unit[..]) {
            ([known], [rule]) => {
                let has_room = known["matches"].as_array().is_some_and(|matches| matches.len() < MATCHES);
                has_room && known["filters"] == rule["filters"] && known["backendRefs"] == rule["backendRefs"]
            }
            _ => false,
        });
        match (known, &unit[..]) {
            (Some(known), [rule]) => {
                let more = rule["matches"].as_array().cloned().unwrap_or_default();
                if let Some(matches) = known[0]["matches"].as_array_mut() {
                    matches.extend(more);
                }
            }
            _ => merged.push(unit),
        }
    }
    merged
}
