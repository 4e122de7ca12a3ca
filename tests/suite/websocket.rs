//! WebSockets through the gateway, with a real client and a real server.

use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use tests::adit::{Adit, documents, slice};
use tests::connection::{Connection, PATIENCE};
use tests::objects;
use tests::tls::{self, Offer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

/// A stream, encrypted or not.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The client's end of a WebSocket. Nothing waits for longer than [`PATIENCE`].
struct Client(WebSocketStream<Box<dyn Duplex>>);

impl Client {
    /// Opens `ws://h/PATH`.
    async fn open(adit: &Adit, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(adit.address()?).await?;
        Self::over(Box::new(stream), path).await
    }

    /// Opens `wss://h/PATH`.
    async fn open_tls(adit: &Adit, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(adit.https_address()?).await?;
        let offer = Offer { server_name: Some("h".to_owned()), ..Offer::default() };
        let (stream, _) = tls::handshake(stream, &offer).await?;
        Self::over(Box::new(stream), path).await
    }

    async fn over(stream: Box<dyn Duplex>, path: &str) -> Result<Self> {
        let handshake = client_async(format!("ws://h{path}"), stream);
        Ok(Self(timeout(PATIENCE, handshake).await.context("no handshake in time")??.0))
    }

    async fn send(&mut self, message: Message) -> Result<()> {
        Ok(timeout(PATIENCE, self.0.send(message)).await.context("the gateway does not read")??)
    }

    /// The next message; `None` at the end of the connection.
    async fn next(&mut self) -> Result<Option<Message>> {
        Ok(timeout(PATIENCE, self.0.next()).await.context("no message in time")?.transpose()?)
    }

    async fn echoes(&mut self, message: Message) -> Result<()> {
        self.send(message.clone()).await?;
        let echo = self.next().await?;
        ensure!(echo.as_ref() == Some(&message), "{message:.40} came back as {echo:?}");
        Ok(())
    }
}

/// A server that does what the path of a request says: `/first` speaks first, `/ping` pings, `/close` closes; all then
/// send every message back.
async fn server() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // What goes wrong here shows at the client.
            tokio::spawn(serve(stream));
        }
    });
    Ok(address)
}

async fn serve(stream: TcpStream) -> Result<()> {
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
    let note_path = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        path = request.uri().path().to_owned();
        Ok(response)
    };
    let mut socket = accept_hdr_async(stream, note_path).await?;
    match path.as_str() {
        "/first" => socket.send(Message::text("first")).await?,
        "/ping" => socket.send(Message::Ping("ping".into())).await?,
        "/close" => socket.close(Some(frame(4001))).await?,
        _ => {}
    }
    while let Some(message) = socket.next().await {
        match message? {
            // The library answers these itself.
            Message::Ping(_) | Message::Close(_) => {}
            Message::Pong(payload) => socket.send(Message::Binary(payload)).await?,
            message => socket.send(message).await?,
        }
    }
    Ok(())
}

fn frame(code: u16) -> CloseFrame {
    CloseFrame { code: CloseCode::from(code), reason: "as agreed".into() }
}

/// Host `h` with TLS, its Service with these endpoints, and a Secret with a new certificate.
fn manifests(backends: &[SocketAddr]) -> Vec<Value> {
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "backend", "port": {"number": 80}}}}]);
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "h", "annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}},
        "spec": {
            "tls": [{"hosts": ["h"], "secretName": "h"}],
            "rules": [{"host": "h", "http": {"paths": paths}}],
        },
    });
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "backend"},
        "spec": {"ports": [{"port": 80}]},
    });
    let slices = backends.iter().enumerate().map(|(number, address)| slice("backend", number, *address));
    [ingress, service, secret()].into_iter().chain(slices).collect()
}

fn secret() -> Value {
    let made = rcgen::generate_simple_self_signed(["h".to_owned()]).expect("a certificate");
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "h"},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": made.cert.pem(), "tls.key": made.signing_key.serialize_pem()},
    })
}

/// An Ingress that has nothing to do with host `h`.
fn unrelated(number: usize) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "unrelated"},
        "spec": {"defaultBackend": null, "rules": [{"host": format!("unrelated-{number}"), "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "backend", "port": {"number": 80}}}},
        ]}}]},
    })
}

async fn adit() -> Result<Adit> {
    Adit::start(&documents(manifests(&[server().await?]))).await
}

/// One client over HTTP and one over HTTPS.
async fn both(adit: &Adit, path: &str) -> Result<[Client; 2]> {
    Ok([Client::open(adit, path).await?, Client::open_tls(adit, path).await?])
}

