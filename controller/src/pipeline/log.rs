//! What the log says of builds.

use crate::diagnostic::{Diagnostic, Reason, Severity};
use crate::store::Change;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The most diagnostics of one severity that are logged one by one when a build brings them. More are summed up.
const ONE_BY_ONE: usize = 20;

/// The most changes that are named.
const NAMED: usize = 3;

/// Logs what is now in effect.
pub(super) fn log_applied(revision: u64, changes: &[Change], took: Duration) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(revision, took_ms, "applied: {}", Summary(changes));
}

/// Logs each diagnostic when it comes and when it goes. Both lists are sorted.
pub(super) fn log_difference(before: &[Diagnostic], after: &[Diagnostic]) {
    let come: Vec<_> = after.iter().filter(|diagnostic| before.binary_search(diagnostic).is_err()).collect();
    let gone: Vec<_> = before.iter().filter(|diagnostic| after.binary_search(diagnostic).is_err()).collect();
    for severity in [Severity::Error, Severity::Warning] {
        let come: Vec<_> = come.iter().copied().filter(|diagnostic| diagnostic.severity == severity).collect();
        if come.len() <= ONE_BY_ONE {
            come.iter().for_each(|diagnostic| log(severity, diagnostic));
        } else {
            come.iter().for_each(|diagnostic| tracing::debug!("{diagnostic}"));
            sums(&come).iter().for_each(|sum| log(severity, sum));
        }
    }
    if gone.len() <= ONE_BY_ONE {
        gone.iter().for_each(|diagnostic| tracing::info!("resolved: {diagnostic}"));
    } else {
        gone.iter().for_each(|diagnostic| tracing::debug!("resolved: {diagnostic}"));
        tracing::info!("resolved: {} errors and warnings", gone.len());
    }
}

fn log(severity: Severity, text: &impl fmt::Display) {
    match severity {
        Severity::Error => tracing::error!("{text}"),
        Severity::Warning => tracing::warn!("{text}"),
    }
}

/// One line for each reason, with an example.
fn sums(diagnostics: &[&Diagnostic]) -> Vec<String> {
    let mut by_reason: BTreeMap<Reason, (usize, &Diagnostic)> = BTreeMap::new();
    for diagnostic in diagnostics {
        by_reason.entry(diagnostic.reason).or_insert((0, *diagnostic)).0 += 1;
    }
    let sum = |(reason, (count, first)): (Reason, (usize, &Diagnostic))| {
        format!("{count} times {reason}, such as: {first} (each: log level debug, or `adit check`)")
    };
    by_reason.into_iter().map(sum).collect()
}

/// The first of the changes by name, and how many more there are.
struct Summary<'a>(&'a [Change]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().filter_map(name).collect();
        match names.len() {
            0 => f.write_str("the configuration"),
            count if count > NAMED => write!(f, "{} and {} more", names[..NAMED].join(", "), count - NAMED),
            _ => f.write_str(&names.join(", ")),
        }
    }
}

fn name(change: &Change) -> Option<String> {
    match change {
        Change::Object(key) => Some(key.to_string()),
        Change::Endpoints { namespace, service } => Some(format!("endpoints of {namespace}/{service}")),
        Change::Zone => Some("the zone of this Pod".to_owned()),
        Change::Synced | Change::Problems => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Kind, ObjectKey};

    #[test]
    fn changes_are_named_up_to_a_number() {
        let ingress = |name: &str| Change::Object(ObjectKey::new(Kind::Ingress, "default", name));
        let endpoints = Change::Endpoints { namespace: "shop".into(), service: "cart".into() };
        for (changes, expected) in [
            (vec![Change::Synced], "the configuration"),
            (vec![ingress("a"), Change::Problems], "Ingress default/a"),
            (vec![ingress("a"), endpoints.clone()], "Ingress default/a, endpoints of shop/cart"),
            (
                vec![ingress("a"), ingress("b"), endpoints, ingress("c"), ingress("d"), Change::Synced],
                "Ingress default/a, Ingress default/b, endpoints of shop/cart and 2 more",
            ),
        ] {
            assert_eq!(Summary(&changes).to_string(), expected);
        }
    }

    #[test]
    fn reasons_are_summed_up_with_an_example() {
        let warning =
            |name: &str| Diagnostic::warning(ObjectKey::new(Kind::Ingress, "default", name), "spec", "is odd");
        let (a, b, c) = (warning("a"), warning("b"), warning("c").because(Reason::Ignored));
        let sums = sums(&[&a, &b, &c]);
        assert!(sums[0].starts_with("1 times Ignored, such as: warning: Ingress default/c: spec: is odd"), "{sums:?}");
        assert!(sums[1].starts_with("2 times Invalid, such as: warning: Ingress default/a: spec: is odd"), "{sums:?}");
    }
}
