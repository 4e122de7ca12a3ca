use crate::pattern::{Anchor, Case, MatchBudget, Pattern, PatternError, PatternLimit};
use crate::request::{Reason, Reply};
use crate::variables::{Assigned, TooLong};
use std::sync::Arc;

/// A regular expression whose groups become variables.
#[derive(Debug)]
pub(crate) struct Matcher {
    pattern: Pattern,
    /// The names of groups, by their numbers.
    names: Box<[(usize, Arc<str>)]>,
}

/// Why a request cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Matching its patterns takes too many steps.
    PatternLimit,
    /// A value is too long.
    ValueTooLong,
    /// Its path and arguments become too long.
    TargetTooLong,
}

impl From<Fault> for Reply {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::PatternLimit => Self::new(500, Reason::PatternLimit),
            Fault::ValueTooLong => Self::new(500, Reason::SnippetTooLong),
            Fault::TargetTooLong => Self::new(414, Reason::RewriteTooLong),
        }
    }
}

impl From<PatternLimit> for Fault {
    fn from(_: PatternLimit) -> Self {
        Self::PatternLimit
    }
}

impl From<TooLong> for Fault {
    fn from(_: TooLong) -> Self {
        Self::ValueTooLong
    }
}

impl Matcher {
    /// Compiles a regular expression that may match anywhere.
    ///
    /// # Errors
    /// As [`Pattern::compile`].
    pub(crate) fn new(text: &Arc<str>, case: Case) -> Result<Self, PatternError> {
        let pattern = Pattern::compile(text, Anchor::Anywhere, case)?;
        let names = pattern.group_names().map(|(number, name)| (number, name.into())).collect();
        Ok(Self { pattern, names })
    }

    /// The regular expression.
    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Whether it matches. Sets the groups, as nginx: ngx_http_regex_exec and ngx_http_script_regex_start_code, where they
    /// are gone after a pattern that does not match.
    pub(super) fn matches(
        &self,
        text: &[u8],
        assigned: &mut Assigned,
        budget: &mut MatchBudget,
    ) -> Result<bool, Fault> {
        let Some(groups) = self.pattern.all_groups_within(text, budget)? else {
            assigned.set_groups(&[]);
            return Ok(false);
        };
        for (number, name) in &self.names {
            assigned.set(name, groups.get(*number).copied().unwrap_or_default())?;
        }
        assigned.set_groups(&groups);
        Ok(true)
    }
}
