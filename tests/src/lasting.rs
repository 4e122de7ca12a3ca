//! Connections that last, one of each kind, and the backends at their other ends.

use crate::adit::{documents, slice};
use crate::backend::accept;
use crate::connection::PATIENCE;
use crate::grpc::{self, method};
use crate::objects::config_map;
use crate::tls::{self, Offer};
use crate::tls_server;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};
use tonic::Streaming;

const WEBSOCKET: &str = "websocket.test";
const GRPC: &str = "grpc.test";
const PASSTHROUGH: &str = "passthrough.test";

/// Sends back what comes, until its end.
async fn echo(stream: impl AsyncRead + AsyncWrite) -> Result<()> {
    let (mut reader, mut writer) = split(stream);
    copy(&mut reader, &mut writer).await?;
    Ok(())
}

/// What serves: one backend of each kind, which sends back what comes.
#[derive(Debug)]
pub struct Backends {
    websocket: SocketAddr,
    grpc: grpc::Backend,
    tcp: SocketAddr,
    passthrough: SocketAddr,
}

impl Backends {
    /// Starts them, until their runtime ends.
    ///
    /// # Errors
    /// If a port cannot be had.
    pub async fn start() -> Result<Self> {
        let websocket = accept(|_, stream| async move {
            let mut socket = accept_async(stream).await?;
            while let Some(message) = socket.next().await.transpose()? {
                if !message.is_close() {
                    socket.send(message).await?;
                }
            }
            Ok(())
        });
        let tls = tls_server::acceptor(&[])?;
        let passthrough = accept(move |_, stream| {
            let tls = tls.clone();
            async move { echo(tls.accept(stream).await?).await }
        });
        Ok(Self {
            websocket: websocket.await?,
            grpc: grpc::Backend::start(false).await?,
            tcp: accept(|_, stream| echo(stream)).await?,
            passthrough: passthrough.await?,
        })
    }

    /// All that they are served by: TLS is passed through, the TCP service has this port and is listed in ConfigMap
    /// `adit/tcp`, and ConfigMap `adit/adit` has this data. Each generation differs from the one before in every Ingress,
    /// Secret, Service and EndpointSlice.
    ///
    /// # Errors
    /// If a certificate cannot be made.
    pub fn objects(&self, port: u16, generation: usize, config: &Value) -> Result<String> {
        let mut objects = vec![
            config_map("adit", config),
            config_map(
                "tcp",
                &json!({port.to_string(): "default/tcp:80", "1": format!("default/gone-{generation}:80")}),
            ),
            ingress(WEBSOCKET, "websocket", generation, &[]),
            ingress(GRPC, "grpc", generation, &[("backend-protocol", "GRPC")]),
            ingress(PASSTHROUGH, "passthrough", generation, &[("ssl-passthrough", "true")]),
        ];
        for host in [WEBSOCKET, GRPC, PASSTHROUGH] {
            objects.push(secret(host)?);
        }
        for (name, address) in [
            ("websocket", self.websocket),
            ("grpc", self.grpc.address),
            ("tcp", self.tcp),
            ("passthrough", self.passthrough),
        ] {
            objects.push(json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": name, "labels": {"generation": generation.to_string()}},
                "spec": {"ports": [{"name": format!("p{generation}"), "port": 80}]},
            }));
            let mut slice = slice(name, 0, address);
            slice["ports"][0]["name"] = json!(format!("p{generation}"));
            objects.push(slice);
        }
        Ok(documents(objects))
    }
}

fn ingress(host: &str, service: &str, generation: usize, annotations: &[(&str, &str)]) -> Value {
    let size = format!("{}m", 1 + generation);
    let annotations: serde_json::Map<_, _> = [("proxy-body-size", size.as_str())]
        .iter()
        .chain(annotations)
        .map(|(key, value)| (format!("nginx.ingress.kubernetes.io/{key}"), json!(value)))
        .collect();
    let backend = json!({"service": {"name": service, "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": service, "annotations": annotations},
        "spec": {
            "tls": [{"hosts": [host], "secretName": host}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    })
}

/// A Secret with a new certificate.
fn secret(host: &str) -> Result<Value> {
    let made = rcgen::generate_simple_self_signed([host.to_owned()])?;
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": host},
        "stringData": {"tls.crt": made.cert.pem(), "tls.key": made.signing_key.serialize_pem()},
    }))
}

