use crate::annotation::Applied;
use crate::diagnostic::Diagnostic;
use crate::snippet::SnippetReport;
use crate::translate::parsed_ingress::{NotServed, ParsedIngress};
use gateway::config::Denied;

/// What becomes of an Ingress.
#[derive(Debug, Default)]
pub(in crate::translate) struct IngressOutcome {
    /// The Ingress, unless it is not ours or rejected.
    pub(in crate::translate) parsed: Option<ParsedIngress>,
    /// Why it is not ours.
    pub(in crate::translate) not_selected: Option<Box<NotServed>>,
    /// Hosts that its namespace may not have.
    pub(in crate::translate) not_owned: Vec<NotServed>,
    /// It is ours and invalid as a whole: the last valid version stays.
    pub(in crate::translate) rejected: bool,
    /// A security setting of its annotations that is not supported.
    pub(in crate::translate) denied: Option<Denied>,
    /// What became of its annotations.
    pub(in crate::translate) applied: Vec<Applied>,
    /// Which directives of its snippets work.
    pub(in crate::translate) snippets: Vec<SnippetReport>,
    /// What is wrong with it.
    pub(in crate::translate) diagnostics: Vec<Diagnostic>,
}
