//! The API server and the etcd of the lab, without its nodes.

use crate::objects::Object;
use anyhow::{Context, Result, bail, ensure};
use benches::process::{Process, free_address};
use http::{Method, Request};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_stream::StreamExt;

/// It ends when its standard input does.
const SCRIPT: &str = "tests/cluster/api-server";
/// How long it may take to start, when it is built.
const STARTUP: Duration = Duration::from_secs(120);
/// Objects that are written at once.
const AT_ONCE: usize = 32;

/// A running API server. It ends when this is dropped, and what it knows is gone.
pub(crate) struct ApiServer {
    /// A kubeconfig of its administrator.
    pub(crate) kubeconfig: PathBuf,
    client: Client,
    _process: Process,
    _folder: TempDir,
}

impl ApiServer {
    /// Starts it.
    ///
    /// # Errors
    /// It does not start in time.
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let ports = [free_address()?, free_address()?, free_address()?].map(|address| address.port().to_string());
        let mut command = Command::new(SCRIPT);
        command.arg(folder.path()).args(ports).stdin(Stdio::piped());
        let process = Process::start(&mut command, &[])?;
        let kubeconfig = folder.path().join("kubeconfig");
        let deadline = Instant::now() + STARTUP;
        while !kubeconfig.exists() {
            ensure!(Instant::now() < deadline, "{SCRIPT} starts no API server");
            sleep(Duration::from_millis(50)).await;
        }
        let known = Kubeconfig::read_from(&kubeconfig)?;
        let config = Config::from_custom_kubeconfig(known, &KubeConfigOptions::default()).await?;
        Ok(Self { kubeconfig, client: Client::try_from(config)?, _process: process, _folder: folder })
    }

    /// Creates objects, in no order.
    ///
    /// # Errors
    /// One is refused.
    pub(crate) async fn create(&self, objects: Vec<Object>) -> Result<()> {
        let mut objects = objects.into_iter();
        let mut writes = JoinSet::new();
        loop {
            while writes.len() < AT_ONCE
                && let Some(Object { path, body }) = objects.next()
            {
                let client = self.client.clone();
                writes.spawn(async move { write(&client, Method::POST, path, "application/json", &body).await });
            }
            let Some(written) = writes.join_next().await else { return Ok(()) };
            written??;
        }
    }

    /// Has a path of the only rule of an Ingress lead to another Service.
    ///
    /// # Errors
    /// It is refused.
    pub(crate) async fn lead(&self, ingress: &str, path: usize, service: &str) -> Result<()> {
        let place = format!("/spec/rules/0/http/paths/{path}/backend/service/name");
        let patch = json!([{"op": "replace", "path": place, "value": service}]);
        let path = format!("/apis/networking.k8s.io/v1/namespaces/default/ingresses/{ingress}");
        write(&self.client, Method::PATCH, &path, "application/json-patch+json", &patch).await
    }

    /// Waits until the status of so many Ingresses has this address.
    ///
    /// # Errors
    /// They have not, in as long as a watch lasts.
    pub(crate) async fn statuses(&self, count: usize, address: &str) -> Result<()> {
        let ingresses: Api<Ingress> = Api::all(self.client.clone());
        let mut events = pin!(ingresses.watch(&WatchParams::default(), "0").await?);
        let mut written = HashSet::new();
        while written.len() < count {
            let event = events.next().await;
            match event.with_context(|| format!("{} of {count} statuses are written", written.len()))?? {
                WatchEvent::Added(ingress) | WatchEvent::Modified(ingress) if has_address(&ingress, address) => {
                    written.insert(ingress.metadata.name);
                }
                WatchEvent::Error(status) => bail!("the watch of statuses ends: {status:?}"),
                _ => {}
            }
        }
        Ok(())
    }
}

fn has_address(ingress: &Ingress, address: &str) -> bool {
    let balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let entries = balancer.and_then(|balancer| balancer.ingress.as_deref()).unwrap_or_default();
    entries.iter().any(|entry| entry.ip.as_deref() == Some(address))
}

async fn write(client: &Client, method: Method, path: &str, content_type: &str, body: &Value) -> Result<()> {
    let request = Request::builder().method(method).uri(path).header(http::header::CONTENT_TYPE, content_type);
    let request = request.body(serde_json::to_vec(body)?)?;
    client.request::<Value>(request).await.with_context(|| format!("{path}: {body}"))?;
    Ok(())
}
