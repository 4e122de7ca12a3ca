//! Adit writes the statuses of Gateway API's objects: what it finds of each generation, and nothing of what is others'.

use anyhow::{Context, Result};
use controller::settings::{ClusterSettings, ServeSettings, StatusSettings};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tests::adit::{Adit, on_loopback};
use tests::apiserver::{ApiServer, Fault};
use tests::ports::own_address;

const CONTROLLER: &str = "adit.dev/gateway-controller";

const CLASS_AND_GATEWAY: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: adit, generation: 1}
spec: {controllerName: adit.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, generation: 1}
spec:
  gatewayClassName: adit
  listeners: [{name: web, port: 80, protocol: HTTP}]
---
"#;

/// A route to a Service that does not exist.
fn route(generation: u32, parent: &str) -> String {
    format!(
        r#"
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: shop, generation: {generation}}}
spec:
  parentRefs: [{{name: {parent}}}]
  rules: [{{backendRefs: [{{name: shop, port: 80}}]}}]
---
"#
    )
}

async fn start(manifests: &str) -> Result<(ApiServer, Adit)> {
    start_on(on_loopback(ServeSettings::default()), manifests).await
}

async fn start_on(serve: ServeSettings, manifests: &str) -> Result<(ApiServer, Adit)> {
    let server = ApiServer::start(manifests).await?;
    server.offer("v1", &["gatewayclasses", "gateways", "httproutes", "referencegrants", "backendtlspolicies"]);
    server.offer_policies();
    let addresses = ["203.0.113.1", "lb.example.com"].map(|text| text.parse().expect("an address")).to_vec();
    let status = StatusSettings { election: false, addresses, ..StatusSettings::default() };
    let cluster = ClusterSettings {
        apiserver: Some(server.url().to_owned()),
        discovery_interval: Duration::from_millis(20),
        status,
        ..ClusterSettings::default()
    };
    let adit = Adit::watch_on(serve, &cluster).await?;
    Ok((server, adit))
}

/// Waits until the status of an object fits.
async fn comes_to(server: &ApiServer, resource: &str, name: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let namespace = if resource == "gatewayclasses" { "" } else { "default" };
    let status = |server: &ApiServer| {
        server.object(resource, namespace, name).map(|object| object["status"].clone()).unwrap_or_default()
    };
    let outcome = server.wait_for(|server| fits(&status(server))).await;
    outcome.with_context(|| format!("the status of {name} did not come to that: {:#}", status(server)))?;
    Ok(status(server))
}

/// The condition of this type, as `status reason generation`.
fn condition(part: &Value, kind: &str) -> String {
    let mut conditions = part["conditions"].as_array().into_iter().flatten();
    let found = conditions.find(|condition| condition["type"] == kind).cloned().unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", text("status"), text("reason"), found["observedGeneration"])
}

fn written(server: &ApiServer) -> usize {
    server.writes().iter().filter(|write| write.ends_with("/status")).count()
}

#[tokio::test]
async fn each_object_says_what_became_of_it() -> Result<()> {
    let (server, _adit) = start(&(CLASS_AND_GATEWAY.to_owned() + &route(1, "edge"))).await?;
    let class =
        comes_to(&server, "gatewayclasses", "adit", |status| condition(status, "Accepted") == "True Accepted 1")
            .await?;
    let features = class["supportedFeatures"].as_array().context("no features")?;
    assert!(features.contains(&json!({"name": "HTTPRoute"})), "{features:?}");
    let is_programmed = |status: &Value| condition(status, "Programmed") == "True Programmed 1";
    let gateway = comes_to(&server, "gateways", "edge", is_programmed).await?;
    let addresses = json!([
        {"type": "IPAddress", "value": "203.0.113.1"},
        {"type": "Hostname", "value": "lb.example.com"},
    ]);
    assert_eq!(gateway["addresses"], addresses);
    let [listener] = gateway["listeners"].as_array().context("no listeners")?.as_slice() else { panic!("one") };
    assert_eq!((&listener["name"], &listener["attachedRoutes"]), (&json!("web"), &json!(1)));
    assert_eq!(condition(listener, "Programmed"), "True Programmed 1");
    let is_unresolved = |status: &Value| condition(&status["parents"][0], "ResolvedRefs") == "False BackendNotFound 1";
    let status = comes_to(&server, "httproutes", "shop", is_unresolved).await?;
    let [parent] = status["parents"].as_array().context("no parents")?.as_slice() else { panic!("one") };
    assert_eq!(condition(parent, "Accepted"), "True Accepted 1");
    assert_eq!((&parent["controllerName"], &parent["parentRef"]["name"]), (&json!(CONTROLLER), &json!("edge")));
    Ok(())
}

