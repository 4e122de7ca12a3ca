use super::backend::Problem;
use super::claims::References;
use crate::diagnostic::Diagnostic;
use crate::object::ObjectKey;
use gateway::config::{BackendId, HostName};
use std::collections::BTreeMap;

/// What is wrong now, by the unit of translation that found it.
#[derive(Debug, Default)]
pub(super) struct Diagnostics(BTreeMap<Subject, Vec<Diagnostic>>);

/// A unit of translation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Settings,
    Ingress(ObjectKey),
    Host(HostName),
    Backend(BackendId),
}

impl Diagnostics {
    /// Sets what a unit found, in place of what it found before.
    pub(super) fn set(&mut self, subject: Subject, diagnostics: Vec<Diagnostic>) {
        if diagnostics.is_empty() {
            self.0.remove(&subject);
        } else {
            self.0.insert(subject, diagnostics);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.values().flatten()
    }
}

/// What is wrong with a backend, for each Ingress that names it.
pub(super) fn of_backend(id: &BackendId, problem: &Problem, references: &References) -> Vec<Diagnostic> {
    let value = match problem.part {
        "port" => &id.port,
        _ => &id.service,
    };
    references
        .of(id)
        .map(|(rank, referrer)| {
            let field = match referrer.reference.routed {
                true => format!("{}.{}", referrer.reference.field, problem.part).into(),
                false => referrer.reference.field.clone(),
            };
            let diagnostic = Diagnostic::error(referrer.object.clone(), field, problem.message.as_str());
            Diagnostic { severity: problem.severity, ..diagnostic }.with_value(value).at(rank.age.place.clone())
        })
        .collect()
}
