//! Services that stand for what is outside of the cluster, and move inside.

use super::{address_of_pod, answers, route};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;
use tests::lab::{Echo, Installed, Load, Namespace, eventually, names};

#[tokio::test]
async fn s5a_endpoints_written_by_hand() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s5a").await?;
    let mut addresses = Vec::new();
    Echo::start_all(&["first", "second"].map(Echo::new), &namespace).await?;
    for outside in ["first", "second"] {
        addresses.push(address_of_pod(&namespace, outside).await?);
    }
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "external"},
        "spec": {"ports": [{"port": 80, "targetPort": 3000}]},
    });
    let route = route(&adit, "s5a.example.com", "external", 80);
    namespace.apply(&format!("{service}\n---\n{route}")).await?;
    answers(&adit, "s5a.example.com", 503).await?;
    let steps: [(&[IpAddr], &[&str]); 3] =
        [(&addresses, &["first", "second"]), (&addresses[1..], &["second"]), (&addresses[..1], &["first"])];
    for (addresses, services) in steps {
        namespace.apply(&endpoints("external", "", addresses)).await?;
        for entry in &adit.entries {
            eventually("answers from all addresses, and from no other", async || {
                let mut seen = BTreeSet::new();
                for _ in 0..10 {
                    seen.insert(entry.get("s5a.example.com", "/").await?.service()?);
                }
                ensure!(seen.iter().eq(services), "from {seen:?}, not {services:?}");
                Ok(())
            })
            .await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn s5b_a_service_moves_into_the_cluster_by_its_selector_and_back() -> Result<()> {
    let adit = Installed::shared().await?;
    let (inside, outside) = two_homes("s5b").await?;
    let address = address_of_pod(&outside, "api").await?;
    let selecting = |selector: Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "api"},
            "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": 3000}]},
        })
        .to_string()
    };
    inside.apply(&selecting(Value::Null)).await?;
    inside.apply(&endpoints("api", "http", &[address])).await?;
    inside.apply(&route(&adit, "s5b.example.com", "api", 80)).await?;
    comes_from(&adit, "s5b.example.com", &outside).await?;

    let load = Load::start(&adit.entries, "s5b.example.com", "/", "api");
    load.answers(50).await?;
    inside.apply(&selecting(json!({"app": "api"}))).await?;
    comes_from(&adit, "s5b.example.com", &inside).await?;
    load.answers(100).await?;
    load.so_far().is_whole().context("a selector was added")?;

    inside.apply(&selecting(Value::Null)).await?;
    inside.apply(&endpoints("api", "http", &[address])).await?;
    // Kubernetes keeps what it wrote itself for the selector; who takes the selector away, takes that away, too.
    inside.kubectl(&format!("delete endpointslices --selector={BY_SELECTOR}")).await?;
    comes_from(&adit, "s5b.example.com", &outside).await?;
    load.answers(100).await?;
    load.stop().await?.is_whole().context("the selector was removed")
}

#[tokio::test]
async fn s5c_an_external_name_becomes_a_cluster_ip() -> Result<()> {
    let adit = Installed::shared().await?;
    let (inside, outside) = two_homes("s5c").await?;
    names::resolve_to("someapi.somecompany.com", address_of_pod(&outside, "api").await?).await?;
    inside
        .apply(
            "{apiVersion: v1, kind: Service, metadata: {name: api},
              spec: {type: ExternalName, externalName: someapi.somecompany.com}}",
        )
        .await?;
    inside.apply(&route(&adit, "s5c.example.com", "api", 3000)).await?;
    comes_from(&adit, "s5c.example.com", &outside).await?;

    let load = Load::start(&adit.entries, "s5c.example.com", "/", "api");
    load.answers(50).await?;
    inside
        .apply(
            "{apiVersion: v1, kind: Service, metadata: {name: api},
              spec: {type: ClusterIP, externalName: null, selector: {app: api}, ports: [{port: 3000}]}}",
        )
        .await?;
    comes_from(&adit, "s5c.example.com", &inside).await?;
    load.answers(100).await?;
    load.stop().await?.is_whole()
}

/// The label of EndpointSlices that follow a Service's selector.
const BY_SELECTOR: &str = "endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io";

/// An `api` in the cluster, whose Service is still to be made, and one that stands for what is outside of it.
async fn two_homes(test: &str) -> Result<(Namespace, Namespace)> {
    let inside = Namespace::create(test).await?;
    let outside = Namespace::create(&format!("{test}-outside")).await?;
    for home in [&inside, &outside] {
        Echo::new("api").start(home).await?;
    }
    inside.kubectl("delete service api").await?;
    Ok((inside, outside))
}

/// Waits until every replica of Adit gets all its answers for a host from Pods of this namespace.
async fn comes_from(adit: &Installed, host: &str, namespace: &Namespace) -> Result<()> {
    for entry in adit.pods().await? {
        eventually(&format!("answers from the namespace {}", namespace.name()), async || {
            for _ in 0..4 {
                let said = entry.get(host, "/").await?.said()?;
                ensure!(said["namespace"] == namespace.name(), "from the namespace {}", said["namespace"]);
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// An Endpoints object of these addresses, port 3000.
fn endpoints(service: &str, port: &str, addresses: &[IpAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": service},
        "subsets": [{"addresses": addresses, "ports": [{"port": 3000, "name": port}]}],
    })
    .to_string()
}
