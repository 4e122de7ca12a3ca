//! Adit writes the status of Ingresses to a cluster: by one replica, only what is served, only what changed. Nothing that
//! fails empties a status or reaches traffic.

use anyhow::{Context, Result};
use controller::object::NamespacedName;
use controller::settings::{ClusterSettings, StatusSettings};
use serde_json::{Value, json};
use std::time::Duration;
use tests::adit::Adit;
use tests::apiserver::{ApiServer, Fault};

/// So short that takeovers are quick, and so long that a busy machine renews in time.
const TTL: Duration = Duration::from_secs(4);

/// So short that many reviews fit into a test.
const INTERVAL: Duration = Duration::from_millis(100);

const LEASE: (&str, &str, &str) = ("leases", "adit", "adit-leader");

fn app(name: &str, class: &str) -> String {
    format!(
        r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}}}
spec:
  ingressClassName: {class}
  rules:
    - host: {name}.example.com
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}]}}
---
"#
    )
}

fn apps(names: &[&str]) -> String {
    names.iter().map(|name| app(name, "nginx")).collect()
}

fn load_balancer(ingress: &Value) -> String {
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "adit", "namespace": "adit"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": ingress}},
    });
    format!("{service}\n---\n")
}

/// A replica on a node; `more` goes into its metadata.
fn pod(name: &str, node: &str, more: &Value) -> String {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "adit",
            "labels": {"app.kubernetes.io/name": "adit", "pod-template-hash": name},
        },
        "spec": {"nodeName": node},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        pod["metadata"][key] = value.clone();
    }
    format!("{pod}\n---\n")
}

fn node(name: &str, internal: &str) -> String {
    let addresses = json!([{"type": "InternalIP", "address": internal}]);
    let node =
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"addresses": addresses}});
    format!("{node}\n---\n")
}

/// What `--publish-status-address` sets.
fn publishing(addresses: &[&str]) -> StatusSettings {
    let addresses = addresses.iter().map(|text| text.parse().expect("an address")).collect();
    StatusSettings { addresses, election_ttl: TTL, interval: INTERVAL, ..StatusSettings::default() }
}

fn publishing_service() -> StatusSettings {
    StatusSettings { publish_service: "adit/adit".parse().ok(), ..publishing(&[]) }
}

/// A replica in the Pod of this name.
async fn replica(server: &ApiServer, name: &str, status: StatusSettings) -> Result<Adit> {
    let pod = Some(NamespacedName { namespace: "adit".into(), name: name.into() });
    let status = StatusSettings { pod, ..status };
    let apiserver = Some(server.url().to_owned());
    Adit::watch(&ClusterSettings { apiserver, status, ..ClusterSettings::default() }).await
}

fn entries(object: &Value) -> Value {
    object.pointer("/status/loadBalancer/ingress").cloned().unwrap_or(json!([]))
}

fn status(server: &ApiServer, name: &str) -> Value {
    server.object("ingresses", "default", name).as_ref().map(entries).unwrap_or_default()
}

async fn comes_to(server: &ApiServer, name: &str, expected: &Value) -> Result<()> {
    let outcome = server.wait_for(|server| status(server, name) == *expected).await;
    outcome.with_context(|| format!("the status of {name} is {}, not {expected}", status(server, name)))
}

/// The writes of statuses so far.
fn written(server: &ApiServer) -> Vec<String> {
    server.writes().into_iter().filter(|write| write.ends_with("/status")).collect()
}

