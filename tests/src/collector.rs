//! A collector of traces: it takes what OTLP says, over gRPC or HTTP, and answers as a test tells it.

use crate::backend::accept;
use crate::connection::PATIENCE;
use crate::grpc::Plain;
use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;
use tonic::server::Grpc;
use tonic::{Code, Status};

/// What a collector answers to the messages that come from now on.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It has taken all.
    Taken,
    /// It has taken all but so many spans.
    Refused(i64),
    /// It fails with this status of gRPC.
    Fails(Code),
    /// It sends what is no message of OTLP.
    Garbage,
    /// It never answers.
    Hangs,
}

/// One message that has come.
#[derive(Debug)]
pub struct Batch {
    /// The service's name.
    pub service: String,
    /// The spans.
    pub spans: Vec<Span>,
}

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    batches: UnboundedReceiver<Batch>,
}

impl Collector {
    /// Starts one for gRPC.
    ///
    /// # Errors
    /// If it gets no port.
    pub async fn start() -> Result<Self> {
        Self::serve(|stream, service| async move {
            let calls = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.call(request).await) }
            });
            Ok(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), calls).await?)
        })
        .await
    }

    /// Starts one for HTTP/1.1.
    ///
    /// # Errors
    /// If it gets no port.
    pub async fn start_http() -> Result<Self> {
        Self::serve(|stream, service| async move {
            let calls = service_fn(move |request| {
                let service = service.clone();
                async move { service.post(request).await }
            });
            Ok(http1::Builder::new().serve_connection(TokioIo::new(stream), calls).await?)
        })
        .await
    }

    async fn serve<F>(serve: impl Fn(tokio::net::TcpStream, Service) -> F + Send + 'static) -> Result<Self>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (sender, batches) = mpsc::unbounded_channel();
        let answer = Arc::new(Mutex::new(Answer::Taken));
        let service = Service { answer: answer.clone(), batches: sender };
        let address = accept(move |_, stream| serve(stream, service.clone())).await?;
        Ok(Self { address, answer, batches })
    }

    /// Changes its answers.
    pub fn answers(&self, answer: Answer) {
        *self.answer.lock() = answer;
    }

    /// The next message, also one that was not taken.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn batch(&mut self) -> Result<Batch> {
        timeout(PATIENCE, self.batches.recv()).await.context("no spans in time")?.context("the collector has ended")
    }

    /// The next span, which comes alone.
    ///
    /// # Errors
    /// If none comes in time, or others come with it.
    pub async fn span(&mut self) -> Result<Span> {
        let [span] = <[Span; 1]>::try_from(self.batch().await?.spans).ok().context("several spans")?;
        Ok(span)
    }
}

/// The value of an attribute: a number as its digits, and nothing where it is not there.
pub fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

#[derive(Clone)]
struct Service {
    answer: Arc<Mutex<Answer>>,
    batches: UnboundedSender<Batch>,
}

impl Service {
    async fn call(&self, request: Request<Incoming>) -> Response<tonic::body::Body> {
        let is_known = request.uri().path() == "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        let service = self.clone();
        let take = tower::service_fn(move |request: tonic::Request<Bytes>| {
            let service = service.clone();
            async move {
                if !is_known {
                    return Err(Status::unimplemented("no such method"));
                }
                service.take(&request.into_inner()).await.map(tonic::Response::new)
            }
        });
        Grpc::new(Plain).unary(take, request).await
    }

    async fn post(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let is_known = request.uri().path() == "/v1/traces"
            && request.headers().get("content-type").is_some_and(|kind| kind == "application/x-protobuf");
        let body = request.into_body().collect().await?.to_bytes();
        let (status, body) = match self.take(&body).await {
            _ if !is_known => (404, Bytes::new()),
            Ok(body) => (200, body),
            Err(status) if status.code() == Code::Unavailable => (503, Bytes::new()),
            Err(_) => (400, Bytes::new()),
        };
        Ok(Response::builder().status(status).body(Full::new(body))?)
    }

    async fn take(&self, message: &[u8]) -> Result<Bytes, Status> {
        let request =
            ExportTraceServiceRequest::decode(message).map_err(|error| Status::internal(error.to_string()))?;
        for resource in request.resource_spans {
            let attributes = resource.resource.unwrap_or_default().attributes;
            let named = Span { attributes, ..Span::default() };
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans).collect();
            // Nobody listens where the test has ended.
            let _ = self.batches.send(Batch { service: attribute(&named, "service.name"), spans });
        }
        let answer = *self.answer.lock();
        let refused = match answer {
            Answer::Taken => None,
            Answer::Refused(rejected_spans) => {
                Some(ExportTracePartialSuccess { rejected_spans, error_message: "too many".to_owned() })
            }
            Answer::Fails(code) => return Err(Status::new(code, "as told")),
            Answer::Garbage => return Ok(Bytes::from_static(b"\xff\xff\xff")),
            Answer::Hangs => std::future::pending().await,
        };
        Ok(ExportTraceServiceResponse { partial_success: refused }.encode_to_vec().into())
    }
}
