//! The Pods that run Adit, and the nodes that run those.

use super::addresses;
use crate::address::Address;
use crate::apiserver::{Access, ApiFailure, is_ready, node, own_pod};
use crate::object::NamespacedName;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::ListParams;
use std::collections::BTreeSet;

/// Labels that tell one Pod, or one version of it, from the others of its Deployment or DaemonSet (as ingress-nginx:
/// `k8s.GetIngressPod`), or of its StatefulSet.
const VOLATILE: [&str; 5] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
];

/// How many nodes are asked for at a time.
const AT_A_TIME: usize = 10;

/// All replicas of which one is this process.
#[derive(Clone)]
pub(super) struct Replicas {
    access: Access,
    pod: NamespacedName,
}

impl Replicas {
    pub(super) fn new(access: Access, pod: NamespacedName) -> Self {
        Self { access, pod }
    }

    /// Whether no other replica stays: those that are being deleted, or have ended, do not.
    pub(super) async fn is_last(&self) -> Result<bool, ApiFailure> {
        let pods = self.pods().await?;
        Ok(!pods.iter().any(|pod| pod.metadata.name.as_deref() != Some(&*self.pod.name) && stays(pod)))
    }

    /// The addresses of the nodes with a ready replica.
    pub(super) async fn node_addresses(&self, internal: bool) -> Result<Vec<Address>, ApiFailure> {
        let pods = self.pods().await?;
        let ready = pods.into_iter().filter(|pod| phase(pod) == Some("Running") && is_ready(pod));
        let nodes: BTreeSet<_> = ready.filter_map(|pod| pod.spec?.node_name).collect();
        let ask = |name: String| async move { node(&self.access, &name).await };
        let nodes = stream::iter(nodes).map(ask).buffered(AT_A_TIME);
        let nodes: Vec<_> = nodes.try_collect().await?;
        Ok(nodes.iter().flatten().flat_map(|node| addresses::of_node(node, internal)).collect())
    }

    async fn pods(&self) -> Result<Vec<Pod>, ApiFailure> {
        let labels = shared_labels(&own_pod(&self.access, &self.pod).await?.metadata);
        if labels.is_empty() {
            return Err(ApiFailure::other(format!("Pod {} has no labels to know its replicas by", self.pod)));
        }
        let params = ListParams::default().labels(&labels);
        let list = |client| async move { Api::<Pod>::namespaced(client, &self.pod.namespace).list(&params).await };
        Ok(self.access.call(list).await?.items)
    }
}

/// A selector of the labels that all replicas have.
fn shared_labels(metadata: &ObjectMeta) -> String {
    let labels = metadata.labels.iter().flatten().filter(|(label, _)| !VOLATILE.contains(&label.as_str()));
    labels.map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(",")
}

fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

fn stays(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !matches!(phase(pod), Some("Succeeded" | "Failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_are_known_by_what_they_share() {
        let labels = [
            ("app.kubernetes.io/name", "adit"),
            ("apps.kubernetes.io/pod-index", "0"),
            ("controller-revision-hash", "a"),
            ("pod-template-generation", "1"),
            ("pod-template-hash", "b"),
            ("statefulset.kubernetes.io/pod-name", "adit-0"),
        ];
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned()));
        let metadata = ObjectMeta { labels: Some(labels.into()), ..ObjectMeta::default() };
        assert_eq!(shared_labels(&metadata), "app.kubernetes.io/name=adit");
    }
}
