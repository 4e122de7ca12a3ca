//! What is carried between UDP clients and endpoints.

use super::world::{World, at, config_map, free_port, service, udp_echo, udp_services};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tests::connection::PATIENCE;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Adit with one UDP service at these endpoints, its port, and keys of the ConfigMap.
async fn serving(endpoints: &[SocketAddr], mut config: Value) -> Result<(World, u16)> {
    let port = free_port();
    config["log-format-stream"] = json!("$protocol $server_port $status $bytes_received/$bytes_sent $upstream_addr");
    let mut objects = service("a", "UDP", endpoints);
    objects.extend([udp_services(&[(port, "default/a:80")]), config_map("adit", "adit", &config)]);
    let world = World::start(objects).await?;
    let label = format!("port=\"{port}\"");
    let open =
        async { while world.metric("adit_stream_listener_open", &[&label]).await.ok().flatten() != Some(1.0) {} };
    timeout(PATIENCE, open).await.context("the port does not open")?;
    Ok((world, port))
}

async fn client(port: u16) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(at(port)).await?;
    Ok(socket)
}

async fn received(socket: &UdpSocket) -> Result<Vec<u8>> {
    let mut datagram = vec![0; 1 << 16];
    let length = timeout(PATIENCE, socket.recv(&mut datagram)).await.context("no datagram in time")??;
    datagram.truncate(length);
    Ok(datagram)
}

/// Sends a datagram and returns the answer.
async fn asks(socket: &UdpSocket, question: &str) -> Result<String> {
    socket.send(question.as_bytes()).await?;
    Ok(String::from_utf8(received(socket).await?)?)
}

#[tokio::test]
async fn every_client_gets_its_own_answers() -> Result<()> {
    let (mut world, port) = serving(&[udp_echo("a ").await?], json!({})).await?;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(client(port).await?);
    }
    for round in 0..3 {
        for (number, client) in clients.iter().enumerate() {
            client.send(format!("{number} in {round}").as_bytes()).await?;
        }
        for (number, client) in clients.iter().enumerate() {
            assert_eq!(received(client).await?, format!("a {number} in {round}").as_bytes());
        }
    }
    for _ in 0..3 * clients.len() {
        assert!(world.logged().await?.starts_with(&format!("UDP {port} 200 6/8 127.0.0.1:")));
    }
    let labels = [format!("port=\"{port}\""), "direction=\"sent\"".to_owned()];
    assert_eq!(world.metric("adit_stream_bytes_total", &[&labels[0], &labels[1]]).await?, Some(192.0));
    Ok(())
}

