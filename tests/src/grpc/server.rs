use super::Plain;
use crate::backend::accept;
use crate::tls_server;
use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::Grpc;
use tonic::{Code, Status, Streaming};

/// The methods of the service.
pub mod method {
    /// Answers each message with the same.
    pub const ECHO: &str = "/test.Service/Echo";
    /// Answers with all messages, joined.
    pub const JOIN: &str = "/test.Service/Join";
    /// Repeats the first message until the call is cancelled.
    pub const REPEAT: &str = "/test.Service/Repeat";
    /// Answers the first message with the same, and is silent until the call is cancelled.
    pub const HANG: &str = "/test.Service/Hang";
    /// Is silent until the call is cancelled.
    pub const IGNORE: &str = "/test.Service/Ignore";
    /// Answers the first message with the same, and then with an error.
    pub const FAIL: &str = "/test.Service/Fail";
    /// Says that the server is well, as the kubelet's probes ask.
    pub const HEALTH: &str = "/grpc.health.v1.Health/Check";
}

/// A HealthCheckResponse of status SERVING.
const SERVING: Bytes = Bytes::from_static(&[0x08, 0x01]);

/// Messages on their way from a method to its client.
const QUEUE: usize = 4;

/// A running server.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    service: Service,
}

/// The service, on whatever connections.
#[derive(Clone, Debug)]
pub(crate) struct Service(Arc<Events>);

/// What has happened, for a test to wait for.
#[derive(Debug)]
struct Events {
    begun: Semaphore,
    cancelled: Semaphore,
}

impl Backend {
    /// Starts a server, with TLS or without, that runs as long as its runtime does.
    ///
    /// # Errors
    /// If it gets no port, or no certificate.
    pub async fn start(tls: bool) -> Result<Self> {
        let acceptor = if tls { Some(tls_server::acceptor(&["h2"])?) } else { None };
        let service = Service::default();
        let served = service.clone();
        let serve = move |_, stream| {
            let (acceptor, service) = (acceptor.clone(), served.clone());
            async move {
                match acceptor {
                    Some(acceptor) => connection(acceptor.accept(stream).await?, service).await,
                    None => connection(stream, service).await,
                }
            }
        };
        Ok(Self { address: accept(serve).await?, service })
    }

    /// Waits until one more call has begun.
    ///
    /// # Errors
    /// Never: the server does not end.
    pub async fn begun(&self) -> Result<()> {
        self.service.0.begun.acquire().await?.forget();
        Ok(())
    }

    /// Waits until one more call was cancelled.
    ///
    /// # Errors
    /// Never: the server does not end.
    pub async fn cancelled(&self) -> Result<()> {
        self.service.0.cancelled.acquire().await?.forget();
        Ok(())
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, service: Service) -> Result<()> {
    let calls = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.call(request).await) }
    });
    Ok(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), calls).await?)
}

impl Default for Service {
    fn default() -> Self {
        Self(Arc::new(Events { begun: Semaphore::new(0), cancelled: Semaphore::new(0) }))
    }
}

impl Service {
    /// Answers a call of any of its methods.
    pub(crate) async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        self.0.begun.add_permits(1);
        let method = request.uri().path().to_owned();
        let (events, seen) = (self.0.clone(), seen(&request));
        let service = tower::service_fn(move |request: tonic::Request<Streaming<Bytes>>| {
            let (answers, mut receiver) = mpsc::channel(QUEUE);
            let call = Call { messages: request.into_inner(), answers };
            let (method, events, seen) = (method.clone(), events.clone(), seen.clone());
            tokio::spawn(async move { call.answer(&method, &events.cancelled).await });
            async move {
                // The head goes with the first answer.
                let first = receiver.recv().await.transpose()?;
                let answers = tokio_stream::iter(first.map(Ok)).chain(ReceiverStream::new(receiver));
                Ok::<_, Status>(tonic::Response::from_parts(seen, answers, Default::default()))
            }
        });
        Grpc::new(Plain).streaming(service, request).await
    }
}

/// What a call's head was like, for its client to see: each header as `x-seen-NAME`.
fn seen(request: &Request<Incoming>) -> MetadataMap {
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let mut seen = http::HeaderMap::new();
    for (name, value) in request.headers() {
        if let Ok(name) = http::HeaderName::try_from(format!("x-seen-{name}")) {
            seen.append(name, value.clone());
        }
    }
    if let Ok(authority) = authority.try_into() {
        seen.insert("x-seen-authority", authority);
    }
    MetadataMap::from_headers(seen)
}

/// A call, from the server's side.
struct Call {
    messages: Streaming<Bytes>,
    answers: mpsc::Sender<Result<Bytes, Status>>,
}

impl Call {
    async fn answer(mut self, method: &str, cancelled: &Semaphore) {
        let done = match method {
            method::ECHO => self.echo().await,
            method::JOIN => self.join().await,
            method::REPEAT => self.repeat().await,
            method::HANG => self.hang(1).await,
            method::IGNORE => self.hang(0).await,
            method::FAIL => self.fail().await,
            method::HEALTH => self.send(SERVING).await,
            _ => Err(Status::unimplemented("no such method")),
        };
        match done {
            Ok(()) => {}
            Err(_) if self.answers.is_closed() => cancelled.add_permits(1),
            Err(status) => drop(self.answers.send(Err(status)).await),
        }
    }

    async fn message(&mut self) -> Result<Bytes, Status> {
        self.messages.message().await?.ok_or_else(|| Status::invalid_argument("a message is missing"))
    }

    /// Fails once nobody takes answers any more.
    async fn send(&self, message: Bytes) -> Result<(), Status> {
        self.answers.send(Ok(message)).await.map_err(|_| Status::cancelled("by the client"))
    }

    async fn echo(&mut self) -> Result<(), Status> {
        while let Some(message) = self.messages.message().await? {
            self.send(message).await?;
        }
        Ok(())
    }

    async fn join(&mut self) -> Result<(), Status> {
        let mut all = Vec::new();
        while let Some(message) = self.messages.message().await? {
            all.extend(message);
        }
        self.send(all.into()).await
    }

    async fn repeat(&mut self) -> Result<(), Status> {
        let message = self.message().await?;
        loop {
            self.send(message.clone()).await?;
        }
    }

    async fn hang(&mut self, answers: usize) -> Result<(), Status> {
        for _ in 0..answers {
            let message = self.message().await?;
            self.send(message).await?;
        }
        self.answers.closed().await;
        Err(Status::cancelled("by the client"))
    }

    async fn fail(&mut self) -> Result<(), Status> {
        let message = self.message().await?;
        self.send(message).await?;
        let mut metadata = MetadataMap::new();
        metadata.insert("x-reason", tonic::metadata::MetadataValue::from_static("because"));
        Err(Status::with_metadata(Code::FailedPrecondition, "not now: 100 %", metadata))
    }
}
