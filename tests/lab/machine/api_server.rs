//! The API server goes away and comes back, and nobody who is served notices.

use crate::replicas::holder;
use crate::routes::{addressed, ingress, leads};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tests::lab::{Echo, Entry, Installed, Load, Namespace, eventually, rolled_out};
use tokio::process::Command;

#[tokio::test]
async fn a_silent_api_server_costs_the_lease_and_no_request() -> Result<()> {
    let scene = Scene::set("silent").await?;
    let leader = holder(&scene.adit).await?;
    let address = scene.adit.kubectl(&format!("get pod {leader} --output=jsonpath={{.status.podIP}}")).await?;
    let admin = Entry { http: format!("{address}:10254").parse()?, ..scene.entry };
    let is_leader = async || Ok(says_it_leads(&admin.get("admin", "/metrics").await?.text())) as Result<bool>;
    ensure!(is_leader().await?, "{leader} holds the Lease and does not say so");
    let load = scene.load();
    load.answers(200).await?;
    signal_api_server("STOP").await?;
    let outcome = eventually("the loss of the Lease", async || {
        ensure!(!is_leader().await?, "it still counts as the leader");
        Ok(())
    })
    .await;
    // Before anything else, or nothing in the lab would go on.
    signal_api_server("CONT").await?;
    outcome?;
    scene.recovers(load).await
}

#[tokio::test]
async fn an_api_server_that_starts_anew_costs_no_request() -> Result<()> {
    let scene = Scene::set("restarted").await?;
    let load = scene.load();
    load.answers(200).await?;
    signal_api_server("KILL").await?;
    scene.recovers(load).await
}

/// The token of Adit's Pods is worth nothing any more: all their watches fail with 401.
#[tokio::test]
async fn a_deleted_service_account_costs_no_request() -> Result<()> {
    let scene = Scene::set("unauthorized").await?;
    let load = scene.load();
    load.answers(200).await?;
    let pod = holder(&scene.adit).await?;
    scene.adit.kubectl("delete serviceaccount adit").await?;
    // Watches that are open go on.
    signal_api_server("KILL").await?;
    // At first they fail because nobody listens yet.
    eventually("the reason in the log", async || {
        let log = scene.adit.kubectl(&format!("logs {pod}")).await?;
        let mut told = log.lines().filter(|line| line.contains("cannot watch"));
        let reasons = told.clone().collect::<Vec<_>>().join("\n");
        ensure!(told.any(|line| line.contains("(401)")), "{reasons}");
        Ok(())
    })
    .await?;
    load.answers(400).await?;
    scene.adit.manifest.install().await?;
    scene.nodes_follow().await?;
    scene.adit.kubectl("rollout restart deployment/adit").await?;
    rolled_out(&scene.adit.name, "deployment/adit").await?;
    scene.recovers(load).await
}

/// Whether a replica's metrics say that it holds the Lease.
fn says_it_leads(metrics: &str) -> bool {
    const METRIC: &str = "nginx_ingress_controller_leader_election_status{";
    metrics.lines().any(|line| line.starts_with(METRIC) && line.ends_with(" 1"))
}

struct Scene {
    adit: Installed,
    namespace: Namespace,
    entry: Entry,
}

impl Scene {
    async fn set(name: &str) -> Result<Self> {
        let adit = Installed::alone().await?;
        let namespace = Namespace::create(name).await?;
        Echo::new("hello").replicas(2).start(&namespace).await?;
        let host = format!("{name}.example.com");
        namespace.apply(&ingress(&adit.name, name, &host, "hello", 80).to_string()).await?;
        addressed(&namespace, name).await?;
        leads(&adit, &host, "hello").await?;
        let entry = adit.entries.first().copied().context("no entry")?;
        Ok(Self { adit, namespace, entry })
    }

    fn load(&self) -> Load {
        Load::start(&self.adit.entries, &format!("{}.example.com", self.namespace.name()), "/", "hello")
    }

    /// Waits until every node leads to Services that are made from now on. After several losses of the API server
    /// kube-proxy waits for up to a minute, longer than Adit's Pods wait for it before they end.
    async fn nodes_follow(&self) -> Result<()> {
        let ports = json!([
            {"name": "http", "port": 80, "targetPort": "http"},
            {"name": "https", "port": 443, "targetPort": "https"},
        ]);
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "new"},
            "spec": {"type": "NodePort", "selector": {"app": "hello"}, "ports": ports},
        });
        self.namespace.apply(&service.to_string()).await?;
        for entry in Entry::node_ports(&format!("{}/new", self.namespace.name())).await? {
            eventually("a new Service at a node", async || entry.get("new", "/").await?.service()).await?;
        }
        Ok(())
    }

    /// What changes from now on is served, and shows in the status; and nothing was lost.
    async fn recovers(&self, load: Load) -> Result<()> {
        let name = format!("{}-after", self.namespace.name());
        let host = format!("{name}.example.com");
        let ingress = ingress(&self.adit.name, &name, &host, "hello", 80).to_string();
        eventually("an API server", async || self.namespace.apply(&ingress).await).await?;
        addressed(&self.namespace, &name).await?;
        leads(&self.adit, &host, "hello").await?;
        load.answers(200).await?;
        let tally = load.stop().await?;
        println!("{}: {tally}", self.namespace.name());
        tally.is_whole()
    }
}

async fn signal_api_server(signal: &str) -> Result<()> {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/node");
    let mut command = Command::new(node);
    command.args(["control-plane", "pkill", &format!("-{signal}"), "--exact", "kube-apiserver"]);
    let status = tokio::time::timeout(Duration::from_secs(30), command.status()).await??;
    ensure!(status.success(), "cannot send SIG{signal} to kube-apiserver: {status}");
    Ok(())
}