#[tokio::test]
async fn the_largest_and_the_smallest_datagram_pass() -> Result<()> {
    let (_world, port) = serving(&[udp_echo("").await?], json!({})).await?;
    let client = client(port).await?;
    for length in [65_507, 0, 1] {
        let datagram: Vec<u8> = (0..length).map(|i| (i / 3) as u8).collect();
        client.send(&datagram).await?;
        assert!(received(&client).await? == datagram, "{length} bytes");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_waits_for_all_answers_to_all_datagrams() -> Result<()> {
    let endpoint = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let (mut world, port) = serving(&[endpoint.local_addr()?], json!({"proxy-stream-responses": "2"})).await?;
    let client = client(port).await?;
    let mut datagram = [0; 16];
    client.send(b"one").await?;
    let (_, session) = endpoint.recv_from(&mut datagram).await?;
    client.send(b"two").await?;
    assert_eq!(endpoint.recv_from(&mut datagram).await?.1, session, "one session");
    for answer in ["1", "2", "3", "4"] {
        endpoint.send_to(answer.as_bytes(), session).await?;
        assert_eq!(received(&client).await?, answer.as_bytes());
    }
    assert_eq!(world.logged().await?, format!("UDP {port} 200 6/4 {}", endpoint.local_addr()?));
    client.send(b"three").await?;
    assert_ne!(endpoint.recv_from(&mut datagram).await?.1, session, "another session");
    Ok(())
}

#[tokio::test]
async fn a_session_without_answers_expires() -> Result<()> {
    let endpoint = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = endpoint.local_addr()?;
    let (mut world, port) = serving(&[address], json!({"proxy-stream-timeout": "300ms"})).await?;
    let client = client(port).await?;
    client.send(b"anybody?").await?;
    assert_eq!(world.logged().await?, format!("UDP {port} 502 8/0 {address}"));
    assert_eq!(endpoint.recv(&mut [0; 16]).await?, 8, "it was asked");
    Ok(())
}

#[tokio::test]
async fn where_no_answer_is_expected_a_session_ends_at_once() -> Result<()> {
    let endpoint = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = endpoint.local_addr()?;
    let (mut world, port) = serving(&[address], json!({"proxy-stream-responses": "0"})).await?;
    client(port).await?.send(b"a line for the log").await?;
    assert_eq!(world.logged().await?, format!("UDP {port} 200 18/0 {address}"));
    assert_eq!(endpoint.recv(&mut [0; 32]).await?, 18);
    Ok(())
}

/// An address where nobody is, for as long as the socket lives: it talks to somebody else.
async fn deaf() -> Result<(UdpSocket, SocketAddr)> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect((Ipv4Addr::LOCALHOST, 9)).await?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

#[tokio::test]
async fn an_endpoint_where_nobody_is_is_passed_over() -> Result<()> {
    let (_socket, nobody) = deaf().await?;
    let working = udp_echo("a ").await?;
    let (mut world, port) = serving(&[nobody, working], json!({})).await?;
    for number in 0..10 {
        let client = client(port).await?;
        assert_eq!(asks(&client, &number.to_string()).await?, format!("a {number}"));
        assert_eq!(world.logged().await?, format!("UDP {port} 200 1/3 {working}"));
    }
    world.apply(service("a", "UDP", &[nobody])).await?;
    client(port).await?.send(b"nobody").await?;
    assert_eq!(world.logged().await?, format!("UDP {port} 502 6/0 {nobody}"));
    world.apply(service("a", "UDP", &[])).await?;
    client(port).await?.send(b"none").await?;
    assert_eq!(world.logged().await?, format!("UDP {port} 502 4/0 -"));
    Ok(())
}

#[tokio::test]
async fn tcp_and_udp_share_a_number() -> Result<()> {
    use super::world::{connect, tcp_echo, tcp_services};
    use tokio::io::AsyncReadExt;
    let (mut world, port) = serving(&[udp_echo("u ").await?], json!({})).await?;
    world.apply(service("b", "TCP", &[tcp_echo("t").await?])).await?;
    world.apply([tcp_services(&[(port, "default/b:80")])]).await?;
    assert_eq!(connect(port).await?.read_u8().await?, b't');
    assert_eq!(asks(&client(port).await?, "x").await?, "u x");
    Ok(())
}

#[tokio::test]
async fn a_port_closes_when_its_answers_are_delivered() -> Result<()> {
    let endpoint = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let (mut world, port) = serving(&[endpoint.local_addr()?], json!({})).await?;
    let client = client(port).await?;
    client.send(b"question").await?;
    let (_, session) = endpoint.recv_from(&mut [0; 16]).await?;
    world.apply([udp_services(&[])]).await?;
    endpoint.send_to(b"answer", session).await?;
    assert_eq!(received(&client).await?, b"answer");
    // Only now may somebody else have the port.
    let free = async { while UdpSocket::bind(at(port)).await.is_err() {} };
    timeout(PATIENCE, free).await.context("the port stays taken")
}

#[tokio::test]
async fn a_drain_waits_for_answers_and_not_for_ever() -> Result<()> {
    let endpoint = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let (world, port) = serving(&[endpoint.local_addr()?], json!({})).await?;
    let (answered, forgotten) = (client(port).await?, client(port).await?);
    let mut datagram = [0; 16];
    forgotten.send(b"forget me").await?;
    endpoint.recv_from(&mut datagram).await?;
    answered.send(b"question").await?;
    let (_, session) = endpoint.recv_from(&mut datagram).await?;
    let ending = world.shut_down();
    endpoint.send_to(b"answer", session).await?;
    assert_eq!(received(&answered).await?, b"answer");
    assert_eq!(timeout(PATIENCE + Duration::from_secs(30), ending).await??, Some(0));
    Ok(())
}
