use crate::config::LocationKind;
use crate::pattern::{Case, Pattern, PatternError};
use crate::policy::snippet::Matcher;
use std::sync::Arc;

/// What makes a route a location.
#[derive(Debug)]
pub struct Location {
    /// How it matches.
    pub kind: LocationKind,
    /// It stands within a path of an Ingress.
    pub is_in_path: bool,
    /// Its regular expression, if it has one.
    matcher: Option<Matcher>,
}

impl Location {
    /// Compiles the regular expression of a location, if it is one.
    pub(super) fn compile(kind: LocationKind, is_in_path: bool, text: &Arc<str>) -> Result<Self, PatternError> {
        let case = match kind {
            LocationKind::Regex => Some(Case::Sensitive),
            LocationKind::RegexIgnoringCase => Some(Case::Insensitive),
            LocationKind::Exact | LocationKind::Prefix | LocationKind::FinalPrefix | LocationKind::Named => None,
        };
        Ok(Self { kind, is_in_path, matcher: case.map(|case| Matcher::new(text, case)).transpose()? })
    }

    /// Its regular expression with its groups, if it has one.
    pub(crate) fn matcher(&self) -> Option<&Matcher> {
        self.matcher.as_ref()
    }

    /// Its regular expression, if it has one.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        self.matcher.as_ref().map(Matcher::pattern)
    }
}
