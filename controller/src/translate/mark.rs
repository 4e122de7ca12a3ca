//! What tells apart who has a mirror.

use crate::object::ObjectKey;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::sync::Arc;

/// The mark of an object, the same in all replicas: its UID, which clients do not know, or else its name.
pub(super) fn mark(metadata: &ObjectMeta, key: &ObjectKey) -> Arc<str> {
    let is_mark = |uid: &&str| !uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match metadata.uid.as_deref().filter(is_mark) {
        Some(uid) => uid.into(),
        None => format!("{}/{}", key.namespace, key.name).into(),
    }
}
