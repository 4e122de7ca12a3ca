use crate::diagnostic::{Reason, Severity};
use gateway::telemetry::Orphan;

/// Why a backend has no endpoints, or not those that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::translate) struct Problem {
    pub(in crate::translate) severity: Severity,
    pub(in crate::translate) reason: Reason,
    /// The part of the reference at fault: `name` or `port`.
    pub(in crate::translate) part: &'static str,
    /// What is wrong, and what is used instead if there is something.
    pub(in crate::translate) message: String,
    /// Whether nothing is, so that who asks gets no answer.
    pub(in crate::translate) unserved: bool,
}

impl Problem {
    /// Nobody is served because of this.
    pub(super) fn error(part: &'static str, reason: Reason, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, reason, part, message: message.into(), unserved: true }
    }

    /// It is served nevertheless.
    pub(super) fn warning(part: &'static str, reason: Reason, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, unserved: false, ..Self::error(part, reason, message) }
    }
    /// What it makes of the Ingresses that route to the backend, if nobody is served.
    pub(in crate::translate) fn orphan(&self) -> Option<Orphan> {
        let is_missing = self.reason == Reason::ReferenceNotFound && self.part == "name";
        self.unserved.then_some(if is_missing { Orphan::NoService } else { Orphan::NoEndpoint })
    }
}
