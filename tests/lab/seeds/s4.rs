//! Services over Pods on different nodes, and addresses that are given.

use super::{has_addresses, leads, route, spreads_evenly};
use anyhow::{Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use tests::lab::{Echo, Entry, Installed, Manifest, Namespace, eventually, get_path};

#[tokio::test]
async fn s4a_a_node_port_service_with_a_named_port() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s4a").await?;
    let ports = json!([{"name": "pooh-port", "port": 8080, "targetPort": "http", "nodePort": 30001}]);
    let pooh = Echo::new("pooh-pod-service").service("type", json!("NodePort")).service("ports", ports);
    pooh.start(&namespace).await?;
    for (host, port) in [("number.s4a.example.com", json!(8080)), ("name.s4a.example.com", json!("pooh-port"))] {
        namespace.apply(&route(&adit, host, "pooh-pod-service", port)).await?;
        leads(&adit, host, "pooh-pod-service").await?;
    }
    for entry in &adit.entries {
        let node = entry.http.ip();
        let own = Entry { http: (node, 30001).into(), https: (node, 30001).into() };
        eventually("an answer at its own node port", async || own.get("s4a", "/").await?.service()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn s4b_several_services_over_the_same_pods_on_two_nodes() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s4b").await?;
    Echo::new("pooh").replicas(4).start(&namespace).await?;
    let nodes = get_path("pods --namespace=s4b --selector=app=pooh", ".items[*].spec.nodeName").await?;
    let nodes: BTreeSet<_> = nodes.split_whitespace().collect();
    ensure!(nodes.len() > 1, "all Pods are on {nodes:?}");
    let types = [("pooh", "ClusterIP"), ("pooh-node-port", "NodePort"), ("pooh-load-balancer", "LoadBalancer")];
    let mut pods = BTreeSet::new();
    for (name, kind) in types {
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"type": kind, "selector": {"app": "pooh"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        });
        let host = format!("{name}.s4b.example.com");
        namespace.apply(&format!("{service}\n---\n{}", route(&adit, &host, name, 80))).await?;
        leads(&adit, &host, "pooh").await?;
        pods.extend(spreads_evenly(&adit, &adit.entries, &host, 4).await?.into_keys());
    }
    ensure!(pods.len() == 4, "they are the same Pods, but {pods:?} answered");
    Ok(())
}

#[tokio::test]
async fn s4c_an_address_that_is_given_is_published() -> Result<()> {
    const GIVEN: &str = "111.111.111.111";
    let patch = |spec| {
        let metadata = json!({"name": "adit", "namespace": "adit"});
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}).to_string()
    };
    for (name, spec, assigned) in [
        ("s4c-provider", json!({"loadBalancerIP": GIVEN}), json!([{"ip": GIVEN}])),
        ("s4c-external", json!({"externalIPs": [GIVEN]}), json!([])),
    ] {
        let adit = Installed::own(name, Manifest::patched("loadbalancer", &patch(spec)).await?).await?;
        adit.assign(assigned).await?;
        let namespace = Namespace::create(name).await?;
        Echo::new("web").start(&namespace).await?;
        namespace.apply(&route(&adit, "s4c.example.com", "web", "http")).await?;
        has_addresses(&namespace, "web", &json!([{"ip": GIVEN}])).await?;
    }
    Ok(())
}
