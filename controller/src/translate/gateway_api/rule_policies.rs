//! The AditPolicies that rules name by `ExtensionRef`.

use super::filters::Extension;
use super::rule::RuleReader;
use super::rule_base::{self, Refused, RuleBase};
use super::wrong::Wrong;
use crate::annotation::{Annotation, PolicyFields, policy_field};
use crate::diagnostic::Reason;
use crate::gateway_api::{AditPolicy, OWN_GROUP, ObjectReference};
use crate::object::{Kind, ObjectKey};
use crate::store::Stored;
use gateway::config::Subject;
use std::sync::Arc;

impl<'a> RuleReader<'a> {
    /// What a rule with these policies begins with. `None`: one of them is not there, or cannot be used.
    pub(super) fn base_of(&mut self, rule: &str, extensions: &[Extension]) -> Option<Arc<RuleBase>> {
        let Some(last) = extensions.last() else { return Some(Arc::clone(&self.base)) };
        // All of them, so that each that is not there is told of.
        let found: Vec<_> = extensions.iter().map(|extension| self.policy(rule, extension)).collect();
        let mut policies = Vec::with_capacity(extensions.len());
        for (extension, policy) in extensions.iter().zip(found) {
            let policy = policy?;
            if let Some(message) = clash(&policies, policy).or_else(|| self.unfit(policy)) {
                let wrong = Wrong::new(format!("{}.name", extension.field), &extension.reference.name, message);
                self.invalid(wrong.within(rule), "of the rule");
                return None;
            }
            policies.push(policy);
        }
        let base = self.read_base(&policies);
        let name = |fault: &str| {
            let message = format!("names a policy that cannot be used: {fault}");
            Wrong::new(format!("{}.name", last.field), &last.reference.name, message).within(rule)
        };
        match &base.refused {
            Some(Refused::Rejected(fault)) => {
                self.invalid(name(fault), "of the rule");
                return None;
            }
            Some(Refused::Denied(fault)) => {
                self.report(name(fault), "the requests of the rule are answered with 503");
            }
            None => {}
        }
        self.take_named(&base, &format!("{rule}.{}", last.field));
        Some(base)
    }

    /// A policy, if it is one and is there.
    fn policy(&mut self, rule: &str, extension: &Extension) -> Option<&'a Stored<AditPolicy>> {
        let ObjectReference { group, kind, name, .. } = &extension.reference;
        let (group, kind) = (group.as_deref().unwrap_or_default(), kind.as_deref().unwrap_or_default());
        let field = format!("{rule}.{}", extension.field);
        if (group, kind) != (OWN_GROUP, Kind::AditPolicy.name()) {
            let message = format!("of the group {group:?} is not supported: expected AditPolicy of {OWN_GROUP:?}");
            self.cannot_follow("InvalidKind", Reason::Invalid, (&format!("{field}.kind"), kind), &message);
            return None;
        }
        let namespace = &self.key.namespace;
        self.adit_policies.insert(ObjectKey::new(Kind::AditPolicy, Arc::clone(namespace), name.as_str()));
        let found = self.known.lookup.adit_policy(namespace, name);
        if found.is_none() {
            let message = format!("names AditPolicy {namespace}/{name}, which does not exist");
            let part = format!("{field}.name");
            self.cannot_follow("FilterNotFound", Reason::ReferenceNotFound, (&part, name), &message);
        }
        found
    }

    /// A reference of a filter cannot be followed, which costs the requests of its rule.
    fn cannot_follow(&mut self, reason: &'static str, because: Reason, (field, value): (&str, &str), message: &str) {
        let effect = format!("the requests of the rule are answered with {}", self.kind.refusal);
        self.findings.error(because, field, value, &format!("{message}; {effect}"));
        self.unresolved.get_or_insert((reason, format!("{field}: {message}")));
    }

    /// What of a policy is not for routes of this kind.
    fn unfit(&self, policy: &Stored<AditPolicy>) -> Option<String> {
        let mut fields = self.kind.unfit.iter().filter_map(|name| policy_field(Annotation::named(name)?));
        let found = fields.find(|field| policy.object.spec.0.contains_key(field));
        found.map(|field| format!("names {} with {field}, which is not for a {}", policy.key, self.key.kind))
    }

    /// The base of rules with these policies, which is read once.
    fn read_base(&mut self, policies: &[&'a Stored<AditPolicy>]) -> Arc<RuleBase> {
        let keys: Vec<&'a ObjectKey> = policies.iter().map(|policy| &policy.key).collect();
        if let Some(known) = self.bases.get(&keys) {
            return Arc::clone(known);
        }
        let subjects: Vec<Subject> = keys.iter().map(|key| (*key).into()).collect();
        let mut fields = PolicyFields::default();
        for (subject, policy) in subjects.iter().zip(policies) {
            fields.add(subject, &policy.object.spec);
        }
        let base = Arc::new(rule_base::read(&fields, &self.scene));
        self.bases.insert(keys, Arc::clone(&base));
        base
    }

    /// Notes what a base names, in this field.
    pub(super) fn take_named(&mut self, base: &RuleBase, field: &str) {
        for service in base.named.services.keys() {
            self.references.entry(service.clone()).or_insert_with(|| field.into());
        }
        self.urls.extend(base.named.urls.iter().cloned());
    }
}

/// A field that another policy of the rule has, too: nobody could say which counts.
fn clash(policies: &[&Stored<AditPolicy>], policy: &Stored<AditPolicy>) -> Option<String> {
    let fields = &policy.object.spec.0;
    let mut clashes = policies.iter().filter_map(|other| {
        let field = fields.keys().find(|field| other.object.spec.0.contains_key(*field))?;
        Some(format!("names {} with {field}, which {} has, too: expected one of them", policy.key, other.key))
    });
    clashes.next()
}