#[tokio::test]
async fn each_generation_is_told_of_once() -> Result<()> {
    let (server, _adit) = start(&(CLASS_AND_GATEWAY.to_owned() + &route(1, "edge"))).await?;
    let accepted = |generation: u32| format!("True Accepted {generation}");
    let of_route = |status: &Value| condition(&status["parents"][0], "Accepted");
    comes_to(&server, "gatewayclasses", "adit", |status| condition(status, "Accepted") == accepted(1)).await?;
    comes_to(&server, "httproutes", "shop", |status| of_route(status) == accepted(1)).await?;
    comes_to(&server, "gateways", "edge", |status| status["listeners"][0]["attachedRoutes"] == 1).await?;
    let before = written(&server);
    for generation in 2..5 {
        server.apply(&route(generation, "edge"))?;
        comes_to(&server, "httproutes", "shop", |status| of_route(status) == accepted(generation)).await?;
    }
    assert_eq!(written(&server), before + 3);
    Ok(())
}

#[tokio::test]
async fn what_others_write_stays_whenever_they_write_it() -> Result<()> {
    let foreign = json!({
        "parentRef": {"name": "other"},
        "controllerName": "example.com/other",
        "conditions": [{"type": "Accepted", "status": "True"}],
    });
    let with_status = |generation: u32, parent: &str| {
        let documents: Vec<Value> = serde_saphyr::from_multiple(&route(generation, parent)).expect("a route");
        let mut route = documents[0].clone();
        route["status"] = json!({"parents": [foreign]});
        route.to_string()
    };
    let (server, _adit) = start(&(CLASS_AND_GATEWAY.to_owned() + &with_status(1, "edge"))).await?;
    let parents = |status: &Value| status["parents"].as_array().map_or(0, Vec::len);
    let both = comes_to(&server, "httproutes", "shop", |status| parents(status) == 2).await?;
    assert_eq!(both["parents"][0], foreign);

    // The other one writes all of it anew while ours is on its way.
    server.fail("httproutes/status", [Fault::Held]);
    server.apply(&route(2, "edge"))?;
    server.failed().await?;
    server.apply(&with_status(3, "edge"))?;
    server.fail("httproutes/status", [Fault::Status(500)]);
    server.release();
    let both = comes_to(&server, "httproutes", "shop", |status| parents(status) == 2).await?;
    assert_eq!(both["parents"][0], foreign);
    assert_eq!(condition(&both["parents"][1], "Accepted"), "True Accepted 3");

    server.apply(&route(4, "other"))?;
    let alone = comes_to(&server, "httproutes", "shop", |status| parents(status) == 1).await?;
    assert_eq!(alone["parents"][0], foreign);
    Ok(())
}

#[tokio::test]
async fn a_policy_tells_of_its_authorities_as_they_come() -> Result<()> {
    let policy = r#"
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: shop, generation: 1}
spec:
  targetRefs: [{group: "", kind: Service, name: shop}]
  validation: {hostname: shop.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: authority}]}
---
"#;
    let (server, _adit) = start(&(CLASS_AND_GATEWAY.to_owned() + &route(1, "edge") + policy)).await?;
    let conditions = |status: &Value| ["Accepted", "ResolvedRefs"].map(|kind| condition(&status["ancestors"][0], kind));
    let missing = ["False NoValidCACertificate 1", "False InvalidCACertificateRef 1"];
    let status = comes_to(&server, "backendtlspolicies", "shop", |status| conditions(status) == missing).await?;
    let ancestor =
        json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge", "namespace": "default"});
    assert_eq!(status["ancestors"][0]["ancestorRef"], ancestor);

    let pem = rcgen::generate_simple_self_signed(["authority".to_owned()])?.cert.pem();
    let metadata = json!({"name": "authority"});
    let authority = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": pem}});
    server.apply(&authority.to_string())?;
    let found = ["True Accepted 1", "True ResolvedRefs 1"];
    comes_to(&server, "backendtlspolicies", "shop", |status| conditions(status) == found).await?;
    Ok(())
}

