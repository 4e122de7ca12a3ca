//! The fields of AditPolicies: the same settings as annotations, with the same meaning.

#[cfg(test)]
mod tests;

use super::entry::{Annotation, Effect};
use super::policy_field::policy_fields;
use super::read::{Context, Reader, Reading};
use super::written::Written;
use crate::diagnostic::{Diagnostic, Reason};
use crate::gateway_api::AditPolicySpec;
use crate::route_defaults::SnippetBlock;
use crate::suggestion::{did_you_mean, nearest};
use gateway::config::{BackendProtocol, Subject};
use serde_json::Value;
use std::collections::BTreeMap;

/// The policies of one rule, no two of which have the same field.
#[derive(Debug, Default)]
pub(crate) struct PolicyFields<'a> {
    first: Option<&'a Subject>,
    /// The values as annotations have them, by the names of these.
    texts: BTreeMap<&'static str, String>,
    /// The policies that have them.
    policies: BTreeMap<&'static str, &'a Subject>,
    /// What is no field, or has no value of its type.
    faults: Vec<Diagnostic>,
}

impl<'a> PolicyFields<'a> {
    /// Adds the fields of one more policy.
    pub(crate) fn add(&mut self, policy: &'a Subject, spec: &AditPolicySpec) {
        self.first.get_or_insert(policy);
        for (field, value) in spec.0.iter().filter(|(_, value)| !value.is_null()) {
            match setting(field, value) {
                Ok((annotation, text)) => {
                    self.texts.insert(annotation.name, text);
                    self.policies.insert(annotation.name, policy);
                }
                Err(message) => {
                    let fault = Diagnostic::error(policy.clone(), format!("spec.{field}"), message);
                    self.faults.push(fault.because(Reason::Invalid));
                }
            }
        }
    }

    /// Where settings are written.
    pub(crate) fn written<'s>(&'s self, nobody: &'s Subject) -> Written<'s> {
        Written::Fields { first: self.first.unwrap_or(nobody), policies: &self.policies }
    }

    /// The policy that has the field for an annotation.
    pub(crate) fn policy_with(&self, annotation: &str) -> Option<&'a Subject> {
        self.policies.get(annotation).copied()
    }

    /// Reads them. What is no field rejects them all: whoever has written it relies on it.
    pub(crate) fn read(&self, written: Written<'_>, context: Context<'_>) -> Reading {
        let values: BTreeMap<_, _> = self.texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let mut reader = Reader::new(values.clone(), written, context);
        if self.texts.keys().any(|name| name.starts_with("proxy-ssl-")) {
            // It counts wherever TLS is spoken, which a Service may say, too.
            reader.reading.settings.backend.protocol = BackendProtocol::Https;
        }
        for (name, text) in values {
            if let Some(annotation) = Annotation::named(name).filter(|_| reader.permits(name, text)) {
                reader.setting(annotation, text);
            }
        }
        reader.build();
        reader.without_server();
        let mut reading = reader.reading;
        let first_fault = (!self.faults.is_empty()).then_some(reading.diagnostics.len());
        reading.rejected = reading.rejected.or(first_fault);
        reading.diagnostics.extend(self.faults.iter().cloned());
        reading
    }
}

impl Reader<'_> {
    /// Denies what a snippet can have in a server only: a policy is for any number of them.
    fn without_server(&mut self) {
        const SNIPPET: &str = "configuration-snippet";
        let SnippetBlock { locations, auth_request, .. } = &*self.reading.settings.location_snippet;
        if locations.is_empty() && auth_request.is_none() {
            return;
        }
        let message = "has location or auth_request, which a policy cannot have: expected other directives";
        self.deny(SNIPPET, self.value(SNIPPET), message);
        self.set_effect(SNIPPET, &Effect::Denied);
    }
}

/// The annotation that a field means, and its text. The error says what is wrong with the field.
fn setting(field: &str, value: &Value) -> Result<(&'static Annotation, String), String> {
    let Some((annotation, kind)) = policy_fields().get(field) else {
        let near = did_you_mean(nearest(field, policy_fields().keys().map(String::as_str)));
        return Err(format!("is not a field of AditPolicy: no request of a rule with this policy is served{near}"));
    };
    kind.text(value).map(|text| (*annotation, text)).ok_or_else(|| {
        let what = if value.is_array() { "a list" } else { "a mapping" };
        format!("is {what}: expected {}; no request of a rule with this policy is served", kind.expected())
    })
}
