use super::Subject;
use std::fmt;
use std::sync::Arc;

/// Where a piece of configuration came from, for error messages, logs and `explain`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The object, such as `Ingress default/shop`.
    pub object: Subject,
    /// The field in it, such as `spec.rules[0].http.paths[2]`.
    pub field: Arc<str>,
}

impl Origin {
    /// An origin from its two parts.
    pub fn new(object: impl Into<Subject>, field: impl Into<Arc<str>>) -> Self {
        Self { object: object.into(), field: field.into() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.field)
    }
}
