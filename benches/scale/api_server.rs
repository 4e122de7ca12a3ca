//! The API server and the etcd of the lab, without its nodes.

use crate::objects::Object;
use crate::routing::{Identity, Routing, gateway_class, is_written};
use anyhow::{Context, Result, bail, ensure};
use benches::process::{Process, free_address};
use http::{Method, Request};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, ResourceExt as _, WatchEvent, WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_stream::StreamExt;

/// It ends when its standard input does.
const SCRIPT: &str = "tests/cluster/api-server";
/// How long it may take to start, when it is built.
const STARTUP: Duration = Duration::from_secs(120);
/// How long statuses may take until all are written.
const WRITTEN: Duration = Duration::from_secs(300);
/// Objects that are written at once.
const AT_ONCE: usize = 32;
const JSON_PATCH: &str = "application/json-patch+json";
/// What the files of definitions have; beside them are others.
const DEFINITION: &[u8] = b"\nkind: CustomResourceDefinition\n";

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

    /// Creates the CustomResourceDefinitions in a folder, and waits until there is a collection of theirs.
    ///
    /// # Errors
    /// The folder cannot be read, one of them is refused, or the collection does not come.
    pub(crate) async fn define(&self, folder: &Path, collection: &str) -> Result<()> {
        let files = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for file in files {
            let text = fs::read(file?.path())?;
            if text.windows(DEFINITION.len()).any(|part| part == DEFINITION) {
                let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
                send(&self.client, Method::POST, path, "application/yaml", text).await?;
            }
        }
        let deadline = Instant::now() + STARTUP;
        while send(&self.client, Method::GET, collection, "application/json", Vec::new()).await.is_err() {
            ensure!(Instant::now() < deadline, "{collection} does not come");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Makes the Gateway that of a controller.
    ///
    /// # Errors
    /// That is refused.
    pub(crate) async fn take_gateway(&self, class: &str, controller: &str) -> Result<()> {
        let (class, patch) = gateway_class(class, controller);
        self.create(vec![class]).await?;
        write(&self.client, Method::PATCH, patch.path, JSON_PATCH, &patch.body).await
    }

    /// Has the path in the middle of an object lead to another Service.
    ///
    /// # Errors
    /// It is refused.
    pub(crate) async fn lead(&self, routing: Routing, name: &str, service: &str) -> Result<()> {
        let patch = json!([{"op": "replace", "path": routing.changed(), "value": service}]);
        let path = format!("{}/{name}", routing.collection());
        write(&self.client, Method::PATCH, &path, JSON_PATCH, &patch).await
    }

    /// The version of the collection of what is followed.
    ///
    /// # Errors
    /// It cannot be had.
    pub(crate) async fn version(&self, routing: Routing) -> Result<String> {
        let objects: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource(routing));
        let list = objects.list_metadata(&ListParams::default().limit(1)).await?;
        list.metadata.resource_version.context("a list without a version")
    }

    /// Waits until a controller has written so many statuses, all after this version.
    ///
    /// # Errors
    /// They are not written in time, or the API server does not let them be watched.
    pub(crate) async fn statuses(
        &self,
        routing: Routing,
        count: usize,
        by: &Identity,
        mut version: String,
    ) -> Result<()> {
        let mut written = HashSet::new();
        let all = async {
            // A server that is busy ends the watches of those who do not keep up.
            while written.len() < count {
                let objects: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource(routing));
                let mut events = pin!(objects.watch(&WatchParams::default(), &version).await?);
                while written.len() < count
                    && let Some(event) = events.next().await
                {
                    let object = match event? {
                        WatchEvent::Modified(object) => object,
                        WatchEvent::Error(status) => bail!("the watch of statuses ends: {status:?}"),
                        _ => continue,
                    };
                    version = object.resource_version().context("an object without a version")?;
                    if is_written(routing, &object.data["status"], by) {
                        written.insert(object.metadata.name);
                    }
                }
            }
            Ok(())
        };
        let in_time = timeout(WRITTEN, all).await;
        in_time.with_context(|| format!("{} of {count} statuses are written", written.len()))?
    }
}

fn resource(routing: Routing) -> ApiResource {
    let (group, kind, plural) = match routing {
        Routing::Ingress => ("networking.k8s.io", "Ingress", "ingresses"),
        Routing::HttpRoute => ("gateway.networking.k8s.io", "HTTPRoute", "httproutes"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural)
}

async fn write(client: &Client, method: Method, path: &str, content_type: &str, body: &Value) -> Result<()> {
    send(client, method, path, content_type, serde_json::to_vec(body)?).await.with_context(|| body.to_string())
}

async fn send(client: &Client, method: Method, path: &str, content_type: &str, body: Vec<u8>) -> Result<()> {
    let request = Request::builder().method(method).uri(path).header(http::header::CONTENT_TYPE, content_type);
    client.request::<Value>(request.body(body)?).await.with_context(|| path.to_owned())?;
    Ok(())
}
