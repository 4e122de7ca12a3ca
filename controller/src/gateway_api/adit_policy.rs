//! What Gateway API has no filter for: a kind of our own, which rules name by `ExtensionRef`.

use super::null::or_default;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// The API group of our own kinds.
pub const OWN_GROUP: &str = "adit.dev";
/// The `apiVersion` of our own kinds.
pub const OWN_API: &str = "adit.dev/v1alpha1";

/// What an `AditPolicy` asks for, by the names of its fields. Whether there are such fields, and what their values mean,
/// whoever reads them judges.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AditPolicySpec(pub BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for AditPolicySpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        or_default(deserializer).map(Self)
    }
}
