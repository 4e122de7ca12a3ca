use crate::cli::counted::counted;
use crate::diagnostic::{Diagnostic, Severity};
use serde::Serialize;
use std::fmt;

/// What is wrong with the objects of a cluster.
#[derive(Serialize)]
pub(super) struct Report {
    /// All that is wrong: errors first, then by object.
    diagnostics: Vec<Diagnostic>,
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

impl Report {
    pub(super) fn of(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort();
        let of = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        Self { errors: of(Severity::Error), warnings: of(Severity::Warning), diagnostics }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostics.iter().try_for_each(|diagnostic| writeln!(f, "{diagnostic}"))?;
        writeln!(f, "{}, {}", counted(self.errors, "error"), counted(self.warnings, "warning"))
    }
}
