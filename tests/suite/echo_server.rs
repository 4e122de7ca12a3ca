//! The echo server as a process, in every protocol that it speaks.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::echo::said::Body;
use tests::echo::{POD_HEADER, SERVICE_HEADER, Said, content};
use tests::grpc::{self, method};
use tests::http2::{Http2, piece};
use tests::tls::{self, Offer};
use tests::wire::header;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpStream, UdpSocket};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tonic::Request;

/// The program, with Service `shop` and Pod `shop-0`. It dies with this value.
struct Echo {
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
    /// Where it listens, in the order of the arguments.
    addresses: Vec<SocketAddr>,
}

impl Echo {
    /// Listens for these protocols on free ports.
    async fn start<const N: usize>(protocols: [&str; N], options: &[&str]) -> Result<(Self, [SocketAddr; N])> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_echo"))
            .args(protocols.map(|protocol| format!("{protocol}=127.0.0.1:0")))
            .args(options)
            .env_clear()
            .envs([("NAMESPACE", "n"), ("INGRESS_NAME", "i"), ("SERVICE_NAME", "shop"), ("POD_NAME", "shop-0")])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = BufReader::new(process.stdout.take().context("a pipe")?).lines();
        let mut echo = Self { process, output, addresses: Vec::new() };
        for expected in protocols {
            let line = echo.line().await?;
            let (protocol, address) = line.split_once(' ').context("a protocol and an address")?;
            ensure!(protocol == expected, "{line}");
            echo.addresses.push(address.parse()?);
        }
        let addresses = echo.addresses.clone().try_into().map_err(|_| anyhow::anyhow!("as many as protocols"))?;
        Ok((echo, addresses))
    }

    async fn line(&mut self) -> Result<String> {
        timeout(PATIENCE, self.output.next_line()).await.context("no line in time")??.context("the output has ended")
    }

    /// Tells it to end, and waits until it knows.
    async fn terminate(&mut self) -> Result<()> {
        let id = self.process.id().context("it has ended already")?.to_string();
        ensure!(Command::new("kill").args(["-TERM", &id]).status().await?.success());
        ensure!(self.line().await? == "ending");
        Ok(())
    }

    async fn ends_well(mut self) -> Result<()> {
        let status = timeout(PATIENCE, self.process.wait()).await.context("it does not end")??;
        ensure!(status.code() == Some(0), "{status}");
        Ok(())
    }
}

async fn get(connection: &mut Connection, target: &str) -> Result<Response> {
    connection.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\nUser-Agent: test\r\n\r\n")).await?;
    connection.response("GET").await
}

fn names(response: &Response) -> [Option<String>; 2] {
    [header(&response.headers, SERVICE_HEADER), header(&response.headers, POD_HEADER)]
}

fn shop() -> [Option<String>; 2] {
    [Some("shop".to_owned()), Some("shop-0".to_owned())]
}

#[tokio::test]
async fn http_says_what_it_received() -> Result<()> {
    let (_echo, [http]) = Echo::start(["http"], &[]).await?;
    let mut connection = Connection::open(http).await?;
    let request = "POST /a%2Fb?c=d HTTP/1.1\r\nHost: shop.example:80\r\nX-Real-IP: 1\r\nx-real-ip: 2\r\n\
                   Content-Length: 3\r\n\r\nabc";
    connection.send(request).await?;
    let response = connection.response("POST").await?;
    assert_eq!(response.status, 200);
    assert_eq!(names(&response), shop());
    assert_eq!(header(&response.headers, "content-type").as_deref(), Some("application/json"));
    assert_eq!(header(&response.headers, "content-length"), Some(response.body.len().to_string()));
    assert!(header(&response.headers, "date").is_some());
    assert_eq!(header(&response.headers, "server"), None);

    let said = Said::read(&response.body)?;
    assert_eq!([&said.path, &said.host, &said.method], ["/a%2Fb?c=d", "shop.example:80", "POST"]);
    assert_eq!(said.proto, "HTTP/1.1");
    assert_eq!(said.headers.get("X-Real-Ip"), Some(&vec!["1".to_owned(), "2".to_owned()]));
    assert_eq!([&said.namespace, &said.ingress, &said.service, &said.pod], ["n", "i", "shop", "shop-0"]);
    assert_eq!(said.remote_address.ip(), Ipv4Addr::LOCALHOST);
    assert_eq!(said.body, Body::of(b"abc"));
    assert_eq!(said.tls, None);
    Ok(())
}

