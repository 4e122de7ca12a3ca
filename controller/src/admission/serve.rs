//! The webhook's port: HTTPS, one request a connection.

use super::request::{self, AdmissionRequest};
use super::verdict::{Review, Verdict};
use gateway::admin::{Silent, SilentConnection};
use gateway::telemetry::ControllerMetrics;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::ResolvesServerCert;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// As in ingress-nginx, so that its ValidatingWebhookConfiguration can stay.
const PATH: &str = "/networking/v1/ingresses";
/// The largest body in bytes: as much as the API server takes of a client.
const BODY_LIMIT: u64 = 3 << 20;
/// Bodies of up to so many bytes need no room: nobody keeps common Ingresses from being reviewed.
const SMALL: u64 = 64 << 10;
/// Bytes of all larger bodies that are held at once. Who finds no room is told to come back.
const BODIES: usize = 4 * BODY_LIMIT as usize;
/// Reviews at once; others wait. A body that is read for one may take many times its size.
pub(super) const REVIEWS: usize = 1;
/// Time for a review, with the wait for its turn: well below what the API server waits for.
const REVIEW_TIME: Duration = Duration::from_secs(5);
/// Time for a handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Time for a request head.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Time for a whole connection, which is one request.
const CONNECTION_TIME: Duration = Duration::from_secs(20);
/// The largest request head in bytes; a larger one is answered with 431.
const HEAD_LIMIT: usize = 16 << 10;
/// How long to wait after an `accept` that failed, as it does while there are no file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the connections share.
pub(super) struct Port {
    tls: TlsAcceptor,
    review: Arc<Review>,
    metrics: ControllerMetrics,
    /// Connections whose requests are not complete make room for those that come.
    silent: Arc<Silent>,
    /// In bytes.
    bodies: Semaphore,
    turns: Arc<Semaphore>,
}

type WebhookResponse = Response<Full<Bytes>>;

impl Port {
    /// # Errors
    /// None is known: the TLS library has the versions of TLS that it is built with.
    pub(super) fn new(
        certificate: Arc<dyn ResolvesServerCert>,
        review: Arc<Review>,
        metrics: ControllerMetrics,
    ) -> Result<Self, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(certificate);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tls: Arc::new(config).into(),
            review,
            metrics,
            silent: Arc::default(),
            bodies: Semaphore::new(BODIES),
            turns: Arc::new(Semaphore::new(REVIEWS)),
        })
    }
}

/// Serves the webhook until the future is dropped, and its connections with it.
pub(super) async fn serve(listener: TcpListener, port: Port) -> Infallible {
    let port = Arc::new(port);
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (port, silent) = (Arc::clone(&port), port.silent.enter());
                connections.spawn(async move { connection(stream, peer, &silent, &port).await });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the admission webhook");
                sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, silent: &SilentConnection, port: &Port) {
    tokio::select! {
        // A request that has arrived counts, also where its connection was just displaced.
        biased;
        ended = timeout(CONNECTION_TIME, exchange(stream, silent, port)) => match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection to the admission webhook failed"),
            Err(_) => tracing::debug!(%peer, "a connection to the admission webhook took too long"),
        },
        () = silent.displaced() => tracing::debug!(%peer, "too many connections to the admission webhook are silent"),
    }
}

async fn exchange(stream: TcpStream, silent: &SilentConnection, port: &Port) -> anyhow::Result<()> {
    let stream = timeout(HANDSHAKE_TIME, port.tls.accept(stream)).await??;
    let service = service_fn(async |request| Ok::<_, Infallible>(respond(request, silent, port).await));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    Ok(connection.await?)
}

async fn respond(request: Request<Incoming>, silent: &SilentConnection, port: &Port) -> WebhookResponse {
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, format!("expected {PATH}\n"));
    }
    if request.method() != Method::POST {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "expected POST\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let (body, _room) = match read(request.into_body(), &port.bodies).await {
        Ok(read) => read,
        Err((status, why)) => return plain(status, format!("{why}\n")),
    };
    silent.complete();
    let uid = match request::uid(&body) {
        Ok(uid) => uid,
        Err(why) => return plain(StatusCode::BAD_REQUEST, format!("{why}\n")),
    };
    let verdict = review(body, port).await;
    port.metrics.reviewed(verdict.outcome());
    match &verdict {
        Verdict::Allowed { .. } => {}
        Verdict::Refused { message, .. } => tracing::info!("refused at admission: {message}"),
        Verdict::Unchecked(why) => tracing::warn!(why, "an object was allowed without a review"),
    }
    let mut response = Response::new(Full::from(verdict.response(&uid).to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The body of a request, and the room that it takes as long as it is there.
async fn read(
    mut body: Incoming,
    bodies: &Semaphore,
) -> Result<(Bytes, SemaphorePermit<'_>), (StatusCode, &'static str)> {
    const TOO_LARGE: (StatusCode, &str) = (StatusCode::PAYLOAD_TOO_LARGE, "expected a body of 3 MiB at most");
    let size = body.size_hint().exact().unwrap_or(BODY_LIMIT);
    if size > BODY_LIMIT {
        discard(body).await;
        return Err(TOO_LARGE);
    }
    let room = if size > SMALL { size as u32 } else { 0 };
    let busy = (StatusCode::SERVICE_UNAVAILABLE, "too many large requests at once");
    let room = bodies.try_acquire_many(room).map_err(|_| busy)?;
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| (StatusCode::BAD_REQUEST, "the body ends too early"))?;
        let piece = frame.into_data().unwrap_or_default();
        if (read.len() + piece.len()) as u64 > BODY_LIMIT {
            discard(body).await;
            return Err(TOO_LARGE);
        }
        read.extend_from_slice(&piece);
    }
    Ok((read.into(), room))
}

/// Reads the rest of a body: nobody reads a response while it still sends.
async fn discard(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// Reviews when it is its turn, in bounded time.
async fn review(body: Bytes, port: &Port) -> Verdict {
    let (review, turns) = (Arc::clone(&port.review), Arc::clone(&port.turns));
    let reviewed = async {
        // A turn ends with the review itself, which nothing can interrupt.
        let turn = turns.acquire_owned().await;
        let review = move || {
            let _turn = turn;
            match AdmissionRequest::read(&body) {
                Ok(request) => review(request),
                Err(why) => Verdict::Unchecked(why),
            }
        };
        tokio::task::spawn_blocking(review).await
    };
    match timeout(REVIEW_TIME, reviewed).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(_)) => Verdict::Unchecked("of a defect of Adit, which its log describes".to_owned()),
        Err(_) => Verdict::Unchecked(format!("it was not done within {} s", REVIEW_TIME.as_secs())),
    }
}

fn plain(status: StatusCode, text: String) -> WebhookResponse {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
