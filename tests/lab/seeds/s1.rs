//! A Deployment, its Service, and what becomes of them.

use super::{answers, everywhere, leads, route};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tests::lab::{Echo, Entry, Installed, Load, Namespace, eventually, get_path};

#[tokio::test]
async fn s1a_a_deployment_behind_a_node_port() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s1a").await?;
    bootcamp(1).service("type", json!("NodePort")).start(&namespace).await?;
    let node_port = get_path("service kubernetes-bootcamp --namespace=s1a", ".spec.ports[0].nodePort").await?;
    let node_port = node_port.parse()?;
    namespace.apply(&route(&adit, "s1a.example.com", "kubernetes-bootcamp", 8080)).await?;
    for entry in &adit.entries {
        let node = entry.http.ip();
        let service = Entry { http: (node, node_port).into(), https: (node, node_port).into() };
        for (what, entry) in [("its own node port", &service), ("Adit's node port", entry)] {
            eventually(what, async || {
                let service = entry.get("s1a.example.com", "/").await?.service()?;
                ensure!(service == "kubernetes-bootcamp", "{service}");
                Ok(())
            })
            .await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn s1b_a_pod_leaves_one_service_and_joins_another_by_its_label() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s1b").await?;
    let bootcamp = bootcamp(2);
    bootcamp.start(&namespace).await?;
    let v1 = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "v1"},
        "spec": {"selector": {"app": "v1"}, "ports": [{"port": 80, "targetPort": 3000}]},
    });
    let routes =
        [v1.to_string(), route(&adit, "v1.s1b.example.com", "v1", 80), bootcamp_route(&adit, "s1b.example.com")];
    namespace.apply(&routes.join("\n---\n")).await?;
    leads(&adit, "s1b.example.com", "kubernetes-bootcamp").await?;
    answers(&adit, "v1.s1b.example.com", 503).await?;
    let pod = adit.entries[0].get("s1b.example.com", "/").await?.pod()?;

    let load = Load::start(&adit.entries, "s1b.example.com", "/", "kubernetes-bootcamp");
    load.answers(50).await?;
    namespace.kubectl(&format!("label pod {pod} app=v1 --overwrite")).await?;
    everywhere(&adit, "the Pod in its new Service", "v1.s1b.example.com", "/", |answer| {
        let from = answer.pod()?;
        ensure!(from == pod, "answered by {from}, not by {pod}");
        Ok(())
    })
    .await?;
    let load = still_whole(load, "a Pod got another label").await?;
    // Its Deployment has made another one in its place.
    bootcamp.rolled_out(&namespace).await?;
    for entry in &adit.entries {
        let shares = super::shares(&[*entry], "s1b.example.com").await?;
        ensure!(!shares.contains_key(&pod), "{pod} is still asked: {shares:?}");
    }
    load.stop().await?.is_whole()
}

#[tokio::test]
async fn s1c_a_service_that_goes_takes_no_other_route_with_it() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s1c").await?;
    Echo::start_all(&[Echo::new("other"), bootcamp(1)], &namespace).await?;
    let routes = [bootcamp_route(&adit, "s1c.example.com"), route(&adit, "other.s1c.example.com", "other", 80)];
    namespace.apply(&routes.join("\n---\n")).await?;
    leads(&adit, "s1c.example.com", "kubernetes-bootcamp").await?;
    leads(&adit, "other.s1c.example.com", "other").await?;

    let load = Load::start(&adit.entries, "other.s1c.example.com", "/", "other");
    load.answers(50).await?;
    namespace.kubectl("delete service --selector=app=kubernetes-bootcamp").await?;
    answers(&adit, "s1c.example.com", 503).await?;
    let load = still_whole(load, "another Service was deleted").await?;
    namespace.kubectl("delete ingress kubernetes-bootcamp").await?;
    answers(&adit, "s1c.example.com", 404).await?;
    still_whole(load, "another Ingress was deleted").await?.stop().await?.is_whole()
}

