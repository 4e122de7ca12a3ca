//! A route of HTTP or gRPC: where it attaches, and what becomes of it.

use super::attachment::{Attached, Attachment, Gateways, NotAccepted, Seeker};
use super::backends::Known;
use super::findings::Findings;
use super::host_names;
use super::policies::Policies;
use super::rank::Rank;
use super::route_parts::RouteParts;
use super::rule::{self, RuleReader};
use super::rule_base::PolicySettings;
use super::rule_defaults::RuleDefaults;
use super::stream_rule::Sessions;
use crate::diagnostic::{Diagnostic, Reason};
use crate::gateway_api::{Condition, Fault, ParentReference, ParentStatus, StatusParts};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use crate::route_defaults::UpstreamSettings;
use crate::settings::ControllerSettings;
use crate::translate::exact_size::of_exact_size;
use crate::translate::ingress::OwnHosts;
use gateway::config::{BackendId, HostName, Route, ServiceBackend};
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A route as translation goes on with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParsedRoute {
    pub(super) rank: Arc<Rank>,
    pub(super) generation: Option<i64>,
    pub(super) parents: Parents,
    pub(super) routes: Box<[Route]>,
    /// Where its connections or datagrams go, if it is a route of these.
    pub(super) streams: Option<Sessions>,
    /// The Services' ports that it names, each with the first field that does.
    pub(super) references: LiteMap<ServiceBackend, Arc<str>>,
    /// The AditPolicies that its rules name, whether or not they are there.
    pub(super) adit_policies: BTreeSet<ObjectKey>,
    /// What its policies ask for on behalf of those that it leads to.
    pub(super) upstreams: BTreeMap<ServiceBackend, UpstreamSettings>,
    /// The servers that it names by URL.
    pub(super) urls: Vec<BackendId>,
    /// What the policies of its rules ask for, by the fields of these.
    pub(super) settings: BTreeMap<String, PolicySettings>,
    /// Why it is not accepted, if no rule of it can be served.
    pub(super) refused: Option<String>,
    /// Why some of its rules are not served as they are meant.
    pub(super) partly: Option<String>,
    pub(super) unresolved: Option<Fault>,
}

/// What becomes of a route at each parent that is ours.
pub(super) type Parents = Box<[(ParentReference, Result<Attached, NotAccepted>)]>;

impl ParsedRoute {
    /// Where it takes requests.
    pub(super) fn attachments(&self) -> BTreeSet<Attachment> {
        self.attached().flat_map(|attached| attached.attachments.iter().cloned()).collect()
    }

    /// The listeners that it is attached to.
    pub(super) fn attached(&self) -> impl Iterator<Item = &Attached> {
        let is_served = self.refused.is_none();
        self.parents.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()).filter(move |_| is_served)
    }

    /// The Gateways that take it, whether or not any rule of it can be served.
    pub(super) fn gateways(&self) -> impl Iterator<Item = &ObjectKey> {
        self.parents.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()).map(|attached| &attached.gateway)
    }

    pub(super) fn status(&self) -> StatusParts {
        let parents = self.parents.iter().map(|(parent, outcome)| {
            let accepted = match (&self.refused, outcome) {
                (_, Err((reason, message))) => Condition::fails("Accepted", reason, message),
                (Some(message), Ok(_)) => Condition::fails("Accepted", "UnsupportedValue", message),
                (None, Ok(_)) => Condition::holds("Accepted", "Accepted"),
            };
            let resolved = Condition::unless(self.unresolved.as_ref(), "ResolvedRefs");
            let partly = self.partly.as_ref().filter(|_| self.refused.is_none()).map(|message| Condition {
                message: format!("Dropped Rule: {message}"),
                ..Condition::holds("PartiallyInvalid", "UnsupportedValue")
            });
            let mut conditions: Vec<_> = [accepted, resolved].into_iter().chain(partly).collect();
            conditions.shrink_to_fit();
            ParentStatus { parent: parent.clone(), conditions }
        });
        StatusParts::Route(parents.collect())
    }
}

