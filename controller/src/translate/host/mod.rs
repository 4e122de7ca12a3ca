//! One host: rules first, then aliases, then redirects to its `www` counterpart.

mod alias;
mod candidate;
mod merge;
mod passthrough;
mod regex_hosts;
mod tls;
mod view;
mod www;

pub(super) use view::{Sources, View};

use super::parsed_ingress::ParsedIngress;
use crate::diagnostic::Diagnostic;
use gateway::config::{HostName, HostPolicies, PathMatching, VirtualHost};
use std::sync::Arc;

/// What is served under a name, if anything is, and what is wrong with it.
pub(super) fn translate(name: &HostName, view: &View<'_>) -> (Option<VirtualHost>, Vec<Diagnostic>) {
    let name = name.clone();
    let (tls, of_tls) = tls::choose(&name, view);
    if let Some((mut routes, mut diagnostics)) = merge::routes(&name, tls.is_some(), view) {
        diagnostics.extend(of_tls);
        diagnostics.extend(alias::overruled(&name, view));
        let (passthrough, of_passthrough) = passthrough::decide(&name, &mut routes, view);
        diagnostics.extend(of_passthrough);
        let policies = policies(&name, view);
        return (Some(VirtualHost { name, routes, policies, www_redirect: None, tls, passthrough }), diagnostics);
    }
    let (target, mut diagnostics) = alias::target(&name, view);
    if let Some(target) = target {
        let tls = tls::choose_for_alias(&name, &target, view);
        // What is wrong with the host itself is said there.
        if let Some((mut routes, _)) = merge::routes(&target, tls.is_some(), view) {
            let (passthrough, _) = passthrough::decide(&target, &mut routes, view);
            let policies = policies(&target, view);
            return (Some(VirtualHost { name, routes, policies, www_redirect: None, tls, passthrough }), diagnostics);
        }
    }
    let Some((redirect, asking)) = www::redirect(&name, view) else { return (None, diagnostics) };
    let (tls, of_tls) = tls::choose_for_www_counterpart(&name, asking, view);
    diagnostics.extend(of_tls);
    let (routes, policies, www_redirect) = (Vec::new(), Arc::default(), Some(redirect));
    (Some(VirtualHost { name, routes, policies, www_redirect, tls, passthrough: None }), diagnostics)
}

/// What holds for the whole host: of each setting, what the oldest Ingress with a rule for it says. Ingresses without
/// rules count by the letter only (ingress-nginx: `createServers`).
fn policies(host: &HostName, view: &View<'_>) -> Arc<HostPolicies> {
    let matching = view.defaults().path_matching;
    let by_default = |ingress: &&ParsedIngress| {
        matching == PathMatching::Strict && *host == HostName::Any && ingress.serves_any_host(matching)
    };
    let mut policies = HostPolicies::default();
    for ingress in view.with_rules(host).chain(view.claims_on(host).filter(by_default)) {
        let HostPolicies { app_root } = &ingress.host_policies;
        policies.app_root = policies.app_root.or_else(|| app_root.clone());
    }
    if policies == HostPolicies::default() { Arc::default() } else { Arc::new(policies) }
}