fn holder(server: &ApiServer) -> String {
    let (resource, namespace, name) = LEASE;
    let lease = server.object(resource, namespace, name).unwrap_or_default();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

async fn leads(server: &ApiServer, name: &str) -> Result<()> {
    server.wait_for(|server| holder(server) == name).await.with_context(|| format!("{name} does not come to lead"))
}

/// What its metrics say.
async fn says_it_leads(adit: &Adit) -> Result<bool> {
    let metrics = adit.metrics().await?;
    let is_of_lease = |line: &&str| {
        line.starts_with("nginx_ingress_controller_leader_election_status{") && line.contains("\"adit-leader\"")
    };
    let line = metrics.lines().find(is_of_lease).with_context(|| format!("no such metric: {metrics}"))?;
    Ok(line.ends_with(" 1"))
}

/// Waits for so many further renewals of the Lease, in whose time statuses are reviewed many times.
async fn renewals(server: &ApiServer, count: usize) -> Result<()> {
    let renewals = |server: &ApiServer| server.writes().iter().filter(|write| write.starts_with("PUT")).count();
    let before = renewals(server);
    server.wait_for(|server| renewals(server) >= before + count).await.context("the Lease is not renewed")
}

fn is_ever_empty(server: &ApiServer, name: &str) -> bool {
    let history = server.history("ingresses", "default", name);
    history.iter().map(entries).skip_while(|entries| *entries == json!([])).any(|entries| entries == json!([]))
}

#[tokio::test]
async fn i20_addresses_and_names_of_the_flag_are_written() -> Result<()> {
    let server = ApiServer::start(&apps(&["a"])).await?;
    let _adit = replica(&server, "one", publishing(&["host.x", "1.2.3.4"])).await?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}, {"hostname": "host.x"}])).await
}

#[tokio::test]
async fn only_what_is_served_gets_a_status() -> Result<()> {
    let theirs = app("theirs", "traefik");
    let server = ApiServer::start(&(theirs + &apps(&["a"]))).await?;
    let adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    let ours = json!([{"ip": "1.2.3.4"}]);
    comes_to(&server, "a", &ours).await?;
    server.apply(&apps(&["b"]))?;
    comes_to(&server, "b", &ours).await?;
    assert!(adit.table().await?.to_string().contains("b.example.com"));
    renewals(&server, 2).await?;
    assert_eq!(status(&server, "theirs"), json!([]));
    assert_eq!(written(&server).len(), 2);
    Ok(())
}

#[tokio::test]
async fn two_replicas_have_one_writer_and_the_other_takes_over_when_it_is_killed() -> Result<()> {
    let server = ApiServer::start(&apps(&["a"])).await?;
    let first = replica(&server, "one", publishing(&["1.1.1.1"])).await?;
    comes_to(&server, "a", &json!([{"ip": "1.1.1.1"}])).await?;
    let second = replica(&server, "two", publishing(&["2.2.2.2"])).await?;
    server.apply(&apps(&["b"]))?;
    comes_to(&server, "b", &json!([{"ip": "1.1.1.1"}])).await?;
    renewals(&server, 2).await?;
    assert_eq!((holder(&server).as_str(), written(&server).len()), ("one", 2));
    assert!(!says_it_leads(&second).await?);

    drop(first);
    leads(&server, "two").await?;
    for name in ["a", "b"] {
        comes_to(&server, name, &json!([{"ip": "2.2.2.2"}])).await?;
        assert!(!is_ever_empty(&server, name));
    }
    assert_eq!(written(&server).len(), 4);
    assert!(says_it_leads(&second).await?);
    Ok(())
}

#[tokio::test]
async fn a_leader_that_ends_lets_the_lease_go_and_leaves_statuses_to_those_that_stay() -> Result<()> {
    let pods = pod("one", "n1", &json!({})) + &pod("two", "n2", &json!({}));
    let server = ApiServer::start(&(pods + &apps(&["a"]))).await?;
    let first = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}])).await?;
    let _second = replica(&server, "two", publishing(&["1.2.3.4"])).await?;
    first.shut_down().await?;
    let (resource, namespace, name) = LEASE;
    let leases = server.history(resource, namespace, name);
    assert!(leases.iter().any(|lease| lease["spec"]["holderIdentity"] == json!("")), "{leases:?}");
    leads(&server, "two").await?;
    server.apply(&apps(&["b"]))?;
    comes_to(&server, "b", &json!([{"ip": "1.2.3.4"}])).await?;
    assert!(!is_ever_empty(&server, "a"));
    Ok(())
}

