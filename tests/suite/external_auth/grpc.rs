//! Servers of gRPC.

use super::{OK, ask, route};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use gateway::policy::ext_authz::messages::{
    CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, HttpRequest, HttpResponse,
    HttpStatus, OkHttpResponse, Peer, Status,
};
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use prost::Message;
use serde_json::json;
use std::net::SocketAddr;
use tests::adit::{Adit, documents};
use tests::backend::{accept, refusing};
use tests::connection::PATIENCE;
use tests::recorder::recorded_answering;
use tests::wire::header;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

/// What a server answers.
enum Answer {
    Message(CheckResponse),
    /// The code of an error, without a message.
    Error(&'static str),
    /// A body that is no message.
    Bytes(&'static [u8]),
}

/// A call as a server gets it.
struct Call {
    /// The number of its connection.
    connection: usize,
    path: String,
    headers: HeaderMap,
    request: HttpRequest,
    source: Peer,
}

/// A server that answers so, and says what it is asked.
async fn server(answer: fn(&HttpRequest) -> Answer) -> Result<(SocketAddr, UnboundedReceiver<Call>)> {
    let (calls, called) = mpsc::unbounded_channel();
    let address = accept(move |connection, stream| {
        let calls = calls.clone();
        async move {
            let mut streams = h2::server::handshake(stream).await?;
            while let Some(stream) = streams.accept().await {
                let (request, respond) = stream?;
                tokio::spawn(serve(connection, request, respond, answer, calls.clone()));
            }
            Ok(())
        }
    });
    Ok((address.await?, called))
}

async fn serve(
    connection: usize,
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
    let source = attributes.source.context("a client")?;
    calls.send(Call { connection, path, headers: head.headers, request, source })?;
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
fn as_asked(request: &HttpRequest) -> Answer {
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

async fn next(calls: &mut UnboundedReceiver<Call>) -> Result<Call> {
    timeout(PATIENCE, calls.recv()).await?.context("the server is gone")
}

#[tokio::test]
async fn a_request_that_is_allowed_goes_on_as_the_server_says() -> Result<()> {
    let (backend, forwarded) = recorded_answering(OK).await?;
    let (auth, mut calls) = server(as_asked).await?;
    let adit = Adit::start(&documents(route("GRPC", &json!({}), backend, auth))).await?;
    let mut connection = adit.connect().await?;
    let response = ask(
        &mut connection,
        "PUT /a?b HTTP/1.1\r\nHost: h:8080\r\nX-User: forged\r\nX-Groups: a\r\nX-Secret: s\r\nCookie: c=d\r\n\
         X-Forwarded-For: 192.0.2.1\r\nContent-Length: 4\r\n\r\nbody",
    )
    .await?;
    assert_eq!((response.status, header(&response.headers, "x-seen").as_deref()), (200, Some("1")));
    let forwarded = forwarded.all().to_ascii_lowercase();
    for line in ["x-user: ann", "x-groups: a, b", "cookie: c=d"] {
        assert!(forwarded.contains(&format!("\r\n{line}\r\n")), "{line}: {forwarded}");
    }
    assert!(!forwarded.contains("forged") && !forwarded.contains("x-secret"), "{forwarded}");
    let Call { path, headers, request, source, .. } = next(&mut calls).await?;
    assert_eq!(path, "/envoy.service.auth.v3.Authorization/Check");
    assert_eq!((&headers["content-type"], &headers["te"]), (&"application/grpc".parse()?, &"trailers".parse()?));
    assert_eq!((&*request.method, &*request.path, &*request.host), ("PUT", "/a?b", "h:8080"));
    assert_eq!((&*request.scheme, &*request.protocol, request.size), ("http", "HTTP/1.1", 4));
    assert_eq!((&*request.body, request.raw_body.len()), ("", 0), "no body without forwardBody");
    let sent = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!(
        (sent("x-user"), sent("cookie"), sent("x-forwarded-for")),
        (Some("forged"), Some("c=d"), Some("127.0.0.1"))
    );
    assert!(sent("x-request-id").is_some_and(|id| id == request.id));
    let address = source.address.and_then(|address| address.socket_address).context("an address")?;
    assert_eq!(address.address, "127.0.0.1");
    assert_ne!(address.port_value, 0);
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_not_allowed_reaches_no_backend() -> Result<()> {
    let (backend, forwarded) = recorded_answering(OK).await?;
    let (auth, mut calls) = server(as_asked).await?;
    let adit = Adit::start(&documents(route("GRPC", &json!({}), backend, auth))).await?;
    let mut connection = adit.connect().await?;
    for (query, status, body, why) in [
        ("deny", 403, Some(""), Some("because")),
        ("slower", 429, Some("slow down"), Some("because")),
        ("plainly", 403, None, None),
        ("error", 500, None, None),
        ("bytes", 500, None, None),
    ] {
        let response = ask(&mut connection, &format!("GET /?{query} HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
        assert_eq!(response.status, status, "{query}");
        assert!(body.is_none_or(|body| *response.body == *body.as_bytes()), "{query}: {:?}", response.body);
        assert_eq!(header(&response.headers, "x-why").as_deref(), why, "{query}");
        assert_eq!(header(&response.headers, "set-cookie").is_some(), why.is_some(), "{query}");
        assert_eq!(next(&mut calls).await?.connection, 1, "{query}: the connection is kept");
    }
    assert_eq!(forwarded.all(), "");
    let (_socket, refused) = refusing()?;
    let adit = Adit::start(&documents(route("GRPC", &json!({}), backend, refused))).await?;
    assert_eq!(ask(&mut adit.connect().await?, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?.status, 500);
    Ok(())
}

#[tokio::test]
async fn a_server_gets_what_the_filter_names() -> Result<()> {
    let (backend, forwarded) = recorded_answering(OK).await?;
    let (auth, mut calls) = server(as_asked).await?;
    let fields = json!({"grpc": {"allowedHeaders": ["X-Token"]}, "forwardBody": {"maxSize": 100_000}});
    let adit = Adit::start(&documents(route("GRPC", &fields, backend, auth))).await?;
    let long = "x".repeat(100_000);
    for body in [&b"text"[..], b"\xff\xfe", long.as_bytes()] {
        let mut connection = adit.connect().await?;
        let length = body.len();
        let head =
            format!("POST / HTTP/1.1\r\nHost: h\r\nX-Token: t\r\nX-Other: o\r\nContent-Length: {length}\r\n\r\n");
        connection.send([head.as_bytes(), body].concat()).await?;
        assert_eq!(connection.response("POST").await?.status, 200);
        let request = next(&mut calls).await?.request;
        assert_eq!(request.headers.into_iter().collect::<Vec<_>>(), [("x-token".to_owned(), "t".to_owned())]);
        match std::str::from_utf8(body) {
            Ok(text) => assert_eq!((&*request.body, request.raw_body.len()), (text, 0)),
            Err(_) => assert_eq!((&*request.body, &*request.raw_body), ("", body)),
        }
        assert!(forwarded.bytes().ends_with(body));
    }
    Ok(())
}