#[tokio::test]
async fn h34_messages_go_both_ways() -> Result<()> {
    let adit = adit().await?;
    for mut client in both(&adit, "/").await? {
        client.echoes(Message::text("h\u{e9}llo")).await?;
        client.echoes(Message::binary(vec![0, 13, 10, 255])).await?;
        client.echoes(Message::text("")).await?;
        client.echoes(Message::binary(vec![7; 1 << 20])).await?;
        client.echoes(Message::text("x".repeat(1 << 20))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_may_speak_first() -> Result<()> {
    let adit = adit().await?;
    for mut client in both(&adit, "/first").await? {
        assert_eq!(client.next().await?, Some(Message::text("first")));
        client.echoes(Message::text("second")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn pings_are_answered_by_the_other_end() -> Result<()> {
    let adit = adit().await?;
    for mut client in both(&adit, "/").await? {
        client.send(Message::Ping("here".into())).await?;
        assert_eq!(client.next().await?, Some(Message::Pong("here".into())));
    }
    for mut client in both(&adit, "/ping").await? {
        assert_eq!(client.next().await?, Some(Message::Ping("ping".into())));
        // The client's library has answered; the server sends what has come of it.
        assert_eq!(client.next().await?, Some(Message::Binary(Bytes::from_static(b"ping"))));
    }
    Ok(())
}

#[tokio::test]
async fn close_codes_arrive_at_either_end() -> Result<()> {
    let adit = adit().await?;
    for mut client in both(&adit, "/").await? {
        client.send(Message::Close(Some(frame(4000)))).await?;
        // The server answers with what it has received.
        assert_eq!(client.next().await?, Some(Message::Close(Some(frame(4000)))));
        assert_eq!(client.next().await?, None);
    }
    for mut client in both(&adit, "/close").await? {
        assert_eq!(client.next().await?, Some(Message::Close(Some(frame(4001)))));
        assert_eq!(client.next().await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn h35_changes_elsewhere_do_not_touch_it() -> Result<()> {
    let objects = manifests(&[server().await?]);
    let mut adit = Adit::start(&documents(objects.clone())).await?;
    let mut clients = both(&adit, "/").await?;
    for change in 0..50 {
        let before = adit.state()?.borrow().revision;
        // It comes, changes and goes.
        let unrelated = (change % 5 != 4).then(|| unrelated(change));
        adit.replace(&documents(objects.iter().cloned().chain(unrelated))).await?;
        assert!(adit.state()?.borrow().revision > before, "change {change} was not published");
        for client in &mut clients {
            client.echoes(Message::text(format!("after change {change}"))).await?;
        }
    }
    Ok(())
}

type Change<'a> = &'a dyn Fn(&mut Vec<Value>);

#[tokio::test]
async fn changes_to_its_own_objects_do_not_touch_it() -> Result<()> {
    const INGRESS: usize = 0;
    const SERVICE: usize = 1;
    const SECRET: usize = 2;
    const SLICE: usize = 3;
    let mut objects = manifests(&[server().await?]);
    let mut adit = Adit::start(&documents(objects.clone())).await?;
    let mut clients = both(&adit, "/").await?;
    let elsewhere = slice("backend", 0, server().await?);
    let config = objects::config_map("adit", &json!({"proxy-read-timeout": "30"}));
    let changes: [(&str, Change<'_>); 8] = [
        ("an annotation", &|objects| {
            objects[INGRESS]["metadata"]["annotations"]["nginx.ingress.kubernetes.io/rewrite-target"] = json!("/x");
        }),
        ("another path", &|objects| objects[INGRESS]["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!("/y")),
        ("another certificate", &|objects| objects[SECRET] = secret()),
        ("another endpoint", &|objects| objects[SLICE] = elsewhere.clone()),
        ("another port", &|objects| objects[SERVICE]["spec"]["ports"] = json!([{"port": 81}])),
        ("the settings", &|objects| objects.push(config.clone())),
        ("no certificate", &|objects| drop(objects.remove(SECRET))),
        ("no Ingress", &|objects| drop(objects.remove(INGRESS))),
    ];
    for (name, change) in changes {
        change(&mut objects);
        let before = adit.state()?.borrow().revision;
        adit.replace(&documents(objects.clone())).await?;
        assert!(adit.state()?.borrow().revision > before, "{name} was not published");
        for client in &mut clients {
            client.echoes(Message::text(name)).await.with_context(|| format!("after {name}"))?;
        }
    }
    assert!(Client::open(&adit, "/").await.is_err(), "the host is still there");
    Ok(())
}

#[tokio::test]
async fn a_hundred_at_once_do_not_meet() -> Result<()> {
    let adit = adit().await?;
    let mut clients = Vec::new();
    for number in 0..100 {
        clients.push(if number % 2 == 0 {
            Client::open(&adit, "/").await?
        } else {
            Client::open_tls(&adit, "/").await?
        });
    }
    assert_eq!(writing(&adit).await?, 100);
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(Message::text(format!("{number} in round {round}"))).await?;
        }
        for (number, client) in clients.iter_mut().enumerate().rev() {
            assert_eq!(client.next().await?, Some(Message::text(format!("{number} in round {round}"))));
        }
    }
    Ok(())
}

/// How many connections are being served, by the metrics.
async fn writing(adit: &Adit) -> Result<usize> {
    let mut connection = Connection::open(adit.admin_address()?).await?;
    connection.send("GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n").await?;
    let metrics = String::from_utf8(connection.response("GET").await?.body)?;
    let line = metrics.lines().find(|line| {
        line.starts_with("nginx_ingress_controller_nginx_process_connections{") && line.contains(r#"state="writing""#)
    });
    let value = line.and_then(|line| line.rsplit(' ').next()).context("no connections in the metrics")?;
    Ok(value.parse()?)
}

#[tokio::test]
async fn a_tunnel_outlives_the_announcement_of_the_end() -> Result<()> {
    let adit = adit().await?;
    let mut idle = adit.connect().await?;
    let mut clients = both(&adit, "/").await?;
    let shut_down = tokio::spawn(adit.shut_down());
    assert!(idle.is_closed().await);
    for client in &mut clients {
        client.echoes(Message::text("still here")).await?;
        client.send(Message::Close(None)).await?;
        assert_eq!(client.next().await?, Some(Message::Close(None)));
    }
    drop(clients);
    assert_eq!(shut_down.await??, 0);
    Ok(())
}
