//! At which host a request is put to the table.

use super::comparison::differs;
use super::entry::{Entry, Upstream};
use super::groups::{Kind, Told};
use super::outcome::{Fate, Outcome};
use crate::cli::sample_host::sample_host;
use gateway::config::Owner;
use gateway::table::{Host, Route, Table};
use std::collections::HashMap;
use std::mem::discriminant;

/// How many hosts of one upstream are tried.
const TRIED: usize = 16;

/// The hosts by the names of the upstreams that they have routes to.
#[derive(Debug)]
pub(super) struct Places {
    by_upstream: HashMap<String, Vec<String>>,
}

impl Places {
    pub(super) fn of(table: &Table) -> Self {
        let mut by_upstream: HashMap<String, Vec<String>> = HashMap::new();
        let mut hosts: Vec<_> = table.hosts().collect();
        hosts.sort_by_key(|host| host.name());
        for host in hosts {
            let Some(name) = sample_host(host.name()) else { continue };
            for upstream in routes(host).flat_map(upstreams) {
                let hosts = by_upstream.entry(upstream).or_default();
                if hosts.last() != Some(&name) && hosts.len() < TRIED {
                    hosts.push(name.clone());
                }
            }
        }
        Self { by_upstream }
    }

    /// What a request would get at its host, or at that which its upstream leads to.
    pub(super) fn tell<'t>(&'t self, table: &Table, entry: &'t Entry<'_>) -> Told<'t> {
        if let Some(host) = &entry.host {
            return match at(table, entry, host) {
                Some(outcome) => told(entry, host, outcome),
                None => Told::untold(host, "the host is not one of HTTP"),
            };
        }
        let name = match &entry.upstream {
            Some(Upstream::Named(name)) => name,
            Some(Upstream::Default) => return Told::untold("", "the log has no host, and no rule had taken it"),
            None => return Told::untold("", "the log has neither a host nor an upstream"),
        };
        let Some(hosts) = self.by_upstream.get(&**name) else {
            return Told::untold("", "no rule of these objects leads to its upstream");
        };
        among(table, entry, name, hosts)
    }
}

/// What it would get at one of the hosts that have a route to its upstream: at that where the path leads to it.
fn among<'t>(table: &Table, entry: &'t Entry<'_>, name: &str, hosts: &'t [String]) -> Told<'t> {
    let mut best: Option<Told<'t>> = None;
    let mut is_right = false;
    for host in hosts {
        let Some(outcome) = at(table, entry, host) else { continue };
        let leads_to = outcome.leads_to(name);
        match &best {
            Some(_) if is_right && !leads_to => {}
            Some(other) if is_right && differ(other, entry, &outcome) => {
                return Told::untold("", "several hosts have such a route, and differ");
            }
            Some(_) if is_right == leads_to => {}
            _ => (best, is_right) = (Some(told(entry, host, outcome)), leads_to),
        }
    }
    if !is_right && hosts.len() == TRIED {
        return Told::untold("", "too many hosts have a route to its upstream");
    }
    best.unwrap_or(Told::untold("", "no rule of these objects leads to its upstream"))
}

/// Whether two hosts with such a route do not do the same with a request.
fn differ(told: &Told<'_>, entry: &Entry<'_>, outcome: &Outcome) -> bool {
    let Some(other) = &told.outcome else { return true };
    let is_same_answer = match (&other.fate, &outcome.fate) {
        (Fate::Answer(a, _), Fate::Answer(b, _)) => a == b,
        (a, b) => discriminant(a) == discriminant(b),
    };
    !is_same_answer || (told.kind == Kind::Changes) != differs(entry, outcome)
}

fn told<'t>(entry: &Entry<'_>, host: &'t str, outcome: Outcome) -> Told<'t> {
    let kind = if differs(entry, &outcome) { Kind::Changes } else { Kind::Same };
    Told { kind, host, outcome: Some(outcome), why: "" }
}

/// What a request would get at a host. Where the log does not say whether TLS was used, it was if nginx did not redirect a
/// request that plain HTTP would not have got past.
fn at(table: &Table, entry: &Entry<'_>, host: &str) -> Option<Outcome> {
    let outcome = Outcome::of(table, entry, host, entry.is_tls.unwrap_or(false))?;
    if entry.is_tls.is_none() && outcome.wants_tls() && !entry.is_redirect() {
        return Outcome::of(table, entry, host, true);
    }
    Some(outcome)
}

fn routes(host: &Host) -> impl Iterator<Item = &Route> {
    host.routes().iter().chain(host.locations()).map(|route| &**route)
}

/// The names that ingress-nginx gives the upstreams of a route, also where it only redirects.
fn upstreams(route: &Route) -> impl Iterator<Item = String> {
    let Owner { namespace, service, service_port, .. } = &route.labels.owner;
    let of_rule = (!service.is_empty()).then(|| format!("{namespace}-{service}-{service_port}"));
    of_rule.into_iter().chain(route.backends().iter().map(|backend| backend.upstream.name().to_owned()))
}