/// Reads a route, if a parent of it is a Gateway of ours.
pub(super) fn parse<'a>(
    route: RouteParts<'a>,
    (gateways, policies): (&Gateways, &'a Policies),
    (settings, defaults): (&'a ControllerSettings, &'a RuleDefaults),
    lookup: &'a Lookup<'a>,
) -> (Option<ParsedRoute>, Vec<Diagnostic>) {
    let mut findings = Findings::of(route.key, route.age.place.as_ref());
    let hosts = hosts(route.hostnames, &mut findings);
    let own_hosts = OwnHosts::of(&route.key.namespace, settings, lookup);
    let seeker = Seeker { route: route.key, hosts: &hosts, own_hosts: &own_hosts, gateways, lookup };
    let parents = parents(route.parents, &seeker, &mut findings);
    if parents.is_empty() {
        return (None, findings.diagnostics);
    }
    let mut reader = RuleReader::new(&route, (settings, defaults), Known { lookup, policies }, findings);
    let rules = route.rules.into_iter().enumerate();
    let routes: Box<[_]> = rules.flat_map(|(index, rule)| reader.rule(index, rule)).collect();
    let invalid = reader.invalid.first().cloned();
    let is_refused = invalid.is_some() && routes.iter().all(rule::is_refusal);
    let parsed = ParsedRoute {
        rank: Arc::new(Rank { age: route.age.clone(), key: route.key.clone() }),
        generation: route.metadata.generation,
        parents,
        routes,
        streams: None,
        references: of_exact_size(reader.references),
        adit_policies: reader.adit_policies,
        upstreams: reader.upstreams,
        urls: reader.urls,
        settings: reader.settings,
        refused: invalid.clone().filter(|_| is_refused),
        partly: invalid,
        unresolved: reader.unresolved,
    };
    (Some(parsed), reader.findings.diagnostics)
}

/// What becomes of a route at each parent that is ours, and what is wrong with those.
pub(super) fn parents(references: &[ParentReference], seeker: &Seeker<'_>, findings: &mut Findings) -> Parents {
    let mut parents = Vec::new();
    for (index, parent) in references.iter().enumerate() {
        let field = format!("spec.parentRefs[{index}]");
        match seeker.attach(parent) {
            Some(outcome) => {
                if let Err((_, message)) = &outcome {
                    let message = format!("{message}; nothing is served there");
                    findings.error(Reason::Rejected, &field, &parent.name, &message);
                }
                for host in outcome.iter().flat_map(|attached| &attached.not_owned) {
                    let message = "is not a host of its namespace: --host-owners-configmap is set; it is not served";
                    findings.error(Reason::HostNotOwned, "spec.hostnames", &host.as_written(), message);
                }
                parents.push((parent.clone(), outcome));
            }
            None if findings.is_in_file() => of_nobody(parent, &field, seeker, findings),
            None => {}
        }
    }
    parents.into()
}

/// A parent that is no Gateway of ours: in a cluster that may be as it should be.
fn of_nobody(parent: &ParentReference, field: &str, seeker: &Seeker<'_>, findings: &mut Findings) {
    let kind = parent.kind.as_deref().unwrap_or("Gateway");
    let message = match seeker.parent(parent) {
        Some(key) if seeker.is_there(&key) => return,
        Some(key) => format!("names {key}, which does not exist: nothing is served there"),
        None => format!("names a {kind}, which is not supported yet: nothing is served there"),
    };
    findings.ignored(&format!("{field}.name"), &parent.name, &message);
}

/// The hosts that a route names; without any, all of its listeners.
pub(super) fn hosts(names: &[String], findings: &mut Findings) -> Vec<HostName> {
    if names.is_empty() {
        return vec![HostName::Any];
    }
    let mut hosts = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match host_names::parse(Some(name)).map_err(|error| error.to_string()) {
            Ok(HostName::Any) => {}
            Ok(host) => hosts.push(host),
            Err(message) => {
                let field = format!("spec.hostnames[{index}]");
                findings.error(Reason::Invalid, &field, name, &format!("{message}; the host is not served"));
            }
        }
    }
    hosts
}
