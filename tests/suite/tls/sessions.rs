use super::client::{alert, client, client_of, connect, exchange, last_exchange};
use super::world::{World, certificate, host, routed};
use gateway::config::TlsSettings;
use rustls::{AlertDescription, CipherSuite, ClientConfig, HandshakeKind, ProtocolVersion, SignatureScheme};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const NAME: &str = "shop.example.com";
const SCHEMES: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256];

fn world() -> World {
    World::new([host(NAME, &[&certificate(NAME)])])
}

#[tokio::test]
async fn versions_are_those_of_the_settings() {
    let world = world();
    let (tls12, tls13) =
        (|| client_of(&[&rustls::version::TLS12], SCHEMES), || client_of(&[&rustls::version::TLS13], SCHEMES));
    world.set(TlsSettings { tls13: false, ..TlsSettings::default() });
    let stream = connect(world.address(), NAME, &Arc::new(client())).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    assert_eq!(alert(world.address(), NAME, tls13()).await, AlertDescription::ProtocolVersion);

    world.set(TlsSettings { tls12: false, ..TlsSettings::default() });
    let stream = connect(world.address(), NAME, &Arc::new(client())).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(alert(world.address(), NAME, tls12()).await, AlertDescription::ProtocolVersion);
    world.end_with_failures(&[("incompatible", 2)]);
}

#[tokio::test]
async fn ciphers_are_those_of_the_settings() {
    let world = world();
    let ciphers = ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"].map(Arc::from);
    world.set(TlsSettings { tls13: false, ciphers: ciphers.into(), ..TlsSettings::default() });
    let stream = connect(world.address(), NAME, &Arc::new(client())).await.expect("a handshake");
    let suite = stream.get_ref().1.negotiated_cipher_suite().expect("a suite").suite();
    assert_eq!(suite, CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
}

/// Whether the second connection of a client resumes the session of the first.
async fn resumes(world: &World, config: ClientConfig) -> bool {
    let config = Arc::new(config);
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let mut stream = connect(world.address(), NAME, &config).await.expect("a handshake");
        if stream.get_ref().1.handshake_kind() != Some(kind) {
            return false;
        }
        // Tickets of TLS 1.3 come after the handshake.
        last_exchange(&mut stream, NAME).await.expect("an answer");
    }
    true
}

#[tokio::test]
async fn sessions_are_resumed_with_and_without_tickets() {
    for session_tickets in [false, true] {
        let world = world();
        world.set(TlsSettings { session_tickets, ..TlsSettings::default() });
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            assert!(resumes(&world, client_of(&[version], SCHEMES)).await, "{version:?}, tickets {session_tickets}");
        }
        world.end_with_failures(&[]);
    }
}

#[tokio::test]
async fn without_a_cache_only_tickets_resume_sessions() {
    for session_tickets in [false, true] {
        let world = world();
        world.set(TlsSettings { session_tickets, session_cache: false, ..TlsSettings::default() });
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            assert_eq!(resumes(&world, client_of(&[version], SCHEMES)).await, session_tickets, "{version:?}");
        }
        world.end_with_failures(&[]);
    }
}

#[tokio::test]
async fn http_2_is_offered_before_http_1() {
    let world = world();
    let offering = |protocols: &[&str]| {
        let mut config = client();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    };
    for (offered, agreed) in [(&["http/1.1", "h2"][..], Some("h2")), (&["http/1.1"], Some("http/1.1")), (&[], None)] {
        let stream = connect(world.address(), NAME, &Arc::new(offering(offered))).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes));
    }
    let refused = alert(world.address(), NAME, offering(&["imap"])).await;
    assert_eq!(refused, AlertDescription::NoApplicationProtocol);
    world.end_with_failures(&[("incompatible", 1)]);
}

#[tokio::test]
async fn connections_serve_many_requests_and_drain() {
    let world = world();
    let mut stream = connect(world.address(), NAME, &Arc::new(client())).await.expect("a handshake");
    for _ in 0..3 {
        let head = exchange(&mut stream, NAME).await.expect("an answer");
        assert!(head.contains("strict-transport-security: max-age=31536000; includesubdomains\r\n"), "{head}");
    }
    let drained = tokio::task::spawn_blocking(move || world.end());
    assert_eq!(stream.read(&mut [0]).await.expect("close_notify"), 0);
    drained.await.expect("drained");
}

#[tokio::test]
async fn large_answers_arrive_whole() {
    const BODY: usize = 3 << 20;
    let backend = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let world = World::new([routed(host(NAME, &[&certificate(NAME)]))]);
    world.backend(backend.local_addr().expect("an address"));
    let answer = async {
        let (mut socket, _) = backend.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(socket.read_u8().await.expect("a request"));
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.expect("sent");
        socket.write_all(&[b'x'; BODY]).await.expect("sent");
        String::from_utf8(request).expect("text").to_ascii_lowercase()
    };
    let client = async {
        let mut stream = connect(world.address(), NAME, &Arc::new(client())).await.expect("a handshake");
        last_exchange(&mut stream, NAME).await.expect("an answer")
    };
    let (request, answer) = tokio::join!(answer, client);
    assert!(
        request.contains("x-forwarded-proto: https\r\n") && request.contains("x-forwarded-port: 443\r\n"),
        "{request}"
    );
    assert_eq!(answer.split_once("\r\n\r\n").map(|(_, body)| body.len()), Some(BODY));
}
