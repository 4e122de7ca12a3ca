//! The routes of one host, from all Ingresses that have rules for it, the oldest first.

use super::candidate::Candidate;
use super::regex_hosts;
use super::snippets;
use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use crate::route_defaults::RouteDefaults;
use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::{Action, HostName, Origin, PathKind, PathMatch, PathMatching, Route, RouteMatch, RoutePolicies};
use std::collections::HashMap;
use std::sync::Arc;

/// The host's routes, and what is wrong with them; `None` if it has neither rules nor a default backend. `has_tls` says
/// whether an Ingress has a TLS section for it.
pub(super) fn routes<'a>(host: &'a HostName, has_tls: bool, view: &View<'a>) -> Option<(Vec<Route>, Vec<Diagnostic>)> {
    let mut merge = Merge { host, candidates: Vec::new(), taken: HashMap::new(), diagnostics: Vec::new() };
    let with_rules: Vec<_> = view.with_rules(host).collect();
    for ingress in &with_rules {
        for route in ingress.hosts.get(host).into_iter().flat_map(|rules| &rules.routes) {
            merge.add(route, ingress);
        }
    }
    let matching = view.defaults().path_matching;
    if *host == HostName::Any {
        merge.default_backends(view, matching);
    } else {
        merge.implicit_root(&with_rules, matching);
    }
    if with_rules.is_empty() && merge.candidates.is_empty() {
        return None;
    }
    merge.root_to_redirect(&with_rules, view);
    if !has_tls {
        merge.without_tls(view.defaults());
    }
    let faults = snippets::apply(&snippets::of_host(host, view), view.defaults().into(), &mut merge.candidates);
    merge.diagnostics.extend(faults);
    regex_hosts::apply(matching, host, &mut merge.candidates, &mut merge.diagnostics);
    let mut routes: Vec<_> = merge.candidates.into_iter().map(|candidate| candidate.route).collect();
    routes.shrink_to_fit(); // They are in the room of the candidates.
    Some((routes, merge.diagnostics))
}