#[tokio::test]
async fn the_last_replica_takes_its_addresses_away() -> Result<()> {
    let ending = json!({"deletionTimestamp": "2024-01-01T00:00:00Z"});
    let pods = pod("one", "n1", &ending) + &pod("two", "n2", &ending);
    let theirs = app("theirs", "traefik").replace("spec:", "status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}\nspec:");
    let server = ApiServer::start(&(pods + &theirs + &apps(&["a", "b"]))).await?;
    let adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    for name in ["a", "b"] {
        comes_to(&server, name, &json!([{"ip": "1.2.3.4"}])).await?;
    }
    adit.shut_down().await?;
    assert_eq!(
        ["a", "b", "theirs"].map(|name| status(&server, name)),
        [json!([]), json!([]), json!([{"ip": "1.2.3.4"}])]
    );
    assert_eq!(holder(&server), "");
    Ok(())
}

#[tokio::test]
async fn statuses_stay_where_nobody_knows_who_else_is_there_or_nobody_wants_them_gone() -> Result<()> {
    let server = ApiServer::start(&(pod("one", "n1", &json!({})) + &apps(&["a"]))).await?;
    let adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}])).await?;
    server.refuse("pods", true);
    adit.shut_down().await?;
    server.refuse("pods", false);
    let kept = StatusSettings { update_on_shutdown: false, ..publishing(&["1.2.3.4"]) };
    let adit = replica(&server, "one", kept).await?;
    leads(&server, "one").await?;
    adit.shut_down().await?;
    assert_eq!((status(&server, "a"), written(&server).len()), (json!([{"ip": "1.2.3.4"}]), 1));
    Ok(())
}

#[tokio::test]
async fn what_changes_its_class_loses_our_addresses_and_no_others() -> Result<()> {
    let server = ApiServer::start(&apps(&["a", "b"])).await?;
    let _adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    for name in ["a", "b"] {
        comes_to(&server, name, &json!([{"ip": "1.2.3.4"}])).await?;
    }
    server.apply(&app("a", "traefik"))?;
    let theirs = "status: {loadBalancer: {ingress: [{ip: 9.9.9.9}]}}\nspec:";
    server.apply(&app("b", "traefik").replace("spec:", theirs))?;
    comes_to(&server, "a", &json!([])).await?;
    renewals(&server, 2).await?;
    assert_eq!(status(&server, "b"), json!([{"ip": "9.9.9.9"}]));
    server.apply(&app("a", "nginx"))?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}])).await
}

#[tokio::test]
async fn nothing_is_written_while_nothing_changes() -> Result<()> {
    let server = ApiServer::start(&apps(&["a", "b", "c"])).await?;
    let adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    for name in ["a", "b", "c"] {
        comes_to(&server, name, &json!([{"ip": "1.2.3.4"}])).await?;
    }
    // That they have no Services is told once.
    server.comes_to("events", |events| events.len() == 3).await?;
    let (before, revision) = (server.writes().len(), adit.state()?.borrow().revision);
    renewals(&server, 4).await?;
    let writes = server.writes().split_off(before);
    assert!(
        writes.iter().all(|write| write.starts_with("PUT") && write.ends_with("/leases/adit-leader")),
        "{writes:?}"
    );
    // What came back of the statuses was none of the pipeline's business.
    assert_eq!((adit.state()?.borrow().revision, written(&server).len()), (revision, 3));
    Ok(())
}

#[tokio::test]
async fn a_status_that_somebody_else_changes_is_put_right() -> Result<()> {
    let server = ApiServer::start(&apps(&["a"])).await?;
    let _adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}])).await?;
    let theirs = "status: {loadBalancer: {ingress: [{ip: 9.9.9.9}]}}\nspec:";
    server.apply(&app("a", "nginx").replace("spec:", theirs))?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}])).await
}

#[tokio::test]
async fn the_addresses_are_those_of_the_service_as_far_as_they_are_known() -> Result<()> {
    let server = ApiServer::start(&(load_balancer(&json!([])) + &apps(&["a"]))).await?;
    let adit = replica(&server, "one", publishing_service()).await?;
    leads(&server, "one").await?;
    renewals(&server, 1).await?;
    assert_eq!(written(&server), [""; 0]);
    let revision = adit.state()?.borrow().revision;
    server.apply(&load_balancer(&json!([{"hostname": "lb.example.com"}, {"ip": "1.2.3.4"}])))?;
    let known = json!([{"ip": "1.2.3.4"}, {"hostname": "lb.example.com"}]);
    comes_to(&server, "a", &known).await?;
    assert_eq!(adit.state()?.borrow().revision, revision);
    server.apply(&load_balancer(&json!([])))?;
    renewals(&server, 1).await?;
    server.delete("services", "adit", "adit")?;
    renewals(&server, 1).await?;
    assert_eq!(status(&server, "a"), known);
    server.apply(&load_balancer(&json!([{"ip": "5.6.7.8"}])))?;
    comes_to(&server, "a", &json!([{"ip": "5.6.7.8"}])).await?;
    assert!(!is_ever_empty(&server, "a"));
    Ok(())
}

