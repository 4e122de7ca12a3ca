//! The pairs in a block of `map` or `geo`.

use crate::nginx_syntax::Directive;
use crate::snippet::finding::{Finding, Verdict};

/// What is wrong with the pairs of a block.
#[derive(Default)]
pub(super) struct Block(pub(super) Vec<Finding>);

impl Block {
    /// Only what is wrong is said: there may be many pairs.
    pub(super) fn take(&mut self, pair: &Directive, result: Result<(), String>) {
        let Err(fault) = result else { return };
        let (position, directive) = (pair.position, Some(pair.head()));
        self.0.push(Finding { position, directive, verdict: Verdict::Fault(fault) });
    }
}

/// What is wrong with a pair of so many words after the first.
pub(super) fn word(count: usize) -> String {
    format!("has {count} values: expected one")
}

/// What is wrong with a parameter that comes too late.
pub(super) fn not_here(parameter: &str) -> String {
    format!("comes too late: expected {parameter} before the pairs")
}
