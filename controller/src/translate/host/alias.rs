//! Hosts that are other names of hosts (`server-alias`). The oldest Ingress of a host that has aliases decides them,
//! and a name that a rule has is left to the rule.

use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::HostName;
use std::sync::Arc;

/// The host that this name is an alias of, and what is wrong with other wishes for it.
pub(super) fn target(alias: &HostName, view: &View<'_>) -> (Option<HostName>, Vec<Diagnostic>) {
    if let HostName::Subdomains(parent) = alias {
        let of_rules = complaints(alias, &HostName::Wildcard(Arc::clone(parent)), view);
        if !of_rules.is_empty() {
            return (None, of_rules);
        }
    }
    let mut target: Option<(HostName, &ParsedIngress)> = None;
    let mut diagnostics = Vec::new();
    for ingress in view.claims_on(alias).filter(|ingress| ingress.aliases.contains(alias)) {
        for host in ingress.hosts.keys() {
            let decides = view.with_rules(host).find(|ingress| !ingress.aliases.is_empty());
            match (decides, &target) {
                (Some(decides), _) if decides.rank != ingress.rank => {
                    let why = format!("the aliases of {host} are set by {}, which is older", decides.object);
                    diagnostics.push(complaint(ingress, alias, &why, view).with_related(decides.object.clone()));
                }
                (_, None) => target = Some((host.clone(), ingress)),
                (_, Some((taken, winner))) => {
                    let why = format!("it is already an alias of {taken}, and cannot be one of {host}");
                    diagnostics.push(complaint(ingress, alias, &why, view).with_related(winner.object.clone()));
                }
            }
        }
    }
    (target.map(|(host, _)| host), diagnostics)
}

/// Says of the aliases that are the name of a host with rules that they do nothing.
pub(super) fn overruled(host: &HostName, view: &View<'_>) -> Vec<Diagnostic> {
    complaints(host, host, view)
}

/// The same of an alias, where rules write it as this host.
fn complaints(alias: &HostName, host: &HostName, view: &View<'_>) -> Vec<Diagnostic> {
    let Some(oldest) = view.with_rules(host).next() else { return Vec::new() };
    view.claims_on(alias)
        .filter(|ingress| ingress.aliases.contains(alias) && !ingress.hosts.contains_key(host))
        .map(|ingress| complaint(ingress, alias, "a rule has this host, and serves it", view))
        .map(|complaint| complaint.with_related(oldest.object.clone()))
        .collect()
}

fn complaint(ingress: &ParsedIngress, alias: &HostName, why: &str, view: &View<'_>) -> Diagnostic {
    let message = format!("sets the alias {}, which is left out: {why}", alias.as_written());
    ingress.warning(view.annotation("server-alias"), message).because(Reason::Conflict)
}
