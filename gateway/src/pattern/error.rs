/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is malformed.
    #[error("is not a valid regular expression: {0}")]
    Syntax(String),
    /// It uses something of PCRE that Adit does not have.
    #[error("uses {0} of PCRE, which is not supported")]
    Unsupported(String),
    /// It is too large when compiled.
    #[error("is too large when its repetitions are expanded: expected fewer or smaller ones")]
    TooLarge,
}
