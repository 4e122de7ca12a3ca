//! Gateways that have a Service for themselves: Adit makes it, and serves each on ports of its own.

use anyhow::{Context, Result};
use controller::settings::{ClusterSettings, ControllerSettings, ServeSettings, StatusSettings};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tests::adit::{Adit, documents, on_loopback};
use tests::apiserver::ApiServer;
use tests::backend::answering;
use tests::connection::Connection;
use tests::objects;
use tests::ports::{opens, own_address};

const RED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nred";
const BLUE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nblue";

/// A class whose Gateways have a Service each, and Adit's own Service with an endpoint.
fn class() -> Vec<Value> {
    let class = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "adit", "generation": 1},
        "spec": {
            "controllerName": "adit.dev/gateway-controller",
            "parametersRef": {"group": "", "kind": "ConfigMap", "namespace": "adit", "name": "gateways"},
        },
    });
    let parameters = objects::config_map("gateways", &json!({"service-type": "LoadBalancer"}));
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "adit", "namespace": "adit"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}},
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "adit-1", "namespace": "adit", "labels": {"kubernetes.io/service-name": "adit"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.244.0.7"], "conditions": {"ready": true}, "nodeName": "node1"}],
        "ports": [{"name": "http", "port": 80}],
    });
    vec![class, parameters, service, slice]
}

/// A Gateway at port 80, with an HTTPRoute for all hosts to a Service with this endpoint.
fn gateway(name: &str, backend: SocketAddr) -> Vec<Value> {
    let gateway = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "generation": 1},
        "spec": {
            "gatewayClassName": "adit",
            "infrastructure": {"labels": {"team": name}},
            "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}],
        },
    });
    let route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "generation": 1},
        "spec": {"parentRefs": [{"name": name}], "rules": [{"backendRefs": [{"name": name, "port": 80}]}]},
    });
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 80}]},
    });
    let slice = tests::adit::slice(name, 0, backend);
    vec![gateway, route, service, slice]
}

/// An Adit that leads, its API server, and the address that it listens on.
async fn start(objects: Vec<Value>) -> Result<(ApiServer, Adit, IpAddr)> {
    let server = ApiServer::start(&documents(objects)).await?;
    server.offer("v1", &["gatewayclasses", "gateways", "httproutes", "referencegrants"]);
    let published = Some("adit/adit".parse().map_err(anyhow::Error::msg)?);
    let status = StatusSettings { election: false, publish_service: published.clone(), ..StatusSettings::default() };
    let cluster = ClusterSettings {
        apiserver: Some(server.url().to_owned()),
        discovery_interval: Duration::from_millis(20),
        status,
        ..ClusterSettings::default()
    };
    let controller = ControllerSettings { published_service: published, ..ControllerSettings::default() };
    let address = own_address();
    let serve = ServeSettings { bind_address: Some(address), ..on_loopback(ServeSettings::default()) };
    let adit = Adit::watch_with(controller, serve, &cluster).await?;
    Ok((server, adit, address))
}

/// The Service of a Gateway, once it is there.
async fn service_of(server: &ApiServer, gateway: &str) -> Result<Value> {
    let find = |server: &ApiServer| server.object("services", "default", &format!("{gateway}-adit"));
    server.wait_for(|server| find(server).is_some()).await.with_context(|| format!("no Service for {gateway}"))?;
    find(server).context("it is gone")
}

fn target(service: &Value) -> Result<u16> {
    let target = service.pointer("/spec/ports/0/targetPort").and_then(Value::as_u64).context("no target port")?;
    Ok(u16::try_from(target)?)
}

/// What is answered there.
async fn ask(at: SocketAddr) -> Result<String> {
    opens(at).await?;
    let mut connection = Connection::open(at).await?;
    connection.send("GET / HTTP/1.1\r\nHost: any.example.com\r\n\r\n").await?;
    Ok(String::from_utf8(connection.response("GET").await?.body)?)
}

/// The condition `Programmed` of a Gateway, and its addresses.
fn programmed(server: &ApiServer, gateway: &str) -> (Value, Value) {
    let status =
        server.object("gateways", "default", gateway).map(|object| object["status"].clone()).unwrap_or_default();
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    let programmed = conditions.find(|condition| condition["type"] == "Programmed").cloned().unwrap_or_default();
    (programmed["reason"].clone(), status["addresses"].clone())
}

