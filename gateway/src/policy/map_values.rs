//! Values as in a `map` of nginx: a text is one of them, or a regular expression matches it.

use crate::config::MapValue;
use crate::pattern::{Anchor, Case, MatchBudget, Pattern, PatternLimit};
use std::sync::Arc;

/// The compiled values.
#[derive(Debug, Default)]
pub(crate) struct MapValues {
    texts: Vec<Arc<str>>,
    patterns: Vec<Pattern>,
    has_invalid: bool,
}

impl MapValues {
    /// Compiles the values.
    pub(crate) fn compile(values: &[MapValue]) -> Self {
        let mut compiled = Self::default();
        for value in values {
            match value {
                MapValue::Text(text) => compiled.texts.push(text.clone()),
                MapValue::Pattern { text, ignores_case } => {
                    let case = if *ignores_case { Case::Insensitive } else { Case::Sensitive };
                    match Pattern::compile(text, Anchor::Anywhere, case) {
                        Ok(pattern) => compiled.patterns.push(pattern),
                        Err(_) => compiled.has_invalid = true,
                    }
                }
            }
        }
        compiled
    }

    /// Whether one of them cannot be compiled.
    pub(crate) fn has_invalid(&self) -> bool {
        self.has_invalid
    }

    /// Whether the text is one of them.
    ///
    /// # Errors
    /// Finding out takes too long.
    pub(crate) fn hold(&self, text: &[u8], budget: &mut MatchBudget) -> Result<bool, PatternLimit> {
        if self.texts.iter().any(|value| text.eq_ignore_ascii_case(value.as_bytes())) {
            return Ok(true);
        }
        for pattern in &self.patterns {
            if pattern.is_match_within(text, budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
