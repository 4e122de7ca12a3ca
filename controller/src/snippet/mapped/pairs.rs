//! The pairs in a block of `map` or `geo`.

use crate::nginx_syntax::Directive;
use crate::snippet::finding::{Finding, Verdict};

/// What is wrong with the pairs of a block.
#[derive(Default)]
pub(super) struct Block(pub(super) Vec<Finding>);

impl Block {
    /// Reads a pair, or a parameter. Only what is wrong is said: there may be many pairs.
    pub(super) fn read(&mut self, pair: &Directive, read: impl FnOnce(&str, &[String]) -> Result<(), String>) {
        let Directive { name, arguments, block, position } = pair;
        let result = match (name.as_str(), arguments.as_slice()) {
            _ if block.is_some() => Err("has a block, which it cannot have: expected \";\"".into()),
            ("volatile", []) => Ok(()),
            ("include", _) => Err("is refused: it names a file, which a snippet must not".into()),
            (name, arguments) => read(name, arguments),
        };
        let Err(fault) = result else { return };
        let (position, directive) = (*position, Some(pair.head()));
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
