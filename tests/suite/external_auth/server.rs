//! A server of gRPC.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use gateway::policy::ext_authz::messages::{
    CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, HttpRequest, HttpResponse,
    HttpStatus, OkHttpResponse, Peer, Status, TlsSession,
};
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use prost::Message;
use std::net::SocketAddr;
use tests::backend::accept;
use tests::connection::PATIENCE;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// What a server answers.
pub(super) enum Answer {
    Message(CheckResponse),
    /// The code of an error, without a message.
    Error(&'static str),
    /// A body that is no message.
    Bytes(&'static [u8]),
}

/// A call as a server gets it.
pub(super) struct Call {
    /// The number of its connection.
    pub(super) connection: usize,
    /// The name in the ClientHello, over TLS.
    pub(super) server_name: Option<String>,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) request: HttpRequest,
    pub(super) source: Peer,
    pub(super) tls_session: Option<TlsSession>,
}

/// A server that answers so, and says what it is asked.
pub(super) async fn server(answer: fn(&HttpRequest) -> Answer) -> Result<(SocketAddr, UnboundedReceiver<Call>)> {
    let (calls, called) = mpsc::unbounded_channel();
    let serve = move |number, stream| connection(stream, (number, None), answer, calls.clone());
    Ok((accept(serve).await?, called))
}

/// The same over TLS.
pub(super) async fn server_over_tls(
    acceptor: TlsAcceptor,
    answer: fn(&HttpRequest) -> Answer,
) -> Result<(SocketAddr, UnboundedReceiver<Call>)> {
    let (calls, called) = mpsc::unbounded_channel();
    let address = accept(move |number, stream| {
        let (acceptor, calls) = (acceptor.clone(), calls.clone());
        async move {
            let stream = acceptor.accept(stream).await?;
            let name = stream.get_ref().1.server_name().map(str::to_owned);
            connection(stream, (number, name), answer, calls).await
        }
    });
    Ok((address.await?, called))
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    (number, name): (usize, Option<String>),
    answer: fn(&HttpRequest) -> Answer,
    calls: UnboundedSender<Call>,
) -> Result<()> {
    let mut streams = h2::server::handshake(stream).await?;
    while let Some(stream) = streams.accept().await {
        let (request, respond) = stream?;
        tokio::spawn(serve((number, name.clone()), request, respond, answer, calls.clone()));
    }
    Ok(())
}

async fn serve(
    (connection, server_name): (usize, Option<String>),
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    answer: fn(&HttpRequest) -> Answer,
    calls: UnboundedSender<Call>,
) -> Result<()> {
    let (head, mut body) = request.into_parts();
    let mut whole = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        whole.extend(piece);
    }
    let message = whole.get(5..).context("a message")?;
    let attributes = CheckRequest::decode(message)?.attributes.context("attributes")?;
    let request = attributes.request.context("a request")?.http.context("one of HTTP")?;
    let answered = answer(&request);
    let path = head.uri.path().to_owned();
    let (source, tls_session) = (attributes.source.context("a client")?, attributes.tls_session);
    calls.send(Call { connection, server_name, path, headers: head.headers, request, source, tls_session })?;
    let start = Response::builder().header("content-type", "application/grpc");
    let body = match answered {
        Answer::Error(code) => {
            respond.send_response(start.header("grpc-status", code).body(())?, true)?;
            return Ok(());
        }
        Answer::Bytes(bytes) => bytes.to_vec(),
        Answer::Message(message) => {
            let length = u32::try_from(message.encoded_len())?.to_be_bytes();
            [&[0][..], &length, &message.encode_to_vec()].concat()
        }
    };
    let mut stream = respond.send_response(start.body(())?, false)?;
    stream.send_data(body.into(), false)?;
    Ok(stream.send_trailers(HeaderMap::from_iter([("grpc-status".parse()?, "0".parse()?)]))?)
}

fn option(key: &str, value: &str, append: Option<bool>) -> HeaderValueOption {
    let header = HeaderValue { key: key.into(), value: value.into(), ..HeaderValue::default() };
    HeaderValueOption { header: Some(header), append, append_action: 0 }
}

/// Answers as the query of the request says.
pub(super) fn as_asked(request: &HttpRequest) -> Answer {
    let denied = |code, body: &str| {
        let headers = vec![option("x-why", "because", None), option("set-cookie", "a=b", None)];
        let denied = DeniedHttpResponse { status: Some(HttpStatus { code }), headers, body: body.into() };
        let http_response = Some(HttpResponse::Denied(denied));
        Answer::Message(CheckResponse { status: Some(Status { code: 7 }), http_response })
    };
    match request.path.split_once('?').map_or("", |(_, query)| query) {
        "error" => Answer::Error("13"),
        "bytes" => Answer::Bytes(b"\0\0\0\0\x09no"),
        "deny" => denied(0, ""),
        "slower" => denied(429, "slow down"),
        "plainly" => Answer::Message(CheckResponse { status: Some(Status { code: 16 }), http_response: None }),
        _ => Answer::Message(CheckResponse {
            status: Some(Status { code: 0 }),
            http_response: Some(HttpResponse::Ok(OkHttpResponse {
                headers: vec![option("x-user", "ann", None), option("x-groups", "b", Some(true))],
                headers_to_remove: vec!["x-secret".into()],
                response_headers_to_add: vec![option("x-seen", "1", None)],
                ..OkHttpResponse::default()
            })),
        }),
    }
}

pub(super) async fn next(calls: &mut UnboundedReceiver<Call>) -> Result<Call> {
    timeout(PATIENCE, calls.recv()).await?.context("the server is gone")
}
