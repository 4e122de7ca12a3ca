//! What became of a snippet, for people: diagnostics, and a list of all its lines.

use super::finding::{Finding, Place, Snippet, Verdict};
use crate::diagnostic::{Diagnostic, Escaped, Reason, Severity, shown};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// How many diagnostics a snippet may cause. Each becomes an Event, of which few may be written at a time.
const REPORTED: usize = 20;

impl Snippet {
    /// What is wrong with the snippet as a whole, if something is. It follows the text in a sentence.
    pub(crate) fn complaint(&self) -> Option<String> {
        const UNSAFE: &str = "and requests are not safe without the rest of it";
        match self.faults().count() {
            0 => None,
            1 => Some(format!("has a fault, {UNSAFE}")),
            faults if faults > REPORTED => {
                Some(format!("has {faults} faults, all of which `adit check` lists, {UNSAFE}"))
            }
            faults => Some(format!("has {faults} faults, {UNSAFE}")),
        }
    }

    /// A diagnostic for each directive that does not work, those at fault first; not for all if there are many.
    pub(crate) fn diagnostics(&self, place: &Place<'_>) -> impl Iterator<Item = Diagnostic> {
        let idle = self.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Idle(_)));
        self.faults().chain(idle).take(REPORTED).filter_map(|finding| finding.diagnostic(place))
    }

    fn faults(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Fault(_)))
    }

    /// Which of its directives work.
    pub(crate) fn report(&self, place: &Place<'_>) -> SnippetReport {
        let directives = self.findings.iter().map(|Finding { position, directive, verdict }| {
            let (outcome, reason) = match verdict {
                Verdict::Works => (Outcome::Works, None),
                Verdict::Idle(why) => (Outcome::NoEffect, Some(why)),
                Verdict::Fault(what) => (Outcome::Fault, Some(what)),
            };
            DirectiveReport {
                line: position.line,
                directive: directive.as_deref().map(shown),
                outcome,
                reason: reason.map(|reason| reason.as_str().into()),
            }
        });
        SnippetReport {
            object: place.object.to_string().into(),
            field: place.field.into(),
            directives: directives.collect(),
        }
    }
}

impl Finding {
    fn diagnostic(&self, place: &Place<'_>) -> Option<Diagnostic> {
        let Self { position, directive, verdict } = self;
        let (Verdict::Idle(text) | Verdict::Fault(text)) = verdict else { return None };
        let message = match directive {
            Some(_) => format!("in line {} {text}", position.line),
            None => format!("{position}: the snippet {text}"),
        };
        let diagnostic = Diagnostic::error(place.object.clone(), place.field, message);
        let diagnostic = directive.iter().fold(diagnostic, |diagnostic, text| diagnostic.with_value(text));
        Some(match verdict {
            Verdict::Fault(_) => diagnostic,
            _ => Diagnostic { severity: Severity::Warning, ..diagnostic }.because(Reason::Ignored),
        })
    }
}

/// Which directives of a snippet work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnippetReport {
    /// The object.
    pub object: Arc<str>,
    /// The field in it.
    pub field: Arc<str>,
    /// Its directives, in the order of the text.
    pub directives: Vec<DirectiveReport>,
}

/// Whether a directive works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DirectiveReport {
    /// Its line, from 1.
    pub line: u32,
    /// Its name and arguments, without credentials; `None` for a text that is not nginx's syntax there.
    pub directive: Option<Arc<str>>,
    /// Whether it works.
    pub outcome: Outcome,
    /// Why it does not. It follows the directive in a sentence.
    pub reason: Option<Arc<str>>,
}

/// Whether a directive works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It does.
    Works,
    /// It has no effect, and that is safe.
    NoEffect,
    /// It does not, and so nothing of its snippet does.
    Fault,
}

impl fmt::Display for SnippetReport {
    /// A line for the snippet, and one for each directive.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let working = self.directives.iter().filter(|directive| directive.outcome == Outcome::Works).count();
        let (object, field, all) = (Escaped(&self.object), Escaped(&self.field), self.directives.len());
        writeln!(f, "snippet: {object}: {field}: {working} of {all} directives work")?;
        for DirectiveReport { line, directive, outcome, reason } in &self.directives {
            let outcome = match outcome {
                Outcome::Works => "works",
                Outcome::NoEffect => "no effect",
                Outcome::Fault => "fault",
            };
            write!(f, "  line {line}: {outcome}: {}", Escaped(&directive.as_deref().unwrap_or("the snippet")))?;
            match reason {
                Some(reason) => writeln!(f, " {}", Escaped(reason))?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