#[tokio::test]
async fn each_gateway_has_an_address_and_hosts_of_its_own() -> Result<()> {
    let (red, blue) = (answering(RED).await?, answering(BLUE).await?);
    let objects = [class(), gateway("red", red), gateway("blue", blue)].concat();
    let (server, _adit, address) = start(objects).await?;
    for (name, other) in [("red", "blue"), ("blue", "red")] {
        let service = service_of(&server, name).await?;
        assert_eq!(
            (&service["spec"]["type"], &service["metadata"]["labels"]["team"]),
            (&json!("LoadBalancer"), &json!(name))
        );
        let at = SocketAddr::from((address, target(&service)?));
        assert_eq!(ask(at).await?, name, "and not {other}");
    }
    let is_mirrored = |server: &ApiServer| server.object("endpointslices", "default", "red-adit-adit-1").is_some();
    server.wait_for(is_mirrored).await?;

    server.wait_for(|server| programmed(server, "red").0 == "AddressNotAssigned").await?;
    let mut balanced = service_of(&server, "red").await?;
    balanced["status"] = json!({"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}});
    server.apply(&documents([balanced]))?;
    let assigned = (json!("Programmed"), json!([{"type": "IPAddress", "value": "203.0.113.7"}]));
    server.wait_for(|server| programmed(server, "red") == assigned).await
}

#[tokio::test]
async fn endpoints_follow_those_of_adit() -> Result<()> {
    let backend = answering(RED).await?;
    let (server, _adit, _) = start([class(), gateway("red", backend)].concat()).await?;
    let mirrored =
        |server: &ApiServer| server.object("endpointslices", "default", "red-adit-adit-1").unwrap_or_default();
    server.wait_for(|server| mirrored(server)["endpoints"][0]["addresses"] == json!(["10.244.0.7"])).await?;
    let mut source = server.object("endpointslices", "adit", "adit-1").context("no endpoints")?;
    source["endpoints"] = json!([{"addresses": ["10.244.1.8"], "conditions": {"ready": false, "serving": true}}]);
    server.apply(&documents([source.clone()]))?;
    server.wait_for(|server| mirrored(server)["endpoints"] == source["endpoints"]).await
}

#[tokio::test]
async fn a_gateway_that_asks_for_none_any_more_is_at_the_addresses_of_adit() -> Result<()> {
    let backend = answering(RED).await?;
    let (server, _adit, _) = start([class(), gateway("red", backend)].concat()).await?;
    service_of(&server, "red").await?;
    let mut parameters = server.object("configmaps", "adit", "gateways").context("no parameters")?;
    parameters["data"] = json!({"service-type": "Shared"});
    server.apply(&documents([parameters]))?;
    server.wait_for(|server| server.object("services", "default", "red-adit").is_none()).await?;
    let is_free = |server: &ApiServer| {
        let list = server.object("configmaps", "adit", "adit-gateway-ports").unwrap_or_default();
        list["data"].as_object().is_none_or(serde_json::Map::is_empty)
    };
    server.wait_for(is_free).await?;
    let assigned = (json!("Programmed"), json!([{"type": "IPAddress", "value": "203.0.113.1"}]));
    server.wait_for(|server| programmed(server, "red") == assigned).await
}

/// Whoever may change Services in a namespace must not get at the port of another Gateway.
#[tokio::test]
async fn a_service_does_not_say_on_which_port_a_gateway_is_served() -> Result<()> {
    let (red, blue) = (answering(RED).await?, answering(BLUE).await?);
    let objects = [class(), gateway("red", red), gateway("blue", blue)].concat();
    let (server, _adit, address) = start(objects).await?;
    let port = target(&service_of(&server, "red").await?)?;
    let mut changed = service_of(&server, "blue").await?;
    let own = target(&changed)?;
    changed["spec"]["ports"][0]["targetPort"] = json!(port);
    server.apply(&documents([changed]))?;
    let is_restored = |server: &ApiServer| {
        let service = server.object("services", "default", "blue-adit").unwrap_or_default();
        service["spec"]["ports"][0]["targetPort"] == own
    };
    server.wait_for(is_restored).await?;
    let at = SocketAddr::from((address, port));
    assert_eq!(ask(at).await?, "red");
    Ok(())
}
