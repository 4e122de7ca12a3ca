//! Flags whose effect shows in what others see of Adit: the status of Ingresses, and the metrics of its Pods.

use crate::routes::{addressed, ingress};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::lab::{Echo, Entry, Installed, Manifest, Namespace, eventually};

#[tokio::test]
async fn i20_published_addresses_are_in_the_status() -> Result<()> {
    let manifest = Manifest::read("loadbalancer")?
        .with("--publish-service=$(POD_NAMESPACE)/adit", "--publish-status-address=1.2.3.4,host.x")?;
    let adit = Installed::own("i20", manifest).await?;
    let namespace = Namespace::create("i20").await?;
    Echo::new("hello").start(&namespace).await?;
    namespace.apply(&ingress(&adit.name, "i20", "i20.example.com", "hello", 80).to_string()).await?;
    let status: Value = serde_json::from_str(&addressed(&namespace, "i20").await?)?;
    ensure!(status == json!([{"ip": "1.2.3.4"}, {"hostname": "host.x"}]), "{status}");
    Ok(())
}

#[tokio::test]
async fn j16_excluded_metrics_are_absent() -> Result<()> {
    const EXCLUDED: [&str; 2] =
        ["nginx_ingress_controller_request_size", "nginx_ingress_controller_header_duration_seconds"];
    let scene = Scene::set("j16", &[&format!("--exclude-socket-metrics={}", EXCLUDED.join(","))]).await?;
    let check = |metrics: &str| {
        ensure!(metrics.contains("\nnginx_ingress_controller_response_size_count{"), "no response sizes: {metrics}");
        for name in EXCLUDED {
            ensure!(!metrics.contains(name), "{name} is told: {metrics}");
        }
        Ok(())
    };
    scene.tells(check).await
}

#[tokio::test]
async fn j17_hosts_without_a_rule_are_counted_where_a_flag_says_so() -> Result<()> {
    for (name, flags, counted) in
        [("j17-with", &["--metrics-per-undefined-host"][..], true), ("j17-without", &[][..], false)]
    {
        let scene = Scene::set(name, flags).await?;
        for pod in &scene.pods {
            ensure!(pod.get("unknown.example", "/").await?.status == 404, "unknown.example is known");
        }
        let check = |metrics: &str| {
            let requests = metrics.lines().filter(|line| line.starts_with("nginx_ingress_controller_requests{"));
            let found = requests.clone().any(|line| line.contains(r#"host="unknown.example""#));
            ensure!(found == counted, "flags {flags:?}: {}", requests.collect::<Vec<_>>().join("\n"));
            Ok(())
        };
        scene.tells(check).await?;
    }
    Ok(())
}

#[tokio::test]
async fn j18_statuses_are_told_as_classes() -> Result<()> {
    let scene = Scene::set("j18", &["--report-status-classes"]).await?;
    let check = |metrics: &str| {
        let of_host = metrics.lines().filter(|line| line.starts_with("nginx_ingress_controller_requests{"));
        let of_host: Vec<_> = of_host.filter(|line| line.contains(r#"host="j18.example.com""#)).collect();
        ensure!(of_host.iter().any(|line| line.contains(r#"status="2xx""#)), "no class: {of_host:?}");
        ensure!(!of_host.iter().any(|line| line.contains(r#"status="200""#)), "a code: {of_host:?}");
        Ok(())
    };
    scene.tells(check).await
}

/// An Adit with flags of its own, all of whose Pods have answered for `NAME.example.com`.
struct Scene {
    _adit: Installed,
    _namespace: Namespace,
    pods: Vec<Entry>,
}

impl Scene {
    async fn set(name: &str, flags: &[&str]) -> Result<Self> {
        let manifest = Manifest::read("nodeport")?.arguments(flags)?;
        let adit = Installed::own(name, manifest).await?;
        let namespace = Namespace::create(name).await?;
        Echo::new("hello").start(&namespace).await?;
        namespace.apply(&ingress(&adit.name, name, &format!("{name}.example.com"), "hello", 80).to_string()).await?;
        let pods = adit.pods().await?;
        for pod in &pods {
            let host = format!("{name}.example.com");
            eventually("an answer of the Service", async || pod.get(&host, "/").await?.service()).await?;
        }
        Ok(Self { _adit: adit, _namespace: namespace, pods })
    }

    /// Waits until what each Pod tells Prometheus passes a check: a request is counted when its response has gone out, which may
    /// be a moment after the client has it.
    async fn tells(&self, check: impl Fn(&str) -> Result<()>) -> Result<()> {
        let all = async || self.metrics().await?.iter().try_for_each(|metrics| check(metrics));
        eventually("the metrics that are expected", all).await
    }

    /// What each Pod tells Prometheus.
    async fn metrics(&self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for pod in &self.pods {
            let admin = Entry { http: SocketAddr::new(pod.http.ip(), 10254), ..*pod };
            let answer = admin.get("adit", "/metrics").await.context("the port for metrics")?;
            ensure!(answer.status == 200, "status {}: {}", answer.status, answer.text());
            all.push(answer.text());
        }
        Ok(all)
    }
}
