//! Requests of which only the answerer matters.

use crate::backends::Answerer;
use anyhow::{Context, Result};
use benches::TARGET;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long an answer may be waited for, and one to change.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long to wait between requests: at least so long, and so much of the time that has passed since the first one.
const PAUSE: Duration = Duration::from_millis(1);
const SHARE: u32 = 20;

/// A client with one connection, which is kept.
pub(crate) struct Visitor {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
}

impl Visitor {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub(crate) async fn connect(address: SocketAddr, host: String) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host })
    }

    /// Asks again and again until this one answers.
    ///
    /// # Errors
    /// It does not in time, or the connection ends.
    pub(crate) async fn until(&mut self, answerer: Answerer) -> Result<()> {
        let start = Instant::now();
        let wait = async {
            while !self.is_answered_by(answerer).await? {
                sleep(PAUSE.max(start.elapsed() / SHARE)).await;
            }
            Ok(())
        };
        timeout(PATIENCE, wait)
            .await
            .with_context(|| format!("no answer in {} s as it should be", PATIENCE.as_secs()))?
    }

    async fn is_answered_by(&mut self, answerer: Answerer) -> Result<bool> {
        self.sender.ready().await?;
        let request = Request::get(TARGET).header(header::HOST, &self.host).body(Empty::new())?;
        let response = self.sender.send_request(request).await?;
        Ok(response.into_body().collect().await?.to_bytes() == answerer.answer())
    }
}

/// Waits until a host is served by the first backend, from before anybody listens.
///
/// # Errors
/// It is not in time.
pub(crate) async fn until_served(address: SocketAddr, host: String) -> Result<()> {
    let start = Instant::now();
    let mut visitor = loop {
        match Visitor::connect(address, host.clone()).await {
            Ok(visitor) => break visitor,
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            Err(_) => sleep(PAUSE).await,
        }
    };
    visitor.until(Answerer::First).await
}
