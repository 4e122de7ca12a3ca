//! HTTP/1.1 and HTTP/2.

use super::answer::{self, Answer};
use super::lingering::Lingering;
use super::{Client, Shared, websocket};
use crate::echo::said::{self, Body as ReceivedBody, Said, Summary};
use crate::echo::{POD_HEADER, SERVICE_HEADER};
use anyhow::Result;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// Answers a connection's requests until it ends, or the server does: then those that are running.
pub(super) async fn serve(
    shared: Arc<Shared>,
    version: Version,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: Client,
) -> Result<()> {
    let ending = shared.ending.clone();
    let service = service_fn(move |request| {
        let (shared, client) = (shared.clone(), client.clone());
        async move { respond(&shared, &client, request).await }
    });
    if version == Version::HTTP_2 {
        let stream = TokioIo::new(Lingering(stream));
        let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service);
        serve_until(&ending, connection, http2::Connection::graceful_shutdown).await?;
    } else {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
        serve_until(&ending, connection, http1::UpgradeableConnection::graceful_shutdown).await?;
    }
    Ok(())
}

async fn serve_until<C: Future>(
    ending: &CancellationToken,
    connection: C,
    take_nothing_new: impl FnOnce(Pin<&mut C>),
) -> C::Output {
    let mut connection = pin!(connection);
    if let Some(done) = ending.run_until_cancelled(connection.as_mut()).await {
        return done;
    }
    take_nothing_new(connection.as_mut());
    connection.await
}

async fn respond(shared: &Shared, client: &Client, request: Request<Incoming>) -> Result<Response<Body>> {
    let mut response = if is_grpc(request.headers()) {
        shared.grpc.call(request).await
    } else if websocket::is_asked_for(request.headers()) {
        switch(shared, client, request)?
    } else {
        answer(shared, client, request).await?
    };
    let [service, pod] = shared.names.clone();
    response.headers_mut().insert(SERVICE_HEADER, service);
    response.headers_mut().insert(POD_HEADER, pod);
    Ok(response)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn switch(shared: &Shared, client: &Client, request: Request<Incoming>) -> Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let greeting = serde_json::to_string(&said(shared, client, &head, ReceivedBody::of(b"")))?;
    let request = Request::from_parts(head, body);
    match websocket::accept(request, greeting, shared.ending.clone()) {
        Ok((response, session)) => {
            shared.tasks.spawn(session);
            Ok(response)
        }
        Err(error) => Ok(refusal(StatusCode::BAD_REQUEST, &format!("no WebSocket: {error}\n"))),
    }
}

async fn answer(shared: &Shared, client: &Client, request: Request<Incoming>) -> Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let received = receive(body).await?;
    let asked = Answer::to(head.uri.path());
    if let Answer::Late(duration) = asked {
        sleep(duration).await;
    }
    let mut response = match asked {
        Answer::Health => health(shared),
        Answer::Content(length) => sized(TEXT, length, answer::body(length)),
        Answer::Status(_) | Answer::Late(_) | Answer::Echo => {
            let said = serde_json::to_string_pretty(&said(shared, client, &head, received))? + "\n";
            text(JSON, said)
        }
    };
    if let Answer::Status(status) = asked {
        *response.status_mut() = status;
    }
    adjust(&mut response, &head.headers);
    fit(&mut response, &head.method);
    Ok(response)
}

fn health(shared: &Shared) -> Response<Body> {
    if Instant::now() < shared.ready_at {
        refusal(StatusCode::SERVICE_UNAVAILABLE, "not ready yet\n")
    } else {
        text(TEXT, "ok\n".to_owned())
    }
}

fn refusal(status: StatusCode, reason: &str) -> Response<Body> {
    let mut response = text(TEXT, reason.to_owned());
    *response.status_mut() = status;
    response
}

fn text(kind: HeaderValue, text: String) -> Response<Body> {
    sized(kind, text.len() as u64, Body::new(Full::from(text)))
}

fn sized(kind: HeaderValue, length: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// Changes a response as its request's headers ask, like [`crate::echo`].
fn adjust(response: &mut Response<Body>, asked: &HeaderMap) {
    let texts = |name| asked.get_all(name).iter().filter_map(|value| value.to_str().ok());
    if let Some(status) = texts("x-echo-status").find_map(answer::status) {
        *response.status_mut() = status;
    }
    for (name, value) in texts("x-echo-header").filter_map(header) {
        response.headers_mut().append(name, value);
    }
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    Some((name.parse().ok()?, value.trim().parse().ok()?))
}

/// Takes the body away where there must be none, which hyper leaves to us over HTTP/2.
fn fit(response: &mut Response<Body>, method: &Method) {
    let status = response.status();
    if status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    if method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
    }
}

async fn receive(mut body: Incoming) -> Result<ReceivedBody> {
    let mut summary = Summary::default();
    while let Some(frame) = body.frame().await {
        if let Some(bytes) = frame?.data_ref() {
            summary.add(bytes);
        }
    }
    Ok(summary.finish())
}

fn said(shared: &Shared, client: &Client, head: &Parts, body: ReceivedBody) -> Said {
    let host = || head.headers.get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    Said {
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        host: head.uri.authority().map(ToString::to_string).or_else(host).unwrap_or_default(),
        method: head.method.to_string(),
        proto: format!("{:?}", head.version),
        headers: said::headers(&head.headers),
        namespace: shared.pod.namespace.clone(),
        ingress: shared.pod.ingress.clone(),
        service: shared.pod.service.clone(),
        pod: shared.pod.name.clone(),
        remote_address: client.address,
        body,
        tls: client.tls.clone(),
    }
}
