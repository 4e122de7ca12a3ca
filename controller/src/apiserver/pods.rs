//! Pods that run Adit, and nodes.

use super::{Access, ApiFailure};
use crate::object::NamespacedName;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::ListParams;

/// The Pod of this name, which is ours. It is listed, since Adit may list Pods and not get them.
pub(crate) async fn own_pod(access: &Access, name: &NamespacedName) -> Result<Pod, ApiFailure> {
    let params = ListParams::default().fields(&format!("metadata.name={}", name.name));
    let list = |client| async move { Api::<Pod>::namespaced(client, &name.namespace).list(&params).await };
    let pod = access.call(list).await?.items.into_iter().next();
    pod.ok_or_else(|| ApiFailure::other(format!("there is no Pod {name}")))
}

/// Whether a Pod serves.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The node of this name; `None` if it is gone.
pub(crate) async fn node(access: &Access, name: &str) -> Result<Option<Node>, ApiFailure> {
    Ok(access.call(|client| async move { Api::<Node>::all(client).get_opt(name).await }).await?)
}
