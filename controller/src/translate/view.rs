use super::Units;
use super::certificates::{Certificates, Reading};
use super::claims::Claims;
use super::parsed_ingress::ParsedIngress;
use crate::lookup::Lookup;
use crate::route_defaults::RouteDefaults;
use gateway::config::HostName;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the translation of one host sees: who claims which host, and the certificates of Secrets. The hosts and Secrets
/// that it asks about are recorded, so that it is translated again when they change.
pub(super) struct View<'a> {
    sources: Sources<'a>,
    reads: RefCell<BTreeSet<HostName>>,
}

/// What the translation of hosts is made from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) defaults: &'a RouteDefaults,
    /// `--annotations-prefix`.
    pub(super) prefix: &'a str,
    pub(super) ingresses: &'a Units,
    pub(super) claims: &'a Claims,
    pub(super) certificates: &'a Certificates,
    pub(super) lookup: &'a Lookup<'a>,
}

impl<'a> View<'a> {
    pub(super) fn new(sources: Sources<'a>) -> Self {
        Self { sources, reads: RefCell::default() }
    }

    /// The ConfigMap's settings for routes.
    pub(super) fn defaults(&self) -> &'a RouteDefaults {
        self.sources.defaults
    }

    /// The certificate of a Secret; `None` if there is no such Secret.
    pub(super) fn certificate(&self, namespace: &str, name: &str) -> Option<Arc<Reading>> {
        self.sources.certificates.read(namespace, name, self.sources.lookup)
    }

    /// The field of an annotation.
    pub(super) fn annotation(&self, key: &str) -> String {
        format!("metadata.annotations[{}/{key}]", self.sources.prefix)
    }

    /// The Ingresses that have a say on a host, the oldest first: by a rule, an alias, a redirect or a default backend.
    pub(super) fn claimants(&self, host: &HostName) -> impl Iterator<Item = &'a ParsedIngress> {
        self.reads.borrow_mut().insert(host.clone());
        let ingresses = self.sources.ingresses;
        self.sources.claims.of(host).filter_map(move |rank| ingresses.get(&rank.key)?.parsed.as_deref())
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