/// An AditPolicy, and a route with a rule that names it.
fn policed(generation: u32, spec: &str, status: &Value) -> String {
    format!(
        r#"
apiVersion: adit.dev/v1alpha1
kind: AditPolicy
metadata: {{name: limits, generation: {generation}}}
spec: {spec}
status: {status}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: shop, generation: 1}}
spec:
  parentRefs: [{{name: edge}}]
  rules:
  - filters: [{{type: ExtensionRef, extensionRef: {{group: adit.dev, kind: AditPolicy, name: limits}}}}]
    backendRefs: [{{name: shop, port: 80}}]
---
"#
    )
}

#[tokio::test]
async fn a_policy_of_rules_tells_what_is_wrong_with_it_and_keeps_what_others_tell() -> Result<()> {
    let foreign = json!({
        "ancestorRef": {"name": "edge"},
        "controllerName": "example.com/other",
        "conditions": [{"type": "Accepted", "status": "True"}],
    });
    let told = json!({"ancestors": [foreign]});
    let (server, _adit) = start(&(CLASS_AND_GATEWAY.to_owned() + &policed(1, "{limitRps: -1}", &told))).await?;
    let conditions =
        |status: &Value| ["Accepted", "PartiallyInvalid"].map(|kind| condition(&status["ancestors"][1], kind));
    let refused = ["False Invalid 1", "  null"];
    let status = comes_to(&server, "aditpolicies", "limits", |status| conditions(status) == refused).await?;
    let ours = &status["ancestors"][1];
    let edge = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge", "namespace": "default"});
    assert_eq!((&status["ancestors"][0], &ours["ancestorRef"]), (&foreign, &edge));
    assert_eq!(ours["controllerName"], CONTROLLER);
    let message = ours["conditions"][0]["message"].as_str().context("no message")?;
    assert!(message.starts_with("spec.limitRps: \"-1\" is not valid: expected a whole number"), "{message}");

    server.apply(&policed(2, "{limitRps: 1, proxyConnectTimeout: 0}", &status))?;
    let partly = ["True Accepted 2", "True UnsupportedValue 2"];
    let status = comes_to(&server, "aditpolicies", "limits", |status| conditions(status) == partly).await?;
    server.apply(&policed(3, "{limitRps: 1}", &status))?;
    let accepted = ["True Accepted 3", "  null"];
    comes_to(&server, "aditpolicies", "limits", |status| conditions(status) == accepted).await?;

    server.apply(&route(2, "edge"))?;
    let is_left = |status: &Value| status["ancestors"] == json!([foreign]);
    comes_to(&server, "aditpolicies", "limits", is_left).await?;
    Ok(())
}

/// Whether it can be opened is known here alone, and changes without an object.
#[tokio::test]
async fn a_listener_whose_port_is_taken_is_not_programmed_until_it_is_free() -> Result<()> {
    let address = own_address();
    let occupant = TcpListener::bind(SocketAddr::new(address, 8081))?;
    let serve = ServeSettings { bind_address: Some(address), ..on_loopback(ServeSettings::default()) };
    let taken = CLASS_AND_GATEWAY.replace("port: 80,", "port: 8081,");
    let (server, _adit) = start_on(serve, &taken).await?;
    let programmed = |status: &Value| [status, &status["listeners"][0]].map(|part| condition(part, "Programmed"));
    let waits = ["False Pending 1", "False Pending 1"];
    let status = comes_to(&server, "gateways", "edge", |status| programmed(status) == waits).await?;
    let conditions = status["listeners"][0]["conditions"].as_array().context("no conditions")?;
    let messages: Vec<_> = conditions.iter().filter_map(|condition| condition["message"].as_str()).collect();
    let says = |message: &&str| message.starts_with("port 8081 cannot be opened, and is tried again");
    assert!(messages.iter().any(says), "{messages:?}");
    assert_eq!(condition(&status["listeners"][0], "Accepted"), "True Accepted 1");
    drop(occupant);
    let serves = ["True Programmed 1", "True Programmed 1"];
    comes_to(&server, "gateways", "edge", |status| programmed(status) == serves).await?;
    Ok(())
}
