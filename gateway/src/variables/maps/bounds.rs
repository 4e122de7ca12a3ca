//! How much a variable may take.

use crate::pattern::PatternLimit;
use crate::variables::TooLong;

/// Bytes of a text that is looked for, and of a value.
pub(super) const VALUE_LIMIT: usize = 16 << 10;

/// Making a variable takes more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl From<TooLong> for Overrun {
    fn from(_: TooLong) -> Self {
        Self
    }
}

impl From<PatternLimit> for Overrun {
    fn from(_: PatternLimit) -> Self {
        Self
    }
}

/// A variable that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidMap {
    /// Its place among the variables.
    pub number: usize,
    /// What is wrong with it, and what is expected: it follows the directive in a sentence.
    pub reason: String,
}
