//! What is wrong with manifests.

use super::counted::counted;
use super::snapshot::Snapshot;
use crate::diagnostic::{Diagnostic, Escaped, Reason, Severity};
use crate::object::{Kind, ObjectKey};
use crate::settings::ControllerSettings;
use crate::snippet::SnippetReport;
use crate::source::manifest::Upgraded;
use crate::store::Store;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

/// What `adit check` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// All that is wrong: errors first, then by object.
    pub diagnostics: Vec<Diagnostic>,
    /// Which directives of snippets work.
    pub snippets: Vec<SnippetReport>,
    /// How often something is missed of a kind of which there is no object at all: it may be there in the cluster, so
    /// that is no diagnostic.
    pub unchecked: BTreeMap<Kind, usize>,
    /// How many objects there are of each kind that Adit does not read. A directory with a whole application has some.
    pub foreign: BTreeMap<String, usize>,
    /// The Ingresses of versions before v1, as v1: what `--fix` prints.
    #[serde(skip)]
    pub upgraded: Vec<Upgraded>,
    /// The ConfigMap with the settings of the gateway, where it is not there: they have their defaults.
    pub absent_settings: Option<String>,
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
    let configmap = settings.configmap.clone();
    let Snapshot { store, translator, publisher, diagnostics, foreign, upgraded, .. } = Snapshot::of(paths, settings);
    let configmap = configmap.filter(|name| store.config_map(&name.namespace, &name.name).is_none());
    let (diagnostics, unchecked) = without_unknowable(diagnostics, &store);
    let table = publisher.load();
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    Report {
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        ingresses: store.ingresses().count(),
        hosts: table.hosts().count(),
        routes: table.hosts().map(|host| host.routes().len()).sum(),
        streams: table.streams().iter().count(),
        snippets: translator.snippets().cloned().collect(),
        absent_settings: configmap.map(|name| name.to_string()),
        unchecked,
        foreign,
        upgraded,
        diagnostics,
    }
}

/// The diagnostics but for those that only say that a kind was not among the manifests, and how many these are.
pub(super) fn without_unknowable(
    diagnostics: Vec<Diagnostic>,
    store: &Store,
) -> (Vec<Diagnostic>, BTreeMap<Kind, usize>) {
    let mut unchecked = BTreeMap::new();
    let known = diagnostics.into_iter().filter(|diagnostic| match missing_kind(diagnostic) {
        Some(kind) if !store.has(kind) => {
            *unchecked.entry(kind).or_default() += 1;
            false
        }
        _ => true,
    });
    (known.collect(), unchecked)
}

/// The kind of the object that a diagnostic misses.
fn missing_kind(diagnostic: &Diagnostic) -> Option<Kind> {
    match diagnostic.reason {
        Reason::NoEndpoints => Some(Kind::EndpointSlice),
        Reason::ReferenceNotFound => Some(ObjectKey::of(diagnostic.related.as_ref()?)?.kind),
        _ => None,
    }
}

impl fmt::Display for Report {
    /// One diagnostic a line, then which lines of snippets work, then a summary: of annotations, of what could not be checked, and in numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            writeln!(f, "{diagnostic}")?;
        }
        for snippet in &self.snippets {
            write!(f, "{snippet}")?;
        }
        if self.ingresses > 1 {
            self.sum_up_annotations(f)?;
        }
        for (kind, count) in &self.unchecked {
            writeln!(f, "note: not checked, because no {kind} is given: {}", counted(*count, "reference"))?;
        }
        if !self.foreign.is_empty() {
            let kinds: Vec<_> = self.foreign.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            writeln!(f, "note: not read, because Adit serves no objects of these kinds: {}", kinds.join(", "))?;
        }
        if let Some(name) = &self.absent_settings {
            writeln!(f, "note: ConfigMap {name} (--configmap) is not given: its settings have their defaults")?;
        }
        let mut served = format!("{}, {}", counted(self.hosts, "host"), counted(self.routes, "route"));
        if self.streams > 0 {
            let _ = write!(served, ", {}", counted(self.streams, "TCP or UDP service"));
        }
        let wrong = format!("{}, {}", counted(self.errors, "error"), counted(self.warnings, "warning"));
        writeln!(f, "{}, {served}: {wrong}", counted(self.ingresses, "Ingress"))
    }
}

