//! `adit convert`: what it prints where, and with which exit code.

use super::ADIT;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;
use tests::apiserver::ApiServer;

const SHOP: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations: {nginx.ingress.kubernetes.io/limit-rps: '5'}
spec:
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: cart, port: {name: http}}}}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{name: http, port: 80}]}
";

/// Another Ingress, of which one annotation has no counterpart.
const BLOG: &str = "
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: blog
  annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: default/none}
spec:
  rules:
  - host: blog.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}
";

fn directory(text: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("objects.yaml"), text).expect("a file");
    directory
}

fn convert(path: &Path, arguments: &[&str]) -> Output {
    Command::new(ADIT).arg("convert").arg(path).args(arguments).output().expect("adit runs")
}

/// The documents on standard output, as kubectl reads them.
fn documents(output: &Output) -> Vec<Value> {
    serde_saphyr::from_multiple(str::from_utf8(&output.stdout).expect("text")).expect("YAML")
}

fn names(output: &Output) -> Vec<String> {
    let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]).replace('"', "");
    documents(output).iter().map(name).collect()
}

#[test]
fn objects_go_to_standard_output_and_the_report_to_standard_error() {
    let output = convert(directory(SHOP).path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(names(&output), ["AditPolicy shop", "Gateway ingress", "HTTPRoute shop"]);
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(report.contains("Ingress default/shop: kept\n"), "{report}");
    assert!(report.contains("nginx.ingress.kubernetes.io/limit-rps: \"5\"\n"), "{report}");
    assert!(report.ends_with("1 Ingress: 1 converted, 0 with a difference, 0 not\n"), "{report}");
}

#[test]
fn what_is_not_converted_is_exit_code_1_and_an_error_2() {
    let directory = directory(&format!("{SHOP}{BLOG}"));
    let output = convert(directory.path(), &["--output=json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!names(&output).contains(&"HTTPRoute blog".to_owned()), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stderr).expect("JSON");
    assert_eq!(report["ingresses"][0]["object"], "Ingress default/blog");
    assert_eq!(report["ingresses"][0]["verdict"], "not-converted");
    assert_eq!(convert(Path::new("/does/not/exist"), &[]).status.code(), Some(2));
    assert_eq!(convert(directory.path(), &["--no-such-flag"]).status.code(), Some(2));
}

#[test]
fn names_and_flags_are_as_they_are_given() {
    let directory = directory(SHOP);
    let output = convert(directory.path(), &["--gateway=edge", "--gateway-class=public"]);
    let gateway = documents(&output).into_iter().find(|object| object["kind"] == "Gateway").expect("a Gateway");
    assert_eq!(
        (&gateway["metadata"]["name"], &gateway["spec"]["gatewayClassName"]),
        (&"edge".into(), &"public".into())
    );
    let output = convert(directory.path(), &["--watch-ingress-without-class=false"]);
    assert_eq!((output.status.code(), names(&output)), (Some(0), Vec::new()), "no Ingress is ours");
    let output = convert(directory.path(), &["--output=json", "--sync-period=1m"]);
    let report: Value = serde_json::from_slice(&output.stderr).expect("JSON");
    assert!(report["notes"].to_string().contains("--sync-period is accepted and ignored: "), "{report:#}");
}

#[tokio::test]
async fn a_cluster_is_read() -> Result<()> {
    let server = ApiServer::start(SHOP).await?;
    let home = tempfile::tempdir()?;
    let file = home.path().join("config");
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: \"{}\"}}}}], \
         users: [{{name: u, user: {{token: t}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}",
        server.url()
    );
    std::fs::write(&file, text)?;
    let file = file.to_str().context("a path")?.to_owned();
    let run = move || Command::new(ADIT).args(["convert", "--kubeconfig", &file]).output();
    let output = tokio::task::spawn_blocking(run).await??;
    ensure!(output.status.success(), "{output:?}");
    assert_eq!(names(&output), ["AditPolicy shop", "Gateway ingress", "HTTPRoute shop"]);
    Ok(())
}
