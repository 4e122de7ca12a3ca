//! `enable-modsecurity`: a web application firewall, which takes ModSecurity's rules. `docs/waf.md` says which engine
//! evaluates them and why.
//!
//! ```text
//! directives  what a user's rules may say
//! checks      what a rule may do: nothing that names a file, runs a program or asks another server
//! invalid     what is wrong with rules that cannot be used
//! phases      which phases rules are of
//! response_rules  which responses the rules look at
//! rule_set    the rules, compiled; mend.rs sets right what the engine reads wrong
//! interner    rule sets, once for all routes that have the same
//! transaction one request before the rules: its head, its body, its response, and what is logged of it
//! audit       a line of the audit log
//! ```

mod audit;
mod checks;
mod directives;
mod interner;
mod invalid;
mod mend;
mod phases;
mod response_rules;
mod rule_set;
mod transaction;

pub use directives::BodyLimit;
pub(super) use interner::RuleSetInterner;
pub use interner::{MAX_RULE_SETS, MAX_RULE_SETS_WITH_CORE_RULES};
pub use invalid::{InvalidRules, MAX_BYTES, MAX_RULES};
pub use rule_set::RuleSet;
pub use transaction::{Head, Refusal, Transaction};

/// What rules say, as far as the controller has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// They include the core rules, by the path that these have in ingress-nginx.
    pub core_rules: bool,
    /// Their directives that have no effect, each with its line and the reason.
    pub ignored: Vec<String>,
}

/// Checks a user's rules alone, without the core rules.
///
/// # Errors
/// Names the line, what is wrong with it and what is expected.
pub fn check(rules: &str) -> Result<Checked, InvalidRules> {
    RuleSet::compile(rules, None)?;
    let directives::Directives { core_rules, ignored, .. } = directives::Directives::read(rules)?;
    Ok(Checked { core_rules, ignored })
}
