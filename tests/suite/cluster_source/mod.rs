//! Adit watches a cluster whose API server fails in every way that a real one can. Whatever happens, the table is in the
//! end the one that a directory with the same objects gives, and nothing goes away because something failed.

mod access;
mod failures;
mod following;
mod gateway_api;
mod scope;
mod zone;

use anyhow::{Context as _, Result, ensure};
use controller::explain::describe;
use controller::feed::SourceEvent;
use controller::pipeline::State;
use controller::settings::{ClusterSettings, ControllerSettings, StatusSettings, WatchedNamespaces};
use controller::source::manifest;
use controller::store::Store;
use controller::translate::Translator;
use gateway::table::Publisher;
use serde_json::Value;
use std::sync::Arc;
use tests::adit::Adit;
use tests::apiserver::{ApiServer, Fault, Order};
use tests::connection::PATIENCE;
use tokio::time::timeout;

/// An Ingress, its Service and that Service's endpoint.
fn app(name: &str) -> String {
    app_in("default", name)
}

fn app_in(namespace: &str, name: &str) -> String {
    format!(
        r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  rules:
    - host: {name}.example.com
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{ports: [{{port: 80}}]}}
---
{}"#,
        slice(namespace, name, "10.0.0.1")
    )
}

fn slice(namespace: &str, name: &str, address: &str) -> String {
    format!(
        r#"apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, namespace: {namespace}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
endpoints: [{{addresses: ["{address}"], conditions: {{ready: true}}}}]
ports: [{{port: 8080}}]
---
"#
    )
}

const RESOURCES: [&str; 4] = ["ingresses", "services", "endpointslices", "secrets"];

/// Watches and writes nothing.
fn cluster(server: &ApiServer) -> ClusterSettings {
    let status = StatusSettings { election: false, update: false, ..StatusSettings::default() };
    ClusterSettings { apiserver: Some(server.url().to_owned()), status, ..ClusterSettings::default() }
}

async fn start(manifests: &str) -> Result<(ApiServer, Adit)> {
    let server = ApiServer::start(manifests).await?;
    let adit = Adit::watch(&cluster(&server)).await?;
    settles(&adit, &server).await?;
    for resource in RESOURCES.into_iter().chain(["ingressclasses"]) {
        server.asked(resource, true, 1).await?;
    }
    Ok((server, adit))
}

/// The table that a directory with these objects gives.
fn table_of(objects: &str) -> Value {
    let mut store = Store::new();
    let manifest = manifest::parse(&"objects".into(), objects.as_bytes());
    let changes: Vec<_> =
        manifest.objects.into_iter().flat_map(|object| store.apply(SourceEvent::Apply(object))).collect();
    let publisher = Publisher::new(Arc::default());
    publisher.publish(Translator::new(ControllerSettings::default()).translate(&store, &changes));
    let mut table = serde_json::to_value(describe(&publisher.load())).expect("a table is JSON");
    table["revision"] = Value::Null;
    table
}

/// Waits until the table is the one that the server's objects ask for.
async fn settles(adit: &Adit, server: &ApiServer) -> Result<()> {
    comes_to(adit, &table_of(&server.objects())).await
}

async fn comes_to(adit: &Adit, expected: &Value) -> Result<()> {
    let mut state = adit.state()?;
    let comes = async {
        loop {
            state.borrow_and_update();
            if adit.table().await? == *expected {
                return anyhow::Ok(());
            }
            state.changed().await?;
        }
    };
    match timeout(PATIENCE, comes).await {
        Ok(outcome) => outcome,
        Err(_) => Err(anyhow::anyhow!("the table is {:#}\nand should be {expected:#}", adit.table().await?)),
    }
}

fn revision(adit: &Adit) -> Result<u64> {
    Ok(adit.state()?.borrow().revision)
}

fn hosts(table: &Value) -> usize {
    let hosts = table["hosts"].as_array().into_iter().flatten();
    hosts.filter(|host| host["host"].as_str().is_some_and(|name| name.ends_with(".example.com"))).count()
}
