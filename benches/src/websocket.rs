//! WebSockets whose messages come back: a server, and clients that wait for each message before they send the next.

use crate::HOST;
use crate::h2load::Served;
use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{accept_async, client_async};

/// Bytes of a message.
const SIZE: usize = 100;
/// How long a handshake or a message may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that sends messages back. It ends when this is dropped.
#[derive(Debug)]
pub struct EchoServer {
    /// Where it listens.
    pub address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl EchoServer {
    /// Starts it, on a thread of its own.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    served = serve(listener) => drop(served),
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, _stop: stop })
    }
}

async fn serve(listener: TcpListener) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

async fn echo(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await.transpose()? {
        socket.send(message).await?;
    }
    Ok(())
}

/// Sends messages over so many connections to `/ws`, for some time, and counts those that come back.
///
/// # Errors
/// A handshake fails, or a message does not come back.
pub fn exchange(address: SocketAddr, connections: usize, time: Duration) -> Result<Served> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let end = Instant::now() + time;
    runtime.block_on(async {
        let mut clients: JoinSet<_> = (0..connections).map(|_| client(address, end)).collect();
        let mut requests = 0;
        while let Some(count) = clients.join_next().await {
            requests += count??;
        }
        Ok(Served { requests, rate: requests as f64 / time.as_secs_f64(), bytes: requests * SIZE as u64 })
    })
}

async fn client(address: SocketAddr, end: Instant) -> Result<u64> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let handshake = timeout(PATIENCE, client_async(format!("ws://{HOST}/ws"), stream));
    let (mut socket, _) = handshake.await.context("no handshake in time")??;
    let message = Message::Binary(Bytes::from_static(&[b'x'; SIZE]));
    let mut count = 0;
    while Instant::now() < end {
        socket.send(message.clone()).await?;
        let echo = timeout(PATIENCE, socket.next()).await.context("no message in time")?.transpose()?;
        ensure!(echo.as_ref() == Some(&message), "a message comes back as {echo:?}");
        count += 1;
    }
    socket.close(None).await?;
    Ok(count)
}