impl Report {
    /// The Ingresses of versions before v1, as documents of YAML in v1. Each begins with a comment that says where it stands.
    ///
    /// # Errors
    /// None is known: YAML can write what it could read.
    pub fn fixed(&self) -> anyhow::Result<String> {
        let mut documents = String::new();
        for Upgraded { place, object } in &self.upgraded {
            let yaml = serde_saphyr::to_string(object)?;
            let _ = writeln!(documents, "---\n# {place}\n{}", yaml.trim_end());
        }
        Ok(documents)
    }

    /// In how many Ingresses each annotation is at fault, the most frequent errors first.
    fn sum_up_annotations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<(Severity, &Arc<str>), usize> = BTreeMap::new();
        for Diagnostic { severity, field, .. } in &self.diagnostics {
            if field.starts_with("metadata.annotations[") {
                *counts.entry((*severity, field)).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|((severity, _), count)| (*severity, Reverse(*count)));
        for ((severity, field), count) in counts {
            writeln!(f, "total: {}: {}", counted(count, &severity.to_string()), Escaped(field))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::NamespacedName;

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
        let services = NamespacedName { namespace: "examples".into(), name: "tcp-services".into() };
        for path in examples.chain([manifests.join("examples"), manifests.join("demo")]) {
            // The flags that two of them ask for.
            let has_services = path.ends_with("tcp-services.yaml") || path.ends_with("examples");
            let tcp_services = has_services.then(|| services.clone());
            let settings = ControllerSettings { ssl_passthrough: true, tcp_services, ..ControllerSettings::default() };
            let mut report = check(std::slice::from_ref(&path), settings);
            // What an example shows that there is in a cluster only.
            report.diagnostics.retain(|diagnostic| !diagnostic.message.contains("in a cluster only"));
            assert_eq!(report.diagnostics, [], "{}", path.display());
            assert!(report.hosts + report.streams > 0, "{}", path.display());
        }
    }

    const INGRESS: &str = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: NAME, annotations: {nginx.ingress.kubernetes.io/auth-type: basic}}
spec:
  tls: [{hosts: [NAME.example], secretName: NAME}]
  rules:
  - host: NAME.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: NAME, port: {number: 80}}}}
---
";

    /// As `kubectl get ingress -A -o yaml` gives them. With a Service, the other one is missed.
    #[test]
    fn what_other_kinds_would_tell_is_no_diagnostic_without_any_of_them() {
        let ingresses = INGRESS.replace("NAME", "a") + &INGRESS.replace("NAME", "b");
        let report = check_text(&ingresses);
        assert_eq!((report.errors, report.warnings), (2, 0), "{report}");
        assert_eq!(report.unchecked, BTreeMap::from([(Kind::Service, 2), (Kind::Secret, 2)]));
        let text = report.to_string();
        assert!(
            text.contains("total: 2 errors: metadata.annotations[nginx.ingress.kubernetes.io/auth-type]\n"),
            "{text}"
        );
        assert!(text.contains("note: not checked, because no Secret is given: 2 references\n"), "{text}");
        assert!(text.contains("note: ConfigMap adit/adit (--configmap) is not given"), "{text}");

        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n";
        let report = check_text(&(ingresses + service));
        assert_eq!(report.unchecked, BTreeMap::from([(Kind::EndpointSlice, 1), (Kind::Secret, 2)]), "{report}");
        assert!(report.to_string().contains("\"b\" names Service default/b, which does not exist"), "{report}");
    }

    #[test]
    fn what_is_wrong_is_counted_and_told() {
        let report = check_text(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  annotations:\n    \
             nginx.ingress.kubernetes.io/session-cookie-hash: sha1\nspec:\n  rules:\n    - host: \"a b\"\n",
        );
        assert_eq!((report.errors, report.ingresses, report.routes), (1, 1, 0), "{report}");
        let text = report.to_string();
        assert!(text.contains("error: Ingress default/a: spec.rules[0].host: \"a b\" is not"), "{text}");
        assert!(text.ends_with("1 Ingress, 0 hosts, 0 routes: 1 error, 1 warning\n"), "{text}");
    }
}
