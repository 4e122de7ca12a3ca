//! ClientHellos of every shape, and what is none.

use super::client::{client, handshake, last_exchange};
use super::world::{World, certificate, host};
use gateway::listener::HandshakeLimits;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

const NAME: &str = "shop.example.com";

fn world() -> World {
    World::new([host(NAME, &[&certificate(NAME)])])
}

async fn socket(world: &World) -> TcpStream {
    let socket = TcpStream::connect(world.address()).await.expect("a connection");
    socket.set_nodelay(true).expect("an option");
    socket
}

/// The bytes of a ClientHello.
fn hello(config: ClientConfig) -> Vec<u8> {
    let name = ServerName::try_from(NAME).expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a configuration");
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).expect("memory");
    bytes
}

/// Writes one byte at a time.
struct Dribble(TcpStream);

impl AsyncRead for Dribble {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Dribble {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, &buf[..1])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn attack_42_byte_by_byte() {
    let world = world();
    let mut stream = handshake(Dribble(socket(&world).await), NAME, &Arc::new(client())).await.expect("a handshake");
    let answer = last_exchange(&mut stream, NAME).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    world.end_with_failures(&[]);
}

#[tokio::test]
async fn attack_42_over_many_records() {
    let world = world();
    let mut config = client();
    config.max_fragment_size = Some(32);
    let records = hello(config.clone()).windows(3).filter(|bytes| bytes[0] == 22 && bytes[1] == 3).count();
    assert!(records > 5, "{records}");
    handshake(socket(&world).await, NAME, &Arc::new(config)).await.expect("a handshake");
}

#[tokio::test]
async fn attack_42_almost_64_kib() {
    let world = world();
    let mut config = client();
    config.alpn_protocols = vec![vec![b'x'; 255]; 250];
    config.alpn_protocols.push(b"http/1.1".to_vec());
    assert!(hello(config.clone()).len() > 64_000);
    let stream = handshake(socket(&world).await, NAME, &Arc::new(config)).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    world.end_with_failures(&[]);
}

#[tokio::test]
async fn attack_42_more_than_64_kib_is_refused() {
    let world = world();
    let mut socket = socket(&world).await;
    // A ClientHello of 128 KiB, in records of 16 KiB.
    let mut message = vec![1, 2, 0, 0];
    message.resize(128 << 10, 0);
    let records = message.chunks(16 << 10).flat_map(|part| {
        let length = u16::try_from(part.len()).expect("16 KiB").to_be_bytes();
        [&[22, 3, 1], &length[..], part].concat()
    });
    // What is still sent is read and thrown away, so that the client sees an end and no reset.
    socket.write_all(&records.collect::<Vec<_>>()).await.expect("sent");
    socket.read_to_end(&mut Vec::new()).await.expect("an end");
    drop(socket);
    world.end_with_failures(&[("malformed", 1)]);
}

#[tokio::test]
async fn attack_42_a_record_of_18_kib() {
    let length = (18_u16 << 10).to_be_bytes();
    is_malformed(&[&[22, 3, 1], &length[..], &[1; 18 << 10]].concat()).await;
}

#[tokio::test]
async fn attack_42_truncated() {
    let world = world();
    let mut socket = socket(&world).await;
    socket.write_all(&hello(client())[..100]).await.expect("sent");
    socket.shutdown().await.expect("sent");
    assert_eq!(socket.read(&mut [0]).await.expect("an end"), 0);
    world.end_with_failures(&[("closed", 1)]);
}

#[tokio::test]
async fn attack_42_too_late() {
    let limits = HandshakeLimits { time: Duration::from_millis(100), ..HandshakeLimits::default() };
    let world = World::with_limits([], limits);
    let mut part = socket(&world).await;
    part.write_all(&hello(client())[..100]).await.expect("sent");
    let mut nothing = socket(&world).await;
    for socket in [&mut part, &mut nothing] {
        assert_eq!(socket.read(&mut [0]).await.expect("an end"), 0);
    }
    world.end_with_failures(&[("timeout", 1)]);
}

#[tokio::test]
async fn attack_42_rubbish() {
    is_malformed(&[0xff; 64]).await;
}

/// What begins so is answered with an alert, and counted as malformed.
async fn is_malformed(bytes: &[u8]) {
    let world = world();
    let mut socket = socket(&world).await;
    socket.write_all(bytes).await.expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an end");
    assert_eq!(answer.first(), Some(&21), "an alert: {answer:?}");
    drop(socket);
    world.end_with_failures(&[("malformed", 1)]);
}

#[tokio::test]
async fn cleartext_is_told_so() {
    let world = world();
    let answer = last_exchange(&mut socket(&world).await, NAME).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("<center>The plain HTTP request was sent to HTTPS port</center>"), "{answer}");
    let metrics = world.end();
    assert!(metrics.contains("adit_refused_heads_total{reason=\"cleartext-to-tls-port\""), "{metrics}");
}
