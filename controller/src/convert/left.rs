//! Which Ingresses stay Ingresses.
//!
//! A host is converted as a whole: of several Ingresses with one host, what one says may count for the others' paths, and its
//! paths come before theirs. So one of which something is not converted keeps those that share a host with it.

use super::hosts::HostPlan;
use super::report::Findings;
use super::source::Source;
use crate::object::ObjectKey;
use gateway::config::HostName;
use std::collections::{BTreeMap, BTreeSet};

/// Drops the hosts of Ingresses that stay, and says why those stay of which all could be converted.
pub(super) fn leave_out(hosts: Vec<HostPlan>, source: &Source, findings: &mut Findings) -> Vec<HostPlan> {
    let claims = claims(source);
    let mut left = findings.refused();
    let mut closed: BTreeSet<HostName> = BTreeSet::new();
    loop {
        let concerned = claims.iter().filter(|(ingress, _)| left.contains(ingress));
        let mut because: BTreeMap<&HostName, &ObjectKey> = BTreeMap::new();
        for (ingress, of_ingress) in concerned {
            of_ingress.iter().filter(|host| !closed.contains(*host)).for_each(|host| {
                because.entry(host).or_insert(ingress);
            });
        }
        if because.is_empty() {
            break;
        }
        for (ingress, of_ingress) in claims.iter().filter(|(ingress, _)| !left.contains(ingress)) {
            if let Some((host, other)) = of_ingress.iter().find_map(|host| because.get_key_value(host)) {
                let why = format!("is shared with {other}, which is not converted: a host is converted as a whole");
                findings.refuse(ingress, "spec.rules", &host.as_written(), &why);
            }
        }
        closed.extend(because.into_keys().cloned());
        left = findings.refused();
    }
    hosts.into_iter().filter(|host| !closed.contains(&host.name)).collect()
}

/// The hosts on which each Ingress has a say: those of its rules, and others that it serves.
fn claims(source: &Source) -> BTreeMap<ObjectKey, BTreeSet<HostName>> {
    let of_rules = |ingress: &_| Source::hosts_of(ingress);
    let mut claims: BTreeMap<_, _> =
        source.ingresses().map(|stored| (stored.key.clone(), of_rules(&stored.object))).collect();
    for host in source.translator.hosts() {
        let routes = host.routes.iter().map(|route| &route.origin.object);
        let redirects = host.www_redirect.iter().map(|redirect| &redirect.origin.object);
        for ingress in routes.chain(redirects).filter_map(ObjectKey::of) {
            claims.entry(ingress).or_default().insert(host.name.clone());
        }
    }
    claims
}
