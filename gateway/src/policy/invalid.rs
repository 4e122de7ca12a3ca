use std::sync::Arc;

/// A value that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} {reason}")]
pub struct Invalid {
    /// The value at fault.
    pub value: Arc<str>,
    /// What is wrong with it and what is expected.
    pub reason: String,
}
