//! `enable-modsecurity`: a web application firewall, which takes ModSecurity's rules. `docs/waf.md` says which engine
//! evaluates them and why.
//!
//! ```text
//! directives  what a user's rules may say: nothing that names a file, runs a program or asks another server
//! rule_set    the rules, compiled once for all routes that have the same; mend.rs sets right what the engine reads wrong
//! transaction one request before the rules: its head, its body, and what is logged of it
//! audit       a line of the audit log
//! ```

mod audit;
mod directives;
mod mend;
mod rule_set;
mod transaction;

pub use directives::{BodyLimit, InvalidRules};
pub use rule_set::RuleSet;
pub use transaction::{Head, Refusal, Transaction};

/// Checks a user's rules alone, without the core rules.
///
/// # Errors
/// Names the line, what is wrong with it and what is expected.
pub fn check(rules: &str) -> Result<(), InvalidRules> {
    RuleSet::compile(rules, None).map(drop)
}
