//! The zone that this process runs in, for `--enable-topology-aware-routing`.

use crate::apiserver::{Access, ApiFailure, Backoff, node, own_pod};
use crate::diagnostic::{Diagnostic, Reason};
use crate::feed::SourceEvent;
use crate::object::NamespacedName;
use gateway::config::Subject;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The label with the zone: of nodes, and of Pods where Kubernetes copies it to them.
const ZONE: &str = "topology.kubernetes.io/zone";

/// The part of the source that is reported to have a problem.
const PART: &str = "zone";

/// Asks for the zone until it is known, and reports it; until then, why it is not. A Pod stays in its zone.
pub(super) async fn report(access: Access, pod: Option<NamespacedName>, events: mpsc::Sender<SourceEvent>) {
    let mut backoff = Backoff::default();
    loop {
        let found = find(&access, pod.as_ref()).await;
        let diagnostics = found.as_ref().err().map(unknown).into_iter().collect();
        let problems = SourceEvent::Problems { part: PART.into(), diagnostics };
        let zone = found.ok().map(SourceEvent::Zone);
        let is_known = zone.is_some();
        for event in [Some(problems), zone].into_iter().flatten() {
            if events.send(event).await.is_err() {
                return;
            }
        }
        if is_known {
            return;
        }
        tokio::time::sleep(backoff.next().max(access.busy_for())).await;
    }
}

async fn find(access: &Access, pod: Option<&NamespacedName>) -> Result<Arc<str>, ApiFailure> {
    let name = pod.ok_or_else(|| ApiFailure::other("the environment has no POD_NAME and POD_NAMESPACE"))?;
    let pod = own_pod(access, name).await?;
    if let Some(zone) = label(&pod.metadata) {
        return Ok(zone);
    }
    let on = pod.spec.and_then(|spec| spec.node_name);
    let on = on.ok_or_else(|| ApiFailure::other(format!("Pod {name} has no node")))?;
    let node = node(access, &on).await?;
    let zone = node.and_then(|node| label(&node.metadata));
    zone.ok_or_else(|| ApiFailure::other(format!("node {on} has no label {ZONE}")))
}

fn label(metadata: &ObjectMeta) -> Option<Arc<str>> {
    let zone = metadata.labels.as_ref()?.get(ZONE).filter(|zone| !zone.is_empty())?;
    Some(zone.as_str().into())
}

fn unknown(failure: &ApiFailure) -> Diagnostic {
    let message = format!(
        "the zone of this Pod is not known: {}; expected the label {ZONE} on its node and a ClusterRole that allows get \
         of nodes, or --topology-zone; until then endpoints of all zones are used",
        failure.message
    );
    Diagnostic::warning(Subject::other("--enable-topology-aware-routing"), "", message).because(Reason::Ignored)
}
