//! What comes over a watch: objects, untyped as yet.

use crate::source::manifest::strip;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// An object as it comes from the API server, without what nobody here reads. It is typed later, so that one malformed
/// object costs itself and not the list that it is in.
#[derive(Clone, PartialEq)]
pub(super) struct Arrival(pub(super) Value);

impl Arrival {
    /// Where the watch that brought it may go on.
    pub(super) fn resource_version(&self) -> Option<&str> {
        self.0.pointer("/metadata/resourceVersion")?.as_str()
    }

    /// Its name.
    pub(super) fn name(&self) -> Option<&str> {
        self.0.pointer("/metadata/name")?.as_str()
    }
}

impl<'de> Deserialize<'de> for Arrival {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        strip(&mut object);
        Ok(Self(object))
    }
}

impl fmt::Debug for Arrival {
    /// Never what is in it: it may be a Secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arrival({})", self.name().unwrap_or_default())
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) metadata: ListMeta,
    /// `null` is how Go writes an empty one.
    pub(super) items: Option<Vec<Arrival>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_object_costs_itself_and_not_its_list() {
        let page: Page = serde_json::from_str(
            r#"{"kind": "SecretList", "metadata": {"resourceVersion": "7"}, "items": [
                {"metadata": {"name": "a", "resourceVersion": "5", "managedFields": [{"manager": "x"}]}, "data": {}},
                {"metadata": []}, 1]}"#,
        )
        .expect("a list");
        let items = page.items.expect("items");
        assert_eq!(items.iter().map(Arrival::name).collect::<Vec<_>>(), [Some("a"), None, None]);
        assert_eq!((items[0].resource_version(), items[1].resource_version()), (Some("5"), None));
        assert!(items[0].0.pointer("/metadata/managedFields").is_none());
        assert_eq!(format!("{:?}", items[0]), "Arrival(a)");
    }

    #[test]
    fn a_list_without_items_is_empty() {
        let page: Page = serde_json::from_str(r#"{"metadata": {}, "items": null}"#).expect("a list");
        assert!(page.items.is_none());
    }
}
