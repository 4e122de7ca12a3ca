use super::claims::Claims;
use super::rank::Rank;
use crate::annotation::{Canary, Side};
use crate::diagnostic::{Diagnostic, Reason};
use crate::object::ObjectKey;
use gateway::config::{Condition, HostName, RouteBackend, ServiceBackend, Subject};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The canaries, and the Service ports that share their requests with them.
///
/// As in ingress-nginx a canary belongs to the backend that the main Ingress has for its path: all routes to that backend
/// share their requests with it, of whichever host they are. A backend has one canary, that of the oldest Ingress.
#[derive(Debug, Default)]
pub(super) struct Canaries {
    /// The canary Ingresses with rules for a host.
    pub(super) claims: Claims,
    by_host: BTreeMap<HostName, HostCanaries>,
    by_main: BTreeMap<ServiceBackend, BTreeMap<Place, Attachment>>,
}

/// The canaries on one host.
#[derive(Debug, Default, PartialEq)]
pub(super) struct HostCanaries {
    pub(super) attached: Vec<Attachment>,
    /// What is wrong with those that have no main backend.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The age of the Ingress first; then its hosts and paths in a stable order.
type Place = (Arc<Rank>, HostName, Arc<str>);

/// A path of a canary Ingress that has a main backend.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attachment {
    pub(super) rank: Arc<Rank>,
    /// `Ingress default/shop-canary`.
    pub(super) object: Subject,
    /// `spec.rules[0].http.paths[0]`.
    pub(super) field: Arc<str>,
    pub(super) main: ServiceBackend,
    pub(super) canary: ServiceBackend,
    pub(super) policy: Canary,
}

impl Canaries {
    /// The canary of a backend.
    pub(super) fn of(&self, main: &ServiceBackend) -> Option<&Attachment> {
        self.by_main.get(main)?.values().next()
    }

    /// The Ingress of the canary of a backend.
    pub(super) fn ingress(&self, main: &ServiceBackend) -> Option<&ObjectKey> {
        self.of(main).map(|attachment| &attachment.rank.key)
    }

    /// The canaries of a host that have a main backend.
    pub(super) fn attached(&self, host: &HostName) -> &[Attachment] {
        self.by_host.get(host).map(|canaries| canaries.attached.as_slice()).unwrap_or_default()
    }

    /// Whether a host has canaries, or had some when it was looked at last.
    pub(super) fn concern(&self, host: &HostName) -> bool {
        self.by_host.contains_key(host) || self.claims.of(host).next().is_some()
    }

    /// Sets the canaries of a host. Returns the backends whose canary may be another one.
    pub(super) fn set(&mut self, host: &HostName, canaries: HostCanaries) -> BTreeSet<ServiceBackend> {
        let before = self.by_host.remove(host).unwrap_or_default();
        let mains = before.attached.iter().chain(&canaries.attached).map(|attachment| attachment.main.clone());
        let changed = if before.attached == canaries.attached { BTreeSet::new() } else { mains.collect() };
        for attachment in before.attached {
            if let Some(attached) = self.by_main.get_mut(&attachment.main) {
                attached.remove(&attachment.place(host));
                if attached.is_empty() {
                    self.by_main.remove(&attachment.main);
                }
            }
        }
        for attachment in &canaries.attached {
            let attached = self.by_main.entry(attachment.main.clone()).or_default();
            attached.insert(attachment.place(host), attachment.clone());
        }
        if canaries != HostCanaries::default() {
            self.by_host.insert(host.clone(), canaries);
        }
        changed
    }

    /// The hosts on which a canary of one of these backends is.
    pub(super) fn hosts(&self, mains: &BTreeSet<ServiceBackend>) -> BTreeSet<HostName> {
        let attached = mains.iter().filter_map(|main| self.by_main.get(main)).flat_map(BTreeMap::keys);
        attached.map(|(_, host, _)| host.clone()).collect()
    }

    /// What is wrong with the canaries of a host.
    pub(super) fn diagnostics(&self, host: &HostName) -> Vec<Diagnostic> {
        let Some(canaries) = self.by_host.get(host) else { return Vec::new() };
        let overruled = canaries.attached.iter().filter_map(|attachment| {
            let first = self.of(&attachment.main).filter(|first| !first.includes(attachment))?;
            Some(attachment.overruled_by(first))
        });
        canaries.diagnostics.iter().cloned().chain(overruled).collect()
    }
}

impl Attachment {
    fn place(&self, host: &HostName) -> Place {
        (self.rank.clone(), host.clone(), Arc::clone(&self.field))
    }

    /// Whether `other` asks for the same on another path.
    fn includes(&self, other: &Self) -> bool {
        self.rank == other.rank && self.canary == other.canary
    }

    fn overruled_by(&self, first: &Self) -> Diagnostic {
        let message = format!(
            "is ignored: {} has the canary {} for {}, and a backend has one canary, that of the oldest Ingress",
            first.object, first.canary, first.main
        );
        let warning = Diagnostic::warning(self.object.clone(), format!("{}.backend", self.field), message);
        let warning = warning.at(self.rank.age.place.clone()).because(Reason::Conflict);
        warning.with_value(&self.canary.to_string()).with_related(first.object.clone())
    }

    /// How `main` and the canary share the requests for `main`.
    pub(super) fn share(&self, main: &RouteBackend) -> Arc<[RouteBackend]> {
        let Canary { conditions, weight, total, is_sticky } = &self.policy;
        let affinity = main.affinity.clone().filter(|_| *is_sticky);
        let canary = RouteBackend { backend: self.canary.clone().into(), canary: true, affinity, ..main.clone() };
        let side = |side: Side| match side {
            Side::Canary => canary.clone(),
            Side::Main => main.clone(),
        };
        // Who has a session stays where it is.
        let sessions = [main, &canary].into_iter().filter_map(|backend| {
            let when = Condition::Session { cookie: Arc::clone(&backend.affinity.as_ref()?.cookie) };
            Some(RouteBackend { weight: 0, when: Some(when), ..backend.clone() })
        });
        let conditional = conditions.iter().map(|(condition, to)| RouteBackend {
            weight: 0,
            when: Some(condition.clone()),
            ..side(*to)
        });
        let weighted = [(Side::Canary, *weight), (Side::Main, total - weight)];
        let weighted = weighted.into_iter().filter(|(to, weight)| *to == Side::Main || *weight > 0);
        sessions.chain(conditional).chain(weighted.map(|(to, weight)| RouteBackend { weight, ..side(to) })).collect()
    }
}
