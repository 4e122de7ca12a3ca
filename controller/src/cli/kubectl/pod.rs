//! Finds a Pod of Adit with the user's kubeconfig.

use crate::apiserver::{ApiFailure, is_ready, of_kubeconfig};
use anyhow::{Context as _, bail};
use futures_util::io::AsyncBufRead;
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::api::{ListParams, LogParams};
use kube::{Api, Client, ResourceExt as _};
use std::fmt;
use std::path::PathBuf;

/// The labels of our manifests, and of the chart unless it was given another name.
pub(super) const SELECTOR: &str = "app.kubernetes.io/name=adit,app.kubernetes.io/component=controller";
/// The namespace of our manifests.
const NAMESPACE: &str = "adit";
/// The name of the admin port in manifests and chart, and its number where no port has the name.
const ADMIN: &str = "admin";
const ADMIN_PORT: u16 = 10254;

/// What the user says of the cluster and the Pod.
pub(super) struct Cluster {
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) context: Option<String>,
    pub(super) namespace: Option<String>,
    /// Labels, as of `kubectl -l`.
    pub(super) selector: String,
    /// The name of a Pod, which then need have no labels.
    pub(super) pod: Option<String>,
}

/// The same, with a way to the API server.
pub(super) struct OpenCluster {
    cluster: Cluster,
    client: Client,
    /// The API server's URL.
    server: String,
    /// Where to look, in this order; `None` is all namespaces.
    namespaces: Vec<Option<String>>,
}

/// A Pod of Adit.
pub(super) struct Found {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Its container that has the admin port.
    pub(super) container: Option<String>,
    pub(super) admin_port: u16,
    is_ready: bool,
    pub(super) pods: Api<Pod>,
}

impl Cluster {
    /// Reads the kubeconfig.
    pub(super) async fn open(self) -> anyhow::Result<OpenCluster> {
        let config = of_kubeconfig(self.kubeconfig.as_ref(), self.context.as_deref()).await;
        let config = config.context("the kubeconfig cannot be used: --kubeconfig and --context say which one is")?;
        let namespaces = match &self.namespace {
            Some(namespace) => vec![Some(namespace.clone())],
            None if config.default_namespace == NAMESPACE => vec![Some(NAMESPACE.to_owned()), None],
            None => vec![Some(config.default_namespace.clone()), Some(NAMESPACE.to_owned()), None],
        };
        let server = config.cluster_url.to_string();
        let client = Client::try_from(config).context("cannot make a client for the API server")?;
        Ok(OpenCluster { cluster: self, client, server, namespaces })
    }
}

impl OpenCluster {
    /// A Pod that serves, or the one that the user names, whatever its state.
    ///
    /// # Errors
    /// Says where it was looked for, and how.
    pub(super) async fn ready_pod(&self) -> anyhow::Result<Found> {
        let is_named = self.cluster.pod.is_some();
        let found = self.find(|pod| pod.is_ready || is_named).await?;
        eprintln!("{found} is asked");
        Ok(found)
    }

    /// The same, but it need not be ready where none is: logs say why.
    ///
    /// # Errors
    /// Likewise.
    pub(super) async fn any_pod(&self) -> anyhow::Result<Found> {
        self.find(|_| true).await
    }

