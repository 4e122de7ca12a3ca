//! `kubectl adit` where there is no way to a Pod: what is said then. tests/lab has the way itself.

use super::ADIT;
use anyhow::Result;
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;
use tests::adit::documents;
use tests::apiserver::ApiServer;
use tests::backend::refusing;
use tokio::process::Command;

const LABELS: &str = "app.kubernetes.io/name=adit,app.kubernetes.io/component=controller";

/// The program as kubectl starts it, with a kubeconfig of a user who works in the namespace `shop`.
struct Plugin(TempDir);

impl Plugin {
    fn of(server: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        symlink(ADIT, directory.path().join("kubectl-adit"))?;
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {}}],
        });
        std::fs::write(directory.path().join("kubeconfig"), kubeconfig.to_string())?;
        Ok(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(self.path().join("kubectl-adit"));
        Ok(command.args(arguments).env("KUBECONFIG", self.path().join("kubeconfig")).output().await?)
    }

    /// What it says against what it is asked.
    async fn error(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments).await?;
        let said = String::from_utf8(output.stderr)?;
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}: {said}");
        Ok(said)
    }
}

/// A Pod of Adit in a namespace.
fn pod(namespace: &str, name: &str, ready: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {
            "app.kubernetes.io/name": "adit", "app.kubernetes.io/component": "controller",
        }},
        "spec": {"containers": [{"name": "adit", "ports": [{"name": "admin", "containerPort": 10254}]}]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    })
}

fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[tokio::test]
async fn the_plugin_has_the_name_that_people_type() -> Result<()> {
    let plugin = Plugin::of("http://127.0.0.1:1")?;
    let help = String::from_utf8(plugin.run(&["routes", "--help"]).await?.stdout)?;
    assert_says(&help, &["Usage: kubectl adit routes", "--context", "--selector"]);
    let version = String::from_utf8(plugin.run(&["--version"]).await?.stdout)?;
    assert!(version.starts_with("kubectl-adit ") && version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    let misspelt = plugin.error(&["route"]).await?;
    assert_says(&misspelt, &["routes", "Usage: kubectl adit"]);
    Ok(())
}

#[tokio::test]
async fn where_no_pod_is_it_says_where_it_has_looked() -> Result<()> {
    let mut stranger = pod("shop", "stranger", "True");
    stranger["metadata"]["labels"] = json!({"app.kubernetes.io/name": "cart"});
    let server = ApiServer::start(&documents([stranger])).await?;
    let plugin = Plugin::of(server.url())?;
    let said = plugin.error(&["routes"]).await?;
    assert_says(
        &said,
        &["no Pod of Adit was found", server.url(), LABELS, "namespace shop, namespace adit, all namespaces;"],
    );
    let said = plugin.error(&["routes", "-n", "edge", "-l", "app=gateway"]).await?;
    assert_says(&said, &["labels app=gateway in namespace edge;", "--context"]);
    let said = plugin.error(&["explain", "GET", "http://h/", "--pod", "adit-0"]).await?;
    assert_says(&said, &["a Pod of the name adit-0"]);
    server.refuse("pods", true);
    assert_says(&plugin.error(&["certs"]).await?, &["namespace shop (refused: ", "all namespaces (refused: "]);
    let said = plugin.error(&["certs", "--context", "elsewhere"]).await?;
    assert_says(&said, &["--context", "elsewhere"]);
    let (_taken, nobody) = refusing()?;
    let nobody = format!("http://{nobody}");
    assert_says(&Plugin::of(&nobody)?.error(&["lint"]).await?, &["cannot ask the API server at", &nobody]);
    Ok(())
}

/// The one that serves is asked, wherever it is; one that does not serve is named.
#[tokio::test]
async fn who_may_not_forward_ports_is_told_what_it_takes() -> Result<()> {
    let server = ApiServer::start(&documents([pod("adit", "adit-1", "False"), pod("edge", "adit-2", "True")])).await?;
    server.refuse("pods/portforward", true);
    let plugin = Plugin::of(server.url())?;
    let said = plugin.error(&["backends"]).await?;
    assert_says(&said, &["may not forward a port of Pod edge/adit-2", "get and create for pods/portforward"]);
    let said = plugin.error(&["backends", "-n", "adit"]).await?;
    assert_says(&said, &["no Pod of Adit is ready: Pod adit/adit-1", "--pod"]);
    let said = plugin.error(&["backends", "-n", "adit", "--pod", "adit-1"]).await?;
    assert_says(&said, &["may not forward a port of Pod adit/adit-1"]);
    server.refuse("pods/log", true);
    assert_says(&plugin.error(&["logs", "-n", "adit"]).await?, &["cannot read the log of Pod adit/adit-1"]);
    Ok(())
}
