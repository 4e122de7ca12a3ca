//! What is carried between TCP clients and endpoints.

use super::world::{World, at, config_map, connect, echoes, free_port, rest, service, tcp_echo, tcp_services};
use anyhow::{Context, Result};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use tests::backend::{answering, refusing};
use tests::connection::{Connection, PATIENCE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Adit with one TCP service at these endpoints, its port, and more keys of the ConfigMap.
async fn serving(endpoints: &[SocketAddr]) -> Result<(World, u16)> {
    let port = free_port();
    let mut objects = service("a", "TCP", endpoints);
    objects.push(tcp_services(&[(port, "default/a:80")]));
    Ok((World::start(objects).await?, port))
}

/// A backend whose connections the test gets.
async fn backend() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn pair(listener: &TcpListener, port: u16) -> Result<(TcpStream, TcpStream)> {
    let client = connect(port).await?;
    let (endpoint, _) = timeout(PATIENCE, listener.accept()).await.context("the endpoint gets no connection")??;
    Ok((client, endpoint))
}

#[tokio::test]
async fn either_side_may_end_first() -> Result<()> {
    let (listener, address) = backend().await?;
    let (mut world, port) = serving(&[address]).await?;
    let (mut client, mut endpoint) = pair(&listener, port).await?;
    client.write_all(b"question").await?;
    client.shutdown().await?;
    assert_eq!(rest(&mut endpoint).await?, "question");
    endpoint.write_all(b"an answer after the end").await?;
    endpoint.shutdown().await?;
    assert_eq!(rest(&mut client).await?, "an answer after the end");
    assert_eq!(world.logged().await?, format!("TCP {port} 200 8/23 tcp-default-a-80 {address}"));

    let (mut client, mut endpoint) = pair(&listener, port).await?;
    endpoint.write_all(b"greeting").await?;
    endpoint.shutdown().await?;
    assert_eq!(rest(&mut client).await?, "greeting");
    client.write_all(b"and a reply").await?;
    client.shutdown().await?;
    assert_eq!(rest(&mut endpoint).await?, "and a reply");
    assert_eq!(world.logged().await?, format!("TCP {port} 200 11/8 tcp-default-a-80 {address}"));
    Ok(())
}

#[tokio::test]
async fn sessions_count_as_connections_of_their_client_and_worker() -> Result<()> {
    for (key, reason) in [("max-connections-per-client", "client-limit"), ("max-worker-connections", "worker-limit")] {
        let (listener, address) = backend().await?;
        let (mut world, port) = serving(&[address]).await?;
        let settings = json!({"log-format-stream": "$protocol $server_port $status", key: "1"});
        world.apply([config_map("adit", "adit", &settings)]).await?;
        let mut held = vec![pair(&listener, port).await?];
        // Each of the two workers may have one; a client may have one in all.
        let status = loop {
            let mut client = connect(port).await?;
            let (listened, ended) = (listener.accept(), rest(&mut client));
            tokio::select! {
                accepted = listened => held.push((client, accepted?.0)),
                rest = ended => {
                    assert_eq!(rest?, "");
                    break world.logged().await?;
                }
            }
        };
        assert_eq!(status, format!("TCP {port} 503"));
        assert!(world.metric("adit_refused_connections_total", &[reason]).await?.is_some_and(|count| count >= 1.0));
        for (client, endpoint) in &mut held {
            client.write_all(b"still there").await?;
            let mut heard = [0; 11];
            timeout(PATIENCE, endpoint.read_exact(&mut heard)).await.context("nothing comes")??;
            assert_eq!(&heard, b"still there");
        }
        let most = if reason == "client-limit" { 1 } else { 2 };
        assert!(held.len() <= most, "{} sessions, {reason}", held.len());
    }
    Ok(())
}

#[tokio::test]
async fn large_transfers_both_ways_at_once() -> Result<()> {
    const SIZE: usize = 8 << 20;
    let (mut world, port) = serving(&[tcp_echo("").await?]).await?;
    let mut client = connect(port).await?;
    let bytes: Vec<u8> = (0..SIZE).map(|i| (i / 7) as u8).collect();
    let sent = bytes.clone();
    let (mut input, mut output) = client.split();
    let send = async {
        output.write_all(&sent).await?;
        output.shutdown().await
    };
    let mut echo = Vec::new();
    let (sent, read) = timeout(PATIENCE, async { tokio::join!(send, input.read_to_end(&mut echo)) }).await?;
    sent?;
    read?;
    assert!(echo == bytes, "{} bytes came back", echo.len());
    assert!(world.logged().await?.starts_with(&format!("TCP {port} 200 {SIZE}/{SIZE} ")));
    let labels = |direction| [format!("port=\"{port}\""), format!("direction=\"{direction}\"")];
    for direction in ["received", "sent"] {
        let labels = labels(direction);
        let bytes = world.metric("adit_stream_bytes_total", &[&labels[0], &labels[1]]).await?;
        assert_eq!(bytes, Some(SIZE as f64), "{direction}");
    }
    let status =
        world.metric("adit_stream_sessions_total", &[&labels("")[0], "status=\"200\"", "protocol=\"TCP\""]).await?;
    assert_eq!(status, Some(1.0));
    Ok(())
}

#[tokio::test]
async fn open_sessions_are_counted() -> Result<()> {
    let (mut world, port) = serving(&[tcp_echo("a").await?]).await?;
    let label = format!("port=\"{port}\"");
    let mut client = connect(port).await?;
    client.read_u8().await?;
    assert_eq!(world.metric("adit_stream_sessions", &[&label]).await?, Some(1.0));
    drop(client);
    world.logged().await?;
    // A session is gone just after it is logged.
    while world.metric("adit_stream_sessions", &[&label]).await? != Some(0.0) {}
    Ok(())
}

#[tokio::test]
async fn endpoints_change_for_new_connections() -> Result<()> {
    let (mut world, port) = serving(&[tcp_echo("a").await?]).await?;
    let mut old = connect(port).await?;
    assert_eq!(old.read_u8().await?, b'a');
    world.apply(service("a", "TCP", &[tcp_echo("b").await?])).await?;
    assert_eq!(connect(port).await?.read_u8().await?, b'b');
    assert!(world.logged().await?.starts_with(&format!("TCP {port} 200")), "the connection to b");
    echoes(&mut old, "its endpoint is out of the list").await?;
    world.apply(service("a", "TCP", &[])).await?;
    assert_eq!(rest(&mut connect(port).await?).await?, "");
    assert_eq!(world.logged().await?, format!("TCP {port} 502 0/0 tcp-default-a-80 -"));
    echoes(&mut old, "still").await
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_passed_over() -> Result<()> {
    let (_socket, refusing) = refusing()?;
    let working = tcp_echo("a").await?;
    let (mut world, port) = serving(&[refusing, working]).await?;
    for _ in 0..10 {
        let mut client = connect(port).await?;
        assert_eq!(client.read_u8().await?, b'a');
        drop(client);
        assert_eq!(world.logged().await?, format!("TCP {port} 200 0/1 tcp-default-a-80 {working}"));
    }
    world.apply([config_map("adit", "adit", &json!({"proxy-stream-next-upstream": "false"}))]).await?;
    let mut bytes = 0;
    for _ in 0..10 {
        bytes += rest_of_name(&mut connect(port).await?).await?;
    }
    assert_eq!(bytes, 5, "every other connection met the endpoint that refuses");
    world.apply(service("a", "TCP", &[refusing])).await?;
    assert_eq!(rest(&mut connect(port).await?).await?, "");
    Ok(())
}

/// How many bytes come, if any, before the end that is asked for.
async fn rest_of_name(stream: &mut TcpStream) -> Result<usize> {
    stream.shutdown().await?;
    Ok(rest(stream).await?.len())
}

#[tokio::test]
async fn silence_ends_a_session() -> Result<()> {
    let (listener, address) = backend().await?;
    let (mut world, port) = serving(&[address]).await?;
    world
        .apply([config_map(
            "adit",
            "adit",
            &json!({"proxy-stream-timeout": "300ms", "log-format-stream": "TCP $status"}),
        )])
        .await?;
    let (mut client, mut endpoint) = pair(&listener, port).await?;
    client.write_all(b"and then nothing").await?;
    assert_eq!(rest(&mut client).await?, "");
    assert_eq!(rest(&mut endpoint).await?, "and then nothing");
    assert_eq!(world.logged().await?, "TCP 200");
    Ok(())
}

#[tokio::test]
async fn what_is_cut_off_does_not_look_complete() -> Result<()> {
    let (listener, address) = backend().await?;
    let (_world, port) = serving(&[address]).await?;
    let (mut client, mut endpoint) = pair(&listener, port).await?;
    endpoint.write_all(b"half of it").await?;
    let mut half = [0; 10];
    client.read_exact(&mut half).await?;
    endpoint.set_zero_linger()?;
    drop(endpoint);
    let error = timeout(PATIENCE, client.read_u8()).await?.expect_err("no end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    let (client, mut endpoint) = pair(&listener, port).await?;
    client.set_zero_linger()?;
    drop(client);
    let error = timeout(PATIENCE, endpoint.read_u8()).await?.expect_err("no end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    Ok(())
}

/// Adit with one TCP service whose value in the ConfigMap ends so.
async fn with_proxy(flags: &str, endpoint: SocketAddr) -> Result<(World, u16)> {
    let port = free_port();
    let mut objects = service("a", "TCP", &[endpoint]);
    objects.push(tcp_services(&[(port, &format!("default/a:80{flags}"))]));
    let format = json!({"log-format-stream": "TCP $remote_addr:$remote_port $server_port $status"});
    objects.push(config_map("adit", "adit", &format));
    Ok((World::start(objects).await?, port))
}

const HEADER: &str = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 8080\r\n";

#[tokio::test]
async fn j22_a_proxy_header_tells_of_the_client() -> Result<()> {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let (mut world, port) = with_proxy(":PROXY", answering(ok).await?).await?;
    drop(connect(port).await?);
    assert!(world.logged().await?.ends_with(" 200"), "a health check is no fault");
    let mut client = Connection::open(at(port)).await?;
    client.send(format!("{HEADER}GET / HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
    assert_eq!(client.response("GET").await?.status, 200);
    drop(client);
    assert_eq!(world.logged().await?, format!("TCP 192.168.0.1:56324 {port} 200"));

    let mut client = Connection::open(at(port)).await?;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert!(client.is_closed().await, "without a header there is no answer");
    let line = world.logged().await?;
    assert!(line.starts_with("TCP 127.0.0.1:") && line.ends_with(&format!(" {port} 400")), "{line}");
    Ok(())
}

#[tokio::test]
async fn endpoints_are_told_of_the_client() -> Result<()> {
    for (flags, sent) in [("::PROXY", ""), (":PROXY:PROXY", HEADER)] {
        let (listener, address) = backend().await?;
        let (_world, port) = with_proxy(flags, address).await?;
        let mut client = connect(port).await?;
        let expected = match sent {
            "" => format!("PROXY TCP4 127.0.0.1 127.0.0.1 {} {port}\r\nhello", client.local_addr()?.port()),
            header => format!("{header}hello"),
        };
        client.write_all(format!("{sent}hello").as_bytes()).await?;
        client.shutdown().await?;
        let (mut endpoint, _) = timeout(PATIENCE, listener.accept()).await.context("no connection")??;
        assert_eq!(rest(&mut endpoint).await?, expected);
    }
    Ok(())
}

#[tokio::test]
async fn the_default_log_line_is_ingress_nginx_s() -> Result<()> {
    let (mut world, port) = serving(&[tcp_echo("a").await?]).await?;
    let format = format!("TCP {}", gateway::config::StreamSettings::DEFAULT_FORMAT);
    world.apply([config_map("adit", "adit", &json!({"log-format-stream": format}))]).await?;
    let mut client = connect(port).await?;
    client.read_u8().await?;
    echoes(&mut client, "four").await?;
    drop(client);
    let line = world.logged().await?;
    let pattern = r"^TCP \[127\.0\.0\.1\] \[\d\d/\w{3}/\d{4}(:\d\d){3} [+-]\d{4}\] TCP 200 5 4 \d+\.\d{3}$";
    assert!(regex::Regex::new(pattern)?.is_match(&line), "{line}");
    Ok(())
}
