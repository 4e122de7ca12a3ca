//! Ingresses of one route, and what every replica of Adit makes of them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::lab::{Answer, Entry, Installed, Namespace, eventually};

/// An Ingress of a class that leads all paths of a host to a backend, as `spec` writes it.
pub(crate) fn ingress_to(class: &str, backend: &Value, name: &str, host: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {
            "ingressClassName": class,
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    })
}

/// The same, to a Service's port, by number or by name.
pub(crate) fn ingress(class: &str, name: &str, host: &str, service: &str, port: impl Into<Value>) -> Value {
    let port = port.into();
    let port = if port.is_number() { json!({"number": port}) } else { json!({"name": port}) };
    ingress_to(class, &json!({"service": {"name": service, "port": port}}), name, host)
}

/// The same of an Adit's own class, named after the Service.
pub(crate) fn route(adit: &Installed, host: &str, service: &str, port: impl Into<Value>) -> String {
    ingress(&adit.name, service, host, service, port).to_string()
}

/// The addresses in an Ingress's status, once there are some.
pub(crate) async fn addressed(namespace: &Namespace, ingress: &str) -> Result<String> {
    let path = "{.status.loadBalancer.ingress}";
    eventually("an address in the status", async || {
        let status = namespace.kubectl(&format!("get ingress {ingress} --output=jsonpath={path}")).await?;
        ensure!(!status.is_empty(), "it is empty");
        Ok(status)
    })
    .await
}

/// Waits until every replica of Adit answers a request as it should.
pub(crate) async fn everywhere(
    adit: &Installed,
    what: &str,
    host: &str,
    path: &str,
    judge: impl Fn(&Answer) -> Result<()>,
) -> Result<()> {
    for entry in adit.pods().await? {
        eventually(what, async || judge(&entry.get(host, path).await?)).await?;
    }
    Ok(())
}

/// Waits until every replica of an Adit leads a host to this Service.
pub(crate) async fn leads(adit: &Installed, host: &str, service: &str) -> Result<()> {
    leads_at(&adit.pods().await?, host, service).await
}

/// Waits until a host leads to this Service at each of these.
pub(crate) async fn leads_at(entries: &[Entry], host: &str, service: &str) -> Result<()> {
    for entry in entries {
        eventually(&format!("http://{host}/ answered by {service}"), async || {
            let from = entry.get(host, "/").await?.service()?;
            ensure!(from == service, "answered by {from}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Waits until every replica of Adit answers a host with this status.
pub(crate) async fn answers(adit: &Installed, host: &str, status: u16) -> Result<()> {
    everywhere(adit, &format!("status {status} of http://{host}/"), host, "/", |answer| {
        ensure!(answer.status == status, "status {}: {}", answer.status, answer.text());
        Ok(())
    })
    .await
}
