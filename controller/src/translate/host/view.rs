use crate::annotation::{Annotation, Canary};
use crate::lookup::Lookup;
use crate::object::NamespacedName;
use crate::route_defaults::RouteDefaults;
use crate::translate::affinities::Affinities;
use crate::translate::canaries::{Attachment, Canaries};
use crate::translate::certificates::{Certificates, Reading};
use crate::translate::claims::Claims;
use crate::translate::parsed_ingress::ParsedIngress;
use crate::translate::units::Units;
use gateway::config::{Affinity, HostName, PathMatching, ServiceBackend};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the translation of one host sees: who claims which host, and the certificates of Secrets. The hosts and Secrets
/// that it asks about are recorded, so that it is translated again when they change.
pub(in crate::translate) struct View<'a> {
    sources: Sources<'a>,
    reads: RefCell<BTreeSet<HostName>>,
}

/// What the translation of hosts is made from.
#[derive(Clone, Copy)]
pub(in crate::translate) struct Sources<'a> {
    pub(in crate::translate) defaults: &'a RouteDefaults,
    /// `--annotations-prefix`.
    pub(in crate::translate) prefix: &'a str,
    pub(in crate::translate) ingresses: &'a Units,
    pub(in crate::translate) claims: &'a Claims,
    pub(in crate::translate) canaries: &'a Canaries,
    pub(in crate::translate) affinities: &'a Affinities,
    pub(in crate::translate) certificates: &'a Certificates,
    /// `--default-ssl-certificate`.
    pub(in crate::translate) default_certificate: Option<&'a NamespacedName>,
    pub(in crate::translate) lookup: &'a Lookup<'a>,
}

impl<'a> View<'a> {
    pub(in crate::translate) fn new(sources: Sources<'a>) -> Self {
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

    /// The certificate of the flag `--default-ssl-certificate`; `None` without the flag, or without its Secret.
    pub(super) fn default_certificate(&self) -> Option<Arc<Reading>> {
        let name = self.sources.default_certificate?;
        self.certificate(&name.namespace, &name.name)
    }

    /// The field of an annotation.
    pub(super) fn annotation(&self, key: &str) -> String {
        format!("metadata.annotations[{}]", Annotation::full_name(key, self.sources.prefix))
    }

    /// The Ingresses that have a say on a host, the oldest first: by a rule, an alias, a redirect or a default backend.
    pub(super) fn claims_on(&self, host: &HostName) -> impl Iterator<Item = &'a ParsedIngress> {
        self.reads.borrow_mut().insert(host.clone());
        let ingresses = self.sources.ingresses;
        self.sources.claims.of(host).filter_map(move |rank| ingresses.get(&rank.key)?.parsed.as_deref())
    }

    /// The Ingresses with a rule for a host, the oldest first.
    pub(super) fn with_rules(&self, host: &HostName) -> impl Iterator<Item = &'a ParsedIngress> {
        self.claims_on(host).filter(|ingress| ingress.hosts.contains_key(host))
    }

    /// The Ingresses that decide what holds for a whole host, the oldest first: those with a rule for it. Ingresses without
    /// rules count by the letter only (ingress-nginx: `createServers`).
    pub(super) fn deciding(&self, host: &HostName) -> impl Iterator<Item = &'a ParsedIngress> {
        let matching = self.sources.defaults.path_matching;
        let counts_by_default = matching == PathMatching::Strict && *host == HostName::Any;
        let by_default =
            self.claims_on(host).filter(move |ingress| counts_by_default && ingress.serves_any_host(matching));
        self.with_rules(host).chain(by_default)
    }

    /// The canary Ingresses with a rule for a host, the oldest first.
    pub(super) fn canaries_on(&self, host: &HostName) -> impl Iterator<Item = (&'a ParsedIngress, &'a Canary)> {
        let Sources { ingresses, canaries, .. } = self.sources;
        canaries.claims.of(host).filter_map(|rank| {
            let ingress = ingresses.get(&rank.key)?.parsed.as_deref()?;
            Some((ingress, ingress.canary.as_deref()?))
        })
    }

    /// The canary of a backend. Whoever changes it has the hosts with routes to that backend translated again.
    pub(super) fn canary_of(&self, main: &ServiceBackend) -> Option<&'a Attachment> {
        self.sources.canaries.of(main)
    }

    /// The affinity of a backend. As for its canary.
    pub(super) fn affinity_of(&self, backend: &ServiceBackend) -> Option<&'a Arc<Affinity>> {
        self.sources.affinities.of(backend)
    }

    /// The hosts that were asked about.
    pub(in crate::translate) fn reads(self) -> BTreeSet<HostName> {
        self.reads.into_inner()
    }
}
