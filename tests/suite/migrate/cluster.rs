//! A cluster in place of manifests: the report is the same, nothing is written, and what may not be read is said.

use super::{CONTROLLER, INGRESSES, report, usual};
use crate::ADIT;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use tests::apiserver::ApiServer;
use tokio::process::Command;

/// A cluster with the usual ingress-nginx, and a user of it.
struct User {
    server: ApiServer,
    home: tempfile::TempDir,
}

impl User {
    async fn new() -> Result<Self> {
        let server = ApiServer::start(&format!("{CONTROLLER}\n---\n{INGRESSES}")).await?;
        let home = tempfile::tempdir()?;
        std::fs::create_dir(home.path().join(".kube"))?;
        kubeconfig(&home.path().join(".kube/config"), server.url())?;
        Ok(Self { server, home })
    }

    async fn migrate(&self, arguments: &[&str]) -> Result<Output> {
        migrate(self.home.path(), arguments).await
    }

    async fn report(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.migrate(&[arguments, &["--output=json"]].concat()).await?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// With this home, and no other environment that says where a cluster is.
async fn migrate(home: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(ADIT);
    command.arg("migrate").args(arguments).env("HOME", home).env_remove("KUBECONFIG").kill_on_drop(true);
    Ok(command.output().await?)
}

/// The error of a run that fails.
async fn error(home: &Path, arguments: &[&str]) -> Result<String> {
    let output = migrate(home, arguments).await?;
    anyhow::ensure!(!output.status.success() && output.stdout.is_empty(), "it succeeds");
    let said = String::from_utf8(output.stderr)?;
    Ok(said.lines().last().context("it says nothing")?.to_owned())
}

fn kubeconfig(path: &Path, server: &str) -> Result<PathBuf> {
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}], \
         users: [{{name: u, user: {{token: t}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}"
    );
    std::fs::write(path, text)?;
    Ok(path.to_owned())
}

/// Without where in files an object stands.
fn without_places(mut report: Value) -> Value {
    for object in report["objects"].as_array_mut().into_iter().flatten() {
        object.as_object_mut().and_then(|object| object.remove("place"));
    }
    report
}

fn notes(report: &Value) -> String {
    report["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_report_of_a_cluster_is_that_of_its_manifests() -> Result<()> {
    let user = User::new().await?;
    // Adit reads no Endpoints of a cluster.
    let of_cluster = without_places(user.report(&[]).await?);
    let of_files = without_places(report(&usual(), &[]));
    for part in ["ingresses", "settings", "objects", "others"] {
        assert_eq!(of_cluster[part], of_files[part], "{part}");
    }
    assert_eq!(user.server.writes(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn it_says_that_it_reads_and_does_not_watch() -> Result<()> {
    let user = User::new().await?;
    let said = String::from_utf8(user.migrate(&[]).await?.stderr)?;
    assert!(said.contains("reading a cluster") && said.contains(user.server.url()), "{said}");
    assert!(!said.contains("watching"), "{said}");
    Ok(())
}

#[tokio::test]
async fn one_namespace_is_read_where_it_is_named() -> Result<()> {
    let user = User::new().await?;
    let report = user.report(&["--context=c", "--namespace=nowhere"]).await?;
    let sums = report["ingresses"].as_array().context("sums")?;
    assert!(sums.iter().all(|sum| sum["count"] == 0), "{sums:?}");
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_read_is_said_and_the_rest_is_reported() -> Result<()> {
    let user = User::new().await?;
    let all = user.report(&[]).await?;
    user.server.refuse("secrets", true);
    user.server.refuse("deployments", true);
    let rest = user
        .report(&["--args=--configmap=ingress-nginx/ingress-nginx-controller --watch-ingress-without-class"])
        .await?;
    assert!(notes(&rest).contains("Secret of every namespace cannot be watched"), "{}", notes(&rest));
    assert_eq!(rest["ingresses"].as_array().map(Vec::len), all["ingresses"].as_array().map(Vec::len));
    let without = user.report(&[]).await?;
    let said = notes(&without);
    assert!(said.contains("Deployments are not looked at: ") && said.contains("no Deployment or DaemonSet"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_cannot_be_read_is_named_with_the_reason() -> Result<()> {
    let user = User::new().await?;
    let url = user.server.url().to_owned();
    user.server.refuse("ingresses", true);
    let said = error(user.home.path(), &[]).await?;
    assert!(said.starts_with(&format!("adit: no Ingress may be read at {url}/: ")), "{said}");
    user.server.expect_token("another");
    let said = error(user.home.path(), &[]).await?;
    assert!(said.contains("does not accept the credentials of the kubeconfig"), "{said}");
    let said = error(user.home.path(), &["--context=other"]).await?;
    assert!(said.contains("other"), "{said}");

    let empty = tempfile::tempdir()?;
    let said = error(empty.path(), &[]).await?;
    assert!(said.starts_with("adit: no cluster to read: ") && said.contains("KUBECONFIG"), "{said}");
    // Nobody listens on the port of a socket that is gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let file = kubeconfig(&empty.path().join("gone"), &format!("http://{gone}"))?;
    let said = error(empty.path(), &[&format!("--kubeconfig={}", file.display())]).await?;
    assert!(said.starts_with(&format!("adit: cannot read the cluster at http://{gone}/: ")), "{said}");
    Ok(())
}

#[tokio::test]
async fn manifests_and_a_cluster_exclude_each_other() -> Result<()> {
    let home = tempfile::tempdir()?;
    let said = migrate(home.path(), &["x.yaml", "--context=c"]).await?;
    assert_eq!(said.status.code(), Some(2), "{}", String::from_utf8_lossy(&said.stderr));
    Ok(())
}
