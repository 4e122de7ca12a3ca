//! Names outside of the cluster, which change under a test.

use super::kubectl::{get_path, kubectl, kubectl_with};
use anyhow::Result;
use serde_json::json;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;

/// The names are in one ConfigMap: one writer at a time.
static WRITING: Mutex<()> = Mutex::const_new(());

/// Has the cluster's DNS say this address for a name, by the key `hosts` of the lab's ConfigMap `kube-system/coredns`.
///
/// # Errors
/// The API server refuses.
pub async fn resolve_to(name: &str, address: IpAddr) -> Result<()> {
    let _writing = WRITING.lock().await;
    let hosts = get_path("configmap coredns --namespace=kube-system", ".data.hosts").await?;
    let others = hosts.lines().filter(|line| !line.split_whitespace().skip(1).any(|other| other == name));
    let hosts: String = others.map(|line| format!("{line}\n")).collect::<String>() + &format!("{address} {name}\n");
    let patch = json!({"data": {"hosts": hosts}}).to_string();
    let patch = format!("--patch={patch}");
    kubectl_with(&["--namespace=kube-system", "patch", "configmap", "coredns", "--type=merge", &patch]).await?;
    // A kubelet looks after the files of a ConfigMap once a minute, and of Pods that change, at once.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    kubectl(&format!("--namespace=kube-system annotate pods --selector=k8s-app=kube-dns --overwrite hosts-at={now}"))
        .await
        .map(drop)
}
