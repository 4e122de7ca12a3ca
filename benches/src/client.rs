//! A client for what load generators do not do: connect anew for each request, and hold idle connections by the
//! thousand.

use crate::certificate::Certificate;
use crate::peers::{ANSWER, LARGE, Peer};
use crate::{HOST, TARGET};
use anyhow::{Context, Result, bail, ensure};
use h2::RecvStream;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, cipher_suite, kx_group};
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Connections that are opened at once.
const AT_ONCE: usize = 32;
/// Bytes that the socket of a client that reads nothing buffers.
const NARROW: u32 = 4 << 10;
/// How long a connection and its first answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What becomes of a connection after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    KeepAlive,
    Close,
}

/// How a new connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the request.
    Cleartext,
    /// With a whole handshake of TLS.
    Handshake,
    /// With a handshake that resumes the session of the connection before.
    Resumption,
}

/// A client that trusts one certificate and offers TLS 1.3 with X25519 and AES-128-GCM only. It keeps no sessions, unless
/// it is to resume them.
#[derive(Clone)]
pub struct Client {
    config: ClientConfig,
    tls: TlsConnector,
    http2: TlsConnector,
    name: ServerName<'static>,
}

impl Client {
    /// A client of servers that show this certificate.
    ///
    /// # Errors
    /// The certificate cannot be used as a root of trust.
    pub fn new(certificate: &Certificate) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der.clone())?;
        let provider = CryptoProvider {
            cipher_suites: vec![cipher_suite::TLS13_AES_128_GCM_SHA256],
            kx_groups: vec![kx_group::X25519],
            ..aws_lc_rs::default_provider()
        };
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        let mut http2 = config.clone();
        http2.alpn_protocols = vec![b"h2".to_vec()];
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let [tls, http2] = [config.clone(), http2].map(|config| TlsConnector::from(Arc::new(config)));
        Ok(Self { config, tls, http2, name: ServerName::try_from(HOST)? })
    }

    /// This client with sessions of its own, which it resumes.
    fn with_sessions(mut self) -> Self {
        self.config.resumption = Resumption::in_memory_sessions(1);
        self.tls = TlsConnector::from(Arc::new(self.config.clone()));
        self
    }

    /// Connects anew for each request, for some time. Returns the number of requests.
    ///
    /// # Errors
    /// A connection or a request fails, or does not begin as it should.
    pub async fn reconnect(&self, address: SocketAddr, start: Start, time: Duration) -> Result<u64> {
        let end = Instant::now() + time;
        let counts = at_once(|_| {
            let client = if start == Start::Resumption { self.clone().with_sessions() } else { self.clone() };
            async move {
                let mut count = 0;
                while Instant::now() < end {
                    // The first one has no session yet.
                    let start = if start == Start::Resumption && count == 0 { Start::Handshake } else { start };
                    timeout(PATIENCE, client.visit(address, start)).await.context("no answer in time")??;
                    count += 1;
                }
                Ok(count)
            }
        });
        Ok(counts.await?.into_iter().sum())
    }

    /// Opens connections that stay idle after their first answer.
    ///
    /// # Errors
    /// A connection or its first request fails.
    pub async fn idle(&self, peer: &Peer, tls: bool, count: usize) -> Result<Vec<TcpStream>> {
        let address = if tls { peer.https } else { peer.http };
        let opened = at_once(|task| {
            let client = self.clone();
            // The tasks share the number, to the last one.
            let share = (task..count).step_by(AT_ONCE).len();
            async move {
                let mut streams = Vec::with_capacity(share);
                for _ in 0..share {
                    let opened = timeout(PATIENCE, client.open(address, tls)).await;
                    streams.push(opened.context("no answer in time")??);
                }
                Ok(streams)
            }
        });
        Ok(opened.await?.into_iter().flatten().collect())
    }

    /// Asks for a large answer over HTTP/1.1 and takes no more than its beginning.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn stalled(&self, peer: &Peer) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(NARROW)?;
        let mut stream = socket.connect(peer.http).await?;
        stream.write_all(format!("GET {LARGE} HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await?;
        let mut status = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut status)).await.context("no answer in time")??;
        ensure!(status == *b"HTTP/1.1 200", "{}", status.escape_ascii());
        Ok(stream)
    }

    /// Asks for as many large answers on a connection of HTTP/2 as the server allows at a time, up to `most`, and opens no
    /// window for them.
    ///
    /// # Errors
    /// There is no answer to a request.
    pub async fn stalled_streams(&self, peer: &Peer, most: usize) -> Result<Vec<RecvStream>> {
        let tcp = TcpStream::connect(peer.https).await?;
        let tls = self.http2.connect(self.name.clone(), tcp).await?;
        // No request is sent before the server has said how many there may be.
        let mut http2 = h2::client::Builder::new();
        http2.initial_window_size(0).initial_max_send_streams(0);
        let (mut requests, connection) = http2.handshake::<_, &[u8]>(tls).await?;
        tokio::spawn(connection);
        let mut answers = Vec::with_capacity(most);
        loop {
            let request = http::Request::get(format!("https://{HOST}{LARGE}")).body(())?;
            answers.push(requests.send_request(request, true)?.0);
            requests = requests.ready().await?;
            if answers.len() >= most.min(requests.current_max_send_streams()) {
                break;
            }
        }
        let mut bodies = Vec::with_capacity(answers.len());
        for answer in answers {
            let answer = timeout(PATIENCE, answer).await.context("no answer in time")??;
            ensure!(answer.status().is_success(), "{answer:?}");
            bodies.push(answer.into_body());
        }
        Ok(bodies)
    }

    /// A connection with one request, which ends it.
    ///
    /// # Errors
    /// The connection or the request fails.
    pub async fn visit(&self, address: SocketAddr, start: Start) -> Result<()> {
        let mut tcp = TcpStream::connect(address).await?;
        if start == Start::Cleartext {
            return last_exchange(&mut tcp).await;
        }
        let mut stream = self.secure(tcp).await?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        ensure!(resumed == (start == Start::Resumption), "{start:?}, but resumed: {resumed}");
        last_exchange(&mut stream).await
    }

    /// A connection with one request, which leaves it open. Of TLS only the socket is kept: nothing more will be said.
    async fn open(&self, address: SocketAddr, tls: bool) -> Result<TcpStream> {
        let mut tcp = TcpStream::connect(address).await?;
        if !tls {
            exchange(&mut tcp, Connection::KeepAlive).await?;
            return Ok(tcp);
        }
        let mut stream = self.secure(tcp).await?;
        exchange(&mut stream, Connection::KeepAlive).await?;
        Ok(stream.into_inner().0)
    }

    async fn secure(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        tcp.set_nodelay(true)?;
        self.tls.connect(self.name.clone(), tcp).await
    }
}

