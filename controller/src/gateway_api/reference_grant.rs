//! Who may refer to objects of another namespace.

use super::null::or_default;
use serde::Deserialize;

/// What a `ReferenceGrant` allows: each of `from` may refer to each of `to` in the grant's namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ReferenceGrantSpec {
    #[serde(deserialize_with = "or_default")]
    pub from: Vec<GrantFrom>,
    #[serde(deserialize_with = "or_default")]
    pub to: Vec<GrantTo>,
}

/// The objects of a kind in a namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GrantFrom {
    pub group: String,
    pub kind: String,
    pub namespace: String,
}

/// The objects of a kind in the grant's namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GrantTo {
    pub group: String,
    pub kind: String,
    /// Default: all of them.
    pub name: Option<String>,
}