#[tokio::test]
async fn s1d_pods_die_and_others_take_their_place() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s1d").await?;
    let bootcamp = bootcamp(2);
    bootcamp.start(&namespace).await?;
    namespace.apply(&bootcamp_route(&adit, "s1d.example.com")).await?;
    leads(&adit, "s1d.example.com", "kubernetes-bootcamp").await?;

    let mut load = Load::start(&adit.entries, "s1d.example.com", "/", "kubernetes-bootcamp");
    for how in ["--wait=true", "--grace-period=0 --force"] {
        load.answers(50).await?;
        let pod = adit.entries[0].get("s1d.example.com", "/").await?.pod()?;
        namespace.kubectl(&format!("delete pod {pod} {how}")).await?;
        bootcamp.rolled_out(&namespace).await?;
        load = still_whole(load, &format!("a Pod was deleted with {how}")).await?;
    }
    load.stop().await?.is_whole()
}

mod machine {
    use super::*;
    use tests::lab::Manifest;
    use tests::lab::machine::Unplugged;

    /// With `local`, so that each node's port leads to its own Adit: what Kubernetes does with connections for a Pod on a
    /// node that it has not missed yet is not Adit's.
    ///
    /// No connection to the lost Pod is kept from before: a request that goes out on such a one is unanswered for
    /// `proxy-read-timeout`, as with any proxy, because nobody tells that it cannot arrive.
    #[tokio::test]
    async fn fault_n11_s1d_a_node_dies_and_the_other_serves() -> Result<()> {
        let adit = Installed::own_alone("s1d-machine", Manifest::read("local")?).await?;
        let namespace = Namespace::create("s1d-machine").await?;
        Echo::start_all(&[bootcamp(2), Echo::new("witness")], &namespace).await?;
        // Who sees the one route sees the other, which comes before it.
        namespace.apply(&bootcamp_route(&adit, "s1d.example.com")).await?;
        namespace.apply(&route(&adit, "witness.s1d.example.com", "witness", 80)).await?;
        leads(&adit, "witness.s1d.example.com", "witness").await?;

        ready("node1").await?;
        let since = ready_since("node1").await?;
        let lost = Unplugged::node("node2")?;
        let load = Load::start(&adit.entries[..1], "s1d.example.com", "/", "kubernetes-bootcamp");
        let load = unless_lab_fails(still_whole(load, "the lab lost a node").await, &since).await?;
        // By the controller manager's own --node-monitor-grace-period this takes most of a minute.
        eventually("a node that is not ready", async || {
            let ready = get_path("node node2", ".status.conditions[?(@.type==\"Ready\")].status").await?;
            ensure!(ready == "Unknown", "node2 is still said to be ready: {ready}");
            Ok(())
        })
        .await?;
        let load = unless_lab_fails(still_whole(load, "the node's loss was noticed").await, &since).await?;
        drop(lost);
        ready("node2").await?;
        let load = unless_lab_fails(still_whole(load, "the node came back").await, &since).await?;
        unless_lab_fails(load.stop().await?.is_whole(), &since).await
    }

    async fn ready(node: &str) -> Result<()> {
        tests::lab::kubectl(&format!("wait node/{node} --for=condition=Ready --timeout=10m")).await.map(drop)
    }

    /// When the node became ready, or no longer is.
    async fn ready_since(node: &str) -> Result<String> {
        get_path(&format!("node {node}"), ".status.conditions[?(@.type==\"Ready\")].lastTransitionTime").await
    }

    /// On a loaded machine the kubelet of the node that stays may be late, too. Then Kubernetes takes its Pods out of their
    /// Services, and refuses connections that no Adit could have served: that is the lab's fault, and said so.
    async fn unless_lab_fails<T>(outcome: Result<T>, since: &str) -> Result<T> {
        let Err(error) = outcome else { return outcome };
        let now = ready_since("node1").await?;
        if now == since {
            return Err(error);
        }
        Err(error.context("the lab's fault: node1, which stays, was not ready meanwhile"))
    }
}

/// Lets a load go on for a while, and fails where it lost anything so far.
async fn still_whole(load: Load, when: &str) -> Result<Load> {
    load.answers(100).await?;
    load.so_far().is_whole().context(when.to_owned())?;
    Ok(load)
}

fn bootcamp(replicas: u32) -> Echo {
    Echo::new("kubernetes-bootcamp")
        .replicas(replicas)
        .service("ports", json!([{"name": "http", "port": 8080, "targetPort": "http"}]))
}

fn bootcamp_route(adit: &Installed, host: &str) -> String {
    route(adit, host, "kubernetes-bootcamp", 8080)
}
