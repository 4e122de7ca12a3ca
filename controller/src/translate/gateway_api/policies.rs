//! Which BackendTLSPolicy holds for which port of which Service, and what becomes of each.

use super::backend_tls::ParsedPolicy;
use super::findings::Findings;
use super::rank::Rank;
use crate::diagnostic::{Diagnostic, Reason};
use crate::gateway_api::{Condition, ObjectStatus, ParentReference, ParentStatus, StatusParts};
use crate::object::ObjectKey;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All BackendTLSPolicies.
#[derive(Debug, Default)]
pub(super) struct Policies {
    all: BTreeMap<ObjectKey, Arc<ParsedPolicy>>,
    /// Those for each Service, with the name of the port: the oldest first.
    of_services: BTreeMap<ObjectKey, BTreeSet<(Rank, Option<String>)>>,
}

impl Policies {
    /// The policy that holds for a port of a Service: one for the port by its name comes before those for all ports, then the
    /// oldest.
    pub(super) fn for_port(&self, service: &ObjectKey, port: Option<&str>) -> Option<&ParsedPolicy> {
        let policies = self.of_services.get(service)?;
        let of = |name: Option<&str>| policies.iter().find(|(_, port)| port.as_deref() == name);
        let (rank, _) = port.and_then(|port| of(Some(port))).or_else(|| of(None))?;
        self.all.get(&rank.key).map(AsRef::as_ref)
    }

    /// Those for a Service.
    pub(super) fn of_service(&self, service: &ObjectKey) -> impl Iterator<Item = &ObjectKey> {
        self.of_services.get(service).into_iter().flatten().map(|(rank, _)| &rank.key)
    }

    /// A target of a policy that another one has, which comes before it: the name of the Service, and the other one.
    fn lost(&self, policy: &ParsedPolicy) -> Option<(&ObjectKey, &ObjectKey)> {
        let mut firsts = policy.targets.iter().filter_map(|target| {
            let (service, policies) = self.of_services.get_key_value(&target.service)?;
            let (first, _) = policies.iter().find(|(_, port)| *port == target.port)?;
            Some((service, &first.key))
        });
        firsts.find(|(_, first)| **first != policy.rank.key)
    }

    /// A policy is this now. The Services that it is or was for, if something has changed.
    pub(super) fn set(&mut self, key: &ObjectKey, policy: Option<ParsedPolicy>) -> BTreeSet<ObjectKey> {
        if self.all.get(key).map(AsRef::as_ref) == policy.as_ref() {
            return BTreeSet::new();
        }
        let mut services = BTreeSet::new();
        for target in self.all.remove(key).iter().flat_map(|former| &former.targets) {
            if let Some(policies) = self.of_services.get_mut(&target.service) {
                policies.retain(|(rank, _)| rank.key != *key);
                if policies.is_empty() {
                    self.of_services.remove(&target.service);
                }
            }
            services.insert(target.service.clone());
        }
        if let Some(policy) = policy {
            for target in &policy.targets {
                let policies = self.of_services.entry(target.service.clone()).or_default();
                policies.insert((policy.rank.clone(), target.port.clone()));
                services.insert(target.service.clone());
            }
            self.all.insert(key.clone(), Arc::new(policy));
        }
        services
    }

    /// What the status of a policy is to say, and what is wrong with it, given the Gateways that send requests to a Service.
    pub(super) fn judge(
        &self,
        key: &ObjectKey,
        gateways: impl Fn(&ObjectKey) -> BTreeSet<ObjectKey>,
    ) -> (Option<ObjectStatus>, Vec<Diagnostic>) {
        let Some(policy) = self.all.get(key) else { return (None, Vec::new()) };
        let ancestors: BTreeSet<_> = policy.targets.iter().flat_map(|target| gateways(&target.service)).collect();
        if ancestors.is_empty() && policy.rank.age.place.is_none() {
            // In a cluster it may be for the Gateways of others.
            return (None, Vec::new());
        }
        let lost = self.lost(policy);
        let mut diagnostics = policy.diagnostics.clone();
        if let Some((service, rival)) = lost {
            let mut findings = Findings::of(key, policy.rank.age.place.as_ref());
            let message = format!("has {rival}, which comes first: this one has no effect there");
            findings.error(Reason::Conflict, "spec.targetRefs", &service.name, &message).related = Some(rival.into());
            diagnostics.append(&mut findings.diagnostics);
        }
        let parts = at_each(ancestors, &policy.conditions(lost.map(|(_, rival)| rival)));
        (Some(ObjectStatus { generation: policy.generation, parts }), diagnostics)
    }
}

/// The status of a policy, of whichever kind, of which the same is to be said at each of these Gateways.
pub(super) fn at_each(gateways: BTreeSet<ObjectKey>, conditions: &[Condition]) -> StatusParts {
    let ancestor = |gateway: ObjectKey| ParentReference {
        name: gateway.name.to_string(),
        namespace: Some(gateway.namespace.to_string()),
        ..ParentReference::default()
    };
    let of_gateway = |gateway| ParentStatus { parent: ancestor(gateway), conditions: conditions.to_vec() };
    StatusParts::Policy(gateways.into_iter().map(of_gateway).collect())
}
