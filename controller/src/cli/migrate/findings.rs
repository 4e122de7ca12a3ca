//! What becomes of each setting, from the registries and the diagnostics of translation.

use super::source::Source;
use crate::annotation::{Annotation, Applied, Effect};
use crate::cli::flags::{Fate, Judged};
use crate::configmap::Key;
use crate::diagnostic::{Diagnostic, Place, Reason, shown};
use crate::object::{Kind, ObjectKey};
use crate::registry::Support;
use crate::snippet::{DirectiveReport, Outcome, SnippetReport};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What becomes of a setting. What hurts most comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// Adit does not serve it, so that nothing unsafe happens: requests are answered with an error.
    Refused,
    /// It is at fault by itself: a value is not valid, or what it names is not there.
    Faulty,
    /// It has no effect.
    Ignored,
    /// It works, with a difference.
    Differs,
    /// It works as in ingress-nginx.
    Exact,
}

/// One setting of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    /// An annotation by its full name, a key of the ConfigMap, a flag, or a field.
    pub(super) setting: String,
    /// Its value, shortened, without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Arc<str>>,
    /// How it differs, or why it is not served and what to do: a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
}

/// One object, or the arguments of ingress-nginx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Subject {
    /// The worst of its findings; exact if there is none.
    pub(super) verdict: Verdict,
    /// Such as `Ingress shop/shop`.
    pub(super) object: String,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
    /// The worst first.
    pub(super) findings: Vec<Finding>,
}

impl Verdict {
    /// All of them, the worst first.
    pub(super) const ALL: [Self; 5] = [Self::Refused, Self::Faulty, Self::Ignored, Self::Differs, Self::Exact];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Faulty => "faulty",
            Self::Ignored => "ignored",
            Self::Differs => "differs",
            Self::Exact => "exact",
        }
    }

    /// What it means, for a legend.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Refused => "Adit answers with an error in place of what could be unsafe",
            Self::Faulty => "a value is not valid, or what it names is missing",
            Self::Ignored => "it has no effect in Adit",
            Self::Differs => "it works, with the difference that is named",
            Self::Exact => "it works as in ingress-nginx",
        }
    }

    fn of(diagnostic: &Diagnostic) -> Self {
        match diagnostic.reason {
            Reason::Denied | Reason::HostNotOwned | Reason::Rejected | Reason::InternalError => Self::Refused,
            Reason::Ignored => Self::Ignored,
            Reason::Insecure | Reason::Limited => Self::Differs,
            Reason::AnnotationParsingFailed
            | Reason::InvalidCertificate
            | Reason::Conflict
            | Reason::Invalid
            | Reason::NoEndpoints
            | Reason::ReferenceNotFound => Self::Faulty,
        }
    }
}

impl Subject {
    pub(super) fn new(object: String, place: Option<Place>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| (a.verdict, &a.setting).cmp(&(b.verdict, &b.setting)));
        let verdict = findings.first().map_or(Verdict::Exact, |finding| finding.verdict);
        Self { verdict, object, place, findings }
    }
}

/// The diagnostics of one object by field, from which those that belong to a setting are taken.
type ByField<'a> = BTreeMap<&'a str, Vec<&'a Diagnostic>>;

/// What becomes of the arguments, of the ConfigMap, of each Ingress that is served, and of what else has a diagnostic.
pub(super) fn subjects(source: &Source, diagnostics: &[Diagnostic]) -> Vec<Subject> {
    let mut by_object: BTreeMap<String, ByField<'_>> = BTreeMap::new();
    for diagnostic in diagnostics {
        let fields = by_object.entry(diagnostic.object.to_string()).or_default();
        fields.entry(&diagnostic.field).or_default().push(diagnostic);
    }
    let mut subjects = Vec::new();
    if let Some(origin) = &source.origin {
        let findings = source.arguments.iter().map(argument).collect();
        subjects.push(Subject::new(format!("arguments of {origin}"), None, findings));
    }
    subjects.extend(config_map(source, &mut by_object));
    for stored in source.snapshot.store.ingresses() {
        let fields = by_object.remove(&stored.key.to_string()).unwrap_or_default();
        if source.snapshot.translator.why_not_selected(&stored.key).is_none() {
            subjects.push(ingress(source, &stored.key, stored.age.place.clone(), fields));
        }
    }
    subjects.extend(by_object.into_iter().map(|(object, fields)| {
        let place = fields.values().flatten().find_map(|diagnostic| diagnostic.place.clone());
        Subject::new(object, place, rest(fields))
    }));
    subjects.sort_by(|a, b| (a.verdict, &a.object).cmp(&(b.verdict, &b.object)));
    subjects
}

fn argument(judged: &Judged) -> Finding {
    let (verdict, details) = match &judged.fate {
        Fate::Applied => (Verdict::Exact, Vec::new()),
        Fate::Ignored(why) => (Verdict::Ignored, vec![(*why).to_owned()]),
        Fate::Invalid(why) => (Verdict::Faulty, vec![format!("{why}; its default is used here")]),
        Fate::Unknown(near) => (Verdict::Ignored, vec![format!("is not a flag of ingress-nginx or Adit{near}")]),
    };
    let setting = judged.name.clone();
    Finding { verdict, setting, value: Some(shown(&judged.value)).filter(|value| !value.is_empty()), details }
}

