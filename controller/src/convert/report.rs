//! What becomes of each Ingress, setting by setting.

use crate::diagnostic::shown;
use crate::object::ObjectKey;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What becomes of a setting. What hurts most comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The new objects do not have it, and so there are none for the Ingress.
    NotConverted,
    /// The new objects have it, with a difference.
    Differs,
    /// An AditPolicy has it.
    Kept,
    /// Gateway API has it.
    Converted,
}

impl Verdict {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConverted => "not converted",
            Self::Differs => "differs",
            Self::Kept => "kept",
            Self::Converted => "converted",
        }
    }
}

/// One setting of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What becomes of it.
    pub verdict: Verdict,
    /// An annotation by its full name, or a field.
    pub setting: String,
    /// Its value, shortened, without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Arc<str>>,
    /// What it is now, or why it is nothing.
    pub detail: String,
}

/// One Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The worst of its findings; converted if there is none.
    pub verdict: Verdict,
    /// Such as `Ingress shop/shop`.
    pub object: String,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// What becomes of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The worst first.
    pub ingresses: Vec<Subject>,
    /// What a person should know besides.
    pub notes: Vec<String>,
}

impl Report {
    /// How many Ingresses have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.ingresses.iter().filter(|subject| subject.verdict == verdict).count()
    }
}

/// What is found out about Ingresses, while they are converted.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<ObjectKey, BTreeMap<String, Finding>>);

impl Findings {
    /// Says that there is an Ingress.
    pub(super) fn begin(&mut self, ingress: &ObjectKey) {
        self.0.entry(ingress.clone()).or_default();
    }

    /// Says what becomes of a setting. Of several things that are said of one the worst stays.
    pub(super) fn add(&mut self, ingress: &ObjectKey, verdict: Verdict, setting: &str, value: &str, detail: &str) {
        let value = Some(shown(value)).filter(|value| !value.is_empty());
        let finding = Finding { verdict, setting: setting.to_owned(), value, detail: detail.to_owned() };
        let findings = self.0.entry(ingress.clone()).or_default();
        let known = findings.entry(setting.to_owned()).or_insert_with(|| finding.clone());
        if finding.verdict < known.verdict {
            *known = finding;
        }
    }

    /// Says why a setting is not converted.
    pub(super) fn refuse(&mut self, ingress: &ObjectKey, setting: &str, value: &str, why: &str) {
        self.add(ingress, Verdict::NotConverted, setting, value, why);
    }

    /// The Ingresses of which something is not converted.
    pub(super) fn refused(&self) -> BTreeSet<ObjectKey> {
        let is_refused = |findings: &BTreeMap<String, Finding>| {
            findings.values().any(|finding| finding.verdict == Verdict::NotConverted)
        };
        self.0.iter().filter(|(_, findings)| is_refused(findings)).map(|(key, _)| key.clone()).collect()
    }

    /// All of it.
    pub(super) fn report(self, notes: Vec<String>) -> Report {
        let subject = |(key, findings): (ObjectKey, BTreeMap<String, Finding>)| {
            let mut findings: Vec<_> = findings.into_values().collect();
            findings.sort_by_key(|finding| finding.verdict);
            let verdict = findings.first().map_or(Verdict::Converted, |finding| finding.verdict);
            Subject { verdict, object: key.to_string(), findings }
        };
        let mut ingresses: Vec<_> = self.0.into_iter().map(subject).collect();
        ingresses.sort_by(|a, b| (a.verdict, &a.object).cmp(&(b.verdict, &b.object)));
        Report { ingresses, notes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Kind;

    #[test]
    fn the_worst_that_is_said_stays_and_comes_first() {
        let key = |name| ObjectKey::new(Kind::Ingress, "shop", name);
        let mut findings = Findings::default();
        findings.begin(&key("plain"));
        findings.add(&key("web"), Verdict::Kept, "b", "1", "kept");
        findings.add(&key("web"), Verdict::Converted, "a", "", "a route");
        findings.refuse(&key("web"), "a", "x", "because");
        findings.add(&key("web"), Verdict::Converted, "a", "", "a route");
        assert_eq!(findings.refused(), [key("web")].into());
        let report = findings.report(Vec::new());
        assert_eq!(report.count(Verdict::NotConverted), 1);
        let [web, plain] = &report.ingresses[..] else { panic!("{report:?}") };
        assert_eq!((&*web.object, web.verdict), ("Ingress shop/web", Verdict::NotConverted));
        assert_eq!((&*web.findings[0].setting, &*web.findings[0].detail), ("a", "because"));
        assert_eq!((plain.verdict, plain.findings.len()), (Verdict::Converted, 0));
    }
}
