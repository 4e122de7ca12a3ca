//! Gateways with a Service of their own under load: another one comes and goes, and so does the replica that writes.

use super::gateway_api::with_services;
use crate::replicas::holder;
use crate::rollouts::AFTERWARDS;
use crate::routes::leads_at;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tests::lab::{Echo, Entry, Installed, Load, Namespace, eventually, get, rolled_out};

#[tokio::test]
#[ignore = "`make conformance` runs it"]
async fn a_gateway_with_a_service_of_its_own_loses_no_request() -> Result<()> {
    let adit = with_services("gateway-services").await?;
    let namespace = Namespace::create("gateway-services").await?;
    Echo::start_all(&[Echo::new("kept").replicas(2), Echo::new("other")], &namespace).await?;
    let kept = reach(&adit, &namespace, "kept").await?;
    let load = Load::start(&[kept], "any.example.com", "/", "kept");
    load.answers(AFTERWARDS).await?;

    let other = reach(&adit, &namespace, "other").await?;
    ensure!(other != kept, "both are at {other:?}");
    namespace.kubectl("delete gateway other --wait=true").await?;
    eventually("its Service to go with it", async || {
        let services = get(&format!("services --namespace={}", namespace.name())).await?;
        let names: Vec<_> = services["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|service| service["metadata"]["name"].clone())
            .collect();
        ensure!(!names.contains(&json!(format!("other-{}", adit.name))), "{names:?}");
        Ok(())
    })
    .await?;
    load.answers(AFTERWARDS).await?;

    let leader = holder(&adit).await?;
    adit.kubectl(&format!("delete pod {leader} --wait=true")).await?;
    rolled_out(&adit.name, "deployment/adit").await?;
    load.answers(AFTERWARDS).await?;
    let tally = load.stop().await?;
    println!("a Gateway beside another one that came and went, and without {leader}: {tally}");
    tally.is_whole()
}

/// A Gateway with a route for all hosts to a Service of its name, once it leads there.
async fn reach(adit: &Installed, namespace: &Namespace, name: &str) -> Result<Entry> {
    let api = "gateway.networking.k8s.io/v1";
    let gateway = json!({
        "apiVersion": api,
        "kind": "Gateway",
        "metadata": {"name": name},
        "spec": {"gatewayClassName": adit.name, "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}]},
    });
    let route = json!({
        "apiVersion": api,
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": name}], "rules": [{"backendRefs": [{"name": name, "port": 80}]}]},
    });
    namespace.apply(&format!("{gateway}\n---\n{route}")).await?;
    let address = eventually("an address of its own", async || {
        let gateway = get(&format!("gateway {name} --namespace={}", namespace.name())).await?;
        let status = &gateway["status"];
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        let is_programmed = |condition: &Value| condition["type"] == "Programmed" && condition["status"] == "True";
        ensure!(conditions.any(is_programmed), "{status}");
        status["addresses"][0]["value"].as_str().map(str::to_owned).with_context(|| format!("{status}"))
    })
    .await?;
    let entry = Entry::standard_ports(address.parse()?);
    leads_at(&[entry], "any.example.com", name).await?;
    Ok(entry)
}
