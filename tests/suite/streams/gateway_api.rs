//! TCPRoutes and UDPRoutes: who gets the sessions of a Gateway's listener, and when its port is open.

use super::world::{World, at, connect, echoes, free_port, refuses, service, tcp_echo, udp_echo};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use tests::connection::PATIENCE;
use tests::objects;
use tokio::io::AsyncReadExt;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Enough for each backend of the tests to have one, but once in a million million runs.
const SESSIONS: usize = 100;

/// The Gateway `edge` with a listener on this port, and its class.
fn edge(protocol: &str, port: u16) -> Vec<Value> {
    objects::gateway(&listeners(protocol, port)).into()
}

fn listeners(protocol: &str, port: u16) -> Value {
    json!([{"name": "main", "port": port, "protocol": protocol}])
}

fn gateway(name: &str, protocol: &str, port: u16) -> Value {
    let [_, mut gateway] = objects::gateway(&listeners(protocol, port));
    gateway["metadata"]["name"] = json!(name);
    gateway
}

/// A route to the Gateway `edge` that is as old as this year.
fn route(kind: &str, name: &str, year: u16, backends: &Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, "creationTimestamp": format!("{year}-01-01T00:00:00Z")},
        "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": backends}]},
    })
}

/// Two Services with half of the sessions, one without a weight, and one that does not exist with the other half.
fn shares() -> Value {
    let backend = |name: &str, weight: u32| json!({"name": name, "port": 80, "weight": weight});
    json!([backend("a", 1), backend("b", 1), backend("idle", 0), backend("none", 2)])
}

/// Who says a name on a new connection, or `-` if it is closed.
async fn who(port: u16) -> Result<char> {
    let mut stream = connect(port).await?;
    let said = timeout(PATIENCE, stream.read_u8()).await.context("neither a word nor an end")?;
    Ok(said.map_or('-', char::from))
}

#[tokio::test]
async fn connections_are_given_to_backends_by_weight() -> Result<()> {
    let port = free_port();
    let mut objects = edge("TCP", port);
    for name in ["a", "b", "idle"] {
        objects.extend(service(name, "TCP", &[tcp_echo(name).await?]));
    }
    objects.push(route("TCPRoute", "t", 2024, &shares()));
    let mut world = World::start(objects).await?;
    let (mut answers, mut logged) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..SESSIONS {
        answers.insert(who(port).await?);
        let line = world.logged().await?;
        let [_, _, status, _, backend, _] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        logged.insert(format!("{status} {backend}"));
    }
    assert_eq!(answers, BTreeSet::from(['-', 'a', 'b']));
    let expected = ["200 tcp-default-a-80", "200 tcp-default-b-80", "502 tcp-nowhere"];
    assert_eq!(logged, expected.map(str::to_owned).into());
    Ok(())
}

#[tokio::test]
async fn sessions_of_udp_are_given_to_backends_by_weight() -> Result<()> {
    let port = free_port();
    let mut objects = edge("UDP", port);
    for name in ["a", "b", "idle"] {
        objects.extend(service(name, "UDP", &[udp_echo(name).await?]));
    }
    objects.push(route("UDPRoute", "u", 2024, &shares()));
    let mut world = World::start(objects).await?;
    world.opens(port).await?;
    let mut seen = BTreeSet::new();
    for _ in 0..SESSIONS {
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        client.connect(at(port)).await?;
        client.send(b"?").await?;
        let line = world.logged().await?;
        let [_, _, status, bytes, backend, _] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        seen.insert(format!("{status} {bytes} {backend}"));
        if status == "200" {
            let mut answer = [0; 16];
            let length = timeout(PATIENCE, client.recv(&mut answer)).await.context("no answer")??;
            assert!(["a?", "b?"].contains(&str::from_utf8(&answer[..length])?));
        }
    }
    let expected = ["200 1/2 udp-default-a-80", "200 1/2 udp-default-b-80", "502 1/0 udp-nowhere"];
    assert_eq!(seen, expected.map(str::to_owned).into());
    Ok(())
}

#[tokio::test]
async fn the_oldest_route_has_the_port_for_as_long_as_it_is_there() -> Result<()> {
    let port = free_port();
    let mut objects = edge("TCP", port);
    for name in ["a", "b"] {
        objects.extend(service(name, "TCP", &[tcp_echo(name).await?]));
    }
    let to = |name: &str, year, service: &str| route("TCPRoute", name, year, &json!([{"name": service, "port": 80}]));
    objects.extend([to("older", 2024, "a"), to("younger", 2025, "b")]);
    let mut world = World::start(objects).await?;
    for _ in 0..10 {
        assert_eq!(who(port).await?, 'a');
    }
    world.says("TCPRoute default/younger: spec.parentRefs: is to listener main, which an older route has").await?;
    let mut kept = connect(port).await?;
    assert_eq!(kept.read_u8().await?, b'a');
    // It is the younger one now.
    world.apply([to("older", 2026, "a")]).await?;
    assert_eq!(who(port).await?, 'b');
    echoes(&mut kept, "what is open stays where it is").await
}

#[tokio::test]
async fn a_port_is_open_while_a_route_is_attached() -> Result<()> {
    let (first, second) = (free_port(), free_port());
    let mut objects = edge("TCP", first);
    objects.extend(service("a", "TCP", &[tcp_echo("a").await?]));
    objects.push(route("TCPRoute", "t", 2024, &json!([{"name": "a", "port": 80}])));
    let mut world = World::start(objects).await?;
    assert_eq!(who(first).await?, 'a');
    world.apply(edge("TCP", second)).await?;
    assert_eq!(who(second).await?, 'a');
    refuses(first).await?;
    world.apply(edge("UDP", second)).await?;
    refuses(second).await?;
    world.says("is to listeners that take no TCPRoutes of this namespace").await
}

#[tokio::test]
async fn of_two_gateways_the_older_has_a_port() -> Result<()> {
    let port = free_port();
    let mut objects = edge("TCP", port);
    objects.push(gateway("other", "TCP", port));
    objects.extend(service("a", "TCP", &[tcp_echo("a").await?]));
    objects.push(route("TCPRoute", "t", 2024, &json!([{"name": "a", "port": 80}])));
    let world = World::start(objects).await?;
    assert_eq!(who(port).await?, 'a');
    let told =
        format!("Gateway default/other: spec.listeners[0].port: \"{port}\" is a port for TCP in Gateway default/edge");
    world.says(&told).await
}
