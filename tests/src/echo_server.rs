//! A server that says who it is and what it receives, in every protocol that Adit carries: the backend of tests that
//! need a process of its own, such as a Pod. `src/bin/echo.rs` is the program.
//!
//! | protocol | what it answers |
//! |---|---|
//! | HTTP | a [`Said`](crate::echo::Said) as JSON; `/bytes/COUNT` is [`content`](crate::echo::content) |
//! | WebSocket | a `Said` of the handshake, then each message with the same |
//! | gRPC | the [methods](crate::grpc::method) of the test's service, and the health service |
//! | TCP | `pod NAME` and a line feed, then all that comes |
//! | UDP | to each datagram: `pod NAME`, a line feed, and the datagram |
//!
//! All answers over HTTP, those to gRPC and WebSocket as well, name their Service and Pod as those of
//! [`crate::echo`] do.

mod answer;
mod arguments;
mod http;
mod lingering;
mod pod;
mod tcp;
mod udp;
mod websocket;

pub use arguments::{Arguments, Listen, Protocol};
pub use pod::Pod;

use crate::echo::said::Tls;
use crate::{grpc, tls_server};
use ::http::{HeaderValue, Version};
use anyhow::{Context as _, Result};
use rustls::ServerConnection;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long what is running may take after the grace, before it is cut off. Only streams without an end need it all.
const FINISHING: Duration = Duration::from_secs(30);
/// Before the next attempt to accept, when there is no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

/// A running server.
pub struct Server {
    shared: Arc<Shared>,
    listening: Vec<(Protocol, SocketAddr)>,
}

/// What all connections use.
struct Shared {
    pod: Pod,
    /// The values of the headers that name its Service and Pod.
    names: [HeaderValue; 2],
    ready_at: Instant,
    tls: TlsAcceptor,
    grpc: grpc::Service,
    /// Listeners and connections.
    tasks: TaskTracker,
    /// Nothing new is to begin.
    ending: CancellationToken,
}

/// The other end of a connection over HTTP.
#[derive(Clone)]
struct Client {
    address: SocketAddr,
    tls: Option<Tls>,
}

impl Server {
    /// Opens all listeners.
    ///
    /// # Errors
    /// If one cannot be opened, there is no certificate to speak TLS with, or the Pod has names that fit no header.
    pub async fn start(arguments: &Arguments, pod: Pod) -> Result<Self> {
        let shared = Arc::new(Shared {
            names: pod.header_values()?,
            pod,
            ready_at: Instant::now() + arguments.ready_after,
            tls: tls_server::acceptor(&["h2", "http/1.1"])?,
            grpc: grpc::Service::default(),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
        });
        let mut listening = Vec::new();
        for &Listen { protocol, address } in &arguments.listen {
            let opened = shared.clone().listen(protocol, address).await;
            listening.push((protocol, opened.with_context(|| format!("cannot listen: {protocol}={address}"))?));
        }
        Ok(Self { shared, listening })
    }

    /// What it listens for, and where, in the order of the arguments.
    pub fn listening(&self) -> &[(Protocol, SocketAddr)] {
        &self.listening
    }

    /// Serves as before for `grace`, so that everybody can learn that it is going; then takes nothing new, and returns
    /// once what is running has finished, which is cut off after 30 s.
    pub async fn end(self, grace: Duration) {
        sleep(grace).await;
        self.shared.ending.cancel();
        self.shared.tasks.close();
        // In time or not: there is nothing left to do.
        let _ = timeout(FINISHING, self.shared.tasks.wait()).await;
    }
}

impl Shared {
    async fn listen(self: Arc<Self>, protocol: Protocol, address: SocketAddr) -> Result<SocketAddr> {
        let tasks = self.tasks.clone();
        if protocol == Protocol::Udp {
            let socket = UdpSocket::bind(address).await?;
            let address = socket.local_addr()?;
            tasks.spawn(async move { self.ending.run_until_cancelled(udp::serve(&self.pod, socket)).await });
            return Ok(address);
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        tasks.spawn(async move { self.ending.run_until_cancelled(self.accept(protocol, listener)).await });
        Ok(address)
    }

    async fn accept(self: &Arc<Self>, protocol: Protocol, listener: TcpListener) {
        loop {
            match listener.accept().await {
                // A client that goes away early is nothing that a server could report.
                Ok((stream, address)) => drop(self.tasks.spawn(self.clone().serve(protocol, stream, address))),
                Err(error) => {
                    eprintln!("{protocol}: cannot accept: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn serve(self: Arc<Self>, protocol: Protocol, stream: TcpStream, address: SocketAddr) -> Result<()> {
        stream.set_nodelay(true)?;
        match protocol {
            Protocol::Http => http::serve(self, Version::HTTP_11, stream, Client { address, tls: None }).await,
            Protocol::H2c => http::serve(self, Version::HTTP_2, stream, Client { address, tls: None }).await,
            Protocol::Https => {
                let stream = self.tls.accept(stream).await?;
                let (_, session) = stream.get_ref();
                let version = if session.alpn_protocol() == Some(b"h2") { Version::HTTP_2 } else { Version::HTTP_11 };
                let tls = Some(described(session));
                http::serve(self, version, stream, Client { address, tls }).await
            }
            // Datagrams have no connections.
            Protocol::Tcp | Protocol::Udp => tcp::serve(&self.pod, stream, &self.ending).await,
        }
    }
}

fn described(session: &ServerConnection) -> Tls {
    let suite = session.negotiated_cipher_suite().map(|suite| suite.suite());
    let protocol = session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned());
    Tls {
        version: session.protocol_version().map(|version| format!("{version:?}")).unwrap_or_default(),
        cipher_suite: suite.map(|suite| format!("{suite:?}")).unwrap_or_default(),
        server_name: session.server_name().map(str::to_owned),
        negotiated_protocol: protocol,
    }
}
