use super::Units;
use super::claims::Claims;
use super::ingress::ParsedIngress;
use crate::configmap::RouteDefaults;
use gateway::config::HostName;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// What the translation of one host sees: who claims which host. The hosts that it asks about are recorded, so that it
/// is translated again when their claims change.
pub(super) struct View<'a> {
    pub(super) defaults: &'a RouteDefaults,
    /// `--annotations-prefix`.
    prefix: &'a str,
    ingresses: &'a Units,
    claims: &'a Claims,
    reads: RefCell<BTreeSet<HostName>>,
}

impl<'a> View<'a> {
    pub(super) fn new(defaults: &'a RouteDefaults, prefix: &'a str, ingresses: &'a Units, claims: &'a Claims) -> Self {
        Self { defaults, prefix, ingresses, claims, reads: RefCell::default() }
    }

    /// The field of an annotation.
    pub(super) fn annotation(&self, key: &str) -> String {
        format!("metadata.annotations[{}/{key}]", self.prefix)
    }

    /// The Ingresses that have a say on a host, the oldest first: by a rule, an alias, a redirect or a default backend.
    pub(super) fn claimants(&self, host: &HostName) -> impl Iterator<Item = &'a ParsedIngress> {
        self.reads.borrow_mut().insert(host.clone());
        let ingresses = self.ingresses;
        self.claims.of(host).filter_map(move |rank| ingresses.get(&rank.key)?.parsed.as_deref())
    }

    /// The Ingresses with a rule for a host, the oldest first.
    pub(super) fn rulers(&self, host: &HostName) -> impl Iterator<Item = &'a ParsedIngress> {
        self.claimants(host).filter(|ingress| ingress.hosts.contains_key(host))
    }

    /// The hosts that were asked about.
    pub(super) fn reads(self) -> BTreeSet<HostName> {
        self.reads.into_inner()
    }
}
