//! What is wrong with manifests.

use super::snapshot::Snapshot;
use crate::diagnostic::{Diagnostic, Severity};
use crate::settings::ControllerSettings;
use serde::Serialize;
use std::fmt::{self, Write as _};
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
    /// How many TCP and UDP services are served.
    pub streams: usize,
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
        streams: table.streams().iter().count(),
        diagnostics,
    }
}

impl fmt::Display for Report {
    /// One diagnostic a line, then a summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            writeln!(f, "{diagnostic}")?;
        }
        let mut served = format!("{}, {}", counted(self.hosts, "host"), counted(self.routes, "route"));
        if self.streams > 0 {
            let _ = write!(served, ", {}", counted(self.streams, "TCP or UDP service"));
        }
        let wrong = format!("{}, {}", counted(self.errors, "error"), counted(self.warnings, "warning"));
        let ingresses = if self.ingresses == 1 { "Ingress" } else { "Ingresses" };
        writeln!(f, "{} {ingresses}, {served}: {wrong}", self.ingresses)
    }
}

fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(text: &str) -> Report {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("objects.yaml"), text).expect("a file");
        check(&[directory.path().to_owned()], ControllerSettings::default())
    }

    /// Together and one by one: an example must not lean on another.
    #[test]
    fn the_examples_load_without_a_diagnostic() {
        let manifests = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests"));
        let examples =
            std::fs::read_dir(manifests.join("examples")).expect("examples").map(|entry| entry.expect("a file").path());
        for path in examples.chain([manifests.join("examples"), manifests.join("demo")]) {
            let report = check(std::slice::from_ref(&path), ControllerSettings::default());
            assert_eq!(report.diagnostics, [], "{}", path.display());
            assert!(report.routes > 0, "{}", path.display());
        }
    }

    #[test]
    fn what_is_wrong_is_counted_and_told() {
        let report = check_text(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  annotations:\n    \
             nginx.ingress.kubernetes.io/enable-cors: \"true\"\nspec:\n  rules:\n    - host: \"a b\"\n",
        );
        assert_eq!((report.errors, report.ingresses, report.routes), (1, 1, 0), "{report}");
        let text = report.to_string();
        assert!(text.contains("error: Ingress default/a: spec.rules[0].host: \"a b\" is not"), "{text}");
        assert!(text.ends_with("1 Ingress, 0 hosts, 0 routes: 1 error, 1 warning\n"), "{text}");
    }
}
