//! The report: what becomes of each object, the worst first, and sums.

use super::findings::{Subject, Verdict, subjects};
use super::live::Comparison;
use super::replay::Replay;
use super::source::Source;
use crate::cli::check::without_unknowable;
use crate::cli::counted::counted;
use crate::diagnostic::Statement;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What becomes of an ingress-nginx when Adit takes its place.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// How many Ingresses there are of each verdict, the worst first.
    pub(super) ingresses: Vec<Sum>,
    /// How many Ingresses have each setting with each verdict, but for those that are exact.
    pub(super) settings: Vec<SettingSum>,
    /// The worst first.
    pub(super) objects: Vec<Subject>,
    /// Ingresses of other classes: object, and why.
    pub(super) others: Vec<Other>,
    /// What was not looked at.
    pub(super) notes: Vec<String>,
    /// What the requests of the log would get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replay: Option<Replay>,
    /// How two gateways that run answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comparison: Option<Comparison>,
}

/// A number of Ingresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sum {
    pub(super) verdict: Verdict,
    pub(super) count: usize,
}

/// A number of Ingresses that have a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct SettingSum {
    pub(super) verdict: Verdict,
    pub(super) setting: String,
    pub(super) count: usize,
}

/// An Ingress that ingress-nginx does not serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Other {
    pub(super) object: String,
    pub(super) why: String,
}

impl Report {
    pub(super) fn of(source: &Source, replay: Option<Replay>, comparison: Option<Comparison>) -> Self {
        let snapshot = &source.snapshot;
        let (diagnostics, unchecked) = without_unknowable(snapshot.diagnostics.clone(), &snapshot.store);
        let objects = subjects(source, &diagnostics);
        let mut notes = source.notes.clone();
        notes.extend(
            unchecked.iter().map(|(kind, count)| {
                format!("not checked, because no {kind} is given: {}", counted(*count, "reference"))
            }),
        );
        let not_selected = snapshot.store.ingresses().filter_map(|stored| {
            let why = snapshot.translator.why_not_selected(&stored.key)?;
            Some(Other { object: stored.key.to_string(), why: Statement(why).to_string() })
        });
        Self {
            ingresses: sums(&objects),
            settings: setting_sums(&objects),
            others: not_selected.collect(),
            objects,
            notes,
            replay,
            comparison,
        }
    }
}

fn is_ingress(subject: &Subject) -> bool {
    subject.object.starts_with("Ingress ")
}

fn sums(objects: &[Subject]) -> Vec<Sum> {
    let count = |verdict| objects.iter().filter(|subject| is_ingress(subject) && subject.verdict == verdict).count();
    Verdict::ALL.into_iter().map(|verdict| Sum { verdict, count: count(verdict) }).collect()
}

/// The worst first, and of equally bad ones the most frequent.
fn setting_sums(objects: &[Subject]) -> Vec<SettingSum> {
    let mut counts: BTreeMap<(Verdict, String), usize> = BTreeMap::new();
    let findings = objects.iter().filter(|subject| is_ingress(subject)).flat_map(|subject| &subject.findings);
    for finding in findings.filter(|finding| finding.verdict != Verdict::Exact) {
        *counts.entry((finding.verdict, without_indices(&finding.setting))).or_default() += 1;
    }
    let sums = counts.into_iter().map(|((verdict, setting), count)| SettingSum { verdict, setting, count });
    let mut sums: Vec<_> = sums.collect();
    sums.sort_by_key(|sum| (sum.verdict, Reverse(sum.count)));
    sums
}

/// A field without its places in lists: `spec.rules[].host`.
fn without_indices(field: &str) -> String {
    let part = |part: &str| match part.split_once(']') {
        Some((index, rest)) if index.bytes().all(|byte| byte.is_ascii_digit()) => format!("]{rest}"),
        _ => part.to_owned(),
    };
    field.split('[').map(part).collect::<Vec<_>>().join("[")
}
