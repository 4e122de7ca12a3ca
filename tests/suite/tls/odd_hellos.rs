//! ClientHellos whose server name is missing, wrong, or more than one; and one that comes in two pieces, cut anywhere.
//! A host that is passed through is there, so that each is looked at for both ends.

use super::openssl::{NAME, hello, hello_with, names};
use super::world::{World, certificate, host, passed};
use rustls::AlertDescription;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;

fn world() -> World {
    World::new([host(NAME, &[&certificate(NAME)]), passed("pass.example.com")])
}

/// The first record of the answer to these bytes, sent in two pieces: its type and content.
async fn answer(world: &World, bytes: &[u8], cut: usize) -> (u8, Vec<u8>) {
    let mut socket = TcpStream::connect(world.address()).await.expect("a connection");
    socket.set_nodelay(true).expect("an option");
    for piece in [&bytes[..cut], &bytes[cut..]] {
        socket.write_all(piece).await.expect("sent");
        tokio::task::yield_now().await;
    }
    let mut header = [0; 5];
    socket.read_exact(&mut header).await.expect("a record");
    let mut content = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    socket.read_exact(&mut content).await.expect("all of it");
    (header[0], content)
}

#[tokio::test]
async fn attack_42_a_hello_may_be_cut_anywhere() {
    let world = world();
    let hello = hello();
    for cut in 0..hello.len() {
        assert_eq!(answer(&world, &hello, cut).await.0, HANDSHAKE, "cut after {cut} bytes");
    }
    // Nobody finished these handshakes.
    world.end_with_failures(&[("closed", hello.len() as u64)]);
}

#[tokio::test]
async fn attack_42_who_gives_no_name_or_an_unknown_one_is_shown_the_default_certificate() {
    let world = world();
    let odd: [(&str, &[Vec<u8>]); 5] = [
        ("a trailing dot", &[names(&[b"shop.example.com."])]),
        ("no name", &[]),
        ("an unknown one", &[names(&[b"unknown.test"])]),
        ("an address", &[names(&[b"127.0.0.1"])]),
        ("an address of IPv6", &[names(&[b"::1"])]),
    ];
    for (what, server_names) in odd {
        assert_eq!(answer(&world, &hello_with(server_names), 0).await.0, HANDSHAKE, "{what}");
    }
    world.end_with_failures(&[("closed", 5)]);
}

#[tokio::test]
async fn attack_42_names_that_no_client_may_send_are_refused() {
    let world = world();
    let names = |list: &[&[u8]]| names(list);
    let odd: [(&str, &[Vec<u8>]); 6] = [
        ("two names", &[names(&[b"a.test", b"pass.example.com"])]),
        ("two extensions", &[names(&[b"pass.example.com"]), names(&[b"pass.example.com"])]),
        ("an empty list", &[names(&[])]),
        ("an empty name", &[names(&[b""])]),
        ("no DNS name", &[names(&[b"pass example\0com"])]),
        ("a name that is cut off", &[vec![0, 19, 0, 0, 16, b'p']]),
    ];
    for (what, server_names) in odd {
        let (kind, content) = answer(&world, &hello_with(server_names), 0).await;
        assert_eq!((kind, content[0]), (ALERT, 2), "{what}: a fatal alert");
        let alert = AlertDescription::from(content[1]);
        let fits = matches!(alert, AlertDescription::DecodeError | AlertDescription::IllegalParameter);
        assert!(fits, "{what}: {alert:?}");
    }
    world.end_with_failures(&[("malformed", odd.len() as u64)]);
}
