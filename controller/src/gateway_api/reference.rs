//! Names of other objects.

use serde::Deserialize;

/// An object of any kind. A group of `""` is Kubernetes' own; which kinds are meant without one, the field says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ObjectReference {
    pub group: Option<String>,
    pub kind: Option<String>,
    pub name: String,
    /// Default: that of the object with the reference.
    pub namespace: Option<String>,
}

/// What a route attaches to: a Gateway, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ParentReference {
    pub group: Option<String>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: String,
    /// A listener of that; default all.
    pub section_name: Option<String>,
    /// The port of listeners of that; default all.
    pub port: Option<i32>,
}

/// Where requests or connections go: a Service, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct BackendRef {
    pub group: Option<String>,
    pub kind: Option<String>,
    pub name: String,
    pub namespace: Option<String>,
    pub port: Option<i32>,
    /// Its share of the sum of all weights; default 1.
    pub weight: Option<i32>,
}

/// What a policy applies to, in its own namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct PolicyTargetReference {
    pub group: String,
    pub kind: String,
    pub name: String,
    /// Of a Service: the name of one of its ports; default all.
    pub section_name: Option<String>,
}
