//! AditPolicies by themselves: what is wrong with each, and what its status says. Routes read them for their own rules.

use super::policies::at_each;
use super::route::ParsedRoute;
use super::rule_base::{self, RuleBase, Scene};
use crate::annotation::PolicyFields;
use crate::diagnostic::{Diagnostic, Statement};
use crate::gateway_api::{AditPolicy, Condition, ObjectStatus};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use crate::store::Stored;
use gateway::config::Subject;
use std::collections::BTreeSet;

/// What became of an AditPolicy, whoever names it.
#[derive(Debug)]
pub(super) struct CheckedPolicy {
    generation: Option<i64>,
    conditions: Vec<Condition>,
}

/// Reads a policy as a rule would that names no other one, and says what is wrong with it.
pub(super) fn check(
    stored: &Stored<AditPolicy>,
    settings: (&ControllerSettings, &RouteDefaults),
    lookup: &Lookup<'_>,
) -> (CheckedPolicy, Vec<Diagnostic>) {
    let Stored { key, object, age } = stored;
    let subject = Subject::from(key);
    let mut fields = PolicyFields::default();
    fields.add(&subject, &object.spec);
    let RuleBase { mut diagnostics, refused, .. } =
        rule_base::read(&fields, &Scene::new((key, &object.metadata), settings, lookup));
    // What is worse is read first.
    diagnostics.sort_by_key(|diagnostic| diagnostic.severity);
    let conditions = conditions(refused.is_some(), &diagnostics);
    let diagnostics = diagnostics.into_iter().map(|diagnostic| diagnostic.at(age.place.clone())).collect();
    (CheckedPolicy { generation: object.metadata.generation, conditions }, diagnostics)
}

/// The conditions of a policy of which this is wrong. Where its rules are served all the same, what is right of it counts.
fn conditions(is_refused: bool, diagnostics: &[Diagnostic]) -> Vec<Condition> {
    let statements: Vec<_> = diagnostics.iter().map(|diagnostic| Statement(diagnostic).to_string()).collect();
    let message = statements.join("\n");
    if is_refused {
        return vec![Condition::fails("Accepted", "Invalid", message)];
    }
    let partly = (!message.is_empty())
        .then(|| Condition { message, ..Condition::holds("PartiallyInvalid", "UnsupportedValue") });
    [Condition::holds("Accepted", "Accepted")].into_iter().chain(partly).collect()
}

impl CheckedPolicy {
    /// What its status says, given the Gateways whose routes have rules that name it; nothing of us where there are none.
    pub(super) fn status(&self, gateways: BTreeSet<ObjectKey>) -> Option<ObjectStatus> {
        let is_named = !gateways.is_empty();
        is_named.then(|| ObjectStatus { generation: self.generation, parts: at_each(gateways, &self.conditions) })
    }
}

/// The policies that a route names at other Gateways than before, now that it is another one.
pub(super) fn named_elsewhere(former: Option<&ParsedRoute>, now: Option<&ParsedRoute>) -> BTreeSet<ObjectKey> {
    let (former, now) = (named(former), named(now));
    former.symmetric_difference(&now).map(|(policy, _)| (*policy).clone()).collect()
}

/// The policies that a route names, with each Gateway that takes it.
fn named(route: Option<&ParsedRoute>) -> BTreeSet<(&ObjectKey, &ObjectKey)> {
    let Some(route) = route else { return BTreeSet::new() };
    let policies = &route.adit_policies;
    route.gateways().flat_map(|gateway| policies.iter().map(move |policy| (policy, gateway))).collect()
}
