//! The zone of this Pod decides which endpoints are used, once it is known.

use super::*;
use controller::object::NamespacedName;

/// A Service with an endpoint in zone `a`, 10.0.0.1, and one in zone `b`, 10.0.0.2.
fn hinted() -> String {
    let slice = r#"apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-1, labels: {kubernetes.io/service-name: shop}}
addressType: IPv4
endpoints:
  - {addresses: ["10.0.0.1"], hints: {forZones: [{name: a}]}}
  - {addresses: ["10.0.0.2"], hints: {forZones: [{name: b}]}}
ports: [{port: 8080}]
---
"#;
    app("shop").replace("spec: {ports:", "spec: {trafficDistribution: PreferClose, ports:") + slice
}

fn pod(labels: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: adit-0, namespace: adit, labels: {labels}}}\n\
         spec: {{nodeName: n1}}\n---\n"
    )
}

fn node(labels: &str) -> String {
    format!("apiVersion: v1\nkind: Node\nmetadata: {{name: n1, labels: {labels}}}\n---\n")
}

/// Adit as the Pod `adit-0`, with the flag.
async fn start_in_a_pod(server: &ApiServer) -> Result<Adit> {
    let mut cluster = cluster(server);
    cluster.status.pod = Some(NamespacedName { namespace: "adit".into(), name: "adit-0".into() });
    Adit::watch_as(ControllerSettings { topology_aware: true, ..ControllerSettings::default() }, &cluster).await
}

/// Waits until these are the addresses of the Service.
async fn uses(adit: &Adit, expected: &[&str]) -> Result<()> {
    let mut state = adit.state()?;
    let comes = async {
        loop {
            state.borrow_and_update();
            let table = adit.table().await?.to_string();
            let used = ["10.0.0.1:8080", "10.0.0.2:8080"].into_iter().filter(|address| table.contains(address));
            if used.eq(expected.iter().copied()) {
                return anyhow::Ok(());
            }
            state.changed().await?;
        }
    };
    timeout(PATIENCE, comes).await.with_context(|| format!("{expected:?} should be used"))?
}

#[tokio::test]
async fn the_zone_is_that_of_our_node() -> Result<()> {
    let node = node("{topology.kubernetes.io/zone: b}");
    let server = ApiServer::start(&(hinted() + &pod("{app: adit}") + &node)).await?;
    let adit = start_in_a_pod(&server).await?;
    uses(&adit, &["10.0.0.2:8080"]).await
}

#[tokio::test]
async fn a_pod_with_the_label_needs_no_node() -> Result<()> {
    let server = ApiServer::start(&(hinted() + &pod("{topology.kubernetes.io/zone: a}"))).await?;
    server.refuse("nodes", true);
    let adit = start_in_a_pod(&server).await?;
    uses(&adit, &["10.0.0.1:8080"]).await?;
    assert_eq!(server.requests("nodes", false), 0);
    Ok(())
}

#[tokio::test]
async fn until_the_zone_is_known_all_endpoints_are_used_and_a_warning_says_why() -> Result<()> {
    let server = ApiServer::start(&(hinted() + &pod("{app: adit}") + &node("{}"))).await?;
    server.refuse("nodes", true);
    let adit = start_in_a_pod(&server).await?;
    let warned = |state: &State, text: &str| {
        state.diagnostics.iter().any(|diagnostic| {
            diagnostic.object.to_string() == "--enable-topology-aware-routing" && diagnostic.message.contains(text)
        })
    };
    adit.reaches(|state| warned(state, "(403)")).await?;
    uses(&adit, &["10.0.0.1:8080", "10.0.0.2:8080"]).await?;
    server.refuse("nodes", false);
    adit.reaches(|state| warned(state, "node n1 has no label topology.kubernetes.io/zone")).await?;
    server.apply(&node("{topology.kubernetes.io/zone: a}"))?;
    uses(&adit, &["10.0.0.1:8080"]).await?;
    adit.reaches(|state| !warned(state, "")).await
}