struct Merge<'a> {
    host: &'a HostName,
    candidates: Vec<Candidate<'a>>,
    /// The candidate that has a path.
    taken: HashMap<PathMatch, usize>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Merge<'a> {
    /// Adds a path, unless an older rule has it.
    fn add(&mut self, route: &Route, ingress: &'a ParsedIngress) {
        if let Some(&winner) = self.taken.get(&route.matches.path) {
            return self.duplicate(route, ingress, winner);
        }
        self.taken.insert(route.matches.path.clone(), self.candidates.len());
        self.candidates.push(Candidate { route: route.clone(), ingress, implicit: false });
    }

    fn duplicate(&mut self, loser: &Route, ingress: &ParsedIngress, winner: usize) {
        let Candidate { route: winner, ingress: older, .. } = &self.candidates[winner];
        let host = self.host;
        let field = |route: &Route| format!("{}.path", route.origin.field);
        if older.rank == ingress.rank {
            let message = format!("repeats {} of host {host}: this path is ignored", field(winner));
            let repeated = ingress.warning(field(loser), message).with_value(&loser.matches.path.value);
            self.diagnostics.push(repeated.because(Reason::Conflict));
            return;
        }
        let lost = format!("is also a path of host {host} in {}, which is older: this path is ignored", winner.origin);
        let won = format!("is also a path of host {host} in {}, which is younger: that path is ignored", loser.origin);
        // Each reports its own half, so that neither needs to be related to the other.
        for said in [
            ingress.warning(field(loser), lost).with_value(&loser.matches.path.value),
            older.warning(field(winner), won).with_value(&winner.matches.path.value),
        ] {
            self.diagnostics.push(said.because(Reason::Conflict));
        }
    }

    /// The path `/` where no rule has it. In ingress-nginx it belongs to the host's oldest Ingress, with its annotations
    /// and its default backend (rule 2; P38); by the letter it is there for a default backend only (C07).
    fn implicit_root(&mut self, with_rules: &[&'a ParsedIngress], matching: PathMatching) {
        let owner = match matching {
            PathMatching::Nginx => with_rules.first(),
            PathMatching::Strict => with_rules.iter().find(|ingress| ingress.has_default_backend),
        };
        if let Some(owner) = owner {
            self.root(owner);
        }
    }

    fn root(&mut self, ingress: &'a ParsedIngress) {
        let mut route = ingress.root.clone();
        if self.taken.contains_key(&route.matches.path) {
            return;
        }
        if let (false, Some(rules)) = (ingress.has_default_backend, ingress.hosts.get(self.host)) {
            route.origin = rules.origin.clone();
        }
        self.taken.insert(route.matches.path.clone(), self.candidates.len());
        self.candidates.push(Candidate { route, ingress, implicit: true });
    }

    /// Default backends serve the hosts that no rule names.
    fn default_backends(&mut self, view: &View<'a>, matching: PathMatching) {
        let mut claims = view.claims_on(self.host).filter(|ingress| ingress.serves_any_host(matching));
        let Some(oldest) = claims.next() else { return };
        self.root(oldest);
        if matching == PathMatching::Nginx {
            self.without_redirects(oldest);
        }
        for younger in claims.filter(|ingress| ingress.catch_all) {
            let message = format!(
                "is ignored for hosts without rules: {} has a default backend, too, and is older",
                oldest.object
            );
            let lost = younger.warning("spec.defaultBackend", message);
            self.diagnostics.push(lost.because(Reason::Conflict).with_related(oldest.object.clone()));
        }
    }

    /// ingress-nginx leaves redirects and rewrites out of an Ingress without rules (`createServers`).
    fn without_redirects(&mut self, ingress: &ParsedIngress) {
        let Some(Candidate { route, implicit: true, .. }) = self.candidates.last_mut() else { return };
        let policies = &route.policies;
        let is_redirected = matches!(route.action, Action::Redirect(_));
        let redirects = is_redirected || ingress.host_policies.app_root.is_some() || ingress.always_https;
        if !redirects && policies.rewrite.is_none() {
            return;
        }
        let none = RoutePolicies { rewrite: None, https_redirect: None, ..policies.as_ref().clone() };
        route.policies = Arc::new(none);
        route.action = ingress.unredirected.clone();
        let message = "redirects and rewrites are ignored on an Ingress without rules, as in ingress-nginx";
        self.diagnostics.push(ingress.warning("metadata.annotations", message).because(Reason::Ignored));
    }

    /// Where the host has an `app-root` there may be no route for `/` to redirect from: by the letter, and where no host is named.
    fn root_to_redirect(&mut self, with_rules: &[&'a ParsedIngress], view: &View<'_>) {
        let asks = |ingress: &&&'a ParsedIngress| ingress.host_policies.app_root.is_some();
        let Some(&owner) = with_rules.iter().find(asks) else { return };
        let root = |kind| PathMatch { kind, value: "/".into() };
        let has_root = [PathKind::Exact, PathKind::Prefix].iter().any(|kind| self.taken.contains_key(&root(*kind)));
        if !has_root {
            let origin = Origin::new(owner.object.clone(), view.annotation("app-root"));
            let (matches, action) = (RouteMatch::path(PathKind::Exact, "/"), owner.unredirected.clone());
            let route = Route { origin, matches, action, ..owner.root.clone() };
            self.candidates.push(Candidate { route, ingress: owner, implicit: true });
        }
    }

    /// Without TLS only `force-ssl-redirect` redirects to HTTPS (rule 8 of ingress-nginx's).
    fn without_tls(&mut self, defaults: &RouteDefaults) {
        let mut changed: HashMap<*const RoutePolicies, Arc<RoutePolicies>> =
            HashMap::from([(Arc::as_ptr(&defaults.policies), Arc::clone(&defaults.plain_policies))]);
        for Candidate { route, ingress, .. } in &mut self.candidates {
            if route.policies.https_redirect.is_some() && !ingress.always_https {
                // Those that were shared stay so.
                let plain = changed.entry(Arc::as_ptr(&route.policies)).or_insert_with(|| {
                    Arc::new(RoutePolicies { https_redirect: None, ..route.policies.as_ref().clone() })
                });
                route.policies = Arc::clone(plain);
            }
        }
    }
}
