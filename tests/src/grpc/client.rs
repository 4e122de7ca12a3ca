use super::Plain;
use crate::connection::{Duplex, PATIENCE};
use crate::tls::{self, Offer};
use anyhow::Result;
use bytes::Bytes;
use http::Uri;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

/// Bytes that may be on their way to us: on a stream, and on all of them. Answers may be left unread.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// A client of the service, on one connection. No call takes longer than [`PATIENCE`].
#[derive(Clone, Debug)]
pub struct Client(Grpc<Channel>);

impl Client {
    /// Connects by prior knowledge, for calls to this host.
    ///
    /// # Errors
    /// If the server does not accept.
    pub async fn open(server: SocketAddr, host: &str) -> Result<Self> {
        Self::over(Box::new(TcpStream::connect(server).await?), format!("http://{host}").parse()?).await
    }

    /// Connects over TLS, likewise.
    ///
    /// # Errors
    /// If the server does not accept.
    pub async fn open_tls(server: SocketAddr, host: &str) -> Result<Self> {
        let offer = Offer { server_name: Some(host.to_owned()), protocols: vec!["h2"], ..Offer::default() };
        let (stream, _) = tls::handshake(TcpStream::connect(server).await?, &offer).await?;
        Self::over(Box::new(stream), format!("https://{host}").parse()?).await
    }

    async fn over(stream: Box<dyn Duplex>, origin: Uri) -> Result<Self> {
        let mut stream = Some(TokioIo::new(stream));
        let connector = tower::service_fn(move |_: Uri| {
            let stream = stream.take().ok_or("there is one connection only");
            async move { stream }
        });
        // The connection is made: the endpoint only says how it is used.
        let endpoint = Endpoint::from_static("http://gateway")
            .origin(origin)
            .timeout(PATIENCE)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        Ok(Self(Grpc::new(endpoint.connect_with_connector(connector).await?)))
    }

    /// Makes a call of one message and one answer.
    ///
    /// # Errors
    /// The call's status.
    pub async fn unary(&self, method: &'static str, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        self.ready().await?.unary(request, PathAndQuery::from_static(method), Plain).await
    }

    /// Makes a call of one message and several answers.
    ///
    /// # Errors
    /// The call's status.
    pub async fn server_streaming(
        &self,
        method: &'static str,
        message: impl Into<Bytes>,
    ) -> Result<Streaming<Bytes>, Status> {
        let call = Request::new(message.into());
        let mut client = self.ready().await?;
        Ok(client.server_streaming(call, PathAndQuery::from_static(method), Plain).await?.into_inner())
    }

    /// Makes a call of several messages and one answer.
    ///
    /// # Errors
    /// The call's status.
    pub async fn client_streaming(
        &self,
        method: &'static str,
        messages: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<Bytes, Status> {
        let call = Request::new(messages);
        let mut client = self.ready().await?;
        Ok(client.client_streaming(call, PathAndQuery::from_static(method), Plain).await?.into_inner())
    }

    /// Makes a call of messages both ways.
    ///
    /// # Errors
    /// The call's status.
    pub async fn streaming(
        &self,
        method: &'static str,
        messages: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<Streaming<Bytes>, Status> {
        let call = Request::new(messages);
        let mut client = self.ready().await?;
        Ok(client.streaming(call, PathAndQuery::from_static(method), Plain).await?.into_inner())
    }

    /// The next answer of a call; `None` at its end.
    ///
    /// # Errors
    /// The call's status, or that nothing comes in time.
    pub async fn next(answers: &mut Streaming<Bytes>) -> Result<Option<Bytes>, Status> {
        timeout(PATIENCE, answers.message()).await.map_err(|_| Status::aborted("no answer in time"))?
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut client = self.0.clone();
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(client)
    }
}