#[tokio::test]
async fn paths_and_headers_ask_for_special_answers() -> Result<()> {
    let (_echo, [http]) = Echo::start(["http"], &[]).await?;
    let mut connection = Connection::open(http).await?;
    assert_eq!(get(&mut connection, "/health").await?.status, 200);

    let missing = get(&mut connection, "/status/404").await?;
    assert_eq!((missing.status, Said::read(&missing.body)?.path), (404, "/status/404".to_owned()));
    let late = get(&mut connection, "/sleep/0.01").await?;
    assert_eq!((late.status, Said::read(&late.body)?.path), (200, "/sleep/0.01".to_owned()));
    let empty = get(&mut connection, "/status/204").await?;
    assert_eq!((empty.status, header(&empty.headers, "content-length")), (204, None));

    let large = get(&mut connection, "/bytes/1000003").await?;
    assert_eq!(header(&large.headers, "content-length").as_deref(), Some("1000003"));
    assert_eq!(names(&large), shop());
    assert!(large.body == content(0, 1_000_003));

    connection.send("HEAD /bytes/1000003 HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    let head = connection.response("HEAD").await?;
    assert_eq!(header(&head.headers, "content-length").as_deref(), Some("1000003"));

    let request = "GET / HTTP/1.1\r\nHost: h\r\nx-echo-status: 503\r\nx-echo-header: server: apache\r\n\r\n";
    connection.send(request).await?;
    let adjusted = connection.response("GET").await?;
    assert_eq!((adjusted.status, header(&adjusted.headers, "server").as_deref()), (503, Some("apache")));
    Ok(())
}

#[tokio::test]
async fn it_is_not_ready_before_it_is_told() -> Result<()> {
    let (_echo, [http]) = Echo::start(["http"], &["--ready-after=1h"]).await?;
    let mut connection = Connection::open(http).await?;
    assert_eq!(get(&mut connection, "/health").await?.status, 503);
    assert_eq!(get(&mut connection, "/").await?.status, 200);

    let (_echo, [http]) = Echo::start(["http"], &["--ready-after=300ms"]).await?;
    let mut connection = Connection::open(http).await?;
    let ready = async {
        while get(&mut connection, "/health").await?.status != 200 {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, ready).await.context("never ready")?
}

#[tokio::test]
async fn https_speaks_either_version() -> Result<()> {
    let (_echo, [https]) = Echo::start(["https"], &[]).await?;
    let offer = Offer { server_name: Some("shop.example".to_owned()), ..Offer::default() };
    let mut connection = Connection::open_tls(https, &offer).await?;
    let said = Said::read(&get(&mut connection, "/").await?.body)?;
    assert_eq!(said.proto, "HTTP/1.1");
    let tls = said.tls.context("TLS")?;
    assert_eq!([tls.version.as_str(), tls.server_name.as_deref().unwrap_or_default()], ["TLSv1_3", "shop.example"]);
    assert_eq!(tls.negotiated_protocol, None);
    assert!(tls.cipher_suite.starts_with("TLS13_"), "{tls:?}");

    let connection = Http2::open_tls(https, offer).await?;
    let said = Said::read(&connection.get("https://shop.example/x?y").await?.body)?;
    assert_eq!([&said.proto, &said.host, &said.path], ["HTTP/2.0", "shop.example", "/x?y"]);
    assert_eq!(said.tls.and_then(|tls| tls.negotiated_protocol).as_deref(), Some("h2"));
    Ok(())
}

#[tokio::test]
async fn h2c_speaks_http2_only() -> Result<()> {
    let (_echo, [h2c]) = Echo::start(["h2c"], &[]).await?;
    let connection = Http2::open(h2c).await?;
    let response = connection.get("http://h/bytes/300001").await?;
    assert_eq!(names(&response), shop());
    assert!(response.body == content(0, 300_001));
    let head = connection.send(http::Request::head("http://h/").body(())?).await?;
    assert_eq!((head.status, head.body.len()), (200, 0));

    let mut stream = connection.start(http::Request::post("http://h/").body(())?, false).await?;
    stream.body(content(0, 200_000), true).await?;
    assert_eq!(Said::read(&stream.response().await?.body)?.body, Body::of(&content(0, 200_000)));

    let mut connection = Connection::open(h2c).await?;
    assert!(get(&mut connection, "/").await.is_err());
    Ok(())
}

#[tokio::test]
async fn grpc_is_spoken_where_http2_is() -> Result<()> {
    let (_echo, [h2c, https]) = Echo::start(["h2c", "https"], &[]).await?;
    for client in [grpc::Client::open(h2c, "h").await?, grpc::Client::open_tls(https, "h").await?] {
        let answer = client.unary(method::ECHO, Request::new(Bytes::from_static(b"message"))).await?;
        assert_eq!(answer.metadata().get(POD_HEADER).context("a name")?, "shop-0");
        assert_eq!(answer.into_inner(), "message");

        let messages = [Bytes::from_static(b"1"), Bytes::from_static(b"2")];
        let mut answers = client.streaming(method::ECHO, tokio_stream::iter(messages.clone())).await?;
        for message in messages {
            assert_eq!(grpc::Client::next(&mut answers).await?, Some(message));
        }
        assert_eq!(grpc::Client::next(&mut answers).await?, None);

        // A HealthCheckResponse: field 1, an enumeration, is SERVING.
        let health = client.unary(method::HEALTH, Request::new(Bytes::new())).await?;
        assert_eq!(health.into_inner().as_ref(), [0x08, 1]);
    }
    Ok(())
}

#[tokio::test]
async fn a_websocket_is_named_and_echoed() -> Result<()> {
    let (mut echo, [http]) = Echo::start(["http"], &[]).await?;
    let (mut socket, response) = client_async("ws://h/chat?room=1", TcpStream::connect(http).await?).await?;
    assert_eq!(response.headers().get(POD_HEADER).context("a name")?, "shop-0");
    let greeting = socket.next().await.context("a greeting")??;
    let said = Said::read(greeting.to_text()?.as_bytes())?;
    assert_eq!([&said.pod, &said.path], ["shop-0", "/chat?room=1"]);
    for message in [Message::text("h\u{e9}llo"), Message::binary(vec![7; 1 << 20]), Message::text("")] {
        socket.send(message.clone()).await?;
        assert_eq!(socket.next().await.context("an echo")??, message);
    }

    echo.terminate().await?;
    let farewell = socket.next().await.context("a farewell")??;
    let Message::Close(Some(frame)) = farewell else { anyhow::bail!("{farewell:?}") };
    assert_eq!(frame.code, CloseCode::Away);
    assert!(socket.next().await.is_none());
    echo.ends_well().await
}

#[tokio::test]
async fn a_websocket_needs_a_key() -> Result<()> {
    let (_echo, [http]) = Echo::start(["http"], &[]).await?;
    let mut connection = Connection::open(http).await?;
    connection.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await?;
    assert_eq!(connection.response("GET").await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn tcp_is_named_and_echoed() -> Result<()> {
    let (mut echo, [tcp]) = Echo::start(["tcp"], &[]).await?;
    let mut stream = TcpStream::connect(tcp).await?;
    stream.write_all(b"one\ntwo").await?;
    stream.shutdown().await?;
    let mut all = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut all)).await??;
    assert_eq!(all, "pod shop-0\none\ntwo");

    // One that stays open ends with the server.
    let mut stream = TcpStream::connect(tcp).await?;
    let mut name = [0; 11];
    timeout(PATIENCE, stream.read_exact(&mut name)).await??;
    echo.terminate().await?;
    assert_eq!(timeout(PATIENCE, stream.read(&mut name)).await??, 0);
    echo.ends_well().await
}

#[tokio::test]
async fn datagrams_are_named_and_echoed() -> Result<()> {
    let (_echo, [udp]) = Echo::start(["udp"], &[]).await?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut answer = [0; 100];
    for message in ["one", "", "three"] {
        socket.send_to(message.as_bytes(), udp).await?;
        let (length, from) = timeout(PATIENCE, socket.recv_from(&mut answer)).await??;
        assert_eq!((String::from_utf8_lossy(&answer[..length]), from), (format!("pod shop-0\n{message}").into(), udp));
    }
    Ok(())
}

#[tokio::test]
async fn within_the_grace_it_serves_as_before() -> Result<()> {
    let (mut echo, [http, h2c, tcp]) = Echo::start(["http", "h2c", "tcp"], &["--grace=1h"]).await?;
    let mut early = Connection::open(http).await?;
    let early2 = Http2::open(h2c).await?;
    assert_eq!(get(&mut early, "/").await?.status, 200);
    assert_eq!(early2.get("http://h/").await?.status, 200);
    echo.terminate().await?;
    assert_eq!(get(&mut early, "/health").await?.status, 200);
    assert_eq!(get(&mut early, "/").await?.status, 200);
    assert_eq!(early2.get("http://h/").await?.status, 200);
    assert_eq!(get(&mut Connection::open(http).await?, "/").await?.status, 200);
    assert_eq!(Http2::open(h2c).await?.get("http://h/").await?.status, 200);
    let mut name = [0; 11];
    timeout(PATIENCE, TcpStream::connect(tcp).await?.read_exact(&mut name)).await??;
    Ok(())
}

#[tokio::test]
async fn after_the_grace_it_finishes_what_is_running() -> Result<()> {
    const LENGTH: u64 = 20_000_003;
    for grace in ["--grace=0s", "--grace=200ms"] {
        let (mut echo, [http, h2c]) = Echo::start(["http", "h2c"], &[grace]).await?;
        let mut idle = Connection::open(http).await?;
        assert_eq!(get(&mut idle, "/").await?.status, 200);
        // Much longer than what fits in between, so that neither can be done before it is read.
        let mut running = Connection::open(http).await?;
        running.send(format!("GET /bytes/{LENGTH} HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
        assert_eq!(running.response_head().await?.status, 200);
        let connection = Http2::open(h2c).await?;
        let stream = connection.start(http::Request::get(format!("http://h/bytes/{LENGTH}")).body(())?, true).await?;
        let (head, mut rest) = stream.head().await?;
        assert_eq!(head.status, 200);

        echo.terminate().await?;
        assert!(idle.is_closed().await);
        assert!(TcpStream::connect(http).await.is_err(), "nothing new is taken");
        assert!(running.bytes(LENGTH).await? == content(0, LENGTH as usize));
        assert!(running.is_closed().await);
        let mut received = Vec::new();
        while let Some(piece) = piece(&mut rest).await? {
            received.extend_from_slice(&piece);
        }
        assert!(received == content(0, LENGTH as usize));
        assert_eq!(connection.ended_by_server().await?, None);
        echo.ends_well().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_done_is_said() -> Result<()> {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let listen = format!("tcp={}", taken.local_addr()?);
    for (arguments, expected) in [
        (vec![listen.as_str()], format!("cannot listen: {listen}")),
        (vec!["gopher=70"], "\"gopher\" is no protocol".to_owned()),
        (vec![], "PROTOCOL=[ADDRESS:]PORT".to_owned()),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_echo")).args(&arguments).output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(&expected), "{arguments:?}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn its_certificate_is_its_own() -> Result<()> {
    let (_first, [first]) = Echo::start(["https"], &[]).await?;
    let (_second, [second]) = Echo::start(["https"], &[]).await?;
    let mut certificates = Vec::new();
    for address in [first, second] {
        let (_, handshake) = tls::handshake(TcpStream::connect(address).await?, &Offer::default()).await?;
        certificates.push(handshake.certificate);
    }
    assert_ne!(certificates[0], certificates[1]);
    Ok(())
}
