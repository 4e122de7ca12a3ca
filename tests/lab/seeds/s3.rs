//! The types of Services, on both sides of Adit.

use super::{address_of_pod, everywhere, has_addresses, leads, route, shares, spreads_evenly};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::{IpAddr, UdpSocket};
use tests::lab::{Answer, Echo, Entry, Installed, Manifest, Namespace, eventually, get, names};

#[tokio::test]
async fn s3a_backends_of_type_cluster_ip_by_number_and_by_name() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s3a").await?;
    for (service, target) in [("numeric", json!(3000)), ("named", json!("http"))] {
        let ports = json!([{"name": "web", "port": 8000, "targetPort": target}]);
        Echo::new(service).service("ports", ports).start(&namespace).await?;
        for port in [json!(8000), json!("web")] {
            let host = format!("{service}-{}.s3a.example.com", port.as_str().unwrap_or("8000"));
            namespace.apply(&route(&adit, &host, service, port)).await?;
            leads(&adit, &host, service).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn s3b_fixed_node_ports_of_adit_and_of_a_backend() -> Result<()> {
    // One of the first 86, which Kubernetes gives to nobody who does not ask for it.
    const PORT: u16 = 30031;
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s3b").await?;
    let ports = json!([{"port": 80, "targetPort": "http", "nodePort": PORT}]);
    Echo::new("web").service("type", json!("NodePort")).service("ports", ports).start(&namespace).await?;
    namespace.apply(&route(&adit, "s3b.example.com", "web", 80)).await?;
    for entry in &adit.entries {
        ensure!((entry.http.port(), entry.https.port()) == (30080, 30443), "Adit is at {entry:?}");
        let node = entry.http.ip();
        let own = Entry { http: (node, PORT).into(), https: (node, PORT).into() };
        for entry in [entry, &own] {
            eventually("an answer at a node port", async || entry.get("s3b.example.com", "/").await?.service()).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn s3c_whatever_address_a_provider_gives_later_is_published() -> Result<()> {
    let annotations = "{apiVersion: v1, kind: Service, metadata: {name: adit, namespace: adit, annotations: {
        service.beta.kubernetes.io/aws-load-balancer-type: external,
        service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip,
        metallb.io/address-pool: production}}}";
    let adit = Installed::own("s3c", Manifest::patched("loadbalancer", annotations).await?).await?;
    let read = get(&format!("service adit --namespace={}", adit.name)).await?;
    let read = &read["metadata"]["annotations"]["metallb.io/address-pool"];
    ensure!(read == "production", "the provider reads the pool {read}");

    let namespace = Namespace::create("s3c").await?;
    Echo::new("web").start(&namespace).await?;
    namespace.apply(&route(&adit, "s3c.example.com", "web", "http")).await?;
    leads(&adit, "s3c.example.com", "web").await?;
    for addresses in [
        json!([{"ip": "203.0.113.30"}]),
        json!([{"hostname": "a1b2.elb.eu-central-1.amazonaws.com"}]),
        json!([{"ip": "203.0.113.31"}, {"hostname": "a1b2.elb.eu-central-1.amazonaws.com"}]),
    ] {
        adit.assign(addresses.clone()).await?;
        has_addresses(&namespace, "web", &addresses).await?;
    }
    Ok(())
}

/// At Adit's Pods themselves, which see this client's address: other ways in may replace it by a node's.
#[tokio::test]
async fn s3d_a_client_stays_with_its_pod() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s3d").await?;
    let web = Echo::new("web").replicas(3);
    web.start(&namespace).await?;
    namespace.apply(&route(&adit, "s3d.example.com", "web", "http")).await?;
    leads(&adit, "s3d.example.com", "web").await?;
    let pods = adit.pods().await?;
    spreads_evenly(&adit, &pods, "s3d.example.com", 3).await?;

    namespace.apply(&web.clone().service("sessionAffinity", json!("ClientIP")).documents()).await?;
    let (favourite, _) = eventually("one Pod for one client, whichever replica is asked", async || {
        let mut shares = shares(&pods, "s3d.example.com").await?;
        ensure!(shares.len() == 1, "{shares:?}");
        shares.pop_first().context("no answer")
    })
    .await?;
    namespace.kubectl(&format!("delete pod {favourite}")).await?;
    eventually("another Pod for that client", async || {
        let shares = shares(&pods, "s3d.example.com").await?;
        ensure!(shares.len() == 1 && !shares.contains_key(&favourite), "{shares:?}");
        Ok(())
    })
    .await?;

    web.rolled_out(&namespace).await?;
    namespace.apply(&web.service("sessionAffinity", json!("None")).documents()).await?;
    spreads_evenly(&adit, &pods, "s3d.example.com", 3).await.map(drop)
}

#[tokio::test]
async fn s3e_the_policy_cluster_hides_the_client() -> Result<()> {
    let adit = Installed::own("s3e-cluster", Manifest::read("loadbalancer")?).await?;
    let _namespace = echo_of_addresses(&adit, "s3e-cluster").await?;
    for entry in &adit.entries {
        let client = own_address(entry)?;
        eventually("an answer for a client behind a node", async || {
            let (real, forwarded) = addresses_seen(&entry.get("s3e.example.com", "/").await?)?;
            ensure!(real == forwarded, "X-Real-Ip is {real}, X-Forwarded-For {forwarded}");
            ensure!(real != client, "the backend sees the client, whose address a node replaces");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn s3e_the_policy_local_keeps_the_client_and_serves_where_adit_is() -> Result<()> {
    let adit = Installed::own("s3e-local", Manifest::read("local")?).await?;
    let _namespace = echo_of_addresses(&adit, "s3e-local").await?;
    for entry in &adit.entries {
        let client = own_address(entry)?;
        eventually("the client's own address at the backend", async || {
            let (real, forwarded) = addresses_seen(&entry.get("s3e.example.com", "/").await?)?;
            ensure!(
                (real, forwarded) == (client, client),
                "{client} is {real} in X-Real-Ip, {forwarded} in X-Forwarded-For"
            );
            Ok(())
        })
        .await?;
    }

    let port = adit.kubectl("get service adit --output=jsonpath={.spec.healthCheckNodePort}").await?.parse()?;
    has_health(&adit.entries, port, &[200, 200]).await?;
    adit.kubectl("scale deployment adit --replicas=1").await?;
    has_health(&adit.entries, port, &[200, 503]).await?;
    adit.kubectl("scale deployment adit --replicas=2").await?;
    has_health(&adit.entries, port, &[200, 200]).await
}

#[tokio::test]
async fn s3f_replicas_are_on_different_nodes() -> Result<()> {
    let _adit = Installed::shared().await?;
    let pods = get("pods --namespace=adit --selector=app.kubernetes.io/component=controller").await?;
    let pods = pods["items"].as_array().context("no list of Pods")?;
    let stay = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let nodes: Vec<_> = stay.filter_map(|pod| pod["spec"]["nodeName"].as_str()).collect();
    let different: BTreeSet<_> = nodes.iter().collect();
    ensure!(nodes.len() == 2 && different.len() == 2, "Adit is on {nodes:?}");
    Ok(())
}

#[tokio::test]
async fn s3g_an_external_name_is_followed() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s3g").await?;
    Echo::start_all(&["first", "second"].map(Echo::new), &namespace).await?;
    names::resolve_to("my.database.com", address_of_pod(&namespace, "first").await?).await?;
    namespace
        .apply(
            "{apiVersion: v1, kind: Service, metadata: {name: externalname-svc},
              spec: {type: ExternalName, externalName: my.database.com}}",
        )
        .await?;
    namespace.apply(&route(&adit, "s3g.example.com", "externalname-svc", 3000)).await?;
    leads(&adit, "s3g.example.com", "first").await?;
    names::resolve_to("my.database.com", address_of_pod(&namespace, "second").await?).await?;
    leads(&adit, "s3g.example.com", "second").await
}

/// `s3e.example.com`, served by every replica of an Adit.
async fn echo_of_addresses(adit: &Installed, namespace: &str) -> Result<Namespace> {
    let namespace = Namespace::create(namespace).await?;
    Echo::new("web").start(&namespace).await?;
    namespace.apply(&route(adit, "s3e.example.com", "web", "http")).await?;
    everywhere(adit, "an answer", "s3e.example.com", "/", |answer| answer.said().map(drop)).await?;
    Ok(namespace)
}

/// Whom the backend takes for its client: `X-Real-Ip` and `X-Forwarded-For`.
fn addresses_seen(answer: &Answer) -> Result<(IpAddr, IpAddr)> {
    let said = answer.said()?;
    let seen = |name: &str| {
        let value = said["headers"][name][0].as_str().with_context(|| format!("the backend sees no {name}"))?;
        value.parse::<IpAddr>().with_context(|| format!("{name} is {value:?}"))
    };
    Ok((seen("X-Real-Ip")?, seen("X-Forwarded-For")?))
}

/// The address that this process has for those that it connects to there.
fn own_address(entry: &Entry) -> Result<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // Nothing is sent.
    socket.connect(entry.http)?;
    Ok(socket.local_addr()?.ip())
}

/// Waits until the nodes' health checks say this, in any order.
async fn has_health(entries: &[Entry], port: u16, expected: &[u16]) -> Result<()> {
    eventually(&format!("nodes with the health {expected:?}"), async || {
        let mut health = Vec::new();
        for node in entries.iter().map(|entry| entry.http.ip()) {
            let check = Entry { http: (node, port).into(), https: (node, port).into() };
            health.push(check.get("health", "/healthz").await?.status);
        }
        health.sort_unstable();
        ensure!(health == expected, "their health is {health:?}");
        Ok(())
    })
    .await
}