/// How many of these connections the other side has closed.
pub fn closed(streams: &[TcpStream]) -> usize {
    let open = |stream: &TcpStream| matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
    streams.iter().filter(|stream| !open(stream)).count()
}

/// Runs as many tasks as there may be connections at once.
async fn at_once<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
    task: impl Fn(usize) -> F,
) -> Result<Vec<T>> {
    let mut tasks: JoinSet<_> = (0..AT_ONCE).map(task).collect();
    let mut results = Vec::with_capacity(AT_ONCE);
    while let Some(result) = tasks.join_next().await {
        results.push(result??);
    }
    Ok(results)
}

/// A request and its answer, after which the other side closes.
async fn last_exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<()> {
    exchange(stream, Connection::Close).await?;
    match stream.read(&mut [0]).await {
        Ok(0) => Ok(()),
        Ok(_) => bail!("bytes after the answer"),
        // Not all say goodbye in TLS.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A request and its answer, which is known.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, connection: Connection) -> Result<()> {
    let close = if connection == Connection::Close { "Connection: close\r\n" } else { "" };
    stream.write_all(format!("GET {TARGET} HTTP/1.1\r\nHost: {HOST}\r\n{close}\r\n").as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::with_capacity(1024);
    while !answer.ends_with(&ANSWER) {
        let more = stream.read_buf(&mut answer).await?;
        ensure!(more > 0, "the answer ends with {:?}", String::from_utf8_lossy(&answer));
    }
    ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    Ok(())
}
