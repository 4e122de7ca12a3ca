use gateway::config::Origin;
use serde::{Deserialize, Serialize};

/// A place in an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Such as `Ingress default/shop`.
    pub object: String,
    /// Such as `spec.rules[0].http.paths[2]`.
    pub field: String,
}

impl From<&Origin> for Source {
    fn from(origin: &Origin) -> Self {
        Self { object: origin.object.to_string(), field: origin.field.to_string() }
    }
}
