use super::Origin;
use std::sync::Arc;

/// A piece of configuration that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Where it comes from.
    pub origin: Origin,
    /// The value at fault: a path, a pattern or a host.
    pub value: Arc<str>,
    /// What is wrong with the value and what is expected, as the rest of a sentence that begins with the value.
    pub message: String,
    /// Why it is not.
    pub cause: RejectionCause,
}

/// Why a piece of configuration is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RejectionCause {
    /// It cannot be.
    Invalid,
    /// This has the value already.
    Conflict(Origin),
    /// A defect of Adit: what was served before stays.
    Defect,
}

impl Rejection {
    /// A rejection of a value for what it is.
    pub(crate) fn new(origin: Origin, value: impl Into<Arc<str>>, message: impl Into<String>) -> Self {
        Self { origin, value: value.into(), message: message.into(), cause: RejectionCause::Invalid }
    }
}
