//! Ports that come, go, change and fail, while the others stay as they are.

use super::world::{
    World, at, config_map, connect, echoes, free_port, refuses, rest, service, tcp_echo, tcp_services, udp_echo,
    udp_services,
};
use anyhow::Result;
use serde_json::json;
use std::net::TcpListener;
use tests::backend::answering;
use tests::connection::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Reads the name that an echo says first.
async fn named(stream: &mut TcpStream) -> Result<u8> {
    Ok(stream.read_u8().await?)
}

#[tokio::test]
async fn j19_http_over_a_tcp_port() -> Result<()> {
    let port = free_port();
    let mut objects = service("echo", "TCP", &[answering(OK).await?]);
    objects.push(tcp_services(&[(port, "default/echo:80")]));
    let mut world = World::start(objects).await?;
    drop(connect(port).await?);
    assert!(world.logged().await?.starts_with(&format!("TCP {port} 200 0/0 tcp-default-echo-80 127.0.0.1:")));
    let mut client = Connection::open(at(port)).await?;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(client.response("GET").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn j21_ports_come_and_go_while_others_stay() -> Result<()> {
    let (first, second) = (free_port(), free_port());
    let mut objects = service("a", "TCP", &[tcp_echo("a").await?]);
    objects.push(tcp_services(&[(first, "default/a:80")]));
    let mut world = World::start(objects).await?;
    let mut old = connect(first).await?;
    assert_eq!(named(&mut old).await?, b'a');

    world.apply([tcp_services(&[(first, "default/a:80"), (second, "default/a:main")])]).await?;
    let mut new = connect(second).await?;
    assert_eq!(named(&mut new).await?, b'a');
    echoes(&mut old, "the first is not disturbed").await?;

    world.apply([tcp_services(&[(second, "default/a:main")])]).await?;
    refuses(first).await?;
    echoes(&mut old, "its port is closed, and it goes on").await?;
    echoes(&mut new, "nor is the second").await?;
    old.shutdown().await?;
    assert_eq!(rest(&mut old).await?, "");
    assert!(world.logged().await?.starts_with(&format!("TCP {first} 200 60/61 tcp-default-a-80")));

    world.apply([tcp_services(&[(first, "default/a:80")])]).await?;
    assert_eq!(named(&mut connect(first).await?).await?, b'a', "and opens again");
    Ok(())
}

#[tokio::test]
async fn another_service_is_for_new_connections() -> Result<()> {
    let port = free_port();
    let mut objects = service("a", "TCP", &[tcp_echo("a").await?]);
    objects.extend(service("b", "TCP", &[tcp_echo("b").await?]));
    objects.push(tcp_services(&[(port, "default/a:80")]));
    let mut world = World::start(objects).await?;
    let mut old = connect(port).await?;
    assert_eq!(named(&mut old).await?, b'a');
    world.apply([tcp_services(&[(port, "default/b:80")])]).await?;
    assert_eq!(named(&mut connect(port).await?).await?, b'b');
    echoes(&mut old, "still with a").await
}

#[tokio::test]
async fn a_port_that_is_taken_is_reported_and_opened_when_it_is_free() -> Result<()> {
    let (taken, other) = (free_port(), free_port());
    let occupant = TcpListener::bind(at(taken))?;
    let mut objects = service("a", "TCP", &[tcp_echo("a").await?]);
    objects.push(tcp_services(&[(taken, "default/a:80"), (other, "default/a:80")]));
    let world = World::start(objects).await?;
    let mut unharmed = connect(other).await?;
    assert_eq!(named(&mut unharmed).await?, b'a');
    world.says(&format!("ConfigMap default/tcp: data.{taken}: \"{taken}\" cannot be opened")).await?;
    let open = async |port: u16| {
        world.metric("adit_stream_listener_open", &[&format!("port=\"{port}\""), "protocol=\"TCP\""]).await
    };
    assert_eq!((open(taken).await?, open(other).await?), (Some(0.0), Some(1.0)));

    drop(occupant);
    assert_eq!(named(&mut connect(taken).await?).await?, b'a');
    // The ConfigMap of UDP services is not there.
    world.reaches(|state| state.diagnostics.len() == 1).await?;
    assert_eq!(open(taken).await?, Some(1.0));
    echoes(&mut unharmed, "still there").await
}

#[tokio::test]
async fn a_udp_port_that_is_taken_is_reported_and_opened_when_it_is_free() -> Result<()> {
    let taken = free_port();
    let occupant = std::net::UdpSocket::bind(at(taken))?;
    let mut objects = service("a", "UDP", &[udp_echo("a").await?]);
    objects.push(udp_services(&[(taken, "default/a:80")]));
    objects.push(tcp_services(&[]));
    let world = World::start(objects).await?;
    world.says(&format!("ConfigMap default/udp: data.{taken}: \"{taken}\" cannot be opened")).await?;
    drop(occupant);
    world.is_well().await?;
    assert_eq!(world.metric("adit_stream_listener_open", &["protocol=\"UDP\""]).await?, Some(1.0));
    Ok(())
}

#[tokio::test]
async fn a_port_of_ours_stays_ours() -> Result<()> {
    let mut world = World::start(service("a", "TCP", &[tcp_echo("a").await?])).await?;
    let http = world.server()?.http_addresses()[0];
    world.apply([tcp_services(&[(http.port(), "default/a:80"), (443, "default/a:80")])]).await?;
    world.says(&format!("data.{}: \"{}\" is a port of Adit itself", http.port(), http.port())).await?;
    world.says("ConfigMap default/tcp: data.443: \"443\" is a port of Adit itself (--https-port)").await?;
    for _ in 0..50 {
        let mut client = Connection::open(http).await?;
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
        assert_eq!(client.response("GET").await?.status, 404);
    }
    Ok(())
}

#[tokio::test]
async fn a_port_of_no_service_closes_its_connections() -> Result<()> {
    let port = free_port();
    let mut world = World::start(vec![tcp_services(&[(port, "default/none:80")])]).await?;
    world.says("data.").await?;
    world.says("\"none\" names Service default/none, which does not exist: connections are closed at once").await?;
    assert_eq!(rest(&mut connect(port).await?).await?, "");
    assert_eq!(world.logged().await?, format!("TCP {port} 502 0/0 tcp-default-none-80 -"));
    Ok(())
}

#[tokio::test]
async fn one_hundred_changes_leave_a_connection_open() -> Result<()> {
    let (port, coming) = (free_port(), free_port());
    let (a, b) = (tcp_echo("a").await?, tcp_echo("b").await?);
    let mut objects = service("a", "TCP", &[a]);
    objects.push(tcp_services(&[(port, "default/a:80")]));
    let mut world = World::start(objects).await?;
    let mut client = connect(port).await?;
    assert_eq!(named(&mut client).await?, b'a');
    for number in 0..100 {
        let change = match number % 5 {
            0 => service("a", "TCP", &[if number % 2 == 0 { b } else { a }]),
            1 => vec![tcp_services(&[(port, "default/a:80"), (coming, "default/a:80")])],
            2 => vec![tcp_services(&[(port, "default/other:80")])],
            3 => vec![config_map("adit", "adit", &json!({"proxy-stream-timeout": format!("{}s", 60 + number)}))],
            _ => service("other", "TCP", &[b]),
        };
        world.apply(change).await?;
        echoes(&mut client, &format!("after change {number}")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_session_may_finish_while_the_gateway_drains() -> Result<()> {
    let port = free_port();
    let mut objects = service("a", "TCP", &[tcp_echo("a").await?]);
    objects.push(tcp_services(&[(port, "default/a:80")]));
    let world = World::start(objects).await?;
    let mut client = connect(port).await?;
    assert_eq!(named(&mut client).await?, b'a');
    let ending = world.shut_down();
    refuses(port).await?;
    echoes(&mut client, "while it drains").await?;
    assert!(!ending.is_finished(), "it waits for the session");
    client.shutdown().await?;
    assert_eq!(rest(&mut client).await?, "");
    assert_eq!(ending.await?, Some(0));
    Ok(())
}
