//! Debian's Prometheus as a process of its own, which scrapes what the Prometheus Operator would make it scrape.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use tempfile::TempDir;
use tests::connection::{Connection, PATIENCE};
use tests::ports::free_port;
use tokio::process::{Child, Command};

/// A running Prometheus. It is killed when this is dropped.
pub(super) struct Prometheus {
    address: SocketAddr,
    _process: Child,
    _directory: TempDir,
}

impl Prometheus {
    /// Scrapes the admin ports of these Pods, each second, as this ServiceMonitor says.
    pub(super) async fn start(monitor: &Value, pods: &[(&str, SocketAddr)]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let config = directory.path().join("prometheus.yml");
        std::fs::write(&config, scrape_config(monitor, pods).to_string())?;
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--log.level=error"])
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("prometheus does not run: `make test` installs it")?;
        let prometheus = Self { address, _process: process, _directory: directory };
        let ready = async { while prometheus.get("/-/ready").await.is_err() {} };
        tokio::time::timeout(PATIENCE, ready).await.context("prometheus does not become ready")?;
        Ok(prometheus)
    }

    /// The values that a query has now.
    pub(super) async fn query(&self, expression: &str) -> Result<Vec<f64>> {
        let query: String = form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let data = self.get(&format!("/api/v1/query?query={query}")).await.with_context(|| expression.to_owned())?;
        let samples = data["data"]["result"].as_array().context("no result")?;
        samples.iter().map(|sample| Ok(sample["value"][1].as_str().context("no value")?.parse()?)).collect()
    }

    /// The values of a label of the series that a selector names, as Grafana's `label_values`.
    pub(super) async fn label_values(&self, selector: &str, label: &str) -> Result<Vec<String>> {
        let selector: String = form_urlencoded::byte_serialize(selector.as_bytes()).collect();
        let data = self.get(&format!("/api/v1/label/{label}/values?match[]={selector}")).await?;
        Ok(serde_json::from_value(data["data"].clone())?)
    }

    async fn get(&self, target: &str) -> Result<Value> {
        let mut connection = Connection::open(self.address).await?;
        connection.send(format!("GET {target} HTTP/1.1\r\nHost: prometheus\r\n\r\n")).await?;
        let response = connection.response("GET").await?;
        let body = String::from_utf8(response.body)?;
        ensure!(response.status == 200, "{target}: {} {body}", response.status);
        Ok(serde_json::from_str(&body).unwrap_or_default())
    }
}

/// What the Prometheus Operator makes of a ServiceMonitor with one endpoint.
fn scrape_config(monitor: &Value, pods: &[(&str, SocketAddr)]) -> Value {
    let endpoint = &monitor["spec"]["endpoints"][0];
    let relabel = |source: &str, target: &str| json!({"source_labels": [source], "target_label": target});
    let found = pods.iter().map(|(pod, address)| {
        let labels = json!({
            "__meta_kubernetes_namespace": "adit",
            "__meta_kubernetes_service_name": "adit-metrics",
            "__meta_kubernetes_pod_name": pod,
            "__meta_kubernetes_pod_container_name": "adit",
        });
        json!({"targets": [address], "labels": labels})
    });
    json!({
        "scrape_configs": [{
            "job_name": "serviceMonitor/adit/adit/0",
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "honor_labels": endpoint["honorLabels"].as_bool().unwrap_or(false),
            "metrics_path": "/metrics",
            "static_configs": found.collect::<Vec<_>>(),
            "relabel_configs": [
                relabel("__meta_kubernetes_namespace", "namespace"),
                relabel("__meta_kubernetes_service_name", "service"),
                relabel("__meta_kubernetes_pod_name", "pod"),
                relabel("__meta_kubernetes_pod_container_name", "container"),
                relabel("__meta_kubernetes_service_name", "job"),
                {"target_label": "endpoint", "replacement": endpoint["port"]},
            ],
        }],
    })
}
