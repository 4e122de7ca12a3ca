use super::action::Action;
use crate::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};

/// What objects that are only drafted do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The objects, such as `Ingress default/shop`.
    pub objects: Vec<String>,
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
    /// What happens to the request without them.
    pub now: Action,
}
