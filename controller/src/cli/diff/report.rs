//! The report: what differs, and what sample requests would get.

use super::changes::{Change, changes};
use super::requests::{Answer, Sample, answers};
use super::versions::Versions;
use crate::diagnostic::Diagnostic;
use serde::Serialize;
use std::collections::BTreeSet;

/// What a change of manifests does to what is served.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// By host, and by name.
    pub(super) changes: Vec<Change>,
    /// Of the requests those that would get something else.
    pub(super) requests: Vec<Answer>,
    /// How many requests were compared.
    pub(super) compared: usize,
    /// Errors and warnings that only the new version has.
    pub(super) problems: Vec<Diagnostic>,
    /// How many only the old version has.
    pub(super) solved: usize,
}

impl Report {
    pub(super) fn of(versions: &Versions, samples: &[Sample]) -> Self {
        let known: BTreeSet<_> = versions.old.diagnostics.iter().map(without_place).collect();
        let now: BTreeSet<_> = versions.new.diagnostics.iter().map(without_place).collect();
        let is_new = |diagnostic: &&Diagnostic| !known.contains(&without_place(diagnostic));
        Self {
            changes: changes(versions),
            requests: answers(versions, samples),
            compared: samples.len(),
            problems: versions.new.diagnostics.iter().filter(is_new).cloned().collect(),
            solved: known.iter().filter(|diagnostic| !now.contains(*diagnostic)).count(),
        }
    }

    /// Whether nothing differs.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.requests.is_empty() && self.problems.is_empty() && self.solved == 0
    }
}

/// One that has moved within its file is the same.
fn without_place(diagnostic: &Diagnostic) -> Diagnostic {
    Diagnostic { place: None, ..diagnostic.clone() }
}
