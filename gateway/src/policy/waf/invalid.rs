//! What is wrong with rules that cannot be used.

/// Rules that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// A directive or an action is not allowed, or not supported.
    #[error("line {line}: {text} {why}")]
    Refused {
        /// The line, from 1.
        line: usize,
        /// What is refused.
        text: String,
        /// What is wrong with it, and what is expected.
        why: &'static str,
    },
    /// The engine cannot read it.
    #[error("{0}")]
    Unreadable(String),
    /// They are too long.
    #[error("they have {0} bytes: expected at most {MAX_BYTES}")]
    TooLong(usize),
    /// There are too many of them.
    #[error("there are {0} of them: expected at most {MAX_RULES}")]
    TooManyRules(usize),
    /// The core rules cannot be read from their directory.
    #[error("the OWASP Core Rule Set cannot be used (--owasp-core-rules-dir names its directory): {0}")]
    CoreRules(String),
    /// There are as many rule sets as there may be.
    #[error("there are {0} different sets of rules already: expected Ingresses to share theirs")]
    TooMany(usize),
}

/// Bytes of a user's rules at most.
pub const MAX_BYTES: usize = 256 << 10;
/// How many these may be. Each takes up to some milliseconds to check.
pub const MAX_RULES: usize = 1000;

pub(super) const FILES: &str = "names a file, a program or a server, which rules from the cluster may not";
pub(super) const UNKNOWN: &str = "is not supported";
