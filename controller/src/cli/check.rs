//! What is wrong with manifests.

use super::snapshot::Snapshot;
use crate::diagnostic::{Diagnostic, Severity};
use crate::settings::ControllerSettings;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `adit check` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// All that is wrong: errors first, then by object.
    pub diagnostics: Vec<Diagnostic>,
    /// How many of them are errors.
    pub errors: usize,
    /// How many of them are warnings.
    pub warnings: usize,
    /// How many Ingresses there are, of whatever class.
    pub ingresses: usize,
    /// How many virtual hosts are served.
    pub hosts: usize,
    /// How many routes are served.
    pub routes: usize,
}

/// Reads files and directories as `adit serve` would, and reports all that is wrong with them.
pub fn check(paths: &[PathBuf], settings: ControllerSettings) -> Report {
    let Snapshot { store, publisher, diagnostics, .. } = Snapshot::of(paths, settings);
    let table = publisher.load();
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    Report {
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        ingresses: store.ingresses().count(),
        hosts: table.hosts().count(),
        routes: table.hosts().map(|host| host.routes().len()).sum(),
        diagnostics,
    }
}

impl fmt::Display for Report {
    /// One diagnostic a line, then a summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            writeln!(f, "{diagnostic}")?;
        }
        let served = format!("{}, {}", counted(self.hosts, "host"), counted(self.routes, "route"));
        let wrong = format!("{}, {}", counted(self.errors, "error"), counted(self.warnings, "warning"));
        let ingresses = if self.ingresses == 1 { "Ingress" } else { "Ingresses" };
        writeln!(f, "{} {ingresses}, {served}: {wrong}", self.ingresses)
    }
}

fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
