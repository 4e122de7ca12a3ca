//! HTTPRoutes and TLSRoutes, of the rules of hosts: one for all hosts on which an Ingress has the same rules.

use super::hosts::{HostPlan, Side};
use super::listeners::Gateways;
use super::names::{self, Names};
use super::rules::Unit;
use crate::object::{Kind, ObjectKey};
use gateway::config::HostName;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Hostnames that a route may have. Each has two listeners at most, and a route may have twice as many parents.
const HOSTNAMES: usize = 16;
/// Rules that a route may have, and matches in all of them.
const RULES: usize = 16;
const MATCHES: usize = 128;

/// Rules of an Ingress, and where they hold.
#[derive(Clone, Debug)]
struct Group<'a> {
    kind: Kind,
    units: &'a [Unit],
    hosts: Vec<(&'a HostName, &'a BTreeSet<Side>)>,
}

/// The routes of these hosts.
pub(super) fn of_hosts(hosts: &[HostPlan], gateways: &Gateways) -> Vec<Value> {
    let mut names = Names::default();
    let mut routes = Vec::new();
    for (ingress, mut groups) in groups(hosts) {
        // The name of the Ingress is for what is left of it when redirects are not counted.
        groups.sort_by_key(|group| is_to_https(group.units));
        let mut has_name = false;
        for group in &groups {
            let name = match (is_to_https(group.units), has_name, group.hosts.first()) {
                (true, ..) => format!("{}-https-redirect", ingress.name),
                (false, true, Some((host, _))) => format!("{}-{}", ingress.name, names::of_host(host)),
                (false, ..) => ingress.name.to_string(),
            };
            has_name = true;
            for hosts in group.hosts.chunks(HOSTNAMES) {
                for units in chunks(group.units) {
                    let name = names.take(group.kind, &ingress.namespace, &name);
                    routes.push(route(&ingress, &name, group.kind, hosts, &units, gateways));
                }
            }
        }
    }
    routes
}

fn groups(hosts: &[HostPlan]) -> BTreeMap<ObjectKey, Vec<Group<'_>>> {
    let mut groups: BTreeMap<ObjectKey, Vec<Group<'_>>> = BTreeMap::new();
    for host in hosts {
        for part in &host.parts {
            let kind = if part.sides.contains(&Side::Passthrough) { Kind::TlsRoute } else { Kind::HttpRoute };
            let of_ingress = groups.entry(part.ingress.clone()).or_default();
            let place = (&host.name, &part.sides);
            let is_same = |group: &&mut Group<'_>| {
                // No hostname is every hostname.
                let is_any = group.hosts.iter().any(|(name, _)| **name == HostName::Any);
                let fits = is_any == (host.name == HostName::Any);
                group.kind == kind && fits && *group.units == part.units
            };
            match of_ingress.iter_mut().find(is_same) {
                Some(group) => group.hosts.push(place),
                None => of_ingress.push(Group { kind, units: &part.units, hosts: vec![place] }),
            }
        }
    }
    groups
}

/// Whether nothing but redirects to HTTPS is in these rules.
fn is_to_https(units: &[Unit]) -> bool {
    let redirects = |rule: &Value| rule.pointer("/filters/0/requestRedirect/scheme").is_some();
    units.iter().flatten().all(redirects)
}

/// As many rules as one route may have, each time.
fn chunks(units: &[Unit]) -> Vec<Vec<&Value>> {
    let matches = |rules: &[&Value]| -> usize {
        rules.iter().map(|rule| rule["matches"].as_array().map_or(1, |matches| matches.len())).sum()
    };
    let mut chunks: Vec<Vec<&Value>> = Vec::new();
    for unit in units {
        let unit: Vec<_> = unit.iter().collect();
        match chunks.last_mut() {
            Some(chunk) if chunk.len() + unit.len() <= RULES && matches(chunk) + matches(&unit) <= MATCHES => {
                chunk.extend(unit);
            }
            _ => chunks.push(unit),
        }
    }
    chunks
}

fn route(
    ingress: &ObjectKey,
    name: &str,
    kind: Kind,
    hosts: &[(&HostName, &BTreeSet<Side>)],
    rules: &[&Value],
    gateways: &Gateways,
) -> Value {
    let sides = hosts.iter().flat_map(|(host, sides)| sides.iter().map(move |side| (*host, *side)));
    let places = sides.filter_map(|(host, side)| gateways.place(host, side));
    let parents: Vec<_> = places.map(|place| place.parent_ref(&ingress.namespace)).collect();
    let hostnames: Vec<_> =
        hosts.iter().filter(|(host, _)| **host != HostName::Any).map(|(host, _)| host.as_written()).collect();
    let mut spec = json!({"parentRefs": parents, "rules": rules});
    if !hostnames.is_empty() {
        spec["hostnames"] = hostnames.into();
    }
    let metadata = json!({"namespace": &*ingress.namespace, "name": name});
    json!({"apiVersion": kind.api_version(), "kind": kind.name(), "metadata": metadata, "spec": spec})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_as_many_rules_as_it_may() {
        let rule = || json!({"matches": vec![json!({}); 60]});
        let units: Vec<Unit> = (0..3).map(|_| vec![rule()]).collect();
        assert_eq!(chunks(&units).iter().map(Vec::len).collect::<Vec<_>>(), [2, 1], "by matches");
        let units: Vec<Unit> = (0..17).map(|_| vec![json!({})]).collect();
        assert_eq!(chunks(&units).iter().map(Vec::len).collect::<Vec<_>>(), [16, 1], "by rules");
        let units: Vec<Unit> = (0..6).map(|_| vec![json!({}); 5]).collect();
        assert_eq!(chunks(&units).iter().map(Vec::len).collect::<Vec<_>>(), [15, 15], "a path's rules stay together");
    }
}