#[tokio::test]
async fn without_either_flag_the_addresses_are_those_of_our_nodes() -> Result<()> {
    let nodes = node("n1", "10.0.0.1") + &node("n2", "10.0.0.2") + &node("n3", "10.0.0.3");
    let mut not_ready: Value = serde_json::from_str(pod("three", "n3", &json!({})).trim_end_matches("\n---\n"))?;
    not_ready["status"]["conditions"][0]["status"] = json!("False");
    let pods = pod("one", "n1", &json!({})) + &pod("two", "n2", &json!({})) + &format!("{not_ready}\n---\n");
    let server = ApiServer::start(&(nodes + &pods + &apps(&["a"]))).await?;
    server.fail("nodes", [Fault::Status(500)]);
    let _adit = replica(&server, "one", publishing(&[])).await?;
    comes_to(&server, "a", &json!([{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}])).await?;
    server.refuse("nodes", true);
    renewals(&server, 1).await?;
    assert_eq!(written(&server).len(), 1);
    server.refuse("nodes", false);
    server.delete("pods", "adit", "two")?;
    comes_to(&server, "a", &json!([{"ip": "10.0.0.1"}])).await
}

#[tokio::test]
async fn an_api_server_that_fails_delays_a_status_and_stops_nothing() -> Result<()> {
    let server = ApiServer::start(&apps(&["a"])).await?;
    server.fail("ingresses/status", [Fault::Status(500), Fault::Busy(1), Fault::Status(409), Fault::Cut]);
    let adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}])).await?;
    server.failed().await?;
    server.refuse("ingresses/status", true);
    server.apply(&apps(&["b"]))?;
    renewals(&server, 1).await?;
    server.refuse("ingresses/status", false);
    comes_to(&server, "b", &json!([{"ip": "1.2.3.4"}])).await?;
    assert!(adit.table().await?.to_string().contains("a.example.com"));
    Ok(())
}

#[tokio::test]
async fn a_lost_lease_stops_the_writing_and_nothing_else() -> Result<()> {
    let server = ApiServer::start(&apps(&["a"])).await?;
    let adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}])).await?;
    server.refuse("leases", true);
    while says_it_leads(&adit).await? {
        tokio::task::yield_now().await;
    }
    server.apply(&apps(&["b"]))?;
    let mut state = adit.state()?;
    while !adit.table().await?.to_string().contains("b.example.com") {
        state.changed().await?;
    }
    assert_eq!((status(&server, "a"), status(&server, "b")), (json!([{"ip": "1.2.3.4"}]), json!([])));
    server.refuse("leases", false);
    comes_to(&server, "b", &json!([{"ip": "1.2.3.4"}])).await?;
    assert!(!is_ever_empty(&server, "a"));
    Ok(())
}

#[tokio::test]
async fn without_an_election_every_replica_writes() -> Result<()> {
    let server = ApiServer::start(&apps(&["a"])).await?;
    let status = StatusSettings { election: false, ..publishing(&["1.2.3.4"]) };
    let _adit = replica(&server, "one", status).await?;
    comes_to(&server, "a", &json!([{"ip": "1.2.3.4"}])).await?;
    assert!(server.writes().iter().all(|write| !write.contains("/leases")));
    Ok(())
}

#[tokio::test]
async fn many_statuses_are_written_each_once() -> Result<()> {
    let names: Vec<_> = (0..200).map(|number| format!("app-{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let server = ApiServer::start(&apps(&names)).await?;
    let _adit = replica(&server, "one", publishing(&["1.2.3.4"])).await?;
    for name in names {
        comes_to(&server, name, &json!([{"ip": "1.2.3.4"}])).await?;
    }
    assert_eq!(written(&server).len(), 200);
    Ok(())
}
