//! What brings clients to Pods: node ports, an Ingress, its controller, and what that does for connections.

use super::{answers, everywhere, has_addresses, leads, route, spreads_evenly};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tests::lab::{Echo, Entry, Installed, Load, Manifest, Namespace, certificate, eventually, kubectl, rolled_out};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

#[tokio::test]
async fn s2a_requests_spread_evenly_over_pods_that_come_and_go() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s2a").await?;
    let web = Echo::new("web").replicas(2);
    web.start(&namespace).await?;
    namespace.apply(&route(&adit, "s2a.example.com", "web", "http")).await?;
    leads(&adit, "s2a.example.com", "web").await?;
    for pods in [2, 4, 3] {
        namespace.kubectl(&format!("scale deployment web --replicas={pods}")).await?;
        web.rolled_out(&namespace).await?;
        spreads_evenly(&adit, &adit.entries, "s2a.example.com", pods).await?;
    }
    Ok(())
}

/// It is for every host, so no other test may have the same Adit.
#[tokio::test]
async fn s2b_one_ingress_for_several_deployments() -> Result<()> {
    let adit = Installed::own("s2b", Manifest::read("nodeport")?).await?;
    let namespace = Namespace::create("s2b").await?;
    Echo::start_all(&["hname-svc-default", "ip-svc", "your-svc"].map(Echo::new), &namespace).await?;
    let class = format!("ingressClassName: {}", adit.name);
    namespace.apply(&include_str!("s2b.yaml").replace("ingressClassName: adit", &class)).await?;
    for (path, service) in
        [("/", "hname-svc-default"), ("/ip", "ip-svc"), ("/ip/v4", "ip-svc"), ("/your-directory", "your-svc")]
    {
        everywhere(&adit, &format!("{path} at {service}"), "10.10.0.10", path, |answer| {
            let said = answer.said()?;
            let (from, seen) = (&said["service"], &said["path"]);
            ensure!(from == service && seen == "/", "answered by {from}, which saw {seen}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn s2c_one_apply_installs_it_behind_a_node_port() -> Result<()> {
    let adit = Installed::alone().await?;
    let file = Manifest::file("nodeport");
    // Pods first: while some end, Kubernetes looks at their namespace again only after half of their grace period.
    adit.kubectl("delete deployment adit").await?;
    adit.kubectl("wait --for=delete pod --all --timeout=10m").await?;
    kubectl(&format!("delete --ignore-not-found --wait --filename={}", file.display())).await?;

    kubectl(&format!("apply --filename={}", file.display())).await?;
    rolled_out("adit", "deployment/adit").await?;
    let kind = adit.kubectl("get service adit --output=jsonpath={.spec.type}").await?;
    ensure!(kind == "NodePort", "a Service of type {kind}");
    let namespace = Namespace::create("s2c").await?;
    Echo::new("web").start(&namespace).await?;
    namespace.apply(&route(&adit, "s2c.example.com", "web", "http")).await?;
    for entry in Entry::node_ports("adit/adit").await? {
        eventually("an answer at a node port", async || entry.get("s2c.example.com", "/").await?.service()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn s2d_l4_tcp_and_udp_services_and_tls_passthrough() -> Result<()> {
    // Different numbers: of ports with the same, `kubectl apply` keeps one, whatever their protocols.
    const TCP: u16 = 3007;
    const UDP: u16 = 3008;
    let manifest = Manifest::read("nodeport")?
        .ports(&[
            json!({"name": "tcp", "port": TCP, "nodePort": 27_000 + TCP, "protocol": "TCP"}),
            json!({"name": "udp", "port": UDP, "nodePort": 27_000 + UDP, "protocol": "UDP"}),
        ])?
        .arguments(&[
            "--tcp-services-configmap=$(POD_NAMESPACE)/tcp-services",
            "--udp-services-configmap=$(POD_NAMESPACE)/udp-services",
            "--enable-ssl-passthrough",
        ])?;
    let adit = Installed::own("s2d-l4", manifest).await?;
    let namespace = Namespace::create("s2d-l4").await?;
    let ports = json!([
        {"name": "tcp", "port": 7, "targetPort": 3007},
        {"name": "udp", "port": 8, "targetPort": 3007, "protocol": "UDP"},
        {"name": "https", "port": 443, "targetPort": "https"},
    ]);
    Echo::new("l4").service("ports", ports).start(&namespace).await?;
    let mut passthrough: Value = serde_json::from_str(&route(&adit, "l4.s2d.example.com", "l4", "https"))?;
    passthrough["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/ssl-passthrough": "true"});
    namespace.apply(&passthrough.to_string()).await?;
    for (protocol, port, service) in [("tcp", TCP, "s2d-l4/l4:7"), ("udp", UDP, "s2d-l4/l4:8")] {
        let metadata = json!({"name": format!("{protocol}-services"), "namespace": adit.name});
        let data = json!({port.to_string(): service});
        let services = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
        namespace.apply(&services.to_string()).await?;
    }
    for entry in &adit.entries {
        let node = entry.http.ip();
        eventually("an echo over TCP", async || speaks_tcp((node, 27_000 + TCP).into()).await).await?;
        eventually("an echo over UDP", async || speaks_udp((node, 27_000 + UDP).into()).await).await?;
        eventually("TLS with the backend", async || {
            let (answer, _) = entry.get_tls("l4.s2d.example.com", "/").await?;
            let name = &answer.said()?["tls"]["serverName"];
            ensure!(name == "l4.s2d.example.com", "the backend was asked for {name} by TLS");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn s2d_certificates_come_from_secrets_and_change_under_connections() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s2d-certificates").await?;
    Echo::new("web").start(&namespace).await?;
    let hosts = ["a.s2d.example.com", "b.s2d.example.com"];
    let mut certificates = Vec::new();
    for (host, secret) in hosts.into_iter().zip(["a", "b"]) {
        let (object, certificate) = certificate(secret, host)?;
        let mut ingress: Value = serde_json::from_str(&route(&adit, host, "web", "http"))?;
        ingress["metadata"]["name"] = json!(secret);
        ingress["spec"]["tls"] = json!([{"hosts": [host], "secretName": secret}]);
        namespace.apply(&format!("{object}\n---\n{ingress}")).await?;
        certificates.push(certificate);
    }
    for (host, certificate) in hosts.into_iter().zip(&certificates) {
        shows(&adit, host, certificate).await?;
    }

    let load = Load::start_tls(&adit.entries, hosts[0], "/", "web");
    load.answers(50).await?;
    let (secret, renewed) = certificate("a", hosts[0])?;
    namespace.apply(&secret.to_string()).await?;
    shows(&adit, hosts[0], &renewed).await?;
    shows(&adit, hosts[1], &certificates[1]).await?;
    load.answers(100).await?;
    load.stop().await?.is_whole()
}

/// The host's own Ingress redirects to HTTPS, with a certificate that is not there before the challenge is met.
#[tokio::test]
async fn s2d_cert_manager_solves_its_challenge_over_http() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("s2d-solver").await?;
    let host = "solved.s2d.example.com";
    let solver = Echo::new("cm-acme-http-solver")
        .service("type", json!("NodePort"))
        .service("ports", json!([{"name": "http", "port": 8089, "targetPort": "http"}]));
    Echo::start_all(&[Echo::new("web"), solver], &namespace).await?;
    let mut ingress: Value = serde_json::from_str(&route(&adit, host, "web", "http"))?;
    ingress["metadata"]["annotations"] = json!({"cert-manager.io/cluster-issuer": "letsencrypt"});
    ingress["spec"]["tls"] = json!([{"hosts": [host], "secretName": "solved"}]);
    namespace.apply(&ingress.to_string()).await?;
    answers(&adit, host, 308).await?;

    namespace.apply(include_str!("s2d-solver.yaml")).await?;
    for token in ["jYh5dfMT2Q0aSl5kXCN1", "oWb8QnC4T7e_vR2-p0Zx"] {
        let path = format!("/.well-known/acme-challenge/{token}");
        everywhere(&adit, "the solver's answer", host, &path, |answer| {
            let said = answer.said()?;
            let (from, seen) = (&said["service"], &said["path"]);
            ensure!(from == "cm-acme-http-solver" && seen == &path, "answered by {from}, which saw {seen}");
            Ok(())
        })
        .await?;
    }
    answers(&adit, host, 308).await?;
    let (secret, issued) = certificate("solved", host)?;
    namespace.apply(&secret.to_string()).await?;
    namespace.kubectl("delete ingress --selector=acme.cert-manager.io/http01-solver=true").await?;
    shows(&adit, host, &issued).await
}

#[tokio::test]
async fn s2e_the_address_of_a_load_balancer_is_published_in_every_ingress() -> Result<()> {
    let adit = Installed::own("s2e", Manifest::read("loadbalancer")?).await?;
    let addresses = json!([{"ip": "203.0.113.20"}]);
    adit.assign(addresses.clone()).await?;
    let namespaces = [Namespace::create("s2e").await?, Namespace::create("s2e-too").await?];
    for namespace in &namespaces {
        Echo::new("web").start(namespace).await?;
        namespace.apply(&route(&adit, &format!("{}.example.com", namespace.name()), "web", "http")).await?;
    }
    for namespace in &namespaces {
        has_addresses(namespace, "web", &addresses).await?;
        let entry = Entry::standard_ports(Ipv4Addr::new(203, 0, 113, 20).into());
        let host = format!("{}.example.com", namespace.name());
        eventually("an answer at that address", async || entry.get(&host, "/").await?.service()).await?;
    }
    Ok(())
}

/// Waits until every replica of Adit shows this certificate for a host, whose requests it leads to `web`.
async fn shows(adit: &Installed, host: &str, certificate: &[u8]) -> Result<()> {
    for entry in adit.pods().await? {
        eventually("the certificate of a Secret", async || {
            let (answer, shown) = entry.get_tls(host, "/").await?;
            ensure!(shown == certificate, "{host}: another certificate");
            ensure!(answer.service()? == "web", "{host}: answered by {}", answer.service()?);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn speaks_tcp(address: SocketAddr) -> Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    ensure!(line.starts_with("pod l4-"), "{line:?}");
    stream.write_all(b"over TCP\n").await?;
    line.clear();
    stream.read_line(&mut line).await?;
    ensure!(line == "over TCP\n", "{line:?}");
    Ok(())
}

/// Datagrams may be lost, so who waits for long asks again.
async fn speaks_udp(address: SocketAddr) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    socket.connect(address).await?;
    socket.send(b"over UDP").await?;
    let mut datagram = [0; 512];
    let length = timeout(PATIENCE, socket.recv(&mut datagram)).await.context("no datagram")??;
    match datagram[..length].split(|byte| *byte == b'\n').collect::<Vec<_>>()[..] {
        [pod, b"over UDP"] if pod.starts_with(b"pod l4-") => Ok(()),
        _ => bail!("{:?}", String::from_utf8_lossy(&datagram[..length])),
    }
}