    /// The first Pod that will do in the first place that has one.
    async fn find(&self, will_do: impl Fn(&Found) -> bool) -> anyhow::Result<Found> {
        let (mut looked, mut others) = (Vec::new(), Vec::new());
        for namespace in &self.namespaces {
            let place = namespace.as_ref().map_or("all namespaces".to_owned(), |name| format!("namespace {name}"));
            match self.list(namespace.as_deref()).await {
                Ok(found) => {
                    let (good, bad): (Vec<_>, _) = found.into_iter().partition(|pod| will_do(pod));
                    if let Some(first) = good.into_iter().next() {
                        return Ok(first);
                    }
                    others.extend(
                        bad.iter().map(ToString::to_string).filter(|pod| !others.contains(pod)).collect::<Vec<_>>(),
                    );
                    looked.push(place);
                }
                Err(kube::Error::Api(status)) => {
                    looked.push(format!("{place} (refused: {})", ApiFailure::from(&*status).message));
                }
                Err(error) => {
                    let reason = ApiFailure::from(error).message;
                    bail!("cannot ask the API server at {}: {reason}", self.server);
                }
            }
        }
        let what = match &self.cluster.pod {
            Some(name) => format!("a Pod of the name {name}"),
            None => format!("a Pod with the labels {}", self.cluster.selector),
        };
        let (looked, server) = (looked.join(", "), &self.server);
        if !others.is_empty() {
            let others = others.join(", ");
            bail!("no Pod of Adit is ready: {others} are not; --pod asks one nevertheless, and logs prints its log");
        }
        bail!(
            "no Pod of Adit was found at {server}: looked for {what} in {looked}; --context, --namespace, --selector and \
             --pod say where it is"
        )
    }

    /// The Pods that fit, those that are ready first.
    async fn list(&self, namespace: Option<&str>) -> kube::Result<Vec<Found>> {
        let params = match &self.cluster.pod {
            Some(name) => ListParams::default().fields(&format!("metadata.name={name}")),
            None => ListParams::default().labels(&self.cluster.selector),
        };
        let pods: Api<Pod> = match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let mut found: Vec<_> = pods.list(&params).await?.items.iter().map(|pod| self.found(pod)).collect();
        found.sort_by(|one, other| {
            (!one.is_ready, &one.namespace, &one.name).cmp(&(!other.is_ready, &other.namespace, &other.name))
        });
        Ok(found)
    }

    fn found(&self, pod: &Pod) -> Found {
        let namespace = pod.namespace().unwrap_or_default();
        let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
        let admin = containers.iter().find_map(|container| Some((container, admin_port(container)?)));
        Found {
            name: pod.name_any(),
            container: admin.map(|(container, _)| container.name.clone()),
            admin_port: admin.map_or(ADMIN_PORT, |(_, port)| port),
            is_ready: will_serve(pod),
            pods: Api::namespaced(self.client.clone(), &namespace),
            namespace,
        }
    }
}

fn admin_port(container: &Container) -> Option<u16> {
    let ports = container.ports.iter().flatten();
    let admin = ports.filter(|port| port.name.as_deref() == Some(ADMIN)).map(|port| port.container_port).next()?;
    u16::try_from(admin).ok()
}

/// Whether it serves, and is to go on with that.
fn will_serve(pod: &Pod) -> bool {
    is_ready(pod) && pod.metadata.deletion_timestamp.is_none()
}

impl Found {
    /// Its log, as text.
    ///
    /// # Errors
    /// Says what the API server does.
    pub(super) async fn log(&self, parameters: &LogParams) -> anyhow::Result<impl AsyncBufRead + Unpin + use<>> {
        let log = self.pods.log_stream(&self.name, parameters).await;
        log.map(Box::pin).map_err(|error| {
            let reason = ApiFailure::from(error).message;
            anyhow::anyhow!("cannot read the log of {self}: {reason}")
        })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pod {}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(value: Value) -> Pod {
        serde_json::from_value(value).expect("a Pod")
    }

    #[test]
    fn the_admin_port_has_a_name() {
        let ports = json!([{"name": "http", "containerPort": 80}, {"name": "admin", "containerPort": 9000}]);
        let container: Container = serde_json::from_value(json!({"name": "c", "ports": ports})).expect("a container");
        assert_eq!(admin_port(&container), Some(9000));
        assert_eq!(admin_port(&Container::default()), None);
    }

    #[test]
    fn who_ends_or_does_not_serve_is_not_ready() {
        let with = |status: &str, deleted: Value| {
            let conditions = json!([{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": status}]);
            will_serve(&pod(json!({"metadata": {"deletionTimestamp": deleted}, "status": {"conditions": conditions}})))
        };
        assert!(with("True", Value::Null));
        assert!(!with("False", Value::Null));
        assert!(!with("True", json!("2026-01-01T00:00:00Z")));
        assert!(!will_serve(&Pod::default()));
    }
}
