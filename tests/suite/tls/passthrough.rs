//! TLS that ends at the backend, on the port where other hosts' TLS ends here.

use super::client::{client, connect, exchange, leaf, shown};
use super::openssl::{NAME, hello};
use super::world::{World, certificate, host, passed};
use gateway::config::{GatewaySettings, HostName, StreamSettings};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tests::backend::refusing;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// A client's connection that begins with a ClientHello for [`NAME`].
async fn greeting(world: &World) -> TcpStream {
    let mut socket = TcpStream::connect(world.address()).await.expect("a connection");
    socket.write_all(&hello()).await.expect("sent");
    socket
}

/// The endpoint's end of a connection, its ClientHello read.
async fn greeted(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().await.expect("a connection");
    let mut bytes = vec![0; hello().len()];
    socket.read_exact(&mut bytes).await.expect("a ClientHello");
    assert_eq!(bytes, hello());
    socket
}

async fn carries(from: &mut TcpStream, to: &mut TcpStream, what: &[u8]) {
    from.write_all(what).await.expect("sent");
    let mut heard = vec![0; what.len()];
    to.read_exact(&mut heard).await.expect("received");
    assert_eq!(heard, what);
}

#[tokio::test]
async fn a_hello_reaches_the_endpoint_as_it_is_wherever_it_is_cut() {
    let (listener, address) = listener().await;
    let world = World::new([passed(NAME)]);
    world.backend(address);
    let hello = hello();
    for cut in 0..hello.len() {
        let mut client = TcpStream::connect(world.address()).await.expect("a connection");
        client.set_nodelay(true).expect("an option");
        for piece in [&hello[..cut], &hello[cut..], b"and what follows it"] {
            client.write_all(piece).await.expect("sent");
            tokio::task::yield_now().await;
        }
        let mut endpoint = greeted(&listener).await;
        carries(&mut endpoint, &mut client, b"an answer").await;
        client.shutdown().await.expect("sent");
        let mut rest = Vec::new();
        endpoint.read_to_end(&mut rest).await.expect("an end");
        assert_eq!(rest, b"and what follows it", "cut after {cut} bytes");
    }
    world.end_with_failures(&[]);
}

#[tokio::test]
async fn the_name_says_who_ends_the_tls() {
    let (listener, address) = listener().await;
    let [here, there] = ["here.example.com", NAME].map(certificate);
    let chain = there.chain.iter().map(|der| der.clone().into()).collect();
    let key = PrivateKeyDer::try_from(there.key.der().to_vec()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let mut stream = acceptor.accept(socket).await.expect("a handshake");
            stream.read_exact(&mut [0; 18]).await.expect("a request");
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-end: there\r\n\r\nok").await.expect("sent");
        }
    });
    let world = World::new([host("here.example.com", &[&here]), passed(NAME), passed("*.wild.example.com")]);
    world.backend(address);
    assert_eq!(leaf(world.address(), "here.example.com", client()).await, here.chain[0]);
    for name in [NAME, "SHOP.example.com", "a.wild.example.com"] {
        let mut stream = connect(world.address(), name, &Arc::new(client())).await.expect("a handshake");
        assert_eq!(shown(&stream), there.chain[0], "{name}");
        let head = exchange(&mut stream, "any").await.expect("an answer");
        assert!(head.contains("x-end: there"), "{head}");
    }
    for name in ["a.b.wild.example.com", "wild.example.com"] {
        assert_ne!(leaf(world.address(), name, client()).await, there.chain[0], "{name}");
    }
    world.end_with_failures(&[]);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_passed_over() {
    let (listener, address) = listener().await;
    let (_socket, refused) = refusing().expect("a port");
    let world = World::new([passed(NAME)]);
    world.backends([refused, address]);
    for _ in 0..4 {
        let mut client = greeting(&world).await;
        let mut endpoint = greeted(&listener).await;
        carries(&mut client, &mut endpoint, b"hello").await;
    }
    world.end_with_failures(&[]);
}

#[tokio::test]
async fn without_an_endpoint_the_connection_closes_and_is_counted() {
    let world = World::new([passed(NAME)]);
    assert_eq!(greeting(&world).await.read(&mut [0]).await.expect("an end"), 0);
    let (_socket, refused) = refusing().expect("a port");
    world.backend(refused);
    assert_eq!(greeting(&world).await.read(&mut [0]).await.expect("an end"), 0);
    world.end_with_failures(&[("no-endpoint", 1), ("unreachable-endpoint", 1)]);
}

#[tokio::test]
async fn each_side_may_end_first() {
    let (listener, address) = listener().await;
    let world = World::new([passed(NAME)]);
    world.backend(address);
    let mut client = greeting(&world).await;
    let mut endpoint = greeted(&listener).await;
    client.shutdown().await.expect("sent");
    assert_eq!(endpoint.read(&mut [0]).await.expect("an end"), 0);
    carries(&mut endpoint, &mut client, &vec![7; 3 << 20]).await;
    drop(endpoint);
    assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
}

#[tokio::test]
async fn what_does_not_move_ends() {
    let (listener, address) = listener().await;
    let world = World::new([passed(NAME)]);
    world.backend(address);
    let streams = StreamSettings { timeout: Duration::from_millis(100), ..StreamSettings::default() };
    world.configure(GatewaySettings { streams, ..GatewaySettings::default() });
    let mut client = greeting(&world).await;
    let mut endpoint = greeted(&listener).await;
    for side in [&mut client, &mut endpoint] {
        assert_eq!(side.read(&mut [0]).await.expect("an end"), 0);
    }
    world.end_with_failures(&[]);
}

#[tokio::test]
async fn an_open_connection_outlives_its_host_its_endpoints_and_the_listener() {
    let (listener, address) = listener().await;
    let world = World::new([passed(NAME)]);
    world.backend(address);
    let mut client = greeting(&world).await;
    let mut endpoint = greeted(&listener).await;
    world.serve([host(NAME, &[&certificate(NAME)])]);
    carries(&mut client, &mut endpoint, b"terminated now, for others").await;
    world.remove(HostName::parse(NAME).expect("a host name"));
    world.backends([]);
    carries(&mut endpoint, &mut client, b"gone").await;
    let gateway = world.address();
    let draining = tokio::task::spawn_blocking(move || world.end_with_failures(&[]));
    // Draining has begun when nobody listens any more.
    while TcpStream::connect(gateway).await.is_ok() {
        tokio::task::yield_now().await;
    }
    carries(&mut client, &mut endpoint, b"draining").await;
    assert!(!draining.is_finished());
    drop((client, endpoint));
    draining.await.expect("drained");
}