/// One connection of each kind. Nothing is waited for longer than [`PATIENCE`].
#[derive(Debug)]
pub struct Open {
    websocket: WebSocketStream<TlsStream<TcpStream>>,
    messages: mpsc::Sender<Bytes>,
    answers: Streaming<Bytes>,
    tcp: TcpStream,
    passthrough: TlsStream<TcpStream>,
}

impl Open {
    /// Opens them by way of a gateway, once its TCP service has its port.
    ///
    /// # Errors
    /// If one cannot be opened.
    pub async fn all(https: SocketAddr, port: u16) -> Result<Self> {
        let stream = secured(https, WEBSOCKET).await?;
        let (websocket, _) = client_async(format!("wss://{WEBSOCKET}/"), stream).await?;
        let (messages, receiver) = mpsc::channel(1);
        let calls = grpc::Client::open_tls(https, GRPC).await?;
        // The answer begins with the first message.
        messages.send(Bytes::from("first")).await?;
        let mut answers = calls.streaming(method::ECHO, ReceiverStream::new(receiver)).await?;
        ensure!(grpc::Client::next(&mut answers).await?.as_deref() == Some(b"first"), "no answer to the first message");
        let tcp = opened(port).await?;
        let passthrough = secured(https, PASSTHROUGH).await?;
        Ok(Self { websocket, messages, answers, tcp, passthrough })
    }

    /// Sends a text on each, and expects it back.
    ///
    /// # Errors
    /// If one has ended, or is silent.
    pub async fn carry(&mut self, text: &str) -> Result<()> {
        timeout(PATIENCE, self.websocket.send(Message::text(text))).await.context("WebSocket")??;
        let message = timeout(PATIENCE, self.websocket.next()).await.context("WebSocket")?;
        ensure!(message.transpose()? == Some(Message::text(text)), "WebSocket");
        self.messages.send(Bytes::from(text.to_owned())).await.context("gRPC")?;
        let answer = grpc::Client::next(&mut self.answers).await.context("gRPC")?;
        ensure!(answer.as_deref() == Some(text.as_bytes()), "gRPC: {answer:?}");
        echoes(&mut self.tcp, text).await.context("TCP")?;
        echoes(&mut self.passthrough, text).await.context("TLS passthrough")
    }

    /// Waits until each has broken off: none ends as if all had been said.
    ///
    /// # Errors
    /// If one goes on, or ends well.
    pub async fn cut_off(mut self) -> Result<()> {
        let message = timeout(PATIENCE, self.websocket.next()).await.context("WebSocket")?;
        ensure!(matches!(message, Some(Err(_))), "WebSocket: {message:?}");
        let answer = grpc::Client::next(&mut self.answers).await;
        ensure!(answer.is_err(), "gRPC: {answer:?}");
        for (kind, stream) in
            [("TCP", &mut self.tcp as &mut (dyn AsyncRead + Send + Unpin)), ("TLS", &mut self.passthrough)]
        {
            let read = timeout(PATIENCE, stream.read(&mut [0])).await.context(kind)?;
            ensure!(read.is_err(), "{kind}: {read:?}");
        }
        Ok(())
    }
}

/// A stream over TLS to a host.
async fn secured(address: SocketAddr, host: &str) -> Result<TlsStream<TcpStream>> {
    let offer = Offer { server_name: Some(host.to_owned()), ..Offer::default() };
    Ok(tls::handshake(TcpStream::connect(address).await?, &offer).await?.0)
}

/// Connects to a port as soon as it is open: nothing tells a client when that is.
async fn opened(port: u16) -> Result<TcpStream> {
    let connect = async {
        loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                Ok(stream) => return stream,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    timeout(PATIENCE, connect).await.with_context(|| format!("port {port} does not open"))
}

async fn echoes(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), text: &str) -> Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await?;
    let mut echo = vec![0; text.len()];
    timeout(PATIENCE, stream.read_exact(&mut echo)).await.context("no echo in time")??;
    ensure!(echo == text.as_bytes(), "another echo");
    Ok(())
}