/// The keys of the ConfigMap, if it is there.
fn config_map(source: &Source, by_object: &mut BTreeMap<String, ByField<'_>>) -> Option<Subject> {
    let name = source.configmap.as_ref()?;
    let map = source.snapshot.store.config_map(&name.namespace, &name.name)?;
    let key = ObjectKey::new(Kind::ConfigMap, name.namespace.clone(), name.name.clone());
    let mut fields = by_object.remove(&key.to_string()).unwrap_or_default();
    let place = source.snapshot.store.place(&key).cloned();
    let known = map.data.iter().flatten().filter_map(|(name, value)| Some((Key::named(name)?, value)));
    let mut findings: Vec<_> = known
        .map(|(entry, value)| {
            let field = format!("data.{}", entry.name);
            let said = fields.remove(&*field).unwrap_or_default();
            let verdict = worst(entry.support, &said);
            let details = details(entry.support, &said, snippet(source, &key.to_string(), &field));
            Finding { verdict, setting: entry.name.to_owned(), value: Some(shown(value)), details }
        })
        .collect();
    findings.extend(rest(fields));
    Some(Subject::new(key.to_string(), place, findings))
}

fn ingress(source: &Source, key: &ObjectKey, place: Option<Place>, mut fields: ByField<'_>) -> Subject {
    let applied = source.snapshot.translator.applied(key);
    let mut findings: Vec<_> = applied.iter().map(|applied| annotation(source, key, applied, &mut fields)).collect();
    findings.extend(rest(fields));
    Subject::new(key.to_string(), place, findings)
}

fn annotation(source: &Source, key: &ObjectKey, applied: &Applied, fields: &mut ByField<'_>) -> Finding {
    let field = source.snapshot.translator.annotation_field(applied.key);
    let said = fields.remove(&*field).unwrap_or_default();
    let support = Annotation::named(applied.key).map_or(Support::Full, |annotation| annotation.support);
    let verdict = match applied.effect {
        Effect::Denied | Effect::HostDenied | Effect::Rejected => Verdict::Refused,
        Effect::Applied | Effect::None => worst(support, &said),
    };
    let details = details(support, &said, snippet(source, &key.to_string(), &field));
    Finding { verdict, setting: setting(&field), value: Some(shown(&applied.value)), details }
}

/// What diagnostics say of fields that are no known setting, such as rules, and names that are misspelt.
fn rest(fields: ByField<'_>) -> Vec<Finding> {
    let finding = |(field, said): (&str, Vec<&Diagnostic>)| Finding {
        verdict: worst(Support::Full, &said),
        setting: setting(field),
        value: said.iter().find_map(|diagnostic| diagnostic.value.clone()),
        details: details(Support::Full, &said, None),
    };
    fields.into_iter().map(finding).collect()
}

/// A field as people name it: an annotation's and a key's by its name alone.
fn setting(field: &str) -> String {
    let annotation = field.strip_prefix("metadata.annotations[").and_then(|field| field.strip_suffix(']'));
    let name = annotation.or(field.strip_prefix("data.")).unwrap_or(field);
    if name.is_empty() { "the object".to_owned() } else { name.to_owned() }
}

/// The worst that is known of a setting. A diagnostic says of one that is ignored that it has no effect, unless its value
/// asks for nothing.
fn worst(support: Support, said: &[&Diagnostic]) -> Verdict {
    let of_support = match support {
        Support::Full | Support::Ignored(_) => Verdict::Exact,
        Support::Partial(_) => Verdict::Differs,
    };
    said.iter().map(|diagnostic| Verdict::of(diagnostic)).fold(of_support, Ord::min)
}

/// The difference of the registry, what diagnostics say, and of a snippet each directive.
fn details(support: Support, said: &[&Diagnostic], snippet: Option<&SnippetReport>) -> Vec<String> {
    let difference = match support {
        Support::Partial(difference) => Some(difference.to_owned()),
        Support::Full | Support::Ignored(_) => None,
    };
    let directives = snippet.map(|snippet| snippet.directives.as_slice()).unwrap_or_default();
    // The lines of a snippet say it with the ones that work between them.
    let is_of_line = |diagnostic: &Diagnostic| {
        let message = diagnostic.message.strip_prefix("in ").unwrap_or(&diagnostic.message);
        !directives.is_empty() && message.starts_with("line ")
    };
    let said =
        said.iter().filter(|diagnostic| !is_of_line(diagnostic)).map(|diagnostic| diagnostic.message.to_string());
    difference.into_iter().chain(said).chain(directives.iter().map(directive)).collect()
}

fn directive(report: &DirectiveReport) -> String {
    let DirectiveReport { line, directive, outcome, reason } = report;
    let outcome = match outcome {
        Outcome::Works => "works",
        Outcome::NoEffect => "no effect",
        Outcome::Fault => "fault",
    };
    let directive = directive.as_deref().unwrap_or("the snippet");
    let reason = reason.as_deref().map(|reason| format!(" {reason}")).unwrap_or_default();
    format!("line {line}: {outcome}: {directive}{reason}")
}

fn snippet<'s>(source: &'s Source, object: &str, field: &str) -> Option<&'s SnippetReport> {
    source.snapshot.translator.snippets().find(|report| *report.object == *object && *report.field == *field)
}
