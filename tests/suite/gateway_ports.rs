//! Ports that listeners of Gateways ask for: they come, go, change and fail at run time.

use anyhow::{Context, Result};
use controller::pipeline::State;
use controller::settings::ServeSettings;
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::Arc;
use tests::adit::{Adit, documents, on_loopback, slice};
use tests::backend::{mirror, scripted};
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::http2::Http2;
use tests::objects;
use tests::ports::{opens, own_address, refuses};
use tests::tls::Offer;
use tokio::sync::Notify;
use tokio::time::timeout;

/// An Adit with two workers, at an address of its own.
struct World {
    adit: Adit,
    address: IpAddr,
    backend: SocketAddr,
}

impl World {
    async fn start(backend: SocketAddr, listeners: &[Value]) -> Result<Self> {
        Self::start_with(json!({}), backend, listeners).await
    }

    async fn start_with(config: Value, backend: SocketAddr, listeners: &[Value]) -> Result<Self> {
        let address = own_address();
        let loopback = on_loopback(ServeSettings::default());
        let serve = ServeSettings { bind_address: Some(address), workers: NonZero::new(2), ..loopback };
        let config = objects::config_map("adit", &config);
        let documents = format!("{}{}", manifests(backend, listeners)?, documents([config]));
        Ok(Self { adit: Adit::start_on(serve, &documents).await?, address, backend })
    }

    async fn replace(&mut self, listeners: &[Value]) -> Result<()> {
        self.adit.replace(&manifests(self.backend, listeners)?).await
    }

    fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }

    /// Connects to a port as soon as it is open.
    async fn connect(&self, port: u16) -> Result<Connection> {
        opens(self.at(port)).await?;
        Connection::open(self.at(port)).await
    }
}

fn http(port: u16) -> Value {
    json!({"name": format!("p{port}"), "port": port, "protocol": "HTTP"})
}

fn https(port: u16) -> Value {
    json!({"name": format!("p{port}"), "port": port, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "h"}]}})
}

/// A Gateway with these listeners, and all requests to the backend.
fn manifests(backend: SocketAddr, listeners: &[Value]) -> Result<String> {
    let object = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let rules = json!([{"backendRefs": [{"name": "backend", "port": 80}]}]);
    Ok(documents([
        object("GatewayClass", "adit", json!({"controllerName": "adit.dev/gateway-controller"})),
        object("Gateway", "edge", json!({"gatewayClassName": "adit", "listeners": listeners})),
        object("HTTPRoute", "all", json!({"parentRefs": [{"name": "edge"}], "rules": rules})),
        objects::backend(),
        slice("backend", 0, backend),
        objects::certificate("h")?,
    ]))
}

async fn get(connection: &mut Connection) -> Result<Response> {
    connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    connection.response("GET").await
}

/// A backend that answers `ok`, and on `/held` only half of it until it is told to go on.
async fn holding(go_on: Arc<Notify>) -> Result<SocketAddr> {
    scripted(move |_, mut connection| {
        let go_on = go_on.clone();
        async move {
            while let Some(head) = connection.request().await? {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no").await?;
                if head.target == "/held" {
                    go_on.notified().await;
                }
                connection.send("k").await?;
            }
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn ports_come_and_go_while_others_serve() -> Result<()> {
    let go_on = Arc::new(Notify::new());
    let mut world = World::start(holding(go_on.clone()).await?, &[http(8081)]).await?;
    let (mut idle, mut busy) = (world.connect(8081).await?, world.connect(8081).await?);
    let multiplexed = Http2::open(world.at(8081)).await?;
    assert_eq!(multiplexed.get("http://h/").await?.status, 200);
    assert_eq!(get(&mut idle).await?.status, 200);

    world.replace(&[http(8081), http(8082)]).await?;
    let mut other = world.connect(8082).await?;
    assert_eq!(get(&mut other).await?.status, 200);
    let response = get(&mut idle).await?;
    assert!(response.status == 200 && !response.closed, "the first port is not disturbed: {response:?}");
    busy.send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(busy.response_head().await?.status, 200);

    world.replace(&[http(8082)]).await?;
    refuses(world.at(8081)).await?;
    assert!(idle.is_closed().await, "it waits for nothing");
    assert_eq!(multiplexed.ended_by_server().await?, None, "as gracefully");
    let response = get(&mut other).await?;
    assert!(response.status == 200 && !response.closed, "nor is the second one disturbed: {response:?}");
    go_on.notify_one();
    assert_eq!(busy.bytes(2).await?, b"ok", "its request is finished");
    assert!(busy.is_closed().await, "and is its last one");

    world.replace(&[http(8081), http(8082)]).await?;
    assert_eq!(get(&mut world.connect(8081).await?).await?.status, 200, "and opens again");
    assert_eq!(get(&mut other).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_port_changes_its_protocol() -> Result<()> {
    let mut world = World::start(mirror().await?, &[http(8081)]).await?;
    let mut plain = world.connect(8081).await?;
    assert_eq!(get(&mut plain).await?.status, 200);
    world.replace(&[https(8081)]).await?;
    assert!(plain.is_closed().await);
    let offer = Offer { server_name: Some("h".to_owned()), ..Offer::default() };
    // For a moment the old listener may still take who comes.
    let secured = async {
        loop {
            if let Ok(secured) = Connection::open_tls(world.at(8081), &offer).await {
                return secured;
            }
        }
    };
    let seen = get(&mut timeout(PATIENCE, secured).await.context("no TLS in time")?).await?;
    let body = String::from_utf8(seen.body)?;
    assert!(body.contains("x-forwarded-port: 8081\n") && body.contains("x-forwarded-proto: https\n"), "{body}");
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_reported_and_opened_when_it_is_free() -> Result<()> {
    let mut world = World::start(mirror().await?, &[]).await?;
    let occupant = TcpListener::bind(world.at(8081))?;
    world.replace(&[http(8081), http(8082)]).await?;
    assert_eq!(get(&mut world.connect(8082).await?).await?.status, 200);
    let text = "Gateway default/edge: spec.listeners[0].port: \"8081\" cannot be opened";
    let says = |state: &State| state.diagnostics.iter().any(|diagnostic| diagnostic.to_string().contains(text));
    world.adit.reaches(says).await?;
    drop(occupant);
    assert_eq!(get(&mut world.connect(8081).await?).await?.status, 200);
    world.adit.reaches(|state| !says(state)).await
}

#[tokio::test]
async fn a_client_behind_a_load_balancer_is_known_on_every_port() -> Result<()> {
    let config = json!({"use-proxy-protocol": "true", "proxy-real-ip-cidr": "127.0.0.0/8"});
    let world = World::start_with(config, mirror().await?, &[http(8081), https(8443)]).await?;
    let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\n";
    for (port, offer) in [(8081, None), (8443, Some(Offer::default()))] {
        opens(world.at(port)).await?;
        let mut connection = Connection::open_behind_proxy(world.at(port), header, offer.as_ref()).await?;
        let body = String::from_utf8(get(&mut connection).await?.body)?;
        assert!(body.contains("x-real-ip: 192.0.2.1\n"), "{port}: {body}");
    }
    Ok(())
}
