//! The Helm chart with a values file of ingress-nginx's: it serves, is upgraded and rolled back under load, and leaves
//! nothing behind.

use crate::rollouts::{AFTERWARDS, gone, pods};
use crate::routes::{addressed, ingress, leads_at};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::process::Stdio;
use tests::lab::{Echo, Entry, Load, Namespace, Turn, eventually, get_path, kubectl};
use tokio::process::Command;

/// Built by `make test` from `tests/tools/helm`.
const HELM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/helm");
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/chart/adit");
/// Every value of ingress-nginx's chart.
const VALUES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/chart/ingress-nginx.yaml");

/// Of the release, its namespace and its class.
const NAME: &str = "adit-chart";
const HOST: &str = "chart.example.com";

/// A release, and a backend behind it.
struct Scene {
    release: Namespace,
    backend: Namespace,
    _turn: Turn,
}

#[tokio::test]
async fn a_release_serves_is_upgraded_and_rolled_back_under_load_and_leaves_nothing() -> Result<()> {
    let scene = Scene::set().await?;
    let entries = scene.install().await?;
    scene.serves_several_deployments(&entries).await?;
    scene.reviews().await?;

    let load = Load::start(&entries, HOST, "/", "hello");
    load.answers(AFTERWARDS).await?;
    let changes = "controller.replicaCount=2,controller.podAnnotations.round=two";
    scene.replaced(&["upgrade", NAME, CHART, "--reuse-values", "--set", changes]).await?;
    scene.replaced(&["rollback", NAME]).await?;
    load.answers(AFTERWARDS).await?;
    let tally = load.stop().await?;
    println!("upgrade and rollback: {tally}");
    tally.is_whole()?;

    scene.uninstall().await?;
    scene.leaves_nothing().await
}

impl Scene {
    async fn set() -> Result<Self> {
        let turn = Turn::together().await;
        let backend = Namespace::create("chart").await?;
        let services = ["hello", "hname-svc-default", "ip-svc", "your-svc"];
        Echo::start_all(&services.map(Echo::new), &backend).await?;
        Ok(Self { release: Namespace::create(NAME).await?, backend, _turn: turn })
    }

    /// With a class of its own, and a webhook that is asked about Ingresses of this test only: others are at work, too.
    async fn install(&self) -> Result<Vec<Entry>> {
        let values = json!({"controller": {
            "ingressClass": NAME,
            "ingressClassResource": {"name": NAME, "controllerValue": "adit.dev/chart"},
            "service": {"type": "NodePort"},
            "admissionWebhooks": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.backend.name()}},
            },
        }});
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("values.json");
        std::fs::write(&file, values.to_string())?;
        let file = file.to_str().context("a path in UTF-8")?;
        let said =
            helm(&["install", NAME, CHART, "--values", VALUES, "--values", file, "--wait", "--timeout=10m"]).await?;
        ensure!(said.contains("controller.lifecycle.preStop"), "nothing is said of what has no effect: {said}");
        Entry::node_ports(&format!("{NAME}/{NAME}-controller")).await
    }

    /// The walkthrough S2b, and a host for the load.
    async fn serves_several_deployments(&self, entries: &[Entry]) -> Result<()> {
        let class = format!("ingressClassName: {NAME}");
        let several = include_str!("seeds/s2b.yaml").replace("ingressClassName: adit", &class);
        // The webhook refuses with failurePolicy Fail while its certificate is not believed yet.
        eventually("an Ingress that is taken", async || self.backend.apply(&several).await).await?;
        self.backend.apply(&ingress(NAME, "hello", HOST, "hello", 80).to_string()).await?;
        for (path, service) in [("/", "hname-svc-default"), ("/ip", "ip-svc"), ("/your-directory", "your-svc")] {
            for entry in entries {
                eventually(&format!("{path} at {service}"), async || {
                    let from = entry.get("10.10.0.10", path).await?.service()?;
                    ensure!(from == service, "answered by {from}");
                    Ok(())
                })
                .await?;
            }
        }
        leads_at(entries, HOST, "hello").await?;
        addressed(&self.backend, "hello").await.map(drop)
    }

    /// The certificate is in the Secret of the release, and the API server believes it.
    async fn reviews(&self) -> Result<()> {
        let mut bad = ingress(NAME, "bad", "bad.example.com", "hello", 80);
        bad["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/limit-rps": "abc"});
        let refusal = self.backend.apply(&bad.to_string()).await.err().context("it was accepted")?.to_string();
        ensure!(refusal.contains("limit-rps]: \"abc\" is not valid"), "{refusal}");
        let secret = format!("secret {NAME}-admission --namespace={NAME}");
        let manager = get_path(&secret, r".metadata.labels.app\.kubernetes\.io/managed-by").await?;
        ensure!(manager == "Helm", "the Secret belongs to {manager:?}");
        Ok(())
    }

    /// Runs Helm, and waits until no Pod of before is left.
    async fn replaced(&self, arguments: &[&str]) -> Result<()> {
        let before = pods(NAME, "app.kubernetes.io/component=controller").await?;
        helm(&[arguments, &["--wait", "--timeout=10m"]].concat()).await?;
        gone(NAME, &before).await
    }

    /// As docs/chart.md says.
    async fn uninstall(&self) -> Result<()> {
        let labels = format!("app.kubernetes.io/instance={NAME},app.kubernetes.io/component=controller");
        self.release.kubectl(&format!("delete deployment,daemonset -l {labels} --cascade=foreground")).await?;
        helm(&["uninstall", NAME]).await.map(drop)
    }

    async fn leaves_nothing(&self) -> Result<()> {
        let path = format!("ingress hello --namespace={}", self.backend.name());
        let status = get_path(&path, ".status.loadBalancer.ingress").await?;
        ensure!(status.is_empty(), "the status of an Ingress still has {status}");
        const INSIDE: &str = "all,configmaps,secrets,leases,serviceaccounts,roles,rolebindings,poddisruptionbudgets,\
            endpointslices,networkpolicies";
        // Every namespace has these two.
        const OF_KUBERNETES: [&str; 2] = ["configmap/kube-root-ca.crt", "serviceaccount/default"];
        eventually("a namespace in which nothing is left", async || {
            let left = self.release.kubectl(&format!("get {INSIDE} --output=name")).await?;
            let left: Vec<_> = left.lines().filter(|name| !OF_KUBERNETES.contains(name)).collect();
            ensure!(left.is_empty(), "{left:?}");
            Ok(())
        })
        .await?;
        const OUTSIDE: &str = "clusterroles,clusterrolebindings,ingressclasses,validatingwebhookconfigurations";
        let left = kubectl(&format!("get {OUTSIDE} -l app.kubernetes.io/instance={NAME} --output=name")).await?;
        ensure!(left.is_empty(), "outside of namespaces: {left}");
        Ok(())
    }
}

/// Runs Helm for the namespace of the release, and returns what it prints.
async fn helm(arguments: &[&str]) -> Result<String> {
    let home = tempfile::tempdir()?;
    let mut command = Command::new(HELM);
    command
        .args(arguments)
        .args(["--namespace", NAME])
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.with_context(|| format!("{HELM}: `make test-cluster` builds it"))?;
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "helm {}: {}", arguments.join(" "), error.trim());
    Ok(said.into_owned())
}
